"""Revisions beside the values they did not replace, counts that stay cheap, latest values of many series."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, column, select, table, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.queries.reading import first_id_after, received_at
from ingest.tables import SeriesRow, SiteRow

Later = dict[datetime, list[dict[str, Any]]]
EXACT_BELOW = 10_000
REVISIONS = """
SELECT ts, later_value, decimals, flag, submission, row_no FROM visible_revisions
WHERE series_id = :series AND ts >= :start AND ts <= :stop AND submission < :known_before
ORDER BY ts, submission, row_no LIMIT 10000
"""
# The first 10,000 only: where there are more, their density and the last instant tell about how many.
COUNTED = """
SELECT count(*), min(ts), max(ts) FROM (
    SELECT ts FROM visible_observations
    WHERE series_id = :series AND ts >= :start AND ts < :stop AND submission < :known_before
    ORDER BY ts LIMIT :most
) AS first_ones
"""
LAST = """
SELECT ts FROM visible_observations
WHERE series_id = :series AND ts >= :start AND ts < :stop AND submission < :known_before
ORDER BY ts DESC LIMIT 1
"""


async def revisions(
    session: AsyncSession, series: int, rows: Sequence[dict[str, Any]], as_of: datetime | None
) -> Later:
    """What came later for the instants of `rows` (sorted by ts), known by `as_of`, oldest first."""
    if not rows:
        return {}
    asked = {"series": series, "start": rows[0]["ts"], "stop": rows[-1]["ts"]}
    found = await session.execute(text(REVISIONS), asked | {"known_before": first_id_after(as_of)})
    later: Later = {}
    for row in found.mappings():
        later.setdefault(row["ts"], []).append(dict(row) | {"received_at": received_at(row["submission"])})
    return later


async def count(
    session: AsyncSession, series: int, span: tuple[datetime, datetime], as_of: datetime | None
) -> tuple[int, bool]:
    """(number of values, whether it is an estimate). Below 10,000 it is exact.

    Worked example: an hourly series without gaps over 100,000 hours is estimated at 100,000.
    """
    asked = {"series": series, "start": span[0], "stop": span[1], "known_before": first_id_after(as_of)}
    counted = await session.execute(text(COUNTED), asked | {"most": EXACT_BELOW})
    found, first, tenth = counted.one()
    if found < EXACT_BELOW:
        return found, False
    last = (await session.execute(text(LAST), asked)).scalar_one()
    return round((found - 1) * ((last - first) / (tenth - first))) + 1, True


def latest_of(sites: Sequence[str]) -> Select[Any]:
    """Every series of these sites with its newest value; one look-up by key for each series."""
    view = table("visible_latest_values", *map(column, ("series_id", "ts", "value", "decimals", "flag")))
    newest = select(view).where(view.c.series_id == SeriesRow.id).lateral("newest")
    return (
        select(SeriesRow, newest.c.ts, newest.c.value, newest.c.decimals, newest.c.flag)
        .join(SiteRow, SiteRow.code == SeriesRow.site)
        .outerjoin(newest, true())
        .where(SeriesRow.site.in_(sites))
        .order_by(SeriesRow.id)
    )
