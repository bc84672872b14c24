"""Links upward over HTTP: registered as data, their queues, receipts and reconciliations.

Promises: PUT says how the link shall stand; passwords and tokens go in and never come out; nobody forwards
from outside the region of the role. Leaves history to `flows.registry`, sending to `flows.uplinks`.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.problems import Conflict, Invalid
from pydantic import Field, model_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.asked import Asked, Code, Text
from ingest.api.edge import REGIONS, Cursor, Limit, change_of, page
from ingest.flows.change import shown
from ingest.flows.uplinks import links as flows
from ingest.flows.uplinks.reaching import check_link
from ingest.flows.uplinks.reconciling import reconcile
from ingest.flows.uplinks.sending import Uplinks, limits_now
from ingest.flows.uplinks.settling import renew
from ingest.tables import (
    RegistryChange,
    UplinkParcel,
    UplinkReceipt,
    UplinkReconciliation,
    UplinkRow,
    UplinkState,
)

router = APIRouter(tags=["uplinks"])
MayRead = Annotated[Grant, Depends(allow("uplinks", "read"))]
MayWrite = Annotated[Grant, Depends(allow("uplinks", "write"))]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Secret = Annotated[str, Field(min_length=1, max_length=4000)]
_STATE = ("circuit", "failures", "changed_at", "next_try_at", "last_ok_at", "last_error", "looped")


class PutPlace(Asked):
    """What one of our sites is on the other side. `password` (HJ 212 PW) goes in and never comes out."""

    code: Code | None = None
    mn: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] | None = None
    system: int | None = Field(None, ge=20, le=99)
    password: Annotated[str, Field(pattern=r"^[^;,=&#\s]{1,32}$")] | None = None


class PutUplink(Asked):
    """A link. Empty selections mean all of `region`; secrets left out stay, unless it moves."""

    name_zh: Text
    name_en: Text
    kind: Literal["http", "hj212"]
    address: Annotated[str, Field(min_length=3, max_length=500)]
    peer: Name
    region: Code
    is_on: bool = True
    regions: list[Code] = Field(default=[], max_length=200)
    sites: list[Code] = Field(default=[], max_length=5000)
    factors: list[Code] = Field(default=[], max_length=500)
    periods: list[Literal["rtd", "min", "hour", "day"]] = Field(default=[], max_length=4)
    sources: list[Code] = Field(default=[], max_length=100)
    places: dict[str, PutPlace] = Field(default={}, max_length=5000)
    source_as: Code | None = None
    dialect: Literal["2005", "2017", "2025"] = "2017"
    units: Literal["registered", "hj212"] = "registered"
    answer_seconds: int | None = Field(None, ge=1, le=99)
    resends: int | None = Field(None, ge=0, le=99)
    parcels_per_second: float | None = Field(None, gt=0, le=1000)
    token_url: Annotated[str, Field(pattern=r"^https?://", max_length=500)] | None = None
    client_id: Code | None = None
    bearer: Secret | None = None
    client_secret: Secret | None = None
    begins: Literal["now", "outbox"] = "now"

    @model_validator(mode="after")
    def _address_fits(self) -> "PutUplink":
        host, _, port = self.address.rpartition(":")
        if self.kind == "http" and not self.address.startswith(("http://", "https://")):
            raise ValueError("address: an http link needs http:// or https:// 须为网址")
        if self.kind == "hj212" and not (host and port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError("address: an hj212 link needs host:port 须为 主机:端口")
        return self

    def cells(self) -> dict[str, Any]:
        """The columns of the link, secrets left out."""
        left_out = {"bearer", "client_secret", "begins", "places"}
        places = {
            site: place.model_dump(exclude={"password"}, exclude_none=True)
            for site, place in self.places.items()
        }
        return self.model_dump(exclude=left_out) | {"places": places}

    def secrets(self) -> dict[str, str]:
        """The secrets by their names."""
        named = {"bearer": self.bearer, "client": self.client_secret}
        named |= {f"PW:{site}": place.password for site, place in self.places.items()}
        return {name: secret for name, secret in named.items() if secret is not None}


class Resend(Asked):
    """Which parked parcels to send again; without `ids` all of them, at most 10,000."""

    ids: list[int] | None = Field(None, max_length=10_000)


class AskedDay(Asked):
    day: date


async def _link(session: AsyncSession, grant: Grant, name: str) -> UplinkRow:
    row = await flows.link_of(session, name)
    grant.require(region=row.region)
    return row


@router.get("/uplinks")
async def list_uplinks(
    grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Links in reach, by name. Passwords and tokens are never shown."""
    wanted = select(UplinkRow).where(
        grant.clause(REGIONS, region=UplinkRow.region), UplinkRow.name > (cursor or "")
    )
    found = await session.scalars(wanted.order_by(UplinkRow.name).limit(limit + 1))
    return page(found.all(), limit, lambda row: row.name, shown)


@router.get("/uplinks/{name}")
async def show_uplink(name: str, grant: MayRead, session: ReaderSession) -> Any:
    """One link, how its circuit stands, and how its queue does."""
    row = await _link(session, grant, name)
    state = await session.get(UplinkState, name)
    counts = await session.execute(flows.DEPTH, {"link": name})
    standing = {key: getattr(state, key) for key in _STATE} if state else {}
    return shown(row) | {"state": standing, "queue": dict(counts.one()._mapping)}


