"""Two sources that say different things of one indicator, point and time: an issue, and a hold on the figure.

Promises: in the transaction of the values; one issue per pair of sources and unbroken stretch; it falls away
when one side turns out bad, and is otherwise settled by persons (LF-01). Two sources are two loggers of one
site, or stations of two departments that the register `same-points` declares to be one point on that day.
History opens none. Leaves the tolerance to the dated rules; costs nothing at sites with one source.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date

from qc.flows.alarms import instant
from qc.flows.batch import Change
from qc.flows.holds import lift, place, say_placed
from qc.flows.setting import Setting
from qc.queries import pairs as stored
from qc.queries.binary import driver
from qc.queries.pairs import Counterpart
from qc.rules.consistency import Difference, difference
from qc.rules.frame import Roster
from qc.rules.pack import PERIOD_MS
from qc.tables.desk import DifferingPair, Hold

BAD = 4


class Differing(NamedTuple):
    """Two series at one time, how they differ, and who says so (series → source or department)."""

    one: SeriesRef
    other: SeriesRef
    ts: datetime
    by: Difference
    who: Mapping[int, str]


Rows = list[tuple[int, int, datetime]]


def touched(roster: Roster, change: Change) -> Iterator[tuple[int, int, datetime]]:
    """(series, series, ts) of pairs of which a verdict is new or has changed."""
    for one, other in roster.rivals:
        mine = change.may_alarm & ((change.series == one) | (change.series == other))
        for ts in np.unique(change.ts[mine]).tolist():
            yield roster.refs[one].id, roster.refs[other].id, instant(ts)


def across(
    roster: Roster, change: Change, found: Sequence[Counterpart]
) -> Iterator[tuple[int, int, datetime, Counterpart]]:
    """The same of series of stations that share a point, the lower number first."""
    series = {(_kin(ref), ref.site): place for place, ref in enumerate(roster.refs)}
    for one in found:
        place = series.get((_kin(one.ref), one.site), -1)
        mine = change.may_alarm & (change.series == place)
        low, high = sorted((roster.refs[place].id, one.ref.id))
        for ts in np.unique(change.ts[mine]).tolist():
            if one.holds(one.ref.factor, legal_date(instant(ts))):
                yield low, high, instant(ts), one


def _kin(ref: SeriesRef) -> tuple[str, str, str, str]:
    return ref.factor, ref.statistic, ref.basis, ref.period


async def _declared(
    connection: asyncpg.Connection,
    roster: Roster,
    change: Change,
    setting: Setting,
    refs: dict[int, SeriesRef],
) -> tuple[Rows, dict[int, str]]:
    """Pairs across stations that share a point, and which department each series is of; adds to `refs`."""
    shared = {ref.site for ref in roster.refs} & setting.directory.shared
    if not shared:
        return [], {}
    rows: Rows = []
    who: dict[int, str] = {}
    for low, high, ts, one in across(roster, change, await stored.counterparts(connection, sorted(shared))):
        mine = high if low == one.ref.id else low
        refs[one.ref.id] = one.ref
        who |= {one.ref.id: f"{one.other_dept} {one.ref.site}", mine: f"{one.dept} {one.site}"}
        rows.append((low, high, ts))
    return rows, who


async def settle_consistency(session: AsyncSession, roster: Roster, change: Change, setting: Setting) -> None:
    """Open, widen or lift issues after these changes of verdicts."""
    if not (roster.rivals or setting.directory.shared):
        return
    connection, now = await driver(session), setting.now
    refs = {ref.id: ref for ref in roster.refs}
    apart, who = await _declared(connection, roster, change, setting, refs)
    rows = sorted({*touched(roster, change), *apart})
    if not rows:
        return
    fallen: dict[UUID, None] = {}
    for row in await stored.beside(connection, rows):
        is_comparable = row["code"] < BAD and None not in (row["value_a"], row["value_b"])
        if not is_comparable and row["hold_id"] is not None:
            fallen[row["hold_id"]] = None
        if is_comparable and row["hold_id"] is None:
            one, other = refs[row["a"]], refs[row["b"]]
            by = difference(one, other, (row["value_a"], row["value_b"]), legal_date(row["ts"]))
            if by is not None:
                await _note(session, Differing(one, other, row["ts"], by, who), now)
    await _lift_fallen(session, connection, list(fallen), now)


async def _note(session: AsyncSession, found: Differing, now: datetime) -> None:
    period = timedelta(milliseconds=PERIOD_MS[found.one.period] or 1)
    end = found.ts + period
    issue = await stored.open_issue(session, [found.one.id, found.other.id])
    if issue is not None and issue.from_at - period <= found.ts <= issue.to_at:
        if found.ts < issue.from_at or end > issue.to_at:
            issue.from_at, issue.to_at = min(issue.from_at, found.ts), max(issue.to_at, end)
            await say_placed(session, issue, now)
    else:
        issue = _issue(found, end)
        await place(session, issue, now)
    session.add(
        DifferingPair(
            series_a=found.one.id,
            series_b=found.other.id,
            ts=found.ts,
            hold_id=issue.hold_id,
            value_a=found.by.one,
            value_b=found.by.other,
            tolerance=found.by.tolerance,
            unit=found.one.unit,
            source_clause=found.by.source,
            noticed_at=now,
        )
    )
    await session.flush()


def _issue(found: Differing, end: datetime) -> Hold:
    one, other, by = found.one, found.other, found.by
    mine, theirs = (found.who.get(ref.id, ref.source) for ref in (one, other))
    zh = (
        f"{one.name_zh or one.factor}：来源 {mine} 报送 {by.one:g}，"
        f"来源 {theirs} 报送 {by.other:g}（{one.unit}），相差超过容许值 {by.tolerance:g}"
    )
    en = (
        f"{one.name_en or one.factor}: {mine} says {by.one:g}, {theirs} says {by.other:g} "
        f"{one.unit}; {by.tolerance:g} apart is tolerated"
    )
    return Hold(
        kind="consistency",
        site=one.site,
        region=one.region,
        uscc=one.uscc,
        factor=one.factor,
        series_ids=[one.id, other.id],
        sources=[msgspec.to_builtins(one), msgspec.to_builtins(other)],
        from_at=found.ts,
        to_at=end,
        reason_zh=zh,
        reason_en=en,
        source_clause=by.source,
    )


async def _lift_fallen(
    session: AsyncSession, connection: asyncpg.Connection, issues: Sequence[UUID], now: datetime
) -> None:
    for hold_id in issues:
        hold = await session.get(Hold, hold_id, with_for_update=True)
        if hold is not None and hold.decision is None and not await stored.is_standing(connection, hold_id):
            await lift(session, hold, now)
