"""Leads: opened by people, filed as a case, or rejected.

Promises: one number at one origin opens one lead; filing makes exactly one case, by two certified officers,
within its time limit or with the reason of its extension. Leaves what qc does to a lead to `signals`.
"""

from uuid import UUID

from contracts.cases import CaseFiled, LeadClosed, LeadOpened
from kit.outbox import put
from kit.problems import Conflict, Fault, Invalid
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions
from uuid_utils.compat import uuid7

from cases import queries
from cases.flows.acts import Doer, carried, judge, proposal, record, to_ms
from cases.flows.asked import FileLead, OpenLead, RejectLead
from cases.rules import clocks
from cases.tables import Case, CaseStep, Lead, Reporter


async def open_lead(session: AsyncSession, asked: OpenLead, doer: Doer) -> Lead:
    """A lead from a report, an inspection, a superior or another department.

    The same origin number with the same facts answers the lead already open; with other facts: Conflict.
    """
    _check(asked)
    doer.grant.require(region=asked.region)
    await queries.lock_origin(session, asked.origin, asked.region, asked.origin_id)
    known = await queries.lead_by_origin(session, asked.origin, asked.region, asked.origin_id)
    if known is not None:
        return _same(known, asked)
    due = clocks.due("filing", doer.today)
    lead = Lead(
        lead_id=uuid7(),
        **asked.model_dump(exclude={"from_time", "to_time", "reporter"}),
        series=[],
        findings=[],
        from_at=asked.from_time,
        to_at=asked.to_time,
        state="LEAD",
        opened_at=doer.now,
        file_by=due.day,
        is_file_by_provisional=due.is_provisional,
        traces=carried([]),
    )
    session.add(lead)
    await session.flush()
    session.add(_opening(lead, asked, doer))
    if asked.reporter is not None:
        session.add(Reporter(lead_id=lead.lead_id, **asked.reporter.model_dump(), given_at=doer.now))
    event = LeadOpened(
        lead_id=str(lead.lead_id),
        origin=asked.origin,
        origin_id=asked.origin_id,
        site=lead.site,
        region=lead.region,
        uscc=lead.uscc,
        opened_at_ms=to_ms(doer.now),
    )
    await put(session, event, key=str(lead.lead_id), traces=lead.traces)
    return lead


async def reject_lead(session: AsyncSession, lead_id: UUID, asked: RejectLead, doer: Doer) -> Lead:
    """不予立案, with reasons."""
    lead = await queries.lead(session, lead_id, is_locked=True)
    act = judge(await proposal(session, "reject", asked, doer, lead), doer.today)
    record(session, act, asked, doer, lead, None)
    lead.closed_at, lead.closed_reason = doer.now, asked.reason
    event = LeadClosed(
        lead_id=str(lead_id),
        outcome="rejected",
        region=lead.region,
        reason=asked.reason,
        closed_at_ms=to_ms(doer.now),
    )
    await put(session, event, key=str(lead_id), traces=carried(lead.traces))
    return lead


async def file_lead(session: AsyncSession, lead_id: UUID, asked: FileLead, doer: Doer) -> Case:
    """立案: the lead becomes a case, to be decided within ninety days of filing."""
    lead = await queries.lead(session, lead_id, is_locked=True)
    late = clocks.lateness_refusal(lead.file_by, doer.today, asked.late_reason)
    act = judge(await proposal(session, "file", asked, doer, lead), doer.today, [late])
    due = clocks.due("decision", doer.today)
    case = Case(
        case_id=uuid7(),
        lead_id=lead.lead_id,
        region=lead.region,
        site=lead.site,
        state=act.to,
        filed_at=doer.now,
        decide_by=due.day,
        is_decide_by_provisional=due.is_provisional,
        uscc=lead.uscc,
        organisation_zh=lead.organisation_zh,
        organisation_en=lead.organisation_en,
        series_ids=[],
        is_basis_withdrawn=False,
        traces=carried(lead.traces),
    )
    session.add(case)
    await session.flush()
    record(session, act, asked, doer, lead, case.case_id)
    event = CaseFiled(
        case_id=str(case.case_id),
        lead_id=str(lead.lead_id),
        region=case.region,
        site=case.site,
        uscc=case.uscc,
        filed_at_ms=to_ms(doer.now),
        decide_by=due.day.isoformat(),
    )
    await put(session, event, key=str(case.case_id), traces=case.traces)
    return case


def _check(asked: OpenLead) -> None:
    faults = []
    if regions.get(asked.region) is None:
        faults.append(
            Fault(
                where="region",
                rule="GB/T 2260",
                what=f"没有区划代码 {asked.region} · there is no region {asked.region}",
                mend="使用六位或九位行政区划代码 · use a known division code",
            )
        )
    if (asked.from_time is None) != (asked.to_time is None) or (
        asked.from_time is not None and asked.to_time is not None and asked.from_time >= asked.to_time
    ):
        faults.append(
            Fault(
                where="from_time",
                rule="from_time < to_time",
                what="时段不成立 · not a window",
                mend="同时填写起止时间，且起早于止 · give both, from before to",
            )
        )
    if asked.channel is not None and asked.origin != "report":
        faults.append(
            Fault(
                where="channel",
                rule="LN-26",
                what="只有举报才有渠道 · only a report from the public has a channel",
                mend="去掉 channel，或来源填 report · leave out channel, or give the origin report",
            )
        )
    if faults:
        raise Invalid("lead-incomplete", "；".join(fault["what"] for fault in faults), errors=faults)


def _same(known: Lead, asked: OpenLead) -> Lead:
    was = (known.site, known.summary, known.uscc, known.from_at, known.to_at)
    if was != (asked.site, asked.summary, asked.uscc, asked.from_time, asked.to_time):
        raise Conflict(
            "lead-number-taken",
            f"来源编号已用于其他线索 · {asked.origin} {asked.origin_id} was opened with other facts",
            lead_id=str(known.lead_id),
        )
    return known


def _opening(lead: Lead, asked: OpenLead, doer: Doer) -> CaseStep:
    return CaseStep(
        lead_id=lead.lead_id,
        act="open",
        to_state="LEAD",
        actor=doer.grant.principal.subject,
        actor_text=doer.grant.principal.text,
        at=doer.now,
        reason=asked.summary,
        basis="环发〔2015〕175号第9条",
        officers=[],
        documents=[],
        details=asked.model_dump(include={"origin", "origin_id", "channel"}, exclude_none=True),
    )
