"""Revisions beside the values they did not replace, counts that stay cheap, latest values of many series."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, column, select, table, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.queries.reading import first_id_after, received_at
from ingest.tables import SeriesRow, SiteRow

Later = dict[datetime, list[dict[str, Any]]]
EXACT_BELOW = MOST_REVISIONS = 10_000
REVISIONS = """
SELECT ts, later_value, decimals, flag, submission, row_no FROM visible_revisions
WHERE series_id = :series AND ts >= :start AND ts <= :stop AND submission < :known_before
ORDER BY ts, submission, row_no LIMIT :most
"""
REVISION_COUNTS = """
SELECT ts, count(*) FROM visible_revisions
WHERE series_id = :series AND ts >= :start AND ts <= :stop AND submission < :known_before GROUP BY ts
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
) -> tuple[Later, int]:
    """What came later for the instants of `rows` (sorted by ts), known by `as_of`, oldest first.

    Also how many rows, from the first, have all of theirs in it: all rows, unless there are more than
    MOST_REVISIONS; then the instants before the one at which they end, and at least 1.
    Worked example: 3 rows with 6,000 revisions each are answered with those of the first, and 1.
    """
    if not rows:
        return {}, 0
    asked = _spanned(series, rows, as_of) | {"most": MOST_REVISIONS + 1}
    found = (await session.execute(text(REVISIONS), asked)).mappings().all()
    whole = len(rows)
    if len(found) > MOST_REVISIONS:
        # The last one may not be the last of its instant.
        whole = max(1, sum(row["ts"] < found[-1]["ts"] for row in rows))
    shown = {row["ts"] for row in rows[:whole]}
    later: Later = {}
    for row in found[:MOST_REVISIONS]:
        if row["ts"] in shown:
            told = dict(row) | {"received_at": received_at(row["submission"])}
            later.setdefault(row["ts"], []).append(told)
    return later, whole


async def revision_counts(
    session: AsyncSession, series: int, rows: Sequence[dict[str, Any]], as_of: datetime | None
) -> dict[datetime, int]:
    """How many later values the instants of `rows` (sorted by ts) have that were known by `as_of`."""
    if not rows:
        return {}
    counted = await session.execute(text(REVISION_COUNTS), _spanned(series, rows, as_of))
    return {ts: number for ts, number in counted}


def _spanned(series: int, rows: Sequence[dict[str, Any]], as_of: datetime | None) -> dict[str, Any]:
    span = {"series": series, "start": rows[0]["ts"], "stop": rows[-1]["ts"]}
    return span | {"known_before": first_id_after(as_of)}


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
