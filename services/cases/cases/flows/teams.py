"""专案组: people of other departments see one case, for a time, and nothing else of its region.

Promises: naming and ending are steps of the case's history; whoever leaves sees nothing from then on, for
the membership is asked at every read. Leaves the reach of a member to the policy's scope `team`.
"""

from uuid import UUID

import policy
from kit.problems import Conflict, Fault, Invalid
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from cases import queries
from cases.flows.acts import Doer, Noticed, note
from cases.flows.asked import EndMember, NameMember
from cases.rules import teams
from cases.tables import Case, TeamMember

GOVERNMENT = frozenset(
    slug for slug, known in policy.load().departments.items() if known["kind"] == "government"
)
BASIS = "商洛执法方案·专案组 · special-case team"


async def name_member(session: AsyncSession, case_id: UUID, asked: NameMember, doer: Doer) -> TeamMember:
    """Somebody joins the team of a case until the given end. Raises Invalid, Forbidden, NotFound."""
    case = await queries.case(session, case_id, is_locked=True)
    doer.grant.require(region=case.region)
    refused = teams.until_refusal(asked.until, doer.now, doer.today)
    faults = [Fault(where=r.where, rule=r.rule, what=r.what, mend=r.mend) for r in [refused] if r]
    if asked.dept not in GOVERNMENT:
        what = f"没有该部门 {asked.dept} · no department of the policy"
        faults.append(Fault(where="dept", rule="policy", what=what, mend="police, proc, discipline …"))
    if faults:
        raise Invalid("member-incomplete", "；".join(fault["what"] for fault in faults), errors=faults)
    row = TeamMember(
        member_id=uuid7(),
        case_id=case_id,
        lead_id=case.lead_id,
        region=case.region,
        subject=asked.subject,
        dept=asked.dept,
        reason=asked.reason,
        named_by=doer.grant.principal.subject,
        from_at=doer.now,
        until_at=asked.until,
    )
    session.add(row)
    await _noted(session, case, "team_named", asked.reason, doer, row)
    return row


async def end_member(
    session: AsyncSession, case_id: UUID, member_id: UUID, asked: EndMember, doer: Doer
) -> TeamMember:
    """A member leaves now. Raises Conflict if that happened already."""
    case = await queries.case(session, case_id)
    doer.grant.require(region=case.region)
    row = await queries.member(session, case_id, member_id)
    if row.ended_at is not None or row.until_at <= doer.now:
        raise Conflict("member-left", "该成员已离组 · this member has left already")
    row.ended_at, row.ended_by, row.ended_reason = doer.now, doer.grant.principal.subject, asked.reason
    await _noted(session, case, "team_ended", asked.reason, doer, row)
    return row


async def _noted(
    session: AsyncSession, case: Case, act: str, reason: str, doer: Doer, row: TeamMember
) -> None:
    who = doer.grant.principal
    noticed = Noticed(act, case.state, case.state, doer.now, reason, BASIS, who.subject)
    lead = await queries.lead(session, case.lead_id)
    note(session, lead, case.case_id, noticed, member=str(row.member_id), dept=row.dept)
    await session.flush()
