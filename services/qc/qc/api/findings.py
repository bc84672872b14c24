"""What the registers show over HTTP: findings, deadlines, the state of instruments, the reports.

Promises: newest first, only within the caller's reach; a finding is closed with a reason, never removed.
Leaves raising to the flows and the job.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.problems import NotFound
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from qc.api.edge import Cursor, Limit, moment, page, series_within
from qc.flows.registers.owned import owned, reach, require
from qc.flows.registers.reports import capacity_report, quality_report, score_report
from qc.queries import registers
from qc.rules.registers.state import instrument_state
from qc.tables.registers import RegisterDeadline, RegisterFinding

router = APIRouter(tags=["registers"])
May = Annotated[Grant, Depends(allow("register-findings", "read"))]
MayClose = Annotated[Grant, Depends(allow("register-findings", "close"))]
MayReport = Annotated[Grant, Depends(allow("quality-report", "read"))]
MayVerdicts = Annotated[Grant, Depends(allow("verdicts", "read"))]
MayCapacity = Annotated[Grant, Depends(allow("capacity", "read"))]
Word = Annotated[str | None, Query(max_length=64)]


class Closing(BaseModel):
    """Why a finding is settled."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field(
        min_length=2, max_length=1000, pattern=r"^[^\x00]*$", description="处理情况 How it was settled"
    )


def finding_shown(row: RegisterFinding) -> dict[str, Any]:
    return {
        "id": str(row.finding_id),
        "finding": row.finding,
        "record": f"{row.kind}/{row.code}",
        "cause": row.cause,
        "region": row.region,
        "dept": row.dept,
        "uscc": row.uscc,
        "site": row.site,
        "state": "open" if row.closed_at is None else "closed",
        "found_at": row.found_at.isoformat(),
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        "message_zh": row.message_zh,
        "message_en": row.message_en,
        "source": row.source,
        "detail": row.detail,
    }


@router.get("/register-findings")
async def list_findings(  # noqa: PLR0913 - one parameter of the query each
    grant: May,
    session: ReaderSession,
    finding: Word = None,
    kind: Word = None,
    state: Literal["open", "closed"] | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Findings of the registers, newest first 台账问题，按时间倒序。"""
    of = RegisterFinding
    asked = select(of).where(reach(grant, of))
    for column, value in ((of.finding, finding), (of.kind, kind)):
        asked = asked.where(column == value) if value is not None else asked
    if state is not None:
        asked = asked.where(of.closed_at.is_(None) if state == "open" else of.closed_at.is_not(None))
    asked = asked.where(of.finding_id < cursor) if cursor is not None else asked
    rows = await session.scalars(asked.order_by(of.finding_id.desc()).limit(limit))
    return page([finding_shown(row) for row in rows], limit, "id")


@router.post("/register-findings/{id}/close")
async def close_finding(id: UUID, body: Closing, grant: MayClose, session: WriterSession) -> dict[str, Any]:
    """Settle a finding with a reason; the same again changes nothing 销号。"""
    row = await session.get(RegisterFinding, id, with_for_update=True)
    if row is None:
        raise NotFound("finding-unknown", "There is no such finding 无此问题")
    require(grant, owned(row))
    if row.closed_at is None:
        row.closed_at = datetime.now(UTC)
        by = {"closed_by": grant.principal.text, "reason": body.reason}
        row.detail = row.detail | by
        clock = await session.get(RegisterDeadline, (row.kind, row.code, f"mend:{row.finding}"))
        if clock is not None and clock.met_at is None:
            clock.met_at = row.closed_at
    return finding_shown(row)


@router.get("/register-deadlines")
async def list_deadlines(
    grant: May,
    session: ReaderSession,
    state: Annotated[
        Literal["running", "missed", "met"], Query(description="running 进行中, missed 逾期, met 已完成")
    ] = "running",
    kind: Word = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before")] = None,
) -> dict[str, Any]:
    """Deadlines of the registers by record 台账期限，按记录排列。"""
    of = RegisterDeadline
    states = {
        "running": (of.met_at.is_(None), of.missed_at.is_(None)),
        "missed": (of.met_at.is_(None), of.missed_at.is_not(None)),
        "met": (of.met_at.is_not(None),),
    }
    key = of.kind + "/" + of.code + "/" + of.clock
    asked = select(of).where(reach(grant, of), *states[state], key > (cursor or ""))
    asked = asked.where(of.kind == kind) if kind is not None else asked
    rows = await session.scalars(asked.order_by(key).limit(limit))
    items = [
        {
            "id": f"{row.kind}/{row.code}/{row.clock}",
            "record": f"{row.kind}/{row.code}",
            "clock": row.clock,
            "finding": row.finding,
            "due_at": row.due_at.isoformat(),
            "missed_at": row.missed_at.isoformat() if row.missed_at else None,
            "met_at": row.met_at.isoformat() if row.met_at else None,
            "site": row.site,
            "uscc": row.uscc,
        }
        for row in rows
    ]
    return page(items, limit, "id")


@router.get("/instrument-state/{series}")
async def show_state(
    series: str,
    grant: MayVerdicts,
    session: ReaderSession,
    at: Annotated[str | None, Query(max_length=40, description="instant, now unless given 时刻")] = None,
) -> dict[str, Any]:
    """Whether a series is measured by a calibrated, verified instrument at an instant, and why not
    仪器在该时刻是否校准、检定有效，及原因和依据。
    """
    ref = await series_within(session, grant, series)
    instant = moment(at, "at") if at else datetime.now(UTC)
    known = await registers.instruments_at(session, ref.site)
    assessed = await registers.is_assessed(session, ref.site)
    state = instrument_state(known, ref.factor, round(instant.timestamp() * 1000), is_assessed=assessed)
    return {
        "series": ref.id,
        "site": ref.site,
        "factor": ref.factor,
        "at": instant.isoformat(),
        "profile": "assessment" if assessed else "general",
        "is_calibrated": state.is_calibrated,
        "is_valid_as_evidence": state.is_calibrated,
        "flags": state.flags,
        "reasons": [msgspec.to_builtins(reason) for reason in state.reasons],
    }


@router.get("/quality-report")
async def report_quality(
    grant: MayReport, session: ReaderSession, limit: Limit = 100, cursor: Word = None
) -> dict[str, Any]:
    """Data quality of the monitoring agencies, department by department 各部门所属监测机构质量报告。"""
    return await quality_report(session, grant, cursor, limit)


@router.get("/capacity-report")
async def report_capacity(
    grant: MayCapacity, session: ReaderSession, limit: Limit = 100, cursor: Word = None
) -> dict[str, Any]:
    """Capacity of each county or city against the standard, with every gap 分县区能力报告及差距。"""
    return await capacity_report(session, grant, cursor, limit)


@router.get("/plan-report")
async def report_plans(
    grant: MayCapacity,
    session: ReaderSession,
    year: Annotated[int, Query(ge=2015, le=2100)],
    limit: Limit = 100,
    cursor: Word = None,
) -> dict[str, Any]:
    """Completion of the annual plans of a year, region by region, as a score 年度方案完成率与得分。"""
    return await score_report(session, grant, year, cursor, limit)
