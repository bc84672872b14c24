"""The duty roster and suppressions over HTTP.

Promises: within the caller's region; newest first, page by page. Leaves their limits to the flows.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Fault, Invalid, NotFound
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from qc.api.acting import act
from qc.api.asked import EnterShifts, GiveReason, Shift, Suppress
from qc.api.edge import REGIONS, Cursor, Limit, page
from qc.api.views import shown
from qc.api.writing import Write
from qc.flows import duty
from qc.flows.steps import Actor
from qc.queries import desk as stored
from qc.tables import KnownSeries
from qc.tables.desk import DutyShift, SuppressedAlarm, Suppression

router = APIRouter(tags=["alarm desk"])
MayReadDuty = Annotated[Grant, Depends(allow("duty", "read"))]
MayEnterDuty = Annotated[Grant, Depends(allow("duty", "write"))]
MayReadHidden = Annotated[Grant, Depends(allow("suppressions", "read"))]
MayHide = Annotated[Grant, Depends(allow("suppressions", "write"))]


def _view(row: DutyShift | Suppression) -> dict[str, Any]:
    view = shown(row)
    return view | {"id": view.pop("shift_id" if isinstance(row, DutyShift) else "suppression_id")}


@router.get("/duty-shifts")
async def list_shifts(
    grant: MayReadDuty,
    session: ReaderSession,
    is_running: Annotated[bool | None, Query(description="Only who is on duty now 仅当前在岗")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """The roster of the caller's region."""
    conditions = [grant.clause(REGIONS, region=DutyShift.region)]
    if is_running:
        now = datetime.now(UTC)
        conditions += [DutyShift.starts_at <= now, DutyShift.ends_at > now, DutyShift.cancelled_at.is_(None)]
    rows = await stored.newest(session, DutyShift.shift_id, conditions, cursor, limit)
    return page([_view(row) for row in rows], limit, "id")


@router.post("/duty-shifts", status_code=201)
async def enter_shifts(body: EnterShifts, grant: MayEnterDuty, write: Write) -> dict[str, Any]:
    """Enter shifts, all or none."""
    faults = [fault for place, shift in enumerate(body.shifts) for fault in _faults(place, shift)]
    if faults:
        raise Invalid("shift-unfit", "A shift is not acceptable 班次有误", errors=faults)
    for shift in body.shifts:
        grant.require(region=shift.region)

    async def run(actor: Actor) -> dict[str, Any]:
        made = [DutyShift(**shift.model_dump()) for shift in body.shifts]
        return {"items": [_view(row) for row in duty.enter_shifts(write.session, made, actor)]}

    return await act(write, body, grant, run)


def _faults(place: int, shift: Shift) -> list[Fault]:
    where, found = f"shifts/{place}", []
    if shift.region not in REGIONS:
        found.append(_fault(f"{where}/region", "GB/T 2260", shift.region))
    if shift.ends_at <= shift.starts_at:
        found.append(_fault(f"{where}/ends_at", "starts_at < ends_at", shift.ends_at.isoformat()))
    return found


def _fault(where: str, rule: str, what: str) -> Fault:
    return Fault(where=where, rule=rule, what=what, mend="修改后重报 · change it and send again")


@router.post("/duty-shifts/{shift_id}/cancel")
async def cancel_shift(shift_id: UUID, body: GiveReason, grant: MayEnterDuty, write: Write) -> dict[str, Any]:
    """A shift is not served."""
    shift = await write.session.get(DutyShift, shift_id)
    if shift is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id} 无此班次")
    grant.require(region=shift.region)

    async def run(actor: Actor) -> dict[str, Any]:
        return _view(await duty.cancel_shift(write.session, shift, actor))

    return await act(write, body, grant, run)


@router.get("/suppressions")
async def list_suppressions(
    grant: MayReadHidden, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """What is or was suppressed, by whom, why, until when."""
    reach = grant.clause(REGIONS, region=Suppression.region)
    rows = await stored.newest(session, Suppression.suppression_id, [reach], cursor, limit)
    return page([_view(row) for row in rows], limit, "id")


@router.get("/suppressions/{suppression_id}")
async def show_suppression(
    suppression_id: UUID, grant: MayReadHidden, session: ReaderSession, limit: Limit = 100
) -> dict[str, Any]:
    """One suppression, of how many rules and series it kept alarms from being raised, and the newest."""
    known = await _suppression(session, grant, suppression_id)
    of_it = SuppressedAlarm.suppression_id == suppression_id
    hidden = select(SuppressedAlarm).where(of_it).order_by(SuppressedAlarm.hidden_at.desc()).limit(limit)
    count = await session.scalar(select(func.count()).select_from(SuppressedAlarm).where(of_it))
    return _view(known) | {"hidden": count, "alarms": [shown(row) for row in await session.scalars(hidden)]}


async def _suppression(session: AsyncSession, grant: Grant, suppression_id: UUID) -> Suppression:
    known = await session.get(Suppression, suppression_id)
    if known is None:
        raise NotFound("suppression-unknown", f"There is no suppression {suppression_id} 无此抑制")
    grant.require(region=known.region)
    return known


@router.post("/suppressions", status_code=201)
async def suppress(body: Suppress, grant: MayHide, write: Write) -> dict[str, Any]:
    """Suppress alarms of a rule, series or site until an end; values keep their codes."""
    if body.region not in REGIONS:
        raise Invalid(
            "region-unknown", "region 行政区未知", errors=[_fault("region", "GB/T 2260", body.region)]
        )
    grant.require(region=body.region)
    await _require_known(write.session, grant, body)

    async def run(actor: Actor) -> dict[str, Any]:
        cells = body.model_dump(exclude={"series"}) | {"series_id": body.series}
        return _view(duty.impose(write.session, Suppression(**cells), actor))

    return await act(write, body, grant, run)


async def _require_known(session: AsyncSession, grant: Grant, body: Suppress) -> None:
    """A series or a site that is named exists, and within reach."""
    named = [KnownSeries.series_id == body.series] * (body.series is not None)
    named += [KnownSeries.site == body.site] * (body.site is not None)
    if named:
        region = await session.scalar(select(KnownSeries.region).where(*named).limit(1))
        if region is None:
            raise NotFound("series-unknown", "No value of that series or site is known here 序列或站点未知")
        grant.require(region=region)


@router.post("/suppressions/{suppression_id}/lift")
async def lift(suppression_id: UUID, body: GiveReason, grant: MayHide, write: Write) -> dict[str, Any]:
    """End a suppression before its time."""
    await _suppression(write.session, grant, suppression_id)

    async def run(actor: Actor) -> dict[str, Any]:
        return _view(await duty.lift(write.session, suppression_id, actor, body.reason))

    return await act(write, body, grant, run)
