"""The monthly ranking of regions as the tables know it now: loads days and history, asks the rules."""

from datetime import date, datetime
from typing import Any

from kit.problems import Invalid
from sqlalchemy.ext.asyncio import AsyncSession
from standards import factors, regions, tables

from publish.flows.views import region_name
from publish.queries import days, places
from publish.rules.places import at_level
from publish.rules.ranking import StationDay, ranked, region_month
from publish.rules.snapshot import LOCAL

# As far back as "the highest value in history" is looked for: what the platform keeps online.
YEARS = 10


def month_of(text: str) -> date:
    """The first day of a month `2026-11`. Raises Invalid `not-a-month`."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=LOCAL).date()
    except ValueError as error:
        raise Invalid("not-a-month", "`month` is a year and a month, 2026-11 月份格式应为 2026-11") from error


def span(first: date) -> tuple[datetime, datetime]:
    """The instants of a local month, [from, to)."""
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    begin, end = (datetime(day.year, day.month, 1, tzinfo=LOCAL) for day in (first, following))
    return begin, end


def ranked_factors(on: date) -> list[str]:
    """The factors that are ranked by the mean of their days."""
    return [
        row["factor"] for row in tables.in_force("composite_index", on) if row["statistic"] == "year mean"
    ]


async def ranking(
    session: AsyncSession, month: date, factor: str, level: str, within: str | None
) -> dict[str, Any]:
    """Every region of the level that has assessment stations. Raises Invalid `factor-not-ranked`."""
    known = ranked_factors(month)
    if factor not in known:
        raise Invalid("factor-not-ranked", f"One of {', '.join(known)} is ranked 该项目不参与排名")
    region_of: dict[str, str] = {}
    for site in await places.assessed_stations(session):
        region = at_level(site.region, level, month)
        if region and within in (None, region, *regions.ancestors(region, month)):
            region_of[site.code] = region
    unit, codes = factors.get(factor).unit, sorted(region_of)
    found = await days.station_days(session, codes, factor, unit, [span(month)])
    falsified = sorted({one.site for one in found if one.cases})
    history: list[StationDay] = []
    if falsified:
        earlier = [span(month.replace(year=month.year - back)) for back in range(1, YEARS + 1)]
        history = await days.station_days(session, falsified, factor, unit, earlier)
    told = [
        region_month(region, factor, [one for one in found if region_of[one.site] == region], history, month)
        for region in sorted(set(region_of.values()))
    ]
    items = [{**one, "region_name": region_name(one["region"])} for one in ranked(told)]
    return {
        "month": f"{month:%Y-%m}",
        "factor": factor,
        "unit": factors.get(factor).unit_text,
        "items": items,
    }
