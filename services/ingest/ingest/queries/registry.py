"""The registry as the rules need it, read in one go."""

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec
from contracts.envelope import lane_of
from contracts.ingest import Recorded, SeriesRef
from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from standards import factors

from ingest.rules.registry import Channel, Device, Manners, Pending, Registry, SeriesKey, Site
from ingest.tables import (
    DeviceKey,
    DeviceManners,
    DeviceRow,
    Organisation,
    PendingPassword,
    RegistryChange,
    SeriesRow,
    SiteRow,
)

# Records of other kinds change often, and readings do not depend on them.
JUDGED_BY = (
    *("organisations", "sites", "devices", "series"),
    *("device_manners", "device_keys", "device_passwords"),
)


# Made once: it is asked all the time, and making it costs more than asking.
NEWEST = union_all(
    *(select(func.max(RegistryChange.id)).where(RegistryChange.kind == kind) for kind in JUDGED_BY)
)


async def registry_version(session: AsyncSession) -> int:
    """The number of the last change of what readings are judged by; 0 for an empty registry."""
    found = await session.execute(NEWEST)
    return max((number for (number,) in found if number is not None), default=0)


async def load_registry(session: AsyncSession, day: date) -> Registry:
    """Everything registered. The version is read first, so a change in between is seen again next time.

    Of the permit limits those in force on `day` count, and of the devices those that have not ended.
    """
    version = await registry_version(session)
    found = (await session.execute(select(SiteRow, Organisation).outerjoin(Organisation))).all()
    owned: dict[str, tuple[SiteRow, Organisation | None]] = {
        site.code: (site, owner) for site, owner in found
    }
    channels = list(await _channels(session, owned, day))
    rows = (await session.scalars(select(DeviceRow))).all()
    devices = [row for row in rows if _holds(row.valid_from, row.valid_to, day)]
    pending = {row.mn: row for row in await session.scalars(select(PendingPassword))}
    manners = {row.mn: _manners(row) for row in await session.scalars(select(DeviceManners))}
    keys: dict[str, list[bytes]] = {}
    for row in await session.scalars(select(DeviceKey).order_by(DeviceKey.since.desc())):
        keys.setdefault(row.mn, []).append(row.key)
    known = {row.mn: _device(row, keys.get(row.mn, ()), pending.get(row.mn)) for row in devices}
    answered = (device.addresses for device in known.values() if device.answers_refusals)
    return Registry(
        version,
        {
            site.code: Site(site.code, site.region, site.dept, site.uscc, tuple(site.region_path), site.kind)
            for site, _ in found
        },
        {key_of(channel.ref): channel for channel in channels},
        {channel.ref.id: channel for channel in channels},
        known,
        manners,
        answered=frozenset(address for addresses in answered for address in addresses),
        day=day,
    )


def key_of(ref: SeriesRef) -> SeriesKey:
    return SeriesKey(ref.site, ref.factor, ref.statistic, ref.basis, ref.period, ref.source)


async def _channels(
    session: AsyncSession, sites: dict[str, tuple[SiteRow, Organisation | None]], day: date
) -> Iterable[Channel]:
    rows = (await session.scalars(select(SeriesRow))).all()
    return [_channel(row, *sites[row.site], day) for row in rows]


def _holds(first: date | None, last: date | None, day: date) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def _channel(row: SeriesRow, site: SiteRow, owner: Organisation | None, day: date) -> Channel:
    factor = factors.find(row.factor)
    ref = SeriesRef(
        id=row.id,
        site=site.code,
        site_kind=site.kind,  # type: ignore[arg-type]
        region=site.region,
        element=site.element,
        factor=row.factor,
        statistic=row.statistic,  # type: ignore[arg-type]
        basis=row.basis,  # type: ignore[arg-type]
        period=row.period,  # type: ignore[arg-type]
        source=row.source,
        unit=row.unit,
        decimals=row.decimals,
        name_zh=factor.zh if factor else row.factor,
        name_en=factor.en if factor else row.factor,
        low=row.low,
        high=row.high,
        detection_limit=row.detection_limit,
        resolution=row.resolution,
        permit_limit=row.permit_limit if _holds(row.permit_from, row.permit_to, day) else None,
        uscc=site.uscc,
        organisation_zh=owner.name_zh if owner else None,
        organisation_en=owner.name_en if owner else None,
    )
    return Channel(
        ref, row.sent_unit, row.period_seconds, lane_of(Recorded, site.code), msgspec.json.encode(ref)
    )


def _manners(row: DeviceManners) -> Manners:
    return Manners(**{name: getattr(row, name) for name in Manners.__struct_fields__})


def _device(row: DeviceRow, keys: Sequence[bytes], pending: PendingPassword | None) -> Device:
    return Device(
        mn=row.mn,
        site=row.site,
        source=row.source,
        password_sha256=row.password_sha256,
        label=row.label,  # type: ignore[arg-type]
        addresses=tuple(row.addresses),
        accepts_modbus_crc=row.accepts_modbus_crc,
        accepts_long_segments=row.accepts_long_segments,
        accepts_absent_crc=row.accepts_absent_crc,
        answers_refusals=row.answers_refusals,
        systems=tuple(row.systems),
        certificate=row.certificate,
        keys=tuple(keys),
        pending=Pending(pending.password_sha256, pending.is_overdue) if pending else None,
    )
