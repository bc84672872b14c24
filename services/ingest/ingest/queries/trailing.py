"""Latest values and flood counts."""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

Latest = tuple[int, datetime, float | None, int, str]
UPSERT = """
INSERT INTO latest_values (series_id, ts, value, decimals, flag)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::float8[], $4::smallint[], $5::text[])
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


async def upsert_latest(connection: asyncpg.Connection, rows: Sequence[Latest]) -> None:
    """Keep these where nothing newer is known. Rows sorted by series, so that writers queue in one order."""
    await connection.execute(UPSERT, *(list(column) for column in zip(*rows, strict=True)))


async def remake_latest(connection: asyncpg.Connection, series: Sequence[int]) -> None:
    """From the observations themselves."""
    await connection.execute(REMAKE, series)


async def add_floods(connection: asyncpg.Connection, rows: Sequence[tuple[str, date, str, int, int]]) -> None:
    """Add to the counts of (sender, day, rule)."""
    await connection.execute(FLOODS, *(list(column) for column in zip(*rows, strict=True)))
