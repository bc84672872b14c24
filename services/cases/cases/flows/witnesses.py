"""A witness that knows another history of the evidence log: a lead, because somebody may have rewritten it.

Promises: one refusal opens one lead, however often it is said. Leaves to an officer what is behind it: an
attack, or a restore that went wrong.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.evidence import WitnessRefused
from sqlalchemy.ext.asyncio import AsyncSession

from cases import queries
from cases.flows.signals import Ground, rest_lead_on

RULE, SEVERITY = "log-witness", "case"


async def raise_refusal(
    session: AsyncSession, event: WitnessRefused, now: datetime, traces: Sequence[str] = ()
) -> None:
    """Opens a lead at the region that runs the log; its place is the log itself."""
    signal = await queries.locked_signal(session, event.refusal_id, "alarm", event.log, event.region)
    if signal.raised_at_ms is not None:
        return
    at = datetime.fromtimestamp(event.refused_at_ms / 1000, UTC)
    signal.raised_at_ms, signal.rule, signal.severity = event.refused_at_ms, f"{RULE}-{event.kind}", SEVERITY
    signal.message_zh, signal.message_en = event.message_zh, event.message_en
    signal.from_at = signal.to_at = at
    finding = {
        "rule": f"{RULE}-{event.kind}",
        "statistic": event.size,
        "threshold": event.witness_size,
        "root": event.root,
        "from_ms": event.refused_at_ms,
        "to_ms": event.refused_at_ms,
        "message_zh": event.message_zh,
        "message_en": event.message_en,
        "source_clause": event.source_clause,
    }
    ground = Ground(
        signal_id=event.refusal_id,
        raised_at_ms=event.refused_at_ms,
        site=event.log,
        region=event.region,
        uscc=None,
        organisation_zh=None,
        organisation_en=None,
        summary=f"{event.message_zh} · {event.message_en}",
        series=[],
        findings=[finding],
        score=None,
        from_at=at,
        to_at=at,
    )
    await rest_lead_on(session, ground, signal, now, traces)
