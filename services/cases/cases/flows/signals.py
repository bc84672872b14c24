"""What alarms and suspicions from qc do: open a lead, withdraw it, or take the basis from a filed case.

Promises: raising and withdrawal of one signal may arrive in any order, repeated or renewed; the lead ends in
the same state, because that depends only on the newest raising and the newest withdrawal known. An alarm
opens a lead only at severity `case`; otherwise it is kept and shown beside the leads of its site. Once filed,
no machine undoes anything: the case is flagged, its effects stop, a person annuls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.cases import BasisWithdrawn, LeadClosed, LeadOpened
from contracts.ingest import DeviceSilenced
from contracts.qc import AlarmRaised, AlarmWithdrawn, SuspicionRaised, SuspicionWithdrawn
from kit.outbox import put
from msgspec import to_builtins
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from cases import queries
from cases.flows.acts import Noticed, note, to_ms
from cases.rules import clocks, machine
from cases.tables import Case, Lead, Signal

# A suspicion that grows for weeks rests on thousands of readings; its events carry the newest of them.
MOST_TRACES = 500


@dataclass(frozen=True)
class Ground:
    """What a lead rests on, as qc said it last. `series` and `findings` are shown as they are."""

    signal_id: str
    raised_at_ms: int
    site: str
    region: str
    uscc: str | None
    organisation_zh: str | None
    organisation_en: str | None
    summary: str
    series: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    score: float | None
    from_at: datetime
    to_at: datetime


async def raise_suspicion(
    session: AsyncSession, event: SuspicionRaised, now: datetime, traces: Sequence[str] = ()
) -> None:
    """A suspicion opens a lead once; a newer raising of the same suspicion renews what the lead shows."""
    first = event.series[0]
    signal = await queries.locked_signal(session, event.suspicion_id, "suspicion", first.site, first.region)
    if signal.raised_at_ms is not None and signal.raised_at_ms >= event.raised_at_ms:
        return
    signal.raised_at_ms = event.raised_at_ms
    signal.from_at, signal.to_at = _instant(event.from_ms), _instant(event.to_ms)
    reasons = [f"{finding.message_zh} · {finding.message_en}" for finding in event.findings]
    ground = Ground(
        signal_id=event.suspicion_id,
        raised_at_ms=event.raised_at_ms,
        site=first.site,
        region=first.region,
        uscc=first.uscc,
        organisation_zh=first.organisation_zh,
        organisation_en=first.organisation_en,
        summary="\n".join(reasons),
        series=[_named(to_builtins(series)) for series in event.series],
        findings=[to_builtins(finding) for finding in event.findings],
        score=event.score,
        from_at=signal.from_at,
        to_at=signal.to_at,
    )
    await rest_lead_on(session, ground, signal, now, traces)


async def withdraw_suspicion(session: AsyncSession, event: SuspicionWithdrawn, now: datetime) -> None:
    """Withdraws the lead, or flags the case. A withdrawal that comes first waits for its suspicion.

    A merged suspicion stands under another number: its case is flagged only when that one falls as well.
    """
    signal = await queries.locked_signal(session, event.suspicion_id, "suspicion", event.site, event.region)
    if signal.withdrawn_at_ms is None or signal.withdrawn_at_ms < event.withdrawn_at_ms:
        signal.merged_into = event.merged_into
    await _withdraw(session, signal, event, now)


async def raise_alarm(
    session: AsyncSession, event: AlarmRaised, now: datetime, traces: Sequence[str] = ()
) -> None:
    """Keeps the alarm; at severity `case` it opens a lead as a suspicion does."""
    series = event.series
    signal = await queries.locked_signal(session, event.alarm_id, "alarm", series.site, series.region)
    if signal.raised_at_ms is not None and signal.raised_at_ms >= event.raised_at_ms:
        return
    signal.raised_at_ms = event.raised_at_ms
    signal.series_id, signal.rule, signal.severity = series.id, event.rule, event.severity
    signal.message_zh, signal.message_en = event.message_zh, event.message_en
    signal.from_at, signal.to_at = _instant(event.from_ms), _instant(event.to_ms)
    if event.severity != "case":
        return
    finding = {
        "rule": event.rule,
        "statistic": event.value,
        "threshold": event.threshold,
        "from_ms": event.from_ms,
        "to_ms": event.to_ms,
        "message_zh": event.message_zh,
        "message_en": event.message_en,
        "source_clause": event.source_clause,
    }
    ground = Ground(
        signal_id=event.alarm_id,
        raised_at_ms=event.raised_at_ms,
        site=series.site,
        region=series.region,
        uscc=series.uscc,
        organisation_zh=series.organisation_zh,
        organisation_en=series.organisation_en,
        summary=f"{event.message_zh} · {event.message_en}",
        series=[_named(to_builtins(series))],
        findings=[finding],
        score=None,
        from_at=signal.from_at,
        to_at=signal.to_at,
    )
    await rest_lead_on(session, ground, signal, now, traces)


async def withdraw_alarm(session: AsyncSession, event: AlarmWithdrawn, now: datetime) -> None:
    """As `withdraw_suspicion`; for an alarm that opened no lead it only marks the alarm."""
    signal = await queries.locked_signal(session, event.alarm_id, "alarm", event.site, event.region)
    await _withdraw(session, signal, event, now)


async def raise_silence(
    session: AsyncSession, event: DeviceSilenced, now: datetime, traces: Sequence[str] = ()
) -> None:
    """A key unit's outlet of which nothing was heard for a day is a lead: it is supervised day and night.

    Shorter silences, stations and other units are none; that the device is heard again later takes nothing
    back.
    """
    if not (event.is_alarm and event.is_key_unit) or event.site_kind != "outlet":
        return
    number = f"silence-{event.mn}-{event.heard_at_ms}"
    signal = await queries.locked_signal(session, number, "silence", event.site, event.region)
    if signal.raised_at_ms is not None:
        return
    signal.raised_at_ms = event.noticed_at_ms
    signal.from_at, signal.to_at = _instant(event.heard_at_ms), _instant(event.noticed_at_ms)
    hours = (event.noticed_at_ms - event.heard_at_ms) // 3_600_000
    zh, en = f"数采仪 {event.mn} 已失联 {hours} 小时", f"Data logger {event.mn} silent for {hours} hours"
    finding = {
        "rule": "device-silent",
        "statistic": float(hours),
        "threshold": 24.0,
        "from_ms": event.heard_at_ms,
        "to_ms": event.noticed_at_ms,
        "message_zh": zh,
        "message_en": en,
        "source_clause": "24-hour supervision of key units (LN-30)",
    }
    ground = Ground(
        signal_id=number,
        raised_at_ms=event.noticed_at_ms,
        site=event.site,
        region=event.region,
        uscc=event.uscc,
        organisation_zh=None,
        organisation_en=None,
        summary=f"{zh} · {en}",
        series=[],
        findings=[finding],
        score=None,
        from_at=signal.from_at,
        to_at=signal.to_at,
    )
    await rest_lead_on(session, ground, signal, now, traces)


async def rest_lead_on(
    session: AsyncSession, ground: Ground, signal: Signal, now: datetime, traces: Sequence[str]
) -> None:
    """The lead of this signal, opened if there is none, shows this ground."""
    lead = await queries.lead_by_origin(session, "suspicion", ground.region, ground.signal_id)
    is_new = lead is None
    if lead is None:
        lead = Lead(lead_id=uuid7(), origin="suspicion", origin_id=ground.signal_id, region=ground.region)
        _open(lead, now)
        lead.traces = []
        session.add(lead)
    _show(lead, ground)
    lead.traces = list(dict.fromkeys([*lead.traces, *traces]))[-MOST_TRACES:]
    if is_new or (lead.state == "WITHDRAWN" and not _is_withdrawn(signal)):
        await _say_opened(session, lead, now, is_new=is_new)
    if is_new and _is_withdrawn(signal):
        await _close(session, lead, signal, now)
        await _flag_fallen(session, signal, now)


async def _say_opened(session: AsyncSession, lead: Lead, now: datetime, *, is_new: bool) -> None:
    was = None if is_new else lead.state
    _open(lead, now)
    await session.flush()
    act = "open" if is_new else "reopen"
    note(session, lead, None, Noticed(act, was, "LEAD", now, lead.summary), raised_at_ms=lead.raised_at_ms)
    event = LeadOpened(
        lead_id=str(lead.lead_id),
        origin="suspicion",
        origin_id=lead.origin_id,
        site=lead.site,
        region=lead.region,
        uscc=lead.uscc,
        opened_at_ms=to_ms(now),
    )
    await put(session, event, key=str(lead.lead_id), traces=lead.traces)


def _open(lead: Lead, now: datetime) -> None:
    due = clocks.due("filing", legal_date(now))
    lead.state, lead.opened_at, lead.closed_at, lead.closed_reason = "LEAD", now, None, None
    lead.file_by, lead.is_file_by_provisional = due.day, due.is_provisional


def _show(lead: Lead, ground: Ground) -> None:
    lead.site, lead.uscc = ground.site, ground.uscc
    lead.organisation_zh, lead.organisation_en = ground.organisation_zh, ground.organisation_en
    lead.summary, lead.series, lead.findings = ground.summary, ground.series, ground.findings
    lead.score, lead.raised_at_ms = ground.score, ground.raised_at_ms
    lead.from_at, lead.to_at = ground.from_at, ground.to_at


async def _withdraw(
    session: AsyncSession, signal: Signal, event: SuspicionWithdrawn | AlarmWithdrawn, now: datetime
) -> None:
    if signal.withdrawn_at_ms is not None and signal.withdrawn_at_ms >= event.withdrawn_at_ms:
        return
    signal.withdrawn_at_ms = event.withdrawn_at_ms
    signal.withdrawn_reason_zh, signal.withdrawn_reason_en = event.reason_zh, event.reason_en
    if not _is_withdrawn(signal):
        return
    lead = await queries.lead_by_origin(session, "suspicion", event.region, signal.signal_id)
    if lead is not None and lead.state == "LEAD":
        await _close(session, lead, signal, now)
    await _flag_fallen(session, signal, now)


async def _flag_fallen(session: AsyncSession, signal: Signal, now: datetime) -> None:
    for fallen, last in await _fallen(session, signal):
        lead = await queries.lead_by_origin(session, "suspicion", fallen.region, fallen.signal_id)
        case = await queries.case_of(session, lead.lead_id, is_locked=True) if lead else None
        if lead and case and machine.is_open(case.state) and not case.is_basis_withdrawn:
            await _flag(session, lead, case, last, now)


async def _fallen(session: AsyncSession, signal: Signal) -> list[tuple[Signal, Signal]]:
    """The signals that lose their ground with this one, each with the withdrawal that gives the reason."""
    last = signal
    while last.merged_into is not None:
        last = await queries.locked_signal(session, last.merged_into, last.kind, last.site, last.region)
        if not _is_withdrawn(last):
            return []
    found, waiting = [], [signal]
    while waiting:
        found.append((waiting[0], last))
        waiting = waiting[1:] + await queries.signals_merged_into(session, waiting[0].signal_id)
    return found


async def _close(session: AsyncSession, lead: Lead, signal: Signal, now: datetime) -> None:
    reason = _reason(signal)
    note(session, lead, None, Noticed("withdraw", lead.state, "WITHDRAWN", now, reason))
    lead.state, lead.closed_at, lead.closed_reason = "WITHDRAWN", now, reason
    event = LeadClosed(
        lead_id=str(lead.lead_id),
        outcome="withdrawn",
        region=lead.region,
        reason=reason,
        closed_at_ms=to_ms(now),
    )
    await put(session, event, key=str(lead.lead_id), traces=lead.traces)


async def _flag(session: AsyncSession, lead: Lead, case: Case, signal: Signal, now: datetime) -> None:
    note(session, lead, case.case_id, Noticed("withdraw_basis", case.state, case.state, now, _reason(signal)))
    case.is_basis_withdrawn, case.basis_withdrawn_at = True, now
    case.basis_withdrawn_reason_zh = signal.withdrawn_reason_zh
    case.basis_withdrawn_reason_en = signal.withdrawn_reason_en
    event = BasisWithdrawn(
        case_id=str(case.case_id),
        suspicion_id=signal.signal_id,
        region=case.region,
        site=case.site,
        uscc=case.uscc,
        reason_zh=signal.withdrawn_reason_zh,
        reason_en=signal.withdrawn_reason_en,
        withdrawn_at_ms=to_ms(now),
    )
    await put(session, event, key=str(case.case_id), traces=case.traces)


def _is_withdrawn(signal: Signal) -> bool:
    if signal.withdrawn_at_ms is None or signal.raised_at_ms is None:
        return False
    return signal.withdrawn_at_ms >= signal.raised_at_ms


def _reason(signal: Signal) -> str:
    return f"{signal.withdrawn_reason_zh} · {signal.withdrawn_reason_en}"


def _named(series: dict[str, Any]) -> dict[str, Any]:
    shown = (
        "id",
        "site",
        "region",
        "factor",
        "statistic",
        "basis",
        "period",
        "source",
        "unit",
        "name_zh",
        "name_en",
    )
    return {name: series[name] for name in shown}


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
