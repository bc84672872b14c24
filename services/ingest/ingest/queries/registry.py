"""The registry as the rules need it, read in one go."""

from collections.abc import Iterable, Sequence

import msgspec
from contracts.envelope import lane_of
from contracts.ingest import Recorded, SeriesRef
from sqlalchemy import func, select
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


async def registry_version(session: AsyncSession) -> int:
    """The number of the last change; 0 for an empty registry."""
    return int(await session.scalar(select(func.coalesce(func.max(RegistryChange.id), 0))) or 0)


async def load_registry(session: AsyncSession) -> Registry:
    """Everything registered. The version is read first, so a change in between is seen again next time."""
    version = await registry_version(session)
    found = (await session.execute(select(SiteRow, Organisation).outerjoin(Organisation))).all()
    channels = list(await _channels(session, {site.code: (site, owner) for site, owner in found}))
    devices = (await session.scalars(select(DeviceRow))).all()
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
    )


def key_of(ref: SeriesRef) -> SeriesKey:
    return SeriesKey(ref.site, ref.factor, ref.statistic, ref.basis, ref.period, ref.source)


async def _channels(
    session: AsyncSession, sites: dict[str, tuple[SiteRow, Organisation | None]]
) -> Iterable[Channel]:
    rows = (await session.scalars(select(SeriesRow))).all()
    return [_channel(row, *sites[row.site]) for row in rows]


def _channel(row: SeriesRow, site: SiteRow, owner: Organisation | None) -> Channel:
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
        permit_limit=row.permit_limit,
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
