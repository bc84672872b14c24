"""Values of days that are over mark those days, in the transaction in which they are judged.

Promises: a day is marked whether it has been closed yet or not, so neither a clock that is a little off nor a
transaction that lasts can slip a value past its close. Leaves closing again to `qc.flows.closing`.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import asyncpg
import msgspec
import numpy as np
from contracts.ingest import RegistryChanged, SeriesRef
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.setting import closing_pack
from qc.queries import closing as stored
from qc.queries.binary import driver
from qc.rules.closing.days import EPOCH, ONE, begins_ms, last_due
from qc.rules.falsify.panel import DAY_MS, LOCAL_MS
from qc.rules.outcome import Ints, distinct

# More than clocks differ and transactions last.
SAFETY = timedelta(minutes=10)
# Days since 1970 of any instant below 2^42 ms.
DAY_BITS = 16


class _Days(dict[int, date]):
    def __missing__(self, day: int) -> date:
        self[day] = EPOCH + timedelta(days=day)
        return self[day]


def _judged_with(refs: Sequence[SeriesRef], place: int, today: date) -> int | None:
    """The series whose day this one's values reopen: itself; of a reported mass the mean it belongs to."""
    ref = refs[place]
    if closing_pack().profile_of(ref, today) is not None:
        return ref.id
    if ref.statistic != "cou":
        return None
    wanted = msgspec.structs.replace(ref, statistic="avg", basis="raw")
    kin = (wanted.site, wanted.factor, wanted.source, wanted.period, wanted.statistic, wanted.basis)
    for one in refs:
        if (one.site, one.factor, one.source, one.period, one.statistic, one.basis) == kin:
            return one.id if closing_pack().profile_of(one, today) is not None else None
    return None


async def follow_limit(session: AsyncSession, event: RegistryChanged, now: datetime) -> None:
    """A permit limit that changed counts from now on, and reopens the closed days on which it holds.

    As far back as the tests of a day that closes see. Other changes of the registry are passed by.
    """
    after = event.after
    if event.kind != "series" or after is None:
        return
    connection, today = await driver(session), (now + timedelta(hours=8)).date()
    first, last = (
        date.fromisoformat(after[name]) if after.get(name) else None for name in ("permit_from", "permit_to")
    )
    is_held = (first is None or first <= today) and (last is None or today <= last)
    limit = after.get("permit_limit") if is_held else None
    figures = closing_pack().on(today)
    series_id = await stored.change_limit(connection, after, limit)
    months = figures.history_months.get(after["period"])
    if series_id is None or months is None:
        return
    begin = max(first or date.min, today - timedelta(days=31 * (months + 1)))
    await stored.mark_closed(connection, series_id, begin, last or date.max, now)


async def mark_late(
    connection: asyncpg.Connection,
    refs: Sequence[SeriesRef],
    series: Ints,
    ts: Ints,
    reason: Literal["late", "revision"],
    now: datetime,
) -> None:
    """Mark the local days of these rows (place among `refs`, UTC ms) that are over or nearly so."""
    today = (now + SAFETY).date()
    closing = closing_pack().on(today)
    closed = last_due(now + SAFETY, closing.grace_hours)
    rows = np.flatnonzero(ts < begins_ms(closed + ONE))
    if not len(rows):
        return
    pairs = distinct((series[rows] << DAY_BITS) + (ts[rows] + LOCAL_MS) // DAY_MS)
    judged = {place: _judged_with(refs, place, today) for place in distinct(pairs >> DAY_BITS).tolist()}
    days = _Days()
    found = [
        (id, days[pair & ((1 << DAY_BITS) - 1)])
        for pair in pairs.tolist()
        if (id := judged[pair >> DAY_BITS]) is not None
    ]
    if found:
        await stored.mark(connection, [id for id, _ in found], [day for _, day in found], reason, now)
