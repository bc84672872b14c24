"""What the public may read now: stations with their newest hour, curves, the newest releases.

Promises: everything shown is computed by the same rules as a release, from the same rows; a value that is
left out is shown as such with its reason, never silently dropped. Newest hours are provisional (checked by
rule, not yet released); what a release says is in its snapshot. Texts come in pairs {"zh", "en"}.
"""

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kit.problems import NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from standards import exact, factors, regions, units
from tlog.receipts import entry_of, record_of

from publish.flows.index import rated
from publish.queries import figures, places, releases
from publish.rules.figures import VERDICTS, Figure, choose, left_out, reason
from publish.rules.hourly import Gate, Station, hourly_index
from publish.rules.snapshot import HOUR, LOCAL, local, parse
from publish.rules.states import listing_status
from publish.tables import Release, ReleaseVersion, Site

Json = dict[str, Any]
UNGATED = Gate(min_station_share=0.0)


def region_name(code: str) -> Json:
    """The region's name as a pair."""
    return {"zh": regions.name(code, "zh"), "en": regions.name(code, "en")}


def _site(site: Site) -> Json:
    return {
        "code": site.code,
        "name": {"zh": site.name_zh, "en": site.name_en},
        "region": site.region,
        "region_name": region_name(site.region),
        "element": site.element,
        "longitude": site.longitude,
        "latitude": site.latitude,
        "is_assessed": site.is_assessed,
    }


def _air(station: Station, found: list[Figure], ts: datetime) -> Json:
    index = hourly_index([station], found, ts.astimezone(LOCAL).date(), UNGATED)
    told = index.stations[0]
    return {key: told[key] for key in ("aqi", "level", "primary", "missing", "pollutants")} | {
        "left_out": index.left_out
    }


def _published(figure: Figure) -> tuple[float | None, str, int]:
    """Value, printed unit and decimals; as registered where the dictionary has no fitting unit."""
    known = factors.every().get(figure.factor)
    if known is None or not units.are_compatible(figure.unit, known.unit):
        value = figure.value if figure.value is None else exact.round_half_even(figure.value, figure.decimals)
        return (None if value is None else float(value)), units.text(figure.unit), figure.decimals
    if figure.value is None:
        return None, known.unit_text, known.decimals
    converted = units.convert(figure.value, figure.unit, known.unit)
    decimals = known.decimals
    return float(exact.round_half_even(converted, decimals)), known.unit_text, decimals


def factor_name(code: str) -> Json:
    """The factor's name as a pair; the code itself for one the dictionary does not know."""
    known = factors.every().get(code)
    return {"zh": known.zh, "en": known.en} if known else {"zh": code, "en": code}


def _plain(found: list[Figure]) -> Json:
    """The values of a station that has no air index, one per factor."""
    told = []
    for code in sorted({figure.factor for figure in found}):
        one = choose([figure for figure in found if figure.factor == code])
        assert one is not None
        value, unit, decimals = _published(one)
        slug = left_out(one)
        told.append(
            {
                "factor": code,
                "name": factor_name(code),
                "unit": unit,
                "decimals": decimals,
                "value": None if slug else value,
                "iaqi": None,
                "monitored": True,
                "left_out": slug is not None,
            }
        )
    return {"aqi": None, "level": None, "primary": [], "missing": [], "pollutants": told, "left_out": []}


async def stations(
    session: AsyncSession, after: str, limit: int, code: str | None = None
) -> tuple[list[Json], str | None]:
    """Stations in code order with their newest hour, and the code to go on after."""
    page = await places.stations(session, after, limit + 1, code)
    shown = page[:limit]
    newest = await places.newest_hours(session, [site.code for site in shown])
    found = await figures.figures_at(session, newest)
    told = [
        _newest(site, station, newest.get(site.code), found.get(site.code, []))
        for site, station in zip(shown, await rated(session, shown), strict=True)
    ]
    return told, (shown[-1].code if len(page) > limit else None)


def _newest(site: Site, station: Station, ts: datetime | None, found: list[Figure]) -> Json:
    if ts is None:
        return _site(site) | {"hour": None, "factors": []} | _plain([])
    hour = _air(station, found, ts) if site.element == "air" else _plain(found)
    return _site(site) | {"hour": local(ts), "factors": sorted(station.measures)} | hour


async def station_factor(session: AsyncSession, code: str, factor: str) -> Site:
    """The station, if it measures the factor. Raises NotFound."""
    site = next(iter(await places.sites(session, [code])), None)
    if site is None or site.kind != "station":
        raise NotFound("station-unknown", f"No station has the code {code} 未找到该站点")
    if all(series.factor != factor for series in await places.factors_of(session, code)):
        raise NotFound("factor-not-measured", f"{code} does not measure {factor} 该站点不监测此项目")
    return site


