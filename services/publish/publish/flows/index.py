"""The hourly index as the tables know it now: loads stations and figures, asks the rules.

Promises: the snapshot of one item, region and hour depends on nothing but the rows; the set of stations may
be given (a correction keeps the stations of the first publication, so that a later change of the registry
does not rewrite what was said). Leaves the wording and the arithmetic to `rules`.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from publish.queries import figures, places
from publish.rules.hourly import Gate, Station, hourly_index
from publish.rules.places import at_level
from publish.rules.snapshot import HOUR, LOCAL, Snapshot, snapshot
from publish.tables import CatalogueItem, Site


@dataclass(frozen=True)
class Subject:
    """What a release is about: a region and the start of its hour (UTC)."""

    region: str
    from_at: datetime

    @property
    def on(self) -> date:
        """The legal date of the hour."""
        return self.from_at.astimezone(LOCAL).date()


def gate_of(item: CatalogueItem) -> Gate:
    """The quality gate the catalogue item prescribes."""
    gate = item.content["quality_gate"]
    return Gate(gate["min_station_share"], frozenset(gate.get("exempt_factors", ())))


async def rated(session: AsyncSession, sites: list[Site]) -> list[Station]:
    """The sites with the factors they measure."""
    measured = await figures.monitored(session, [site.code for site in sites])
    return [
        Station(site.code, {"zh": site.name_zh, "en": site.name_en}, frozenset(measured[site.code]))
        for site in sites
    ]


async def assessment_sites(session: AsyncSession, level: str, region: str, on: date) -> list[Site]:
    """The air stations that count for the region's figure."""
    found = await places.assessed_stations(session)
    return [site for site in found if at_level(site.region, level, on) == region]


async def compose(
    session: AsyncSession, item: CatalogueItem, subject: Subject, codes: list[str] | None = None
) -> Snapshot:
    """What the item says now for this region and hour."""
    if codes is None:
        sites = await assessment_sites(session, item.level, subject.region, subject.on)
    else:
        sites = await places.sites(session, codes)
    known = await figures.public_figures(
        session, [site.code for site in sites], subject.from_at, subject.from_at + HOUR
    )
    index = hourly_index(await rated(session, sites), known, subject.on, gate_of(item))
    return snapshot(item.item_code, subject.region, subject.from_at, index)
