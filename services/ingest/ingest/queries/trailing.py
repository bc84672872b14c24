"""Latest values and flood counts."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from ingest.queries.telemetry import Columns, copy_incoming

UPSERT = """
INSERT INTO latest_values (series_id, ts, value, decimals, flag)
SELECT series_id, ts, value, decimals, flag FROM pg_temp.incoming ORDER BY series_id
ON CONFLICT (series_id) DO UPDATE SET
    ts = excluded.ts, value = excluded.value, decimals = excluded.decimals, flag = excluded.flag
WHERE latest_values.ts < excluded.ts
"""
REMAKE = """
INSERT INTO latest_values (series_id, ts, value, decimals, flag)
SELECT series_id, ts, value, decimals, flag FROM newest_values($1)
ON CONFLICT (series_id) DO UPDATE SET
    ts = excluded.ts, value = excluded.value, decimals = excluded.decimals, flag = excluded.flag
WHERE latest_values.ts < excluded.ts
"""
FLOODS = """
INSERT INTO flood_counts (sender, day, rule, kept, counted)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::integer[], $5::bigint[])
ON CONFLICT (sender, day, rule) DO UPDATE SET
    kept = flood_counts.kept + excluded.kept, counted = flood_counts.counted + excluded.counted
"""


async def upsert_latest(connection: asyncpg.Connection, columns: Columns) -> None:
    """Keep these where nothing newer is known. Rows sorted by series, so that writers queue in one order."""
    await copy_incoming(connection, columns)
    await connection.execute(UPSERT)
    await connection.execute("DELETE FROM pg_temp.incoming")


async def remake_latest(connection: asyncpg.Connection, series: Sequence[int]) -> None:
    """From the observations themselves."""
    await connection.execute(REMAKE, series)


async def add_floods(connection: asyncpg.Connection, rows: Sequence[tuple[str, date, str, int, int]]) -> None:
    """Add to the counts of (sender, day, rule)."""
    await connection.execute(FLOODS, *(list(column) for column in zip(*rows, strict=True)))
