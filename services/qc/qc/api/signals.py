"""Alarms and suspicions over HTTP.

Promises: newest first, only of the caller's region (alarms also of the caller's own organisation). Leaves
raising and withdrawing to the flows.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Invalid, NotFound
from sqlalchemy.orm import DeclarativeBase
from standards.calendar import legal_date

from qc.api.desk import alarm_detail
from qc.api.edge import REGIONS, Cursor, Limit, page
from qc.queries import reading
from qc.rules.desk import desk_rules, set_named
from qc.rules.validity.dated import in_force
from qc.tables import Alarm, Suspicion

router = APIRouter(tags=["alarms and suspicions"])
MayAlarms = Annotated[Grant, Depends(allow("alarms", "read"))]
MaySuspicions = Annotated[Grant, Depends(allow("suspicions", "read"))]
State = Annotated[Literal["raised", "withdrawn"] | None, Query()]
Desk = Literal["raised", "withdrawn", "open", "unacknowledged", "closed"]
SuspicionState = Annotated[
    Literal["queued", "raised", "withdrawn"] | None,
    Query(description="queued: below the case threshold, an analyst's to look at 待分析"),
]
Origin = Annotated[Literal["streaming", "day_close"] | None, Query()]
Kind = Annotated[str | None, Query(max_length=40, description="what it points to, e.g. copy-day 手法")]
Site = Annotated[str | None, Query(max_length=200)]


def shown(row: DeclarativeBase) -> dict[str, Any]:
    """A row as it travels: times as ISO 8601."""
    view = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    view |= {key: value.isoformat() for key, value in view.items() if hasattr(value, "isoformat")}
    if "state" not in view:
        view["state"] = "withdrawn" if view["withdrawn_at"] else "raised"
    view |= {key: str(value) for key, value in view.items() if isinstance(value, UUID)}
    return view | {"id": view.pop("alarm_id", None) or view.pop("suspicion_id")}


@router.get("/alarms")
async def list_alarms(  # noqa: PLR0913 - one parameter of the query each
    grant: MayAlarms,
    session: ReaderSession,
    state: Annotated[Desk | None, Query(description="open: raised and not closed 未办结")] = None,
    site: Site = None,
    rule: Annotated[str | None, Query(max_length=40)] = None,
    of_set: Annotated[str | None, Query(alias="set", max_length=40, description="GET /desk-rules")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Alarms, newest first; `set` names a set of factors that are watched together."""
    conditions = [grant.clause(REGIONS, region=Alarm.region, owner_uscc=Alarm.uscc)]
    if of_set is not None:
        conditions.append(Alarm.series["factor"].astext.in_(_factors(of_set)))
    found = await reading.alarms(session, conditions, state, {"site": site, "rule": rule}, cursor, limit)
    return page([shown(row) for row in found], limit, "id")


def _factors(name: str) -> tuple[str, ...]:
    today = legal_date(datetime.now(UTC))
    found = set_named(name, today)
    if found is None:
        known = ", ".join(one.id for one in in_force(desk_rules().sets, today))
        raise Invalid("set-unknown", f"No set {name!r} of alarms; one of {known} 无此告警集")
    return found.factors


@router.get("/alarms/{alarm_id}")
async def show_alarm(alarm_id: UUID, grant: MayAlarms, session: ReaderSession) -> dict[str, Any]:
    """One alarm, with its clock, its steps, and who is on duty for it."""
    alarm = await session.get(Alarm, alarm_id)
    if alarm is None:
        raise NotFound("alarm-unknown", f"There is no alarm {alarm_id} 告警不存在")
    grant.require(region=alarm.region, owner_uscc=alarm.uscc)
    return await alarm_detail(session, alarm)


@router.get("/suspicions")
async def list_suspicions(  # noqa: PLR0913 - one parameter of the query each
    grant: MaySuspicions,
    session: ReaderSession,
    state: SuspicionState = None,
    site: Site = None,
    origin: Origin = None,
    kind: Kind = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Suspicions of falsification, newest first, each with its findings and score.

    `origin` streaming: of the rules that judge single values, within seconds; day_close: of the tests that
    run when a day closes. `state` queued is an analyst's queue: such a stretch has opened no lead.
    """
    reach = grant.clause(REGIONS, region=Suspicion.region)
    equal = {"state": state, "site": site, "origin": origin, "kind": kind}
    found = await reading.suspicions(session, [reach], equal, cursor, limit)
    return page([shown(row) for row in found], limit, "id")


@router.get("/suspicions/{suspicion_id}")
async def show_suspicion(suspicion_id: UUID, grant: MaySuspicions, session: ReaderSession) -> dict[str, Any]:
    """One suspicion with its findings: rule, statistic, threshold, weight, score, clause."""
    suspicion = await session.get(Suspicion, suspicion_id)
    if suspicion is None:
        raise NotFound("suspicion-unknown", f"There is no suspicion {suspicion_id} 嫌疑不存在")
    grant.require(region=suspicion.region)
    return shown(suspicion)
