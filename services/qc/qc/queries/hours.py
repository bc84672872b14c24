"""What is known of the hours of a site: values, marks, verdicts, later tellings, and the log's quorum.

Promises: one statement for all series of a page. Leaves whether they may be evidence to the rules.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.rules.custody.eligibility import Hour
from qc.tables.told import LogQuorum

KNOWN = """
    SELECT k.series_id, k.ts, k.value, k.flag, k.code, k.received_at, EXISTS (
        SELECT FROM known_revisions r WHERE r.series_id = k.series_id AND r.ts = k.ts
    ) AS is_revised
    FROM known_values k WHERE k.series_id = ANY(:series) AND k.ts >= :start AND k.ts < :end
"""


async def known_hours(
    session: AsyncSession, series: Sequence[int], start: datetime, end: datetime
) -> dict[tuple[int, int], Hour]:
    """Hours in [start, end) by (start in UTC milliseconds, series)."""
    rows = await session.execute(text(KNOWN), {"series": list(series), "start": start, "end": end})
    found = {}
    for row in rows:
        ts, received = round(row.ts.timestamp() * 1000), round(row.received_at.timestamp() * 1000)
        found[ts, row.series_id] = Hour(ts, row.value, row.flag, row.code, received, row.is_revised)
    return found


async def unwitnessed_since(session: AsyncSession) -> int | None:
    """Since when (UTC milliseconds) too few witnesses cosign; None while enough do."""
    rows = (await session.execute(select(LogQuorum))).scalars()
    since = [
        row.since_ms
        for row in rows
        if row.since_ms is not None
        and row.lost_at_ms is not None
        and (row.regained_at_ms is None or row.regained_at_ms < row.lost_at_ms)
    ]
    return min(since, default=None)
