"""Alarms and suspicions over HTTP.

Promises: newest first, only of the caller's region (alarms also of the caller's own organisation). Leaves
raising and withdrawing to the flows.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import NotFound
from sqlalchemy.orm import DeclarativeBase

from qc.api.edge import REGIONS, Cursor, Limit, page
from qc.queries import reading
from qc.tables import Alarm, Suspicion

router = APIRouter(tags=["alarms and suspicions"])
MayAlarms = Annotated[Grant, Depends(allow("alarms", "read"))]
MaySuspicions = Annotated[Grant, Depends(allow("suspicions", "read"))]
State = Annotated[Literal["raised", "withdrawn"] | None, Query()]
Site = Annotated[str | None, Query(max_length=200)]


def shown(row: DeclarativeBase) -> dict[str, Any]:
    """A row as it travels: times as ISO 8601."""
    view = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    view |= {key: value.isoformat() for key, value in view.items() if hasattr(value, "isoformat")}
    if "state" not in view:
        view["state"] = "withdrawn" if view["withdrawn_at"] else "raised"
    return view | {"id": str(view.pop("alarm_id", None) or view.pop("suspicion_id"))}


@router.get("/alarms")
async def list_alarms(  # noqa: PLR0913 - one parameter of the query each
    grant: MayAlarms,
    session: ReaderSession,
    state: State = None,
    site: Site = None,
    rule: Annotated[str | None, Query(max_length=40)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Alarms, newest first."""
    reach = grant.clause(REGIONS, region=Alarm.region, owner_uscc=Alarm.uscc)
    found = await reading.alarms(session, [reach], state, {"site": site, "rule": rule}, cursor, limit)
    return page([shown(row) for row in found], limit, "id")


@router.get("/alarms/{alarm_id}")
async def show_alarm(alarm_id: UUID, grant: MayAlarms, session: ReaderSession) -> dict[str, Any]:
    """One alarm."""
    alarm = await session.get(Alarm, alarm_id)
    if alarm is None:
        raise NotFound("alarm-unknown", f"There is no alarm {alarm_id} 告警不存在")
    grant.require(region=alarm.region, owner_uscc=alarm.uscc)
    return shown(alarm)


@router.get("/suspicions")
async def list_suspicions(
    grant: MaySuspicions,
    session: ReaderSession,
    state: State = None,
    site: Site = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Suspicions of falsification, newest first, each with its findings and score."""
    reach = grant.clause(REGIONS, region=Suspicion.region)
    found = await reading.suspicions(session, [reach], state, site, cursor, limit)
    return page([shown(row) for row in found], limit, "id")


@router.get("/suspicions/{suspicion_id}")
async def show_suspicion(suspicion_id: UUID, grant: MaySuspicions, session: ReaderSession) -> dict[str, Any]:
    """One suspicion with its findings: rule, statistic, threshold, weight, score, clause."""
    suspicion = await session.get(Suspicion, suspicion_id)
    if suspicion is None:
        raise NotFound("suspicion-unknown", f"There is no suspicion {suspicion_id} 嫌疑不存在")
    grant.require(region=suspicion.region)
    return shown(suspicion)
