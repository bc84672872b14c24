"""What the registry finds and enforcement must look at: each opens one lead.

Promises: a finding opens its lead once, however often it is told. Leaves findings that are no matter of
enforcement (a late run, a camera that is offline) to those who supervise.
"""

from collections.abc import Sequence
from datetime import datetime

from contracts.cases import LeadOpened
from contracts.ingest import FindingRaised
from kit.outbox import put
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from cases import queries
from cases.flows.acts import Noticed, note, to_ms
from cases.rules import clocks
from cases.tables import Lead

# 廊办字〔2018〕50号 二22 (entries, obstructions); 生态环境监测条例 Art. 12, 25 (moved points).
OPENS = frozenset(
    {"unauthorised-entry", "obstruction", "station-moved-unapproved", "station-change-unapproved"}
)


async def raise_finding(
    session: AsyncSession, event: FindingRaised, now: datetime, traces: Sequence[str] = ()
) -> None:
    """Open a lead for a finding about a point, if it is one for enforcement."""
    if event.finding not in OPENS or event.site is None or event.region is None:
        return
    await queries.lock_origin(session, "inspection", event.region, event.id)
    if await queries.lead_by_origin(session, "inspection", event.region, event.id) is not None:
        return
    due = clocks.due("filing", legal_date(now))
    lead = Lead(
        lead_id=uuid7(),
        origin="inspection",
        origin_id=event.id,
        region=event.region,
        site=event.site,
        uscc=event.uscc,
        summary=f"{event.message_zh} · {event.message_en}",
        series=[],
        findings=[
            {
                "rule": event.finding,
                "message_zh": event.message_zh,
                "message_en": event.message_en,
                "record": event.record,
                "detail": event.detail,
            }
        ],
        state="LEAD",
        opened_at=now,
        file_by=due.day,
        is_file_by_provisional=due.is_provisional,
        traces=list(traces),
    )
    session.add(lead)
    await session.flush()
    basis = "登记核查发现 · found by the register"
    note(session, lead, None, Noticed("open", None, "LEAD", now, lead.summary, basis, "ingest"))
    opened = LeadOpened(
        lead_id=str(lead.lead_id),
        origin="inspection",
        origin_id=event.id,
        site=lead.site,
        region=lead.region,
        uscc=lead.uscc,
        opened_at_ms=to_ms(now),
    )
    await put(session, opened, key=str(lead.lead_id), traces=lead.traces)
