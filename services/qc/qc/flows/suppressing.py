"""Alarms that are not raised because somebody suppressed them for a time.

Promises: looked up once for all new alarms of a batch, and only if there are any; values keep their codes;
what was hidden, and by which suppression, is kept. Leaves who may suppress what to the desk.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.qc import AlarmRaised
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from qc.queries.binary import driver
from qc.queries.desk import active_suppressions
from qc.rules.desk import hidden_by
from qc.tables.desk import SuppressedAlarm


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


async def without_suppressed(session: AsyncSession, events: Sequence[AlarmRaised], now: datetime) -> set[str]:
    """The ids of the alarms that are to be raised; the others are noted as hidden."""
    sites, rules = {event.series.site for event in events}, {event.rule for event in events}
    active = await active_suppressions(await driver(session), sorted(sites), sorted(rules), now)
    spoken = {event.alarm_id for event in events}
    for event in events if active else ():
        ref = event.series
        by = hidden_by(active, event.rule, ref.id, ref.site, ref.region)
        if by is not None:
            spoken.remove(event.alarm_id)
            cells = {"suppression_id": by.suppression_id, "rule": event.rule, "series_id": ref.id}
            cells |= {"site": ref.site, "from_at": _at(event.from_ms), "to_at": _at(event.to_ms)}
            await _note(session, cells | {"value": event.value, "hidden_at": now})
    return spoken


async def _note(session: AsyncSession, cells: dict[str, Any]) -> None:
    """A silence is noticed again and again: the row of its rule and series only grows."""
    statement = insert(SuppressedAlarm).values(cells)
    told = statement.excluded
    grown = {
        "from_at": func.least(SuppressedAlarm.from_at, told.from_at),
        "to_at": func.greatest(SuppressedAlarm.to_at, told.to_at),
        "hidden_at": told.hidden_at,
    }
    keys = ["suppression_id", "rule", "series_id"]
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=grown))
