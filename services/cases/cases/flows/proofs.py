"""What a unit's self-proof does to a lead: noted where its suspicion is; unproved, it opens one.

Promises: no machine ends a lead or a case by it: people decided in qc whether proof convinces, people decide
here what follows. Leaves the course of the proof to `qc`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.cases import LeadOpened
from contracts.qc import SelfProofMoved
from kit.outbox import put
from kit.problems import Unavailable
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from cases import queries
from cases.flows.acts import Noticed, note, to_ms
from cases.rules import clocks
from cases.tables import Lead

# 廊办字〔2018〕50号 二21: who gives no proof, or none that convinces, is looked at.
OPENS = frozenset({"overdue", "rejected"})


async def follow_self_proof(
    session: AsyncSession, event: SelfProofMoved, now: datetime, traces: Sequence[str] = ()
) -> None:
    """Note the move on the lead of its suspicion; without one, overdue and rejected open a lead, once.

    Raises Unavailable while the suspicion has not arrived: its events come by another lane.
    """
    if event.suspicion_id is not None:
        lead = await queries.lead_by_origin(session, "suspicion", event.region, event.suspicion_id)
        if lead is None:
            raise Unavailable(
                "suspicion-not-yet", f"The suspicion {event.suspicion_id} has not arrived 嫌疑尚未到达"
            )
    else:
        await queries.lock_origin(session, "inspection", event.region, event.proof_id)
        lead = await queries.lead_by_origin(session, "inspection", event.region, event.proof_id)
        if lead is None:
            if event.step not in OPENS:
                return
            lead = await _open(session, event, now, traces)
    case = await queries.case_of(session, lead.lead_id)
    state = case.state if case else lead.state
    reason = f"{event.message_zh} · {event.message_en}：{event.reason}"
    noticed = Noticed(f"self_proof_{event.step}", state, state, now, reason, event.source_clause)
    note(session, lead, case.case_id if case else None, noticed, proof_id=event.proof_id)


async def _open(session: AsyncSession, event: SelfProofMoved, now: datetime, traces: Sequence[str]) -> Lead:
    due = clocks.due("filing", legal_date(now))
    finding = {
        "rule": f"self-proof-{event.step}",
        "from_ms": event.from_ms,
        "to_ms": event.to_ms,
        "message_zh": event.message_zh,
        "message_en": event.message_en,
        "source_clause": event.source_clause,
    }
    lead = Lead(
        lead_id=uuid7(),
        origin="inspection",
        origin_id=event.proof_id,
        region=event.region,
        site=event.site,
        uscc=event.uscc,
        summary=f"{event.message_zh} · {event.message_en}",
        series=[],
        findings=[finding],
        from_at=datetime.fromtimestamp(event.from_ms / 1000, UTC),
        to_at=datetime.fromtimestamp(event.to_ms / 1000, UTC),
        state="LEAD",
        opened_at=now,
        file_by=due.day,
        is_file_by_provisional=due.is_provisional,
        traces=list(traces),
    )
    session.add(lead)
    await session.flush()
    note(session, lead, None, Noticed("open", None, "LEAD", now, lead.summary, event.source_clause))
    opened = LeadOpened(
        lead_id=str(lead.lead_id),
        origin="inspection",
        origin_id=event.proof_id,
        site=lead.site,
        region=lead.region,
        uscc=lead.uscc,
        opened_at_ms=to_ms(now),
    )
    await put(session, opened, key=str(lead.lead_id), traces=lead.traces)
    return lead