async def factor_column(session: AsyncSession, code: str, factor: str) -> Json:
    """Name, unit and decimals in which a station's factor is shown."""
    series = next(s for s in await places.factors_of(session, code) if s.factor == factor)
    known = factors.every().get(factor)
    if known is None or not units.are_compatible(series.unit, known.unit):
        shown = {"unit": units.text(series.unit), "decimals": series.decimals}
    else:
        shown = {"unit": known.unit_text, "decimals": known.decimals}
    return {"factor": factor, "factor_name": factor_name(factor), **shown}


async def curve(
    session: AsyncSession, site: Site, factor: str, from_at: datetime, to_at: datetime
) -> list[Json]:
    """One point per hour with a figure; a left-out point keeps its value and says why it does not count."""
    found = await figures.public_figures(session, [site.code], from_at, to_at, factor)
    by_hour: dict[datetime, list[Figure]] = {}
    for figure in found:
        by_hour.setdefault(figure.ts, []).append(figure)
    return [_point(one) for ts in sorted(by_hour) if (one := choose(by_hour[ts])) is not None]


def _point(figure: Figure) -> Json:
    value, _, _ = _published(figure)
    slug = left_out(figure)
    return {
        "ts": local(figure.ts),
        "value": None if slug == "withheld" else value,
        "code": figure.code,
        "verdict": VERDICTS.get(figure.code, {"zh": str(figure.code), "en": str(figure.code)}),
        "left_out": slug,
        "reason": reason(slug, figure) if slug else None,
    }


async def newest_hour(session: AsyncSession, code: str) -> datetime | None:
    """The newest hour of a station."""
    return (await places.newest_hours(session, [code])).get(code)


def summary(release: Release, version: ReleaseVersion) -> Json:
    """One line of a list of releases."""
    return {
        "id": release.id,
        "item_code": release.item_code,
        "region": release.region,
        "region_name": region_name(release.region),
        "from": local(release.from_at),
        "to": local(release.to_at),
        "version": version.version,
        "sha256": version.sha256,
        "published_at": local(version.published_at),
        "reason": {"zh": version.reason_zh, "en": version.reason_en} if version.reason_zh else None,
        **version.headline,
    }


async def latest(session: AsyncSession, region: str | None) -> Json:
    """Per region the newest released figure, what was left out of it, and how many subjects are listed."""
    told = []
    for release, version in await releases.newest_published(session):
        if region in (None, release.region):
            content = parse(version.snapshot)
            kept = {key: content[key] for key in ("standard", "figure", "left_out")}
            told.append(summary(release, version) | kept)
    listed = [
        row
        for row in await places.listings(session)
        if listing_status(row.listed_at, row.suspended_at, row.removed_at) == "listed"
    ]
    return {"items": told, "next": None, "listed": len(listed)}


async def release_detail(session: AsyncSession, release_id: str, number: int | None) -> Json:
    """A published release: all versions with their reasons, the steps, and the snapshot of one version."""
    versions = await releases.versions(session, release_id)
    shown = next((v for v in versions if number in (None, v.version)), None)
    release = await session.get(Release, release_id)
    if release is None or shown is None:
        raise NotFound("release-unknown", f"Nothing is published under {release_id} 未找到该发布")
    return summary(release, shown) | {
        "versions": [
            {
                "version": version.version,
                "sha256": version.sha256,
                "published_at": local(version.published_at),
                "approved_by": version.approved_by,
                "reason": {"zh": version.reason_zh, "en": version.reason_en} if version.reason_zh else None,
                "leaf": leaf_of(release_id, version),
            }
            for version in versions
        ],
        "steps": [step_of(step) for step in await releases.steps(session, release_id)],
        "snapshot": parse(shown.snapshot),
    }


def leaf_of(release_id: str, version: ReleaseVersion) -> Json | None:
    """What anybody needs to find the version in the evidence log: nothing of it is secret."""
    if version.nonce is None:
        return None
    record = record_of(UUID(release_id), bytes.fromhex(version.sha256), version.published_at)
    entry = entry_of(version.nonce, record.bytes).hex()
    nonce = b64encode(version.nonce).decode()
    return {
        "entry": entry,
        "nonce": nonce,
        "received_at": record.received_at,
        "submission": record.submission,
    }


def step_of(step: Any) -> Json:
    """One step as shown."""
    return {
        "step": step.step,
        "version": step.version,
        "actor": step.actor,
        "at": local(step.taken_at),
        "note": {"zh": step.note_zh, "en": step.note_en},
    }


def default_range(newest: datetime | None, hours: int = 24) -> tuple[datetime, datetime] | None:
    """The last `hours` hours up to the newest figure, as [from, to)."""
    return None if newest is None else (newest + HOUR - timedelta(hours=hours), newest + HOUR)
