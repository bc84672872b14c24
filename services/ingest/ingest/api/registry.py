"""The register over HTTP: organisations, sites, devices, series.

Promises: PUT says how the row shall stand, so sending it twice changes nothing; nobody registers outside the
region of the role. Leaves history and announcements to `flows.registry`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.problems import NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.asked import PutDevice, PutOrganisation, PutSeriesList, PutSite
from ingest.api.edge import REGIONS, Cursor, Limit, page
from ingest.flows import registry as flows
from ingest.flows.registry import shown
from ingest.tables import DeviceRow, Organisation, SeriesRow, SiteRow

router = APIRouter(tags=["registry"])
MayRead = Annotated[Grant, Depends(allow("registry", "read"))]
MayWrite = Annotated[Grant, Depends(allow("registry", "write"))]


async def _change(session: AsyncSession, grant: Grant) -> flows.Change:
    who = grant.principal
    return await flows.Change(session, f"{who.text} {who.subject}", datetime.now(UTC)).begin()


def _sites(grant: Grant) -> Any:
    return grant.clause(REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc)


@router.get("/organisations")
async def list_organisations(
    grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Organisations in reach, by code."""
    reach = grant.clause(REGIONS, region=Organisation.region, owner_uscc=Organisation.uscc)
    wanted = select(Organisation).where(reach, Organisation.uscc > (cursor or ""))
    found = await session.scalars(wanted.order_by(Organisation.uscc).limit(limit + 1))
    return page(found.all(), limit, lambda row: row.uscc, shown)


@router.get("/organisations/{uscc}")
async def show_organisation(uscc: str, grant: MayRead, session: ReaderSession) -> Any:
    """One organisation."""
    row = await session.get(Organisation, uscc)
    if row is None:
        raise NotFound("unknown-organisation", f"The organisation {uscc} is not registered 单位未登记")
    grant.require(region=row.region, owner_uscc=row.uscc)
    return shown(row)


@router.put("/organisations/{uscc}")
async def put_organisation(uscc: str, body: PutOrganisation, grant: MayWrite, session: WriterSession) -> Any:
    """Register or change an organisation."""
    change = await _change(session, grant)
    known = await session.get(Organisation, uscc)
    for region in {body.region, known.region if known else body.region}:
        grant.require(region=region)
    return shown(await flows.save_organisation(change, uscc, body.model_dump()))


@router.get("/sites")
async def list_sites(
    grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Stations and outlets in reach, by code."""
    wanted = select(SiteRow).where(_sites(grant), SiteRow.code > (cursor or ""))
    found = await session.scalars(wanted.order_by(SiteRow.code).limit(limit + 1))
    return page(found.all(), limit, lambda row: row.code, shown)


@router.get("/sites/{code}")
async def show_site(code: str, grant: MayRead, session: ReaderSession) -> Any:
    """One station or outlet."""
    row = await flows.site_of(session, code)
    grant.require(region=row.region, owner_dept=row.dept, owner_uscc=row.uscc)
    return shown(row)


@router.put("/sites/{code}")
async def put_site(code: str, body: PutSite, grant: MayWrite, session: WriterSession) -> Any:
    """Register or change a station or outlet."""
    change = await _change(session, grant)
    known = await session.get(SiteRow, code)
    for region in {body.region, known.region if known else body.region}:
        grant.require(region=region)
    cells = body.model_dump()
    cells["dept"] = cells["dept"] or (known.dept if known else grant.principal.dept)
    return shown(await flows.save_site(change, code, cells))


@router.get("/devices")
async def list_devices(
    grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Data loggers in reach, by MN. Passwords are never shown."""
    wanted = select(DeviceRow).join(SiteRow).where(_sites(grant), DeviceRow.mn > (cursor or ""))
    found = await session.scalars(wanted.order_by(DeviceRow.mn).limit(limit + 1))
    return page(found.all(), limit, lambda row: row.mn, shown)


@router.get("/devices/{mn}")
async def show_device(mn: str, grant: MayRead, session: ReaderSession) -> Any:
    """One data logger."""
    row = await session.scalar(select(DeviceRow).join(SiteRow).where(DeviceRow.mn == mn, _sites(grant)))
    if row is None:
        raise NotFound("unknown-device", f"No device {mn} in your reach 无此设备或超出权限")
    return shown(row)


@router.put("/devices/{mn}")
async def put_device(mn: str, body: PutDevice, grant: MayWrite, session: WriterSession) -> Any:
    """Register or change a data logger."""
    change = await _change(session, grant)
    known = await session.get(DeviceRow, mn)
    for code in {body.site, known.site if known else body.site}:
        grant.require(region=(await flows.site_of(session, code)).region)
    return shown(await flows.save_device(change, mn, body.model_dump(mode="json")))


@router.get("/series")
async def list_series(
    grant: MayRead,
    session: ReaderSession,
    site: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """Series in reach, by number."""
    after = int(cursor) if cursor and cursor.isdigit() and len(cursor) < 19 else 0
    wanted = select(SeriesRow).join(SiteRow).where(_sites(grant), SeriesRow.id > after)
    if site is not None:
        wanted = wanted.where(SeriesRow.site == site)
    found = await session.scalars(wanted.order_by(SeriesRow.id).limit(limit + 1))
    return page(found.all(), limit, lambda row: row.id, _series)


@router.put("/series")
async def put_series(body: PutSeriesList, request: Request, grant: MayWrite, session: WriterSession) -> Any:
    """Register or change many series at once, by their natural key. All or none."""
    change = await _change(session, grant)
    for code in {one.site for one in body.series}:
        grant.require(region=(await flows.site_of(session, code)).region)
    rows = await flows.save_series(change, [one.model_dump() for one in body.series])
    return {"items": [_series(row) for row in rows], "next": None}


def _series(row: SeriesRow) -> dict[str, Any]:
    return {"id": row.id, **shown(row)}
