"""Changes of the registry: who made them is kept, nothing is deleted, sites are announced.

Promises: writing the same again changes nothing and says nothing. Leaves to `api` who may.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from contracts.ingest import SiteRegistered
from kit import outbox
from kit.problems import Invalid, NotFound
from sqlalchemy import inspect, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from standards import factors, regions, units

from ingest.rules.refusals import flaw, texts
from ingest.rules.times import PERIOD_SECONDS
from ingest.tables import Base, DeviceKey, DeviceRow, Organisation, RegistryChange, SeriesRow, SiteRow

T = TypeVar("T", bound=Base)
SECRET = frozenset({"password_sha256"})
_KEY = ("site", "factor", "statistic", "basis", "period", "source")
# A stack and the air are one element in HJ 212, and published in different units.
_ELEMENTS = {"waste_gas": "gas", "waste_water": "water"}


class Change:
    """Who changes the registry, and when."""

    def __init__(self, session: AsyncSession, who: str, now: datetime) -> None:
        self.session, self.who, self.now = session, who, now

    async def begin(self) -> "Change":
        """One at a time: whoever reads asks for the highest number, so numbers must commit in order."""
        await self.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('ingest.registry'), 0)"))
        return self

    async def save(self, table: type[T], key: str, cells: Mapping[str, Any]) -> tuple[T, bool]:
        """Insert or update the row with this primary key; whether anything changed."""
        row = await self.session.get(table, key)
        before = None if row is None else shown(row)
        if row is None:
            row = table(**cells)
            self.session.add(row)
        else:
            for name, value in cells.items():
                setattr(row, name, value)
        return row, self.note(table.__tablename__, key, before, row)

    def note(self, kind: str, code: str, before: dict[str, Any] | None, row: Base) -> bool:
        """Keep the change, if it is one."""
        after = shown(row)
        if before == after and not self.session.is_modified(row):
            return False
        self.session.add(
            RegistryChange(
                kind=kind, code=code, changed_at=self.now, changed_by=self.who, before=before, after=after
            )
        )
        return True


def shown(row: Base) -> dict[str, Any]:
    """A row as plain values, secrets left out."""
    names = [column.key for column in inspect(type(row)).columns]
    return {name: getattr(row, name) for name in names if name not in SECRET and name != "id"}


def region_path(region: str) -> list[str]:
    """The region and everything above it. Raises Invalid for a code that is in no table."""
    if regions.get(region) is None:
        raise Invalid("unknown-region", f"The region {region} is not in GB/T 2260 行政区划代码未知")
    return [region, *regions.ancestors(region)]


async def save_organisation(change: Change, uscc: str, cells: Mapping[str, Any]) -> Organisation:
    """A discharge unit, agency or operator. Sites that name it are announced again with its new name."""
    region_path(cells["region"])
    row, is_changed = await change.save(Organisation, uscc, {"uscc": uscc, **cells})
    if is_changed:
        await change.session.flush()
        sites = await change.session.scalars(select(SiteRow).where(SiteRow.uscc == uscc))
        for site in sites.all():
            await _announce(change.session, site, row)
    return row


async def save_site(change: Change, code: str, cells: Mapping[str, Any]) -> SiteRow:
    """A station or outlet; every change is a `SiteRegistered`."""
    uscc = cells.get("uscc")
    owner = await change.session.get(Organisation, uscc) if uscc else None
    if uscc and owner is None:
        raise Invalid("unknown-organisation", f"Register the organisation {uscc} first 请先登记该单位")
    full = {"code": code, "region_path": region_path(cells["region"]), **cells}
    row, is_changed = await change.save(SiteRow, code, full)
    if is_changed:
        await change.session.flush()
        await _announce(change.session, row, owner)
    return row


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
    kept = dict(cells)
    password, key = kept.pop("password", None), kept.pop("key", None)
    if password is not None:
        kept["password_sha256"] = hashlib.sha256(password.encode()).digest()
    before = await change.session.get(DeviceRow, mn)
    row, _ = await change.save(DeviceRow, mn, {"mn": mn, **kept})
    if key is not None:
        await _save_key(change, mn, bytes.fromhex(key), is_new=before is None)
    return row


async def _save_key(change: Change, mn: str, key: bytes, *, is_new: bool) -> None:
    """Add a key unless it is the newest already; that it changed is kept, the key itself is not shown."""
    newest = select(DeviceKey.key).where(DeviceKey.mn == mn).order_by(DeviceKey.since.desc()).limit(1)
    if not is_new and await change.session.scalar(newest) == key:
        return
    await change.session.flush()
    change.session.add(DeviceKey(mn=mn, since=change.now, key=key))
    said = {"mn": mn, "since": change.now.isoformat()}
    change.session.add(
        RegistryChange(
            kind="device_keys", code=mn, changed_at=change.now, changed_by=change.who, before=None, after=said
        )
    )


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
    elements = {code: (await site_of(change.session, code)).element for code in codes}
    rows = []
    for key, cells in zip(keys, wanted, strict=True):
        row = known.get(key)
        before = None if row is None else shown(row)
        if row is None:
            row = known[key] = SeriesRow()
            change.session.add(row)
        for name, value in _completed(cells, elements[cells["site"]]).items():
            setattr(row, name, value)
        change.note("series", "{}/{}/{}-{}-{}/{}".format(*key), before, row)
        rows.append(row)
    await change.session.flush()
    return rows


def _completed(cells: Mapping[str, Any], element: str) -> dict[str, Any]:
    """Unit, decimals and period length as the dictionary says, where the caller says nothing."""
    full = dict(cells)
    factor = factors.find(full["factor"])
    unit, decimals = factor.published(_ELEMENTS.get(element, element)) if factor else ("1", 2)
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
        raise NotFound("unknown-site", f"The site {code} is not registered 点位未登记")
    return row
