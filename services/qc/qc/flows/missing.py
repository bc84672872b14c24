"""Silence: a live series whose next period is overdue gets the verdict 9 for it, and an alarm.

Promises: each period is noticed once; the alarm covers one silence and is withdrawn when all of it arrives.
Leaves the time allowed to the rule pack (`overdue_periods`).
"""

from collections import defaultdict
from datetime import datetime, timedelta

import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from contracts.qc import Assessed
from kit.outbox import put
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.alarms import Raising, instant, milliseconds
from qc.flows.assessing import pack_number
from qc.flows.setting import Setting
from qc.queries import alarms as stored
from qc.queries import overdue
from qc.queries.binary import driver
from qc.rules.assess import MISSING
from qc.rules.explain import Figure
from qc.rules.pack import PERIOD_MS

# A series that was silent for long is brought up to date over several runs.
PERIODS_AT_ONCE = 100


def overdue_starts(last_ms: int, now_ms: int, period_ms: int, allowed: float) -> list[int]:
    """The periods after `last_ms` that should have been reported by now, oldest first.

    Worked example: hours, 2 periods allowed, last 08:00, now 11:30 → 09:00 (due 11:00), not yet 10:00.
    """
    newest = now_ms - round(allowed * period_ms)
    return list(range(last_ms + period_ms, newest + 1, period_ms))[:PERIODS_AT_ONCE]


async def notice_overdue(session: AsyncSession, setting: Setting) -> int:
    """Notice what is overdue now; the number of periods."""
    pack_no = await pack_number(session, setting)
    connection = await driver(session)
    now_ms = milliseconds(setting.now)
    found: dict[str, list[tuple[SeriesRef, list[int]]]] = defaultdict(list)
    for period, allowed in setting.pack.overdue_periods.items():
        period_ms = PERIOD_MS[period]
        before = setting.now - timedelta(milliseconds=(allowed + 1) * period_ms - 1)
        since = setting.now - timedelta(days=setting.pack.overdue_days)
        for row in await overdue.silent_series(connection, period, before, since):
            ref = msgspec.json.decode(row["descriptor"], type=SeriesRef)
            starts = overdue_starts(milliseconds(row["last"]), now_ms, period_ms, allowed)
            found[ref.site].append((ref, starts))
    rule = setting.pack.named("missing", setting.now.date())
    pairs = [(ref.id, instant(ms)) for series in found.values() for ref, starts in series for ms in starts]
    if not pairs:
        return 0
    ids, instants = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    fresh = await overdue.notice(connection, ids, instants, setting.now, rule.bit, pack_no)
    for series in found.values():
        await _say(session, [(ref, _fresh(ref, starts, fresh)) for ref, starts in series], rule.bit, setting)
    silent = [pair for series in found.values() for pair in series if pair[1]]
    known = await stored.open_alarms(connection, [ref.id for ref, _ in silent])
    raising = Raising(setting, known, ())
    for ref, starts in silent:
        figure = Figure(np.nan, np.nan, np.nan, np.nan)
        raising.add(ref, rule, (starts[0], starts[-1] + PERIOD_MS[ref.period]), figure, ())
    await raising.save(session)
    return len(fresh)


def _fresh(ref: SeriesRef, starts: list[int], fresh: set[tuple[int, datetime]]) -> list[int]:
    return [ms for ms in starts if (ref.id, instant(ms)) in fresh]


async def _say(
    session: AsyncSession, series: list[tuple[SeriesRef, list[int]]], tests: int, setting: Setting
) -> None:
    """One site's missing periods; few enough for one event (`PERIODS_AT_ONCE` for each of its series)."""
    rows = [(place, ms) for place, (_, starts) in enumerate(series) for ms in starts]
    if not rows:
        return
    count = len(rows)
    event = Assessed(
        rule_pack=setting.pack.version,
        assessed_at_ms=milliseconds(setting.now),
        traces=[],
        series=[ref for ref, _ in series],
        at=[place for place, _ in rows],
        ts_ms=[ms for _, ms in rows],
        value=[None] * count,
        decimals=[series[place][0].decimals for place, _ in rows],
        code=[MISSING] * count,
        tests=[tests] * count,
        revision=[1] * count,
        sent_at_ms=[milliseconds(setting.now)] * count,
        by=[-1] * count,
    )
    await put(session, event, key=series[0][0].site)
