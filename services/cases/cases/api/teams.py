"""Special-case teams 专案组 over HTTP: who is on the team of a case, who joins, who leaves.

Promises: only the head of the bureau in whose region the case lies names and ends. Leaves what a member
sees to the routes of cases.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from kit.auth import Grant, allow
from kit.db import ReaderSession

from cases import queries
from cases.api.edge import Write, doer_of
from cases.flows import teams
from cases.flows.asked import EndMember, NameMember
from cases.tables import TeamMember

router = APIRouter(tags=["special-case teams"])
May = Annotated[Grant, Depends(allow("case-teams", "name"))]


def member_view(row: TeamMember, now: datetime) -> dict[str, Any]:
    """One membership."""
    return {
        "id": str(row.member_id),
        "subject": row.subject,
        "dept": row.dept,
        "reason": row.reason,
        "from": row.from_at.isoformat(),
        "until": row.until_at.isoformat(),
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "ended_reason": row.ended_reason,
        "is_on_team": row.ended_at is None and row.from_at <= now < row.until_at,
    }


@router.get("/cases/{case_id}/team")
async def show_team(case_id: UUID, grant: May, session: ReaderSession) -> dict[str, Any]:
    """Everybody who is or was on the team, newest first."""
    case = await queries.case(session, case_id)
    grant.require(region=case.region)
    now = datetime.now(UTC)
    return {"items": [member_view(row, now) for row in await queries.team(session, case_id)]}


@router.post("/cases/{case_id}/team", status_code=201)
async def name_member(case_id: UUID, body: NameMember, grant: May, write: Write) -> dict[str, Any]:
    """Names a member until the given end."""
    doer = doer_of(grant)

    async def run() -> dict[str, Any]:
        return member_view(await teams.name_member(write.session, case_id, body, doer), doer.now)

    return await write.answer(body, doer, run)


@router.post("/cases/{case_id}/team/{member_id}/end")
async def end_member(
    case_id: UUID, member_id: UUID, body: EndMember, grant: May, write: Write
) -> dict[str, Any]:
    """The member sees the case no more from now on."""
    doer = doer_of(grant)

    async def run() -> dict[str, Any]:
        return member_view(await teams.end_member(write.session, case_id, member_id, body, doer), doer.now)

    return await write.answer(body, doer, run)
