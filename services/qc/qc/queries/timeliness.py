"""How timely each source was in a stretch of days.

Promises: one row a source, by key; a page reads the late days of the stretch only.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from qc.rules.timeliness import Systematic
from qc.tables.timeliness import LateArrival as Of

KEY = ("site", "source", "period", "device")


class Stretch(NamedTuple):
    """The days of the rule up to `on`; all sources, or only the systematically late."""

    on: date
    rule: Systematic
    is_systematic: bool


async def by_source(
    session: AsyncSession,
    reach: Sequence[ColumnElement[bool]],
    stretch: Stretch,
    after: Sequence[str] | None,
    limit: int,
) -> Sequence[Any]:
    """Sources with late values in those days, by key behind `after`."""
    on, rule, is_systematic = stretch
    key = [getattr(Of, name) for name in KEY]
    days = func.count(Of.day.distinct())
    asked = select(
        *key,
        func.max(Of.region).label("region"),
        func.max(Of.uscc).label("uscc"),
        days.label("days"),
        func.sum(Of.late).label("late"),
        func.max(Of.longest_seconds).label("longest_seconds"),
        func.min(Of.allowed_seconds).label("allowed_seconds"),
        func.min(Of.day).label("first_day"),
        func.max(Of.received_at).label("last_at"),
    ).where(*reach, Of.day > on - timedelta(days=rule.of), Of.day <= on)
    if after is not None:
        asked = asked.where(tuple_(*key) > tuple(after))
    if is_systematic:
        asked = asked.having(days >= rule.days)
    return (await session.execute(asked.group_by(*key).order_by(*key).limit(limit))).all()
