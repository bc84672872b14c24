"""Values as a reader may see them, through the views that know who asks."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.rules.times import EPOCH

OBSERVATIONS = """
SELECT ts, value, decimals, flag, mode, submission, row_no FROM visible_observations
WHERE series_id = :series AND ts > :after AND ts >= :start AND ts < :stop AND submission < :known_before
ORDER BY ts LIMIT :limit
"""
MONTHLY = """
SELECT date_trunc('month', ts AT TIME ZONE interval '8 hours') AS month,
       count(value) AS values, count(*) AS rows,
       avg(value) AS mean, min(value) AS least, max(value) AS most
FROM visible_observations WHERE series_id = :series AND ts >= :start AND ts < :stop
GROUP BY 1 ORDER BY 1 LIMIT :limit
"""
HOLDINGS = """
SELECT * FROM (
    SELECT s.id AS series, s.site, s.factor, s.statistic, s.basis, s.period, s.source,
           date_trunc('hour', o.ts) AS hour, count(*) AS count
    FROM visible_series s JOIN visible_observations o ON o.series_id = s.id
    WHERE s.site = :site AND s.id >= :series AND o.ts >= :start AND o.ts < :stop
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
) AS held WHERE (series, hour) > (:series, :hour) ORDER BY series, hour LIMIT :limit
"""
LATEST = "SELECT ts, value, decimals, flag FROM visible_latest_values WHERE series_id = :series"
SERIES = "SELECT * FROM visible_series WHERE id = :series"
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
LONG_AGO = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


def first_id_after(moment: datetime | None, milliseconds: int = 1) -> str:
    """The smallest uuidv7 of the millisecond after `moment`; ids below it were received by then."""
    if moment is None:
        return LAST_ID
    digits = f"{max(0, int(moment.timestamp() * 1000) + milliseconds):012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


def received_at(submission: UUID) -> datetime:
    """When a submission was received, to the millisecond: its uuidv7 begins with it."""
    return EPOCH + timedelta(milliseconds=submission.int >> 80)


async def series_row(session: AsyncSession, series: int) -> dict[str, Any] | None:
    """The series with its site's region, department and organisation; None if not to be seen."""
    row = (await session.execute(text(SERIES), {"series": series})).mappings().first()
    return dict(row) if row else None


async def observations(
    session: AsyncSession,
    series: int,
    span: tuple[datetime, datetime],
    after: datetime | None,
    as_of: datetime | None,
    limit: int,
) -> list[dict[str, Any]]:
    """First values in [start, stop), known by `as_of`."""
    found = await session.execute(
        text(OBSERVATIONS),
        {
            "series": series,
            "start": span[0],
            "stop": span[1],
            "after": after or LONG_AGO,
            "known_before": first_id_after(as_of),
            "limit": limit,
        },
    )
    return [dict(row) for row in found.mappings()]


async def monthly(
    session: AsyncSession, series: int, span: tuple[datetime, datetime], limit: int
) -> list[dict[str, Any]]:
    """Mean, least, most and counts by calendar month (+08:00)."""
    asked = {"series": series, "start": span[0], "stop": span[1], "limit": limit}
    return [dict(row) for row in (await session.execute(text(MONTHLY), asked)).mappings()]


async def latest(session: AsyncSession, series: int) -> dict[str, Any] | None:
    """The newest value, as the coalescing job last wrote it."""
    row = (await session.execute(text(LATEST), {"series": series})).mappings().first()
    return dict(row) if row else None


async def holdings(
    session: AsyncSession,
    site: str,
    span: tuple[datetime, datetime],
    after: tuple[int, datetime],
    limit: int,
) -> list[dict[str, Any]]:
    """How many first values of each series of the site lie in each hour of [start, stop)."""
    asked = {"site": site, "start": span[0], "stop": span[1], "limit": limit}
    asked |= {"series": after[0], "hour": after[1]}
    return [dict(row) for row in (await session.execute(text(HOLDINGS), asked)).mappings()]
