"""Periods of live series that nobody reported in time: noticed, and struck off when the value arrives.

Promises: a period is noticed once; its verdict 9 is kept as revision 1, so that a late value begins at
revision 2. Leaves the deadline to the rule pack and the alarm to the flows.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import numpy as np

from qc.rules.frame import TS_BITS, Columns, Roster
from qc.rules.outcome import Ints

SILENT = """
    SELECT s.series_id, s.descriptor::text, greatest(v.last, o.last) AS last
    FROM known_series s
    CROSS JOIN LATERAL (SELECT max(ts) AS last FROM known_values WHERE series_id = s.series_id) v
    CROSS JOIN LATERAL (SELECT max(ts) AS last FROM overdue_periods WHERE series_id = s.series_id) o
    WHERE s.live_since IS NOT NULL AND s.period = $1 AND greatest(v.last, o.last) < $2
        AND (v.last > $4 OR o.last IS NULL OR o.last < v.last)
    ORDER BY s.series_id LIMIT $3
"""
NOTICE = """
    WITH noticed AS (
        INSERT INTO overdue_periods (series_id, ts, noticed_at)
        SELECT n.series_id, n.ts, $3 FROM unnest($1::bigint[], $2::timestamptz[]) n (series_id, ts)
        ON CONFLICT DO NOTHING RETURNING series_id, ts
    )
    INSERT INTO earlier_verdicts (series_id, ts, revision, code, tests, pack_no, assessed_at)
    SELECT series_id, ts, 1, 9, $4, $5, $3 FROM noticed
    ON CONFLICT DO NOTHING RETURNING series_id, ts
"""


async def silent_series(
    connection: asyncpg.Connection, period: str, before: datetime, since: datetime, limit: int = 5_000
) -> Sequence[asyncpg.Record]:
    """Live series of that period whose last known or noticed period began before `before`.

    Whoever is silent since before `since` is noticed once and then no longer counted period by period.
    """
    rows: Sequence[asyncpg.Record] = await connection.fetch(SILENT, period, before, limit, since)
    return rows


async def notice(
    connection: asyncpg.Connection,
    ids: Sequence[int],
    instants: Sequence[datetime],
    now: datetime,
    tests: int,
    pack_no: int,
) -> set[tuple[int, datetime]]:
    """Keep these periods as missing; those that were not noticed before."""
    rows = await connection.fetch(NOTICE, ids, instants, now, tests, pack_no)
    return {(row["series_id"], row["ts"]) for row in rows}


async def arrive(
    connection: asyncpg.Connection, roster: Roster, overdue: Ints, new: Columns, now: datetime
) -> Ints:
    """Strike off those `overdue` periods (keys) that are among the new values; their keys."""
    here = overdue[np.isin(overdue, new.keys)]
    if len(here):
        instants = (here & ((1 << TS_BITS) - 1)).tolist()
        await connection.execute(
            "UPDATE overdue_periods o SET arrived_at = $3 "
            "FROM unnest($1::bigint[], $2::timestamptz[]) n (series_id, ts) "
            "WHERE o.series_id = n.series_id AND o.ts = n.ts",
            roster.ids[here >> TS_BITS].tolist(),
            [datetime.fromtimestamp(ms / 1000, now.tzinfo) for ms in instants],
            now,
        )
    return here
