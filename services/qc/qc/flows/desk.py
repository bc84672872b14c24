"""The alarm desk: acknowledge, assign, close with a cause; what nobody takes goes up the duty roster.

Promises: every step is kept and said; an alarm that fell away or is closed asks nobody any more; a confirmed
anomaly is said again at severity `case`, so that enforcement has its lead at once. Leaves the clocks and the
causes to `qc.rules.desk`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from contracts.ingest import SeriesRef
from contracts.qc import AlarmRaised
from kit.outbox import put
from kit.problems import Conflict, Fault, Invalid
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date

from qc.flows.anomalies import report_of
from qc.flows.steps import RULE, Actor, Step, take
from qc.queries import desk as stored
from qc.rules.desk import Clock, causes_on, clock_of, due, escalated, on_duty
from qc.tables import Alarm
from qc.tables.desk import DutyShift, Hold

NOBODY = "值班表上无人值班 nobody is on the roster"
UNREPORTED = "该单位尚未报告传输异常 · the unit has reported no anomaly of transmission for this time"
AT_ONCE = 200


def clock_now(alarm: Alarm, now: datetime) -> Clock:
    """The clock that runs: until somebody acknowledges, then until it is settled."""
    name = "acknowledge" if alarm.acknowledged_at is None else "settle"
    return clock_of(name, alarm.severity, legal_date(now))


async def acknowledge(session: AsyncSession, alarm_id: UUID, actor: Actor, note: str) -> Alarm:
    """Somebody takes note of it. Raises Conflict once that is done, or the alarm is over."""
    alarm = await _open(session, alarm_id)
    if alarm.acknowledged_at is not None:
        raise Conflict("already-acknowledged", f"Acknowledged by {alarm.acknowledged_by} 告警已确认")
    alarm.acknowledged_at, alarm.acknowledged_by = actor.now, actor.who
    alarm.escalate_at = due(clock_now(alarm, actor.now), alarm.raised_at)
    await take(session, alarm, Step("acknowledged", note), actor)
    return alarm


async def assign(session: AsyncSession, alarm_id: UUID, actor: Actor, assignee: str, note: str) -> Alarm:
    """Somebody is to look into it."""
    alarm = await _open(session, alarm_id)
    alarm.assignee = assignee
    await take(session, alarm, Step("assigned", note, assignee=assignee), actor)
    return alarm


async def close(session: AsyncSession, alarm_id: UUID, actor: Actor, cause: str, note: str) -> Alarm:
    """It is settled, with a cause of the dated list. Raises Conflict before it is acknowledged."""
    known = causes_on(legal_date(actor.now))
    if cause not in known:
        fault = Fault(
            where="cause",
            rule="packs/desk.yaml causes",
            what=f"{cause[:40]} 不在原因清单内 · not in the list of causes",
            mend=" | ".join(f"{one.id} {one.zh} · {one.en}" for one in known.values()),
        )
        raise Invalid("cause-unknown", fault["what"], errors=[fault])
    alarm = await _open(session, alarm_id)
    if alarm.acknowledged_at is None:
        raise Conflict("not-acknowledged", "Acknowledge it first 请先确认告警")
    if known[cause].needs_report and await report_of(session, alarm) is None:
        raise Conflict("unit-has-not-reported", f"{UNREPORTED} ({known[cause].source})")
    alarm.closed_at, alarm.closed_by, alarm.cause, alarm.escalate_at = actor.now, actor.who, cause, None
    await take(session, alarm, Step("closed", note, cause=cause), actor)
    if known[cause].opens_lead:
        await _say_confirmed(session, alarm, actor)
    return alarm


async def _open(session: AsyncSession, alarm_id: UUID) -> Alarm:
    alarm = await stored.alarm(session, alarm_id)
    if alarm.withdrawn_at is not None:
        raise Conflict("alarm-withdrawn", "The alarm was withdrawn 告警已撤销")
    if alarm.closed_at is not None:
        raise Conflict("alarm-closed", f"Closed by {alarm.closed_by}: {alarm.cause} 告警已办结")
    return alarm


async def _say_confirmed(session: AsyncSession, alarm: Alarm, actor: Actor) -> None:
    event = AlarmRaised(
        alarm_id=str(alarm.alarm_id),
        rule=alarm.rule,
        rule_pack=alarm.rule_pack,
        severity="case",
        series=msgspec.convert(alarm.series, SeriesRef),
        from_ms=_ms(alarm.from_at),
        to_ms=_ms(alarm.to_at),
        value=alarm.value,
        threshold=alarm.threshold,
        message_zh=alarm.message_zh,
        message_en=alarm.message_en,
        source_clause=alarm.source_clause,
        raised_at_ms=_ms(actor.now),
    )
    await put(session, event, key=alarm.site, traces=alarm.traces or None)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


async def escalate(session: AsyncSession, now: datetime) -> int:
    """Ask the next level about everything whose time is over; how many alarms and holds that were."""
    shifts = await stored.shifts_at(session, now)
    alarms = await stored.alarms_due(session, now, AT_ONCE)
    for alarm in alarms:
        step = "escalated" if alarm.acknowledged_at is None else "overdue"
        await _ask_up(session, alarm, step, clock_now(alarm, now), shifts, now)
    holds = await stored.holds_due(session, now, AT_ONCE)
    for hold in holds:
        await _ask_up(session, hold, "overdue", clock_of("decide", "hold", legal_date(now)), shifts, now)
    return len(alarms) + len(holds)


async def _ask_up(
    session: AsyncSession,
    of: Alarm | Hold,
    step: str,
    clock: Clock,
    shifts: Sequence[DutyShift],
    now: datetime,
) -> None:
    """The next level at which anybody is on duty; the last one if there is nobody at all."""
    of.level, of.escalate_at = escalated(clock, of.level, now)
    shift = on_duty(shifts, of.region, of.level)
    while shift is None and of.level < clock.levels:
        of.level, of.escalate_at = escalated(clock, of.level, now)
        shift = on_duty(shifts, of.region, of.level)
    asked = None if shift is None else f"{shift.dept}@{shift.region} {shift.name} {shift.person}"
    note = f"{clock.minutes} min; {clock.source}"
    await take(session, of, Step(step, note if asked else f"{NOBODY}; {note}", asked), Actor(RULE, now))
