"""What happens by the clock: drafts for hours that are full, and releases that follow changed figures.

Promises: safe to run in several instances at once; a touched hour is taken in the transaction that follows
it, so a crash puts it back. Leaves approval and publication to persons.
"""

from datetime import datetime, timedelta

from kit.problems import Problem
from sqlalchemy.ext.asyncio import AsyncSession

from publish.flows import releases as flows
from publish.flows.duties import BY_RULE
from publish.flows.index import assessment_sites
from publish.queries import figures, places, releases
from publish.rules.places import at_level
from publish.rules.snapshot import HOUR, LOCAL
from publish.tables import CatalogueItem


async def follow_touched(session: AsyncSession, *, now: datetime, most: int = 500) -> int:
    """Takes touched hours and brings their releases in line; answers how many hours it took."""
    touched = await figures.take_touched(session, most)
    if not touched:
        return 0
    regions = {
        site.code: site.region
        for site in await places.sites(session, sorted({touch.site for touch in touched}))
    }
    hours = {touch.ts for touch in touched}
    for release in await releases.of_hours(session, sorted(hours)):
        item = await session.get(CatalogueItem, release.item_code)
        assert item is not None
        day = release.from_at.astimezone(LOCAL).date()
        concerned = [
            touch
            for touch in touched
            if touch.ts == release.from_at
            and at_level(regions.get(touch.site, ""), item.level, day) == release.region
        ]
        if concerned:
            traces = list(dict.fromkeys(trace for touch in concerned for trace in touch.traces))
            await flows.follow(session, release, now=now, traces=traces)
    return len(touched)


async def draft_due(session: AsyncSession, *, now: datetime) -> int:
    """Drafts every catalogue item for the hours that are complete or past their grace; answers how many."""
    made = 0
    day = now.astimezone(LOCAL).date()
    for item in await releases.items_in_force(session, day):
        window = int(item.content["draft_window_hours"])
        stations = await places.assessed_stations(session)
        for region in sorted({r for s in stations if (r := at_level(s.region, item.level, day))}):
            known = await releases.known_hours(
                session, item.item_code, region, now - timedelta(hours=window + 2)
            )
            for hour in flows.due_hours(now, window):
                if hour not in known and await _is_due(session, item, region, hour, now):
                    made += await _try_draft(session, item, region, hour, now)
    return made


async def _is_due(
    session: AsyncSession, item: CatalogueItem, region: str, hour: datetime, now: datetime
) -> bool:
    if now >= hour + HOUR + timedelta(minutes=item.content["grace_minutes"]):
        return True
    sites = await assessment_sites(session, item.level, region, hour.astimezone(LOCAL).date())
    codes = [site.code for site in sites]
    arrived = await figures.public_figures(session, codes, hour, hour + HOUR)
    expected = await figures.monitored(session, codes)
    spoken = {(figure.site, figure.factor) for figure in arrived}
    return all((site, factor) in spoken for site, factors in expected.items() for factor in factors)


async def _try_draft(
    session: AsyncSession, item: CatalogueItem, region: str, hour: datetime, now: datetime
) -> bool:
    try:
        await flows.draft(session, item.item_code, region, hour, actor=BY_RULE, now=now)
    except Problem:
        return False
    return True
