"""Latest values and flood counts."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from ingest.queries.telemetry import Columns, copy_incoming

# Writers of several instances go one after the other: an update by join keeps no order of its own.
ALONE = "SELECT pg_advisory_xact_lock(hashtext('ingest.latest_values'), 0)"
# Nearly all series have a value already, and ON CONFLICT locks each row before it changes it.
ADVANCE = """
UPDATE latest_values AS l SET ts = i.ts, value = i.value, decimals = i.decimals, flag = i.flag
FROM pg_temp.incoming AS i WHERE l.series_id = i.series_id AND l.ts < i.ts
"""
BEGUN = """
INSERT INTO latest_values (series_id, ts, value, decimals, flag)
SELECT series_id, ts, value, decimals, flag FROM pg_temp.incoming AS i
WHERE NOT EXISTS (SELECT FROM latest_values AS l WHERE l.series_id = i.series_id)
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
    """Keep these where nothing newer is known; each series stands in them once."""
    await copy_incoming(connection, columns)
    await connection.execute(ALONE)
    await connection.execute(ADVANCE)
    await connection.execute(BEGUN)
    await connection.execute("DELETE FROM pg_temp.incoming")


async def remake_latest(connection: asyncpg.Connection, series: Sequence[int]) -> None:
    """From the observations themselves."""
    await connection.execute(ALONE)
    await connection.execute(REMAKE, series)


async def add_floods(connection: asyncpg.Connection, rows: Sequence[tuple[str, date, str, int, int]]) -> None:
    """Add to the counts of (sender, day, rule)."""
    await connection.execute(FLOODS, *(list(column) for column in zip(*rows, strict=True)))
