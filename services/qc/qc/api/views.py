"""Rows of the desk as they travel: times as ISO 8601, names in Chinese and English."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import DeclarativeBase
from standards.calendar import legal_date

from qc.flows.desk import clock_now
from qc.rules.desk import causes_on, due, list_digest
from qc.tables import Alarm
from qc.tables.desk import CheckDraw, DeskStep

STEPS = {
    "acknowledged": ("已确认", "acknowledged"),
    "assigned": ("已分派", "assigned"),
    "closed": ("已办结", "closed"),
    "escalated": ("未确认，上报上一级", "not acknowledged, the next level is asked"),
    "overdue": ("超期未处理，上报上一级", "not settled in time, the next level is asked"),
    "check-ordered": ("已下达远程核查", "remote check ordered"),
    "check-ended": ("远程核查已结束", "remote check ended"),
    "placed": ("暂缓发布", "withheld"),
    "proposed": ("已提出处理意见，待第二人决定", "proposed, a second person decides"),
    "decided": ("已决定", "decided"),
}
DRAW_RULE = 'take the lowest sha256("value|list_sha256|point"), points sorted by it 按散列值由小到大抽取'


def shown(row: DeclarativeBase) -> dict[str, Any]:
    """Every column of a row; instants as ISO 8601, ids as text."""
    cells = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return {name: _plain(cell) for name, cell in cells.items()}


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return str(cell) if isinstance(cell, UUID) else cell


def step_view(step: DeskStep) -> dict[str, Any]:
    """A step with its name in two languages."""
    zh, en = STEPS[step.step]
    hidden = {"subject", "subject_id"}
    cells = {name: cell for name, cell in shown(step).items() if name not in hidden}
    return cells | {"name_zh": zh, "name_en": en}


def alarm_clock(alarm: Alarm, now: datetime) -> dict[str, Any] | None:
    """Which clock runs for an alarm, until when, by which clause; None once it is over."""
    if alarm.withdrawn_at is not None or alarm.closed_at is not None:
        return None
    clock = clock_now(alarm, now)
    until = due(clock, alarm.raised_at)
    return {
        "clock": clock.clock,
        "due_at": until.isoformat(),
        "is_overdue": now >= until,
        "source": clock.source,
    }


def cause_view(alarm: Alarm) -> dict[str, Any] | None:
    """The cause an alarm was closed with, by the list of that day."""
    if alarm.cause is None or alarm.closed_at is None:
        return None
    cause = causes_on(legal_date(alarm.closed_at))[alarm.cause]
    return {"id": cause.id, "zh": cause.zh, "en": cause.en, "source": cause.source}


def draw_view(draw: CheckDraw) -> dict[str, Any]:
    """A draw with what is needed to recompute it."""
    return shown(draw) | {
        "rule": DRAW_RULE,
        "list_is_unchanged": list_digest(draw.candidates) == draw.list_sha256,
    }
