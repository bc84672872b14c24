"""Leads over HTTP: list, show, open, file, reject.

Promises: only leads of the caller's region; a repeated write gets the answer already given. Leaves the law to
the rules and the work to the flows.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from kit.auth import Grant, allow
from kit.db import ReaderSession
from sqlalchemy.ext.asyncio import AsyncSession

from cases import queries
from cases.api.edge import Cursor, Limit, Wanted, Write, doer_of, page, visible
from cases.api.views import case_detail, lead_detail, lead_view
from cases.flows import leads
from cases.flows.acts import Doer
from cases.flows.asked import FileLead, OpenLead, RejectLead
from cases.tables import Lead

router = APIRouter(tags=["leads"])
May = Annotated[Grant, Depends(allow("leads", "read"))]
MayOpen = Annotated[Grant, Depends(allow("leads", "open"))]
MayDecide = Annotated[Grant, Depends(allow("leads", "decide"))]


async def _shown(session: AsyncSession, lead: Lead, doer: Doer) -> dict[str, Any]:
    await session.flush()
    case = await queries.case_of(session, lead.lead_id)
    steps = await queries.steps(session, lead.lead_id)
    alarms = await queries.alarms_beside(session, lead)
    return lead_detail(lead, case.case_id if case else None, doer.today, steps, alarms)


@router.get("/leads")
async def list_leads(
    grant: May, session: ReaderSession, wanted: Wanted, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Leads of the caller's region, newest first."""
    found = await queries.leads(session, visible(grant, Lead.region), wanted, cursor, limit)
    filed = await queries.case_ids(session, [lead.lead_id for lead in found])
    today = doer_of(grant).today
    return page([lead_view(lead, filed.get(lead.lead_id), today) for lead in found], limit)


@router.get("/leads/{lead_id}")
async def show_lead(lead_id: UUID, grant: May, session: ReaderSession) -> dict[str, Any]:
    """A lead with its findings, alarms, history and the acts that can follow."""
    lead = await queries.lead(session, lead_id)
    grant.require(region=lead.region)
    return await _shown(session, lead, doer_of(grant))


@router.post("/leads", status_code=201)
async def open_lead(body: OpenLead, grant: MayOpen, write: Write) -> dict[str, Any]:
    """线索登记: a report, an inspection, a superior's or another department's clue becomes a lead."""
    doer = doer_of(grant)

    async def run() -> dict[str, Any]:
        return await _shown(write.session, await leads.open_lead(write.session, body, doer), doer)

    return await write.answer(body, doer, run)


@router.post("/leads/{lead_id}/file", status_code=201)
async def file_lead(lead_id: UUID, body: FileLead, grant: MayDecide, write: Write) -> dict[str, Any]:
    """立案: answers the case."""
    doer = doer_of(grant)

    async def run() -> dict[str, Any]:
        case = await leads.file_lead(write.session, lead_id, body, doer)
        await write.session.flush()
        return case_detail(case, doer.today, await queries.steps(write.session, lead_id), ())

    return await write.answer(body, doer, run)


@router.post("/leads/{lead_id}/reject")
async def reject_lead(lead_id: UUID, body: RejectLead, grant: MayDecide, write: Write) -> dict[str, Any]:
    """不予立案: answers the lead."""
    doer = doer_of(grant)

    async def run() -> dict[str, Any]:
        return await _shown(write.session, await leads.reject_lead(write.session, lead_id, body, doer), doer)

    return await write.answer(body, doer, run)