@router.put("/uplinks/{name}")
async def put_uplink(
    name: Name, body: PutUplink, request: Request, grant: MayWrite, session: WriterSession
) -> Any:
    """Register or change a link; `begins` counts at the first time only."""
    uplinks: Uplinks = request.app.state.uplinks
    if not uplinks.own:
        raise Conflict("platform-unnamed", "Set INGEST_PLATFORM, the name of this platform 须先命名本平台")
    if body.peer == uplinks.own:
        raise Invalid("peer-is-self", f"{body.peer} is this platform itself 对端不能是本平台")
    async with change_of(session, grant) as change:
        known = await session.get(UplinkRow, name)
        for region in {body.region, *body.regions, known.region if known else body.region}:
            grant.require(region=region)
        await check_link(uplinks.reach, body.kind, body.address, body.token_url)
        is_new = body.begins == "now"
        return shown(await flows.save_link(change, name, body.cells(), body.secrets(), from_now=is_new))


@router.get("/uplinks/{name}/changes")
async def list_changes(
    name: str, grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Who changed the link, when, and how it stood before and after; newest first."""
    await _link(session, grant, name)
    wanted = select(RegistryChange).where(RegistryChange.kind == "uplinks", RegistryChange.code == name)
    rows = await _newest(session, wanted, RegistryChange.id, _number(cursor), limit)
    return page(rows, limit, lambda row: row.id, shown)


@router.get("/uplinks/{name}/parcels")
async def list_parcels(
    name: str,
    grant: MayRead,
    session: ReaderSession,
    state: Literal["waiting", "acknowledged", "parked", "reported"] = "parked",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """What waits, was acknowledged, was refused (with the reason), or cannot be sent; newest first."""
    await _link(session, grant, name)
    wanted = select(UplinkParcel).where(UplinkParcel.link == name, UplinkParcel.state == state)
    rows = await _newest(session, wanted, UplinkParcel.id, _number(cursor), limit)
    return page(rows, limit, lambda row: row.id, _parcel)


@router.post("/uplinks/{name}/resend")
async def resend(name: str, body: Resend, grant: MayWrite, session: WriterSession) -> Any:
    """Send parked parcels again, under new names; asking twice sends once."""
    await _link(session, grant, name)
    wanted = select(UplinkParcel.id).where(UplinkParcel.link == name, UplinkParcel.state == "parked")
    if body.ids is not None:
        wanted = wanted.where(UplinkParcel.id.in_(body.ids))
    ids = (await session.scalars(wanted.order_by(UplinkParcel.id).limit(10_000))).all()
    return {"resent": await renew(session, name, ids, datetime.now(UTC))}


@router.get("/uplinks/{name}/receipts")
async def list_receipts(
    name: str, grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """What the other side answered, to which parcel, when; newest first."""
    await _link(session, grant, name)
    wanted = select(UplinkReceipt).where(UplinkReceipt.link == name)
    rows = await _newest(session, wanted, UplinkReceipt.id, _number(cursor), limit)
    return page(rows, limit, lambda row: row.id, lambda row: {"id": row.id, **shown(row)})


@router.get("/uplinks/{name}/reconciliations")
async def list_reconciliations(
    name: str, grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Day by day: sent, acknowledged, held, and every difference by series and hour; newest first."""
    await _link(session, grant, name)
    wanted = select(UplinkReconciliation).where(UplinkReconciliation.link == name)
    before = _uuid(cursor) if cursor else None
    rows = await _newest(session, wanted, UplinkReconciliation.id, before, limit)
    return page(rows, limit, lambda row: row.id, lambda row: {"id": row.id, **shown(row)})


@router.post("/uplinks/{name}/reconciliations")
async def reconcile_now(name: str, body: AskedDay, request: Request, grant: MayWrite) -> Any:
    """Compare one day now instead of after its end."""
    uplinks: Uplinks = request.app.state.uplinks
    database, now = request.app.state.database, datetime.now(UTC)
    # No session is held while the other side is asked.
    async with database.reader(grant.principal) as session:
        await _link(session, grant, name)
    async with uplinks.delivery(name) as delivery:
        if delivery is None:
            raise Conflict("uplink-off", f"The link {name} is off 链路已停用")
        made = await reconcile(database, name, body.day, delivery, now, limits_now())
    return {"id": made.id, **shown(made)}


async def _newest(session: AsyncSession, wanted: Any, key: Any, before: Any, limit: int) -> Any:
    if before is not None:
        wanted = wanted.where(key < before)
    return (await session.scalars(wanted.order_by(key.desc()).limit(limit + 1))).all()


def _number(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Invalid("unknown-cursor", "No such page 无此页")
    return int(cursor)


def _uuid(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        raise Invalid("unknown-cursor", "No such page 无此页") from None


def _parcel(row: UplinkParcel) -> dict[str, Any]:
    return {"id": row.id, **{name: cell for name, cell in shown(row).items() if name != "body"}}
