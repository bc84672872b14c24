"""The register over HTTP: organisations, sites, devices, series.

Promises: PUT says how the row shall stand, so sending it twice changes nothing; nobody registers outside the
region of the role; what was known at any moment can be read (`asOf`). Leaves history and announcements to
`flows.registry`, other records to `records`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import Grant, allow
from kit.db import Database, ReaderSession, WriterSession, reach_of_request
from kit.problems import NotFound
from policy import Reach
from sqlalchemy import ColumnElement, exists, or_, select

from ingest.api.asked import Level, PutDevice, PutOrganisation, PutSeriesList, PutSite
from ingest.api.edge import (
    REGIONS,
    AsOf,
    IfMatch,
    Listed,
    change_of,
    inline,
    number_of,
    one_as_of,
    page,
    page_as_of,
)
from ingest.flows import registry as flows
from ingest.flows.change import Change, match, plain, shown
from ingest.flows.registry import Unapproved
from ingest.queries import history
from ingest.rules.network import elements
from ingest.tables import DeviceRow, Organisation, RegistryRecord, SeriesRow, SiteRow

router = APIRouter(tags=["registry 登记"])
MayRead = Annotated[Grant, Depends(allow("registry", "read"))]
MayWrite = Annotated[Grant, Depends(allow("registry", "write"))]
Family = Annotated[
    Literal["quality", "source", "ecology"] | None,
    Query(description="Data family 数据类别：质量、污染源、生态"),
]


def _sites(grant: Grant) -> Any:
    return grant.clause(REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc)


def _holds(of: Any, on: Any) -> list[ColumnElement[bool]]:
    """Valid on a day; without a day, whatever is registered."""
    if on is None:
        return []
    return [or_(of.valid_from.is_(None), of.valid_from <= on), or_(of.valid_to.is_(None), of.valid_to >= on)]


ORGANISATION = history.Register(Organisation, Organisation.uscc, "organisations")
SITE = history.Register(SiteRow, SiteRow.code, "sites")
DEVICE = history.by_key(DeviceRow, DeviceRow.mn, "devices").join(SiteRow, SiteRow.code == DeviceRow.site)


@dataclass(frozen=True)
class Asker:
    """Who asks about one object, and how far the route lets them see."""

    grant: Grant
    database: Database
    reach: Reach

    async def now(self, register: history.Register, key: str) -> dict[str, Any] | None:
        """The object of that key as it stands."""
        async with self.database.asked(self.grant.principal, self.reach) as connection:
            return await register.row(connection, key)

    async def then(self, kind: str, key: str, at: datetime) -> Any:
        """The same as it was known at a moment."""
        async with self.database.question(self.grant.principal, reach=self.reach) as session:
            return _known(await one_as_of(session, self.grant, (kind, key), at))


async def _asker(request: Request, grant: MayRead) -> Asker:
    return Asker(grant, request.app.state.database, reach_of_request(request, grant.principal))


MayAsk = Annotated[Asker, Depends(_asker)]


def _tagged(cells: dict[str, Any]) -> Response:
    """The object, and as its ETag the number of its last change."""
    tag = {"ETag": f'"{cells.pop("last_change")}"'}
    return Response(msgspec.json.encode(plain(cells)), headers=tag, media_type="application/json")


@router.get("/organisations")
async def list_organisations(
    grant: MayRead,
    session: ReaderSession,
    asked: Listed,
    kind: Annotated[str | None, Query(description="Type of organisation 单位类型")] = None,
    subject: Annotated[str | None, Query(description="Self-monitoring subject 自行监测主体类型")] = None,
) -> Any:
    """Organisations in reach, by code 单位列表. `asOf` gives the register as it was known then."""
    if asked.as_of is not None:
        return await page_as_of(session, grant, "organisations", asked)
    reach = grant.clause(REGIONS, region=Organisation.region, owner_uscc=Organisation.uscc)
    wanted = select(Organisation).where(
        reach, Organisation.uscc > (asked.cursor or ""), *_holds(Organisation, asked.on)
    )
    if kind is not None:
        wanted = wanted.where(Organisation.kind == kind)
    if subject is not None:
        wanted = wanted.where(Organisation.subject_types.contains([subject]))
    found = await session.scalars(wanted.order_by(Organisation.uscc).limit(asked.limit + 1))
    return page(found.all(), asked.limit, lambda row: row.uscc, shown)


@router.get("/organisations/{uscc}")
async def show_organisation(uscc: str, asker: MayAsk, as_of: AsOf = None) -> Any:
    """One organisation 单位. Its version is the ETag."""
    if as_of is not None:
        return await asker.then("organisations", uscc, as_of)
    cells = await asker.now(ORGANISATION, uscc)
    if cells is None:
        raise NotFound("unknown-organisation", f"The organisation {uscc} is not registered 单位未登记")
    asker.grant.require(region=cells["region"], owner_uscc=uscc)
    return _tagged(cells)


def _known(found: Any) -> Any:
    if found is None:
        raise NotFound(
            "unknown-then", "It was not known at that moment, or not to you 该时刻未登记或超出权限"
        )
    return found


async def put_organisation_row(change: Change, grant: Grant, uscc: str, body: PutOrganisation) -> Any:
    """Enter one organisation; used by the route and by files."""
    known = await change.session.get(Organisation, uscc)
    for region in {body.region, known.region if known else body.region}:
        grant.require(region=region)
    return await flows.save_organisation(change, uscc, body.model_dump())


@router.put("/organisations/{uscc}")
async def put_organisation(
    uscc: str,
    body: PutOrganisation,
    grant: MayWrite,
    session: WriterSession,
    version: IfMatch = None,
) -> Any:
    """Register or change an organisation 登记或变更单位. With If-Match, only that version (412)."""
    async with change_of(session, grant) as change:
        await match(session, "organisations", uscc, version, is_strict=False)
        return shown(await put_organisation_row(change, grant, uscc, body))


@dataclass
class SiteFilter:
    """Which sites: each word narrows the list."""

    kind: Annotated[Literal["station", "outlet"] | None, Query(description="站点或排放口")] = None
    level: Annotated[Level | None, Query(description="Level 点位级别")] = None
    element: Annotated[str | None, Query(description="Element 监测要素")] = None
    family: Family = None
    area: Annotated[str | None, Query(description="Park or area 园区或区域")] = None
    category: Annotated[str | None, Query(description="Coverage category 全覆盖类别")] = None
    conforms: Annotated[
        bool | None, Query(description="false: hole or platform does not conform 采样孔或平台不规范")
    ] = None
    lacks: Annotated[
        Literal["video", "guarantee"] | None,
        Query(
            description="video: main points without video of process and device 缺视频; guarantee 缺站房保障"
        ),
    ] = None

    def clauses(self) -> list[ColumnElement[bool]]:
        equal = {"kind": self.kind, "level": self.level, "element": self.element, "area": self.area}
        found = [getattr(SiteRow, name) == value for name, value in equal.items() if value is not None]
        if self.family is not None:
            found.append(
                SiteRow.element.in_(
                    [code for code, one in elements().items() if one["family"] == self.family]
                )
            )
        if self.category is not None:
            found.append(SiteRow.categories.contains([self.category]))
        if self.conforms is False:
            found.append(or_(SiteRow.hole_conforms.is_(False), SiteRow.platform_conforms.is_(False)))
        if self.lacks == "video":
            found += [SiteRow.is_main_point, or_(*(~_watched(what) for what in ("process", "device")))]
        if self.lacks == "guarantee":
            found += [SiteRow.kind == "station", ~_recorded("station-guarantees")]
        if self.conforms is True:
            found += [SiteRow.hole_conforms.is_(True), SiteRow.platform_conforms.is_(True)]
        return found


def _recorded(kind: str, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(RegistryRecord.kind == kind, RegistryRecord.site == SiteRow.code, *more)


def _watched(what: str) -> ColumnElement[bool]:
    """Whether a camera of the site watches this; 生态环境监测条例 Art. 21 asks for process and device."""
    return _recorded("video-devices", RegistryRecord.body["watches"].astext == what)


@router.get("/sites")
async def list_sites(
    grant: MayRead,
    session: ReaderSession,
    wanted: Annotated[SiteFilter, Depends(inline(SiteFilter))],
    asked: Listed,
) -> Any:
    """Stations and outlets in reach, by code 点位列表."""
    if asked.as_of is not None:
        return await page_as_of(session, grant, "sites", asked)
    sites = select(SiteRow).where(_sites(grant), SiteRow.code > (asked.cursor or ""), *wanted.clauses())
    found = await session.scalars(
        sites.where(*_holds(SiteRow, asked.on)).order_by(SiteRow.code).limit(asked.limit + 1)
    )
    return page(found.all(), asked.limit, lambda row: row.code, shown)


@router.get("/sites/{code}")
async def show_site(code: str, asker: MayAsk, as_of: AsOf = None) -> Any:
    """One station or outlet 点位."""
    if as_of is not None:
        return await asker.then("sites", code, as_of)
    cells = await asker.now(SITE, code)
    if cells is None:
        raise flows.unknown_site(code)
    asker.grant.require(region=cells["region"], owner_dept=cells["dept"], owner_uscc=cells["uscc"])
    return _tagged(cells)


async def put_site_row(change: Change, grant: Grant, code: str, body: PutSite) -> Any:
    """Enter one site; used by the route and by files."""
    known = await change.session.get(SiteRow, code)
    for region in {body.region, known.region if known else body.region}:
        grant.require(region=region)
    cells = body.model_dump()
    cells["dept"] = cells["dept"] or (known.dept if known else grant.principal.dept)
    return await flows.save_site(change, code, cells)


@router.put("/sites/{code}")
async def put_site(
    code: str,
    body: PutSite,
    request: Request,
    grant: MayWrite,
    session: WriterSession,
    version: IfMatch = None,
) -> Any:
    """Register or change a station or outlet 登记或变更点位.

    Position and level of a station change only by an approved station change (生态环境监测条例 Art. 12):
    409 otherwise, and the attempt is a finding 站点位置、级别的变更须经批准，擅自变更将被记录.
    """
    try:
        async with change_of(session, grant) as change:
            await match(session, "sites", code, version, is_strict=False)
            return shown(await put_site_row(change, grant, code, body))
    except Unapproved as refused:
        await note_unapproved(request, grant, refused)
        raise


async def note_unapproved(request: Request, grant: Grant, refused: Unapproved) -> None:
    """The attempt is kept although the change is refused, in a transaction of its own."""
    async with request.app.state.database.writer() as session:
        who = grant.principal
        # No lock of the registry: the refused change still holds it, and nothing of it changes here.
        change = Change(session, f"{who.text} {who.subject}", datetime.now(UTC))
        await change.find(refused.found)
        await change.say()


@router.get("/devices")
async def list_devices(
    grant: MayRead,
    session: ReaderSession,
    asked: Listed,
    certificate_before: Annotated[
        date | None, Query(description="Certificate ends before this day 证书在该日前到期")
    ] = None,
) -> Any:
    """Data loggers in reach, by MN 设备列表. Passwords are never shown."""
    if asked.as_of is not None:
        return await page_as_of(session, grant, "devices", asked)
    wanted = select(DeviceRow).join(SiteRow).where(_sites(grant), DeviceRow.mn > (asked.cursor or ""))
    if certificate_before is not None:
        wanted = wanted.where(DeviceRow.certificate_to < certificate_before)
    found = await session.scalars(
        wanted.where(*_holds(DeviceRow, asked.on)).order_by(DeviceRow.mn).limit(asked.limit + 1)
    )
    return page(found.all(), asked.limit, lambda row: row.mn, shown)


@router.get("/devices/{mn}")
async def show_device(mn: str, grant: MayRead, session: ReaderSession, as_of: AsOf = None) -> Any:
    """One data logger 设备."""
    if as_of is not None:
        return _known(await one_as_of(session, grant, ("devices", mn), as_of))
    row = (await session.execute(DEVICE.where(_sites(grant)), {"key": mn})).one_or_none()
    if row is None:
        raise NotFound("unknown-device", f"No device {mn} in your reach 无此设备或超出权限")
    return _tagged(dict(row._mapping))


async def put_device_row(change: Change, grant: Grant, mn: str, body: PutDevice) -> Any:
    """Enter one data logger; used by the route and by files."""
    known = await change.session.get(DeviceRow, mn)
    for code in {body.site, known.site if known else body.site}:
        grant.require(region=(await flows.site_of(change.session, code)).region)
    days = {name: getattr(body, name) for name in ("certificate_to", "valid_from", "valid_to")}
    return await flows.save_device(change, mn, body.model_dump(mode="json") | days)


@router.put("/devices/{mn}")
async def put_device(
    mn: str, body: PutDevice, grant: MayWrite, session: WriterSession, version: IfMatch = None
) -> Any:
    """Register or change a data logger 登记或变更设备."""
    async with change_of(session, grant) as change:
        await match(session, "devices", mn, version, is_strict=False)
        return shown(await put_device_row(change, grant, mn, body))


@router.get("/series")
async def list_series(
    grant: MayRead,
    session: ReaderSession,
    asked: Listed,
    site: str | None = None,
    family: Family = None,
) -> Any:
    """Series in reach, by number 数据序列列表."""
    if asked.as_of is not None:
        return await page_as_of(session, grant, "series", asked)
    after = number_of(asked.cursor)
    wanted = select(SeriesRow).join(SiteRow).where(_sites(grant), SeriesRow.id > after)
    if site is not None:
        wanted = wanted.where(SeriesRow.site == site)
    wanted = wanted.where(*SiteFilter(family=family).clauses(), *_holds(SeriesRow, asked.on))
    found = await session.scalars(wanted.order_by(SeriesRow.id).limit(asked.limit + 1))
    return page(found.all(), asked.limit, lambda row: row.id, _series)


@router.put("/series")
async def put_series(body: PutSeriesList, grant: MayWrite, session: WriterSession) -> Any:
    """Register or change many series at once, by their natural key 批量登记数据序列. All or none."""
    async with change_of(session, grant) as change:
        rows = await put_series_rows(change, grant, [one.model_dump() for one in body.series])
    return {"items": [_series(row) for row in rows], "next": None}


async def put_series_rows(change: Change, grant: Grant, wanted: list[dict[str, Any]]) -> list[SeriesRow]:
    """Enter series; used by the route and by files."""
    for code in {one["site"] for one in wanted}:
        grant.require(region=(await flows.site_of(change.session, code)).region)
    return await flows.save_series(change, wanted)


def _series(row: SeriesRow) -> dict[str, Any]:
    return {"id": row.id, **shown(row)}
