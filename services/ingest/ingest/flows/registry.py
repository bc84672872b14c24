"""Changes of the registry: who made them is kept, nothing is deleted, sites are announced.

Promises: writing the same again changes nothing and says nothing. Leaves to `api` who may.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.ingest import SiteRegistered
from kit import outbox
from kit.problems import Conflict, Invalid, NotFound
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from standards import factors, identity, regions, units

from ingest.flows.change import Change, Found, Scope, shown
from ingest.rules.network import elements, misplaced
from ingest.rules.refusals import Flaw, flaw, texts
from ingest.rules.times import PERIOD_SECONDS
from ingest.tables import (
    DeviceKey,
    DeviceRow,
    Organisation,
    RegistryRecord,
    SeriesRow,
    SiteRow,
)

_KEY = ("site", "factor", "statistic", "basis", "period", "source")
# What of a station changes only by the approval of the responsible authority (生态环境监测条例 Art. 12).
GUARDED = ("longitude", "latitude", "level")


class Unapproved(Conflict):
    """A station would change outside the proceeding; `found` says so to whoever supervises it."""

    found: Found


def region_path(region: str) -> list[str]:
    """The region and everything above it. Raises Invalid for a code that is in no table."""
    if regions.get(region) is None:
        raise Invalid("unknown-region", f"The region {region} is not in GB/T 2260 行政区划代码未知")
    return [region, *regions.ancestors(region)]


async def save_organisation(change: Change, uscc: str, cells: Mapping[str, Any]) -> Organisation:
    """A discharge unit, agency or operator. Sites that name it are announced again with its new name."""
    region_path(cells["region"])
    refuse([found for found in (_identity("uscc", identity.uscc(uscc)), *_permit(cells)) if found])
    scope = Scope(cells["region"], None, uscc)
    row, is_changed = await change.save(Organisation, uscc, {"uscc": uscc, **cells}, scope)
    if is_changed:
        await change.session.flush()
        sites = await change.session.scalars(select(SiteRow).where(SiteRow.uscc == uscc))
        for site in sites.all():
            await _announce(change.session, site, row)
    return row


def _identity(where: str, check: identity.Check) -> Flaw | None:
    """A wrong form is refused; a wrong check character is not: registers hold issued codes that fail."""
    shape = next((one for one in check.warnings if one.slug == "shape"), None)
    return flaw(where, "identity-shape", f"{check.value} ({shape.zh})") if shape else None


def _permit(cells: Mapping[str, Any]) -> list[Flaw | None]:
    if not cells.get("permit_no"):
        return []
    return [_identity("permit_no", identity.source_code(cells["permit_no"]))]


def refuse(flaws: Sequence[Flaw], before: str = "") -> None:
    """Raises Invalid if anything is wrong."""
    if flaws:
        errors: list[Any] = [{"where": before + one.where, **texts(one.rule, one.found)} for one in flaws]
        raise Invalid("registration-not-acceptable", "Nothing was changed 未作任何更改", errors=errors)


async def save_site(
    change: Change, code: str, cells: Mapping[str, Any], approved: str | None = None
) -> SiteRow:
    """A station or outlet; every change is a `SiteRegistered`.

    Raises Unapproved where a station would move or change its level without `approved`, the station change
    that allows it; Invalid where level and responsibility do not fit.
    """
    known = await change.session.get(SiteRow, code)
    outlet = cells.get("outlet_code")
    wrong = [_identity("outlet_code", identity.outlet_code(outlet))] if outlet else []
    refuse([*misplaced(dict(cells)), *(one for one in wrong if one), *await _unknown(change.session, cells)])
    if known is not None and approved is None:
        _guard(known, cells)
    uscc = cells.get("uscc")
    owner = await change.session.get(Organisation, uscc) if uscc else None
    if uscc and owner is None:
        raise Invalid("unknown-organisation", f"Register the organisation {uscc} first 请先登记该单位")
    full = {"code": code, "region_path": region_path(cells["region"]), **cells}
    scope = Scope(cells["region"], cells.get("dept"), uscc)
    row, is_changed = await change.save(SiteRow, code, full, scope)
    if is_changed:
        await change.session.flush()
        await _announce(change.session, row, owner)
    return row


def _guard(known: SiteRow, cells: Mapping[str, Any]) -> None:
    if known.kind != "station":
        return
    moved = {
        name: [getattr(known, name), cells.get(name)]
        for name in GUARDED
        if getattr(known, name) is not None and cells.get(name) != getattr(known, name)
    }
    if moved:
        problem = Unapproved(
            "station-change-needs-approval",
            f"{', '.join(moved)} of {known.code} change only by an approved station change: "
            "PUT /registry/points/station-changes/{code} 站点位置和级别的变更须经批准",
            changed=moved,
        )
        problem.found = Found(
            "station-change-unapproved", known.region, known.code, known.uscc, None, {"changed": moved}
        )
        raise problem


async def _unknown(session: AsyncSession, cells: Mapping[str, Any]) -> list[Flaw]:
    """References of a site to records that are not registered."""
    found = []
    for name, kind in (("area", "areas"), ("duty", "responsibilities")):
        code = cells.get(name)
        if code and await session.get(RegistryRecord, (kind, code)) is None:
            found.append(flaw(name, "record-reference", f"{kind}/{code}"))
    return found


async def _announce(session: AsyncSession, site: SiteRow, owner: Organisation | None) -> None:
    event = SiteRegistered(
        code=site.code,
        kind=site.kind,  # type: ignore[arg-type]
        element=site.element,
        region=site.region,
        name_zh=site.name_zh,
        name_en=site.name_en,
        longitude=site.longitude,
        latitude=site.latitude,
        uscc=site.uscc,
        organisation_zh=owner.name_zh if owner else None,
        organisation_en=owner.name_en if owner else None,
        is_assessed=site.is_assessed,
    )
    await outbox.put(session, event, key=site.code)


async def save_device(change: Change, mn: str, cells: Mapping[str, Any]) -> DeviceRow:
    """A data logger. `password` is kept as a digest; None leaves the one known, of `key` too.

    Older keys stay: what a logger stored before a change of key is still opened.
    """
    site = await site_of(change.session, cells["site"])
    kept = dict(cells)
    password, key = kept.pop("password", None), kept.pop("key", None)
    if password is not None:
        kept["password_sha256"] = hashlib.sha256(password.encode()).digest()
    before = await change.session.get(DeviceRow, mn)
    row, _ = await change.save(DeviceRow, mn, {"mn": mn, **kept}, scope_of(site))
    if key is not None:
        await _save_key(change, mn, bytes.fromhex(key), scope_of(site), is_new=before is None)
    return row


async def _save_key(change: Change, mn: str, key: bytes, scope: Scope, *, is_new: bool) -> None:
    """Add a key unless it is the newest already; that it changed is kept, the key itself is not shown."""
    newest = select(DeviceKey.key).where(DeviceKey.mn == mn).order_by(DeviceKey.since.desc()).limit(1)
    if not is_new and await change.session.scalar(newest) == key:
        return
    await change.session.flush()
    change.session.add(DeviceKey(mn=mn, since=change.now, key=key))
    said = {"mn": mn, "since": change.now.isoformat()}
    change.keep("device_keys", mn, None, said, scope)


def scope_of(site: SiteRow) -> Scope:
    return Scope(site.region, site.dept, site.uscc)


async def save_series(change: Change, wanted: Sequence[Mapping[str, Any]]) -> list[SeriesRow]:
    """Register or change many series at once, by their natural key; all or none."""
    faults = [fault for at, cells in enumerate(wanted) for fault in _faults(at, cells)]
    if faults:
        raise Invalid("series-not-acceptable", "No series was changed 未作任何更改", errors=faults)
    keys = [tuple(cells[name] for name in _KEY) for cells in wanted]
    columns = tuple_(*(getattr(SeriesRow, name) for name in _KEY))
    known = {
        tuple(getattr(row, name) for name in _KEY): row
        for row in await change.session.scalars(select(SeriesRow).where(columns.in_(keys)))
    }
    codes = {cells["site"] for cells in wanted}
    sites = {code: await site_of(change.session, code) for code in codes}
    methods = await _methods(change.session, wanted)
    rows = []
    for key, cells in zip(keys, wanted, strict=True):
        row = known.get(key)
        before = None if row is None else shown(row)
        if row is None:
            row = known[key] = SeriesRow()
            change.session.add(row)
        site = sites[cells["site"]]
        for name, value in _completed(cells, site.element).items():
            setattr(row, name, value)
        code = "{}/{}/{}-{}-{}/{}".format(*key)
        if change.note("series", code, before, row, scope_of(site)) and row.method not in methods:
            detail = {"method": row.method}
            await change.find(Found("method-unregistered", site.region, site.code, site.uscc, code, detail))
        rows.append(row)
    await change.session.flush()
    return rows


async def _methods(session: AsyncSession, wanted: Sequence[Mapping[str, Any]]) -> set[str | None]:
    """Which of the methods named are registered; naming none is no flaw of a series."""
    named = {cells.get("method") for cells in wanted} - {None}
    found = select(RegistryRecord.code).where(
        RegistryRecord.kind == "methods", RegistryRecord.code.in_(named)
    )
    return {None, *(await session.scalars(found))}


def _completed(cells: Mapping[str, Any], element: str) -> dict[str, Any]:
    """Unit, decimals and period length as the dictionary says, where the caller says nothing."""
    full = dict(cells)
    factor = factors.find(full["factor"])
    medium = elements()[element]["as"] if element in elements() else element
    unit, decimals = factor.published(medium) if factor else ("1", 2)
    full["unit"] = units.ucum(full["unit"]) if full["unit"] else unit
    full["sent_unit"] = units.ucum(full["sent_unit"]) if full["sent_unit"] else full["unit"]
    full["decimals"] = decimals if full["decimals"] is None else full["decimals"]
    full["period_seconds"] = full["period_seconds"] or PERIOD_SECONDS[full["period"]]
    return full


def _faults(at: int, cells: Mapping[str, Any]) -> list[Any]:
    """What is wrong with one wanted series, in the shape of a problem's `errors`."""
    found = []
    if factors.find(cells["factor"]) is None and cells["unit"] is None:
        found.append(flaw("factor", "unknown-factor", cells["factor"]))
    for name in ("unit", "sent_unit"):
        if cells[name] is not None and units.ucum(cells[name]) is None:
            found.append(flaw(name, "unknown-unit", cells[name]))
    if not found and cells["unit"] and cells["sent_unit"]:
        pair = (units.ucum(cells["sent_unit"]) or "", units.ucum(cells["unit"]) or "")
        if not units.are_compatible(*pair):
            found.append(flaw("sent_unit", "unit-mismatch", " ≠ ".join(pair)))
    return [{"where": f"series[{at}].{one.where}", **texts(one.rule, one.found)} for one in found]


async def site_of(session: AsyncSession, code: str) -> SiteRow:
    """The site. Raises NotFound."""
    row = await session.get(SiteRow, code)
    if row is None:
        raise unknown_site(code)
    return row


def unknown_site(code: str) -> NotFound:
    return NotFound("unknown-site", f"The site {code} is not registered 点位未登记")
