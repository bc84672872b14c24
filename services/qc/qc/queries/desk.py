"""What the desk reads: alarms and holds that are due, who is on duty, what is suppressed, roll-ups.

Promises: rows that will be changed come locked; by index, bounded. Leaves permission to the routes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from kit.problems import NotFound
from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from qc.queries.reading import ON_DESK
from qc.tables import Alarm
from qc.tables.desk import AreaPlace, DeskStep, DutyShift, Hold, SitePlace


async def alarm(session: AsyncSession, alarm_id: UUID) -> Alarm:
    """The alarm, locked. Raises NotFound."""
    found = await session.get(Alarm, alarm_id, with_for_update=True)
    if found is None:
        raise NotFound("alarm-unknown", f"There is no alarm {alarm_id} 告警不存在")
    return found


async def alarms_due(session: AsyncSession, now: datetime, most: int) -> Sequence[Alarm]:
    """Open alarms whose next level is to be asked; those another instance holds are skipped."""
    wanted = select(Alarm).where(Alarm.escalate_at <= now, *ON_DESK).order_by(Alarm.escalate_at)
    return (await session.scalars(wanted.limit(most).with_for_update(skip_locked=True))).all()


async def holds_due(session: AsyncSession, now: datetime, most: int) -> Sequence[Hold]:
    """Undecided holds whose next level is to be asked."""
    wanted = select(Hold).where(Hold.escalate_at <= now, Hold.decision.is_(None)).order_by(Hold.escalate_at)
    return (await session.scalars(wanted.limit(most).with_for_update(skip_locked=True))).all()


async def shifts_at(session: AsyncSession, now: datetime) -> Sequence[DutyShift]:
    """The shifts that run now, longest running first."""
    running = (DutyShift.starts_at <= now, DutyShift.ends_at > now, DutyShift.cancelled_at.is_(None))
    return (await session.scalars(select(DutyShift).where(*running).order_by(DutyShift.starts_at))).all()


async def steps_of(session: AsyncSession, subject_id: UUID) -> Sequence[DeskStep]:
    """The steps about an alarm or a hold, in order."""
    wanted = select(DeskStep).where(DeskStep.subject_id == subject_id).order_by(DeskStep.step_no)
    return (await session.scalars(wanted.limit(1000))).all()


class Active(NamedTuple):
    """A suppression that runs; what it does not name is None."""

    suppression_id: UUID
    region: str
    rule: str | None
    series_id: int | None
    site: str | None


async def active_suppressions(
    connection: asyncpg.Connection, sites: Sequence[str], rules: Sequence[str], now: datetime
) -> list[Active]:
    """Suppressions running now that could concern these sites or rules; on the way of every new alarm."""
    rows = await connection.fetch(
        "SELECT suppression_id, region, rule, series_id, site FROM suppressions "
        "WHERE expires_at > $3 AND imposed_at <= $3 AND lifted_at IS NULL "
        "AND (site IS NULL OR site = ANY($1)) AND (rule IS NULL OR rule = ANY($2))",
        list(sites),
        list(rules),
        now,
    )
    return [Active(*row) for row in rows]


async def newest(
    session: AsyncSession,
    key: InstrumentedAttribute[UUID],
    conditions: Sequence[ColumnElement[bool]],
    cursor: UUID | None,
    limit: int,
) -> Sequence[Any]:
    """A page of the table of this key, newest first (keys are uuid7)."""
    query = select(key.class_).where(*conditions).order_by(key.desc()).limit(limit)
    if cursor is not None:
        query = query.where(key < cursor)
    return (await session.scalars(query)).all()


async def roll_up(
    session: AsyncSession, reach: ColumnElement[bool], *, by_area: bool, after: str | None, limit: int
) -> list[Row[Any]]:
    """Open alarms per area or region, a page of places by code: one row per (place, severity, factor)."""
    place: Any = SitePlace.area if by_area else Alarm.region
    open_ones = (
        select(
            place.label("place"),
            Alarm.severity,
            Alarm.series["factor"].astext.label("factor"),
            Alarm.acknowledged_at,
            Alarm.raised_at,
            Alarm.site,
        )
        .where(*ON_DESK, reach)
        .select_from(Alarm)
    )
    if by_area:
        open_ones = open_ones.join(SitePlace, SitePlace.site == Alarm.site).where(place.is_not(None))
    if after is not None:
        open_ones = open_ones.where(place > after)
    rows = open_ones.cte("open_ones")
    page = select(rows.c.place).distinct().order_by(rows.c.place).limit(limit).cte("page")
    summed = (
        select(
            rows.c.place,
            rows.c.severity,
            rows.c.factor,
            func.count().label("open"),
            func.count().filter(rows.c.acknowledged_at.is_(None)).label("unacknowledged"),
            func.min(rows.c.raised_at).label("oldest"),
            func.array_agg(rows.c.site.distinct()).label("sites"),
        )
        .join(page, page.c.place == rows.c.place)
        .group_by(rows.c.place, rows.c.severity, rows.c.factor)
        .order_by(rows.c.place, rows.c.severity, rows.c.factor)
    )
    return list((await session.execute(summed)).all())


async def areas(session: AsyncSession, codes: Sequence[str]) -> dict[str, AreaPlace]:
    """What is known of these areas."""
    found = await session.scalars(select(AreaPlace).where(AreaPlace.area.in_(codes)))
    return {one.area: one for one in found}
