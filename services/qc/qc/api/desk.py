"""The alarm desk over HTTP: acknowledge, assign, close, roll-up by park and region, the rules of the desk.

Promises: only alarms within reach of the grant; a repeated write gets the answer already given. Leaves what
follows to the flows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import NotFound
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions
from standards.calendar import legal_date

from qc.api.acting import act
from qc.api.asked import Acknowledge, Assign, Close
from qc.api.edge import REGIONS, Limit
from qc.api.views import alarm_clock, cause_view, shown, step_view
from qc.api.writing import Write
from qc.flows import desk
from qc.flows.anomalies import report_view
from qc.flows.steps import Actor
from qc.queries import desk as stored
from qc.rules.desk import desk_rules, on_duty
from qc.rules.validity.dated import in_force
from qc.tables import Alarm

router = APIRouter(tags=["alarm desk"])
MayRead = Annotated[Grant, Depends(allow("alarms", "read"))]
MayHandle = Annotated[Grant, Depends(allow("alarms", "handle"))]
MayRules = Annotated[Grant, Depends(allow("rule-pack", "read"))]


async def alarm_detail(session: AsyncSession, alarm: Alarm) -> dict[str, Any]:
    """An alarm with its clock, who is on duty for it, its steps and its cause."""
    await session.flush()
    now = datetime.now(UTC)
    shift = on_duty(await stored.shifts_at(session, now), alarm.region, alarm.level)
    steps = [step_view(step) for step in await stored.steps_of(session, alarm.alarm_id)]
    duty = None if shift is None else {"dept": shift.dept, "name": shift.name, "contact": shift.contact}
    view = shown(alarm) | {"clock": alarm_clock(alarm, now), "on_duty": duty, "steps": steps}
    view["anomaly_report"] = await report_view(session, alarm, now)
    state = "withdrawn" if alarm.withdrawn_at else "raised"
    return view | {"id": view.pop("alarm_id"), "state": state, "closed_for": cause_view(alarm)}


async def _reached(session: AsyncSession, grant: Grant, alarm_id: UUID) -> None:
    alarm = await session.get(Alarm, alarm_id)
    if alarm is None:
        raise NotFound("alarm-unknown", f"There is no alarm {alarm_id} 告警不存在")
    grant.require(region=alarm.region)


@router.post("/alarms/{alarm_id}/acknowledge")
async def acknowledge(alarm_id: UUID, body: Acknowledge, grant: MayHandle, write: Write) -> dict[str, Any]:
    """确认: somebody takes note of the alarm; the clock to settle it runs on."""
    await _reached(write.session, grant, alarm_id)

    async def run(actor: Actor) -> dict[str, Any]:
        alarm = await desk.acknowledge(write.session, alarm_id, actor, body.note)
        return await alarm_detail(write.session, alarm)

    return await act(write, body, grant, run)


@router.post("/alarms/{alarm_id}/assign")
async def assign(alarm_id: UUID, body: Assign, grant: MayHandle, write: Write) -> dict[str, Any]:
    """分派: who looks into it."""
    await _reached(write.session, grant, alarm_id)

    async def run(actor: Actor) -> dict[str, Any]:
        alarm = await desk.assign(write.session, alarm_id, actor, body.assignee, body.note)
        return await alarm_detail(write.session, alarm)

    return await act(write, body, grant, run)


@router.post("/alarms/{alarm_id}/close")
async def close(alarm_id: UUID, body: Close, grant: MayHandle, write: Write) -> dict[str, Any]:
    """办结: settled, with a cause of the list; a confirmed anomaly becomes a lead of enforcement at once."""
    await _reached(write.session, grant, alarm_id)

    async def run(actor: Actor) -> dict[str, Any]:
        alarm = await desk.close(write.session, alarm_id, actor, body.cause, body.note)
        return await alarm_detail(write.session, alarm)

    return await act(write, body, grant, run)


@router.get("/alarms/rollup")
async def roll_up(
    grant: MayRead,
    session: ReaderSession,
    by: Annotated[Literal["area", "region"], Query(description="Park or region 园区或行政区")] = "area",
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
) -> dict[str, Any]:
    """Open alarms by park or region: how many, unacknowledged, by severity, by set, the oldest."""
    reach = grant.clause(REGIONS, region=Alarm.region, owner_uscc=Alarm.uscc)
    rows = await stored.roll_up(session, reach, by_area=by == "area", after=cursor, limit=limit)
    places: dict[str, list[Row[Any]]] = {}
    for row in rows:
        places.setdefault(row.place, []).append(row)
    known = await stored.areas(session, list(places)) if by == "area" else {}
    items = [_place(code, own) | _named(code, known.get(code), by) for code, own in places.items()]
    return {"by": by, "items": items, "next": items[-1]["code"] if len(items) == limit else None}


def _place(code: str, rows: Sequence[Row[Any]]) -> dict[str, Any]:
    severities: dict[str, int] = {}
    for row in rows:
        severities[row.severity] = severities.get(row.severity, 0) + row.open
    sets = {
        one.id: {
            "open": sum(row.open for row in rows if row.factor in one.factors),
            "zh": one.zh,
            "en": one.en,
        }
        for one in in_force(desk_rules().sets, legal_date(datetime.now(UTC)))
    }
    return {
        "code": code,
        "open": sum(row.open for row in rows),
        "unacknowledged": sum(row.unacknowledged for row in rows),
        "by_severity": severities,
        "by_set": sets,
        "oldest": min(row.oldest for row in rows).isoformat(),
        "sites": sorted({site for row in rows for site in row.sites}),
    }


def _named(code: str, area: Any, by: str) -> dict[str, Any]:
    if by == "region":
        region = regions.get(code)
        return {"name_zh": region.zh if region else code, "name_en": region.en if region else code}
    names = {"name_zh": area.name_zh, "name_en": area.name_en, "kind": area.kind} if area else {}
    return {"name_zh": code, "name_en": code, "kind": None} | names


@router.get("/desk-rules")
async def show_rules(grant: MayRules) -> dict[str, Any]:
    """Clocks, levels, causes, sets, tolerances and who decides: dated, each with its source."""
    content: dict[str, Any] = msgspec.to_builtins(desk_rules())
    return content
