"""Rows that carry evidence, and the suspicions that rest on them.

Promises: evidence is read until a silence longer than the joining gap encloses it, so an episode is always
read whole. Leaves scoring to `qc.rules.evidence`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import numpy as np

from qc.queries.binary import EPOCH_2000_MS, read
from qc.queries.windows import AT
from qc.rules.outcome import Floats, Ints

FIRST_LOOK = timedelta(days=2)


async def evidence_around(
    connection: asyncpg.Connection, series_id: int, span: tuple[int, int], bits: int, join_ms: int
) -> tuple[Ints, Floats, Ints]:
    """Rows (ts, value, tests) with evidence of one series: all episodes that touch or adjoin `span`."""
    margin = round(FIRST_LOOK.total_seconds() * 1000)
    while True:
        start, end = span[0] - margin, span[1] + margin
        rows = await read(
            connection,
            "SELECT ts, coalesce(value, 'NaN'), tests FROM known_values "  # noqa: S608 - integers only
            f"WHERE series_id = {int(series_id)} AND ts >= {AT.format(start)} AND ts <= {AT.format(end)} "
            f"AND tests & {int(bits)} <> 0 ORDER BY ts",
            (("ts", "i8"), ("value", "f8"), ("tests", "i8")),
        )
        ts = rows["ts"].astype(np.int64) // 1000 + EPOCH_2000_MS
        reaches_edge = len(ts) and (ts[0] - join_ms < start or ts[-1] + join_ms > end)
        if not reaches_edge:
            return ts, rows["value"].astype(np.float64), rows["tests"].astype(np.int64)
        margin *= 4


async def open_suspicions(connection: asyncpg.Connection, series_id: int) -> list[asyncpg.Record]:
    """Suspicions of single values of a series that stand, oldest first; those of day closes are not
    theirs.
    """
    rows: list[asyncpg.Record] = await connection.fetch(
        "SELECT suspicion_id, series_id, site, region, score, from_at, to_at, findings::text FROM suspicions "
        "WHERE series_id = $1 AND state = 'raised' AND origin = 'streaming' ORDER BY from_at",
        series_id,
    )
    return rows


async def withdraw(
    connection: asyncpg.Connection,
    suspicion: asyncpg.Record,
    score: float,
    now: datetime,
    reasons: Sequence[str],
) -> None:
    """A suspicion that no longer reaches the threshold."""
    await connection.execute(
        "UPDATE suspicions SET state = 'withdrawn', score = $2, withdrawn_at = $3, updated_at = $3, "
        "reason_zh = $4, reason_en = $5 WHERE suspicion_id = $1",
        suspicion["suspicion_id"],
        score,
        now,
        *reasons,
    )
