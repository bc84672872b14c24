"""The duty roster, and what is suppressed: data that persons enter.

Promises: a shift or a suppression that was entered is never rewritten, it is cancelled or lifted by name; no
suppression is without an end. Leaves how long it may be to the dated rules.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from kit.problems import Conflict, Fault, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from qc.flows.steps import Actor
from qc.rules.desk import longest_suppression
from qc.tables.desk import DutyShift, Suppression


def enter_shifts(session: AsyncSession, shifts: Sequence[DutyShift], actor: Actor) -> list[DutyShift]:
    """Enter shifts; each gets its number."""
    for shift in shifts:
        shift.shift_id, shift.entered_by, shift.entered_at = uuid7(), actor.who, actor.now
        session.add(shift)
    return list(shifts)


async def cancel_shift(session: AsyncSession, shift: DutyShift, actor: Actor) -> DutyShift:
    """A shift is not served. Raises Conflict if it is cancelled already."""
    await session.refresh(shift, with_for_update=True)
    if shift.cancelled_at is not None:
        raise Conflict("shift-cancelled", f"Cancelled by {shift.cancelled_by} 班次已取消")
    shift.cancelled_by, shift.cancelled_at = actor.who, actor.now
    return shift


def impose(session: AsyncSession, wanted: Suppression, actor: Actor) -> Suppression:
    """Suppress what `wanted` names until it expires. Raises Invalid for none, a past or a far end."""
    longest, source = longest_suppression(legal_date(actor.now))
    if not actor.now < wanted.expires_at <= actor.now + longest:
        raise Invalid(
            "suppression-end",
            "The end is past or too far 截止时间无效",
            errors=[_end(actor.now, longest, source)],
        )
    if (wanted.rule, wanted.series_id, wanted.site) == (None, None, None):
        fault = Fault(
            where="rule, series, site",
            rule="something must be named",
            what="未指明抑制对象 · nothing is named",
            mend="指明规则、序列或站点 · name a rule, a series or a site",
        )
        raise Invalid("suppression-of-all", fault["what"], errors=[fault])
    wanted.suppression_id, wanted.imposed_by, wanted.imposed_at = uuid7(), actor.who, actor.now
    session.add(wanted)
    return wanted


def _end(now: datetime, longest: timedelta, source: str) -> Fault:
    return Fault(
        where="expires_at",
        rule=source,
        what=f"最长 {longest.days} 天 · at most {longest.days} days from now",
        mend=f"≤ {(now + longest).isoformat(timespec='seconds')}",
    )


async def lift(session: AsyncSession, suppression_id: UUID, actor: Actor, reason: str) -> Suppression:
    """End a suppression before its time. Raises NotFound; Conflict once it has ended."""
    known = await session.get(Suppression, suppression_id, with_for_update=True)
    if known is None:
        raise NotFound("suppression-unknown", f"There is no suppression {suppression_id} 无此抑制")
    if known.lifted_at is not None or known.expires_at <= actor.now:
        raise Conflict("suppression-ended", "It has ended 抑制已结束")
    known.lifted_by, known.lifted_at, known.lift_reason = actor.who, actor.now, reason
    return known
