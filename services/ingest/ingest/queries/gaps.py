"""Missing periods in PostgreSQL: which instants have a value, what is open, what is tried next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

Row = Any
# A gap that goes on is one gap: what touches the end of an open one makes it longer.
EXTEND = """
UPDATE gaps SET stop = $4, missing = missing + $5,
    series = ARRAY(SELECT DISTINCT unnest(series || $6::bigint[]) ORDER BY 1)
WHERE mn = $1 AND period = $2 AND stop = $3 AND state = 'open' RETURNING id
"""
OPEN = (
    "INSERT INTO gaps (id, mn, period, start, stop, site, region, region_path, dept, uscc, series, missing, "
    "state, attempts, found_at, next_try_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', 0, now(), now()) "
    "ON CONFLICT (mn, period, start) DO NOTHING RETURNING id"
)
DUE = """
SELECT *, found_at < now() - make_interval(days => $1) AS is_old, EXISTS (
    SELECT FROM commands c WHERE c.gap = gaps.id AND c.state IN ('requested', 'sent', 'accepted', 'executing')
) AS is_asked
FROM gaps WHERE state = 'open' AND next_try_at <= now()
ORDER BY next_try_at FOR UPDATE SKIP LOCKED LIMIT 100
"""


async def marks(connection: asyncpg.Connection) -> dict[tuple[str, str], datetime]:
    """Up to where each device's periods were looked through."""
    rows = await connection.fetch("SELECT mn, period, until FROM gap_marks")
    return {(row["mn"], row["period"]): row["until"] for row in rows}


async def mark(connection: asyncpg.Connection, mn: str, period: str, until: datetime) -> None:
    await connection.execute(
        "INSERT INTO gap_marks (mn, period, until) VALUES ($1, $2, $3) "
        "ON CONFLICT (mn, period) DO UPDATE SET until = greatest(gap_marks.until, excluded.until)",
        mn,
        period,
        until,
    )


async def running(
    connection: asyncpg.Connection, ids: Sequence[int], first: datetime, stop: datetime
) -> set[int]:
    """Those series that had a value in [first, stop) that was not declared historical."""
    rows = await connection.fetch("SELECT * FROM running_series($1, $2, $3)", ids, first, stop)
    return {row[0] for row in rows}


async def recorded(
    connection: asyncpg.Connection, ids: Sequence[int], first: datetime, stop: datetime
) -> list[tuple[int, datetime]]:
    """(series, instant) of every value in [first, stop)."""
    rows = await connection.fetch("SELECT * FROM recorded_instants($1, $2, $3)", ids, first, stop)
    return [(row[0], row[1]) for row in rows]


async def extend(connection: asyncpg.Connection, *cells: object) -> bool:
    """mn, period, start, stop, missing, series: True if an open gap ended at `start` and is longer now."""
    return await connection.fetchval(EXTEND, *cells) is not None


async def add(connection: asyncpg.Connection, cells: Sequence[object]) -> bool:
    """A new gap, cells in the order of `OPEN`; False if it is known."""
    return await connection.fetchval(OPEN, *cells) is not None


async def due(connection: asyncpg.Connection, days: int) -> list[Row]:
    """Open gaps whose time has come, locked."""
    return list(await connection.fetch(DUE, days))


async def later(
    connection: asyncpg.Connection, gap: UUID, missing: int, attempts: int, seconds: float
) -> None:
    await connection.execute(
        "UPDATE gaps SET missing = $2, attempts = $3, next_try_at = now() + make_interval(secs => $4) "
        "WHERE id = $1",
        gap,
        missing,
        attempts,
        seconds,
    )


async def close(connection: asyncpg.Connection, gap: UUID, state: str, missing: int) -> None:
    """filled, or lost."""
    await connection.execute(
        "UPDATE gaps SET state = $2, missing = $3, ended_at = now() WHERE id = $1", gap, state, missing
    )


async def look_again(connection: asyncpg.Connection, gap: UUID) -> None:
    """A command for it has ended: see now what is still missing."""
    await connection.execute("UPDATE gaps SET next_try_at = now() WHERE id = $1 AND state = 'open'", gap)
