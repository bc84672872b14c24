"""The way of an `ingest.recorded` through qc: store, judge again what is reopened, say what changed.

Promises: values, verdicts, alarms, suspicions and events in one transaction; the same message twice changes
nothing; whatever the order of arrival, the current verdicts end the same. Leaves judging to `qc.rules`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import asyncpg
import msgspec
import numpy as np
from contracts.envelope import lane_of
from contracts.ingest import Recorded, SeriesRef
from contracts.qc import Assessed
from kit.outbox import Meta, put_many
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.alarms import settle_alarms, withdraw_silence
from qc.flows.batch import (
    Arrived,
    Change,
    arrived,
    changes,
    json_numbers,
    places_in,
    stretches,
    traces_of,
    without_known,
)
from qc.flows.consistency import settle_consistency
from qc.flows.reopening import mark_late
from qc.flows.setting import Setting
from qc.flows.suspicions import settle_suspicions
from qc.queries import series as known_series
from qc.queries import verdicts
from qc.queries.binary import driver
from qc.queries.overdue import arrive
from qc.queries.windows import (
    Facts,
    Known,
    known_hours,
    load_known,
    load_minute_sums,
    with_revisions,
)
from qc.rules.assess import Judgement, added, assess, sum_minutes
from qc.rules.frame import HOUR_MS, TS_BITS, Columns, HourSums, Roster, merged
from qc.rules.outcome import Ints, distinct
from qc.rules.pack import RulePack
from qc.rules.windows import Windows, hours_of, windows_of

# One Assessed stays far below the 256 KB of the bus: about 100 bytes a row and 700 a series.
ROWS_PER_EVENT = 1_500
SERIES_PER_EVENT = 120


@dataclass(frozen=True)
class View:
    """One window of everything known, as judged now."""

    roster: Roster
    columns: Columns
    known: Known
    verdict: Judgement


async def assess_recorded(
    session: AsyncSession, messages: Sequence[tuple[Recorded, Meta]], setting: Setting
) -> int:
    """Judge messages together, those of a lane in their order; the number of verdicts written."""
    connection = await driver(session)
    # Messages of one sender share the list of their series (`qc.flows.decoding`).
    lists = {id(event.series): event.series for event, _ in messages}
    told = {ref.id: ref for refs in lists.values() for ref in refs}
    live = frozenset().union(*(_live_series(event) for event, _ in messages))
    ids, pack_no = await known_series.know(
        connection, setting.directory, told.values(), live, setting.now, setting.pack.version
    )
    roster = known_series.roster(setting.directory, ids, setting.pack)
    traces = list(dict.fromkeys(trace for event, _ in messages for trace in event.traces))
    new = arrived([(event, meta.seq) for event, meta in messages], roster, traces)
    windows = await reopened(connection, roster, new.columns)
    known, facts = await load_known(connection, roster, windows)
    new = without_known(new, known)
    if not len(new.columns):
        return 0
    pack_no = pack_no or await pack_number(session, setting)
    view = await judge_windows(connection, windows, known, new.columns, roster, facts, setting.pack)
    overdue = await arrive(connection, roster, facts.overdue, new.columns, setting.now)
    judged = windows.covers(view.columns)
    change = changes(judged, view.columns, view.verdict, known, new, overdue, roster)
    await _save(connection, view, change, new, verdicts.Occasion(pack_no, setting.now))
    fresh = change.is_new
    await mark_late(connection, roster.refs, change.series[fresh], change.ts[fresh], "late", setting.now)
    await say_assessed(session, roster.refs, change, setting, traces)
    await settle(session, view, change, setting, traces)
    if len(overdue):
        silent = np.unique(roster.ids[overdue >> TS_BITS]).tolist()
        await withdraw_silence(session, silent, setting.pack.named("missing").number, setting.now)
    return len(change)


async def settle(
    session: AsyncSession, view: View, change: Change, setting: Setting, traces: Sequence[str]
) -> None:
    """Let alarms, issues between sources and suspicions follow the verdicts that changed."""
    await settle_alarms(session, view.roster, change, view.verdict, setting, traces)
    await settle_consistency(session, view.roster, change, setting)
    await settle_suspicions(session, view.roster, change, setting, traces)


def _live_series(event: Recorded) -> frozenset[int]:
    live = {place for place, mode in enumerate(event.modes) if mode == "live"}
    if not live:
        return frozenset()
    if len(live) == len(event.modes):
        return frozenset(ref.id for ref in event.series)
    rows = {at for at, by in set(zip(event.at, event.by, strict=True)) if by in live}
    return frozenset(event.series[at].id for at in rows)


async def pack_number(session: AsyncSession, setting: Setting) -> int:
    """The number of the rule pack in this database; its content is kept when it judges for the first time."""
    find = text("SELECT pack_no FROM rule_packs WHERE version = :version")
    version = {"version": setting.pack.version}
    number = (await session.execute(find, version)).scalar()
    if number is None:
        await session.execute(
            text(
                "INSERT INTO rule_packs (version, content, first_used_at) "
                "VALUES (:version, cast(:content AS jsonb), :now) ON CONFLICT DO NOTHING"
            ),
            version | {"content": msgspec.json.encode(setting.pack).decode(), "now": setting.now},
        )
        number = (await session.execute(find, version)).scalar_one()
    return int(number)


async def reopened(connection: asyncpg.Connection, roster: Roster, new: Columns) -> Windows:
    """The windows that these rows reopen; an hour only where its value is stored or among the rows."""
    hours = hours_of(new.series, new.ts, roster)
    stored = await known_hours(connection, roster, hours)
    return windows_of(
        new.series, new.ts, roster, distinct(np.concatenate([stored, hours[np.isin(hours, new.keys)]]))
    )


async def judge_windows(  # noqa: PLR0913 - the window, what is in it, and what judges it
    connection: asyncpg.Connection,
    windows: Windows,
    known: Known,
    new: Columns,
    roster: Roster,
    facts: Facts,
    pack: RulePack,
) -> View:
    """Judge everything known in the windows together with the `new` rows."""
    columns = with_revisions(merged(known.columns, new), facts)
    sums = await load_minute_sums(connection, roster, windows, pack.mean_reach_periods * HOUR_MS)
    fresh = _fresh_minutes(new, roster, pack)
    verdict = assess(columns, roster, pack, added(sums, fresh) if len(fresh.hour) else sums)
    return View(roster, columns, known, verdict)


def _fresh_minutes(new: Columns, roster: Roster, pack: RulePack) -> HourSums:
    """The minutes of this batch, by the rule of the stored ones: what is not bad or missing counts."""
    minutes = new.take(roster.hour_of[new.series] >= 0)
    if not len(minutes):
        return sum_minutes(minutes, np.zeros(0, dtype=bool))
    return sum_minutes(minutes, assess(minutes, roster, pack).code < 4)


async def _save(
    connection: asyncpg.Connection, view: View, change: Change, new: Arrived, occasion: verdicts.Occasion
) -> None:
    ids = view.roster.ids[change.series]
    fresh, stale = np.flatnonzero(change.is_new), np.flatnonzero(~change.is_new)
    rows = verdicts.NewRows(
        id=ids[fresh],
        ts=change.ts[fresh],
        value=change.value[fresh],
        decimals=change.decimals[fresh],
        flag=new.flag.tolist(),
        code=change.code[fresh],
        tests=change.tests[fresh],
        revision=change.revision[fresh],
        received_ms=new.received_ms,
        message=new.message,
    )
    await verdicts.insert_values(connection, rows, occasion)
    await replace(connection, ids, change, stale, occasion)
    await save_details(connection, ids, change, view.verdict)


async def replace(
    connection: asyncpg.Connection, ids: Ints, change: Change, rows: Ints, occasion: verdicts.Occasion
) -> None:
    """Replace the verdicts of rows that were known before."""
    if len(rows):
        verdict = (change.code[rows], change.tests[rows], change.revision[rows])
        await verdicts.replace_verdicts(connection, ids[rows], change.ts[rows], verdict, occasion)


async def save_details(connection: asyncpg.Connection, ids: Ints, change: Change, verdict: Judgement) -> None:
    """Keep the figures of every rule that fired on a row whose verdict was written."""
    found = [np.flatnonzero(outcome.fired[change.place]) for outcome in verdict.outcomes]
    at = np.concatenate(found)
    if not len(at):
        return
    numbers = np.repeat(verdict.numbers, [len(rows) for rows in found])
    figures = [
        np.concatenate(
            [getattr(o, name)[change.place[f]] for o, f in zip(verdict.outcomes, found, strict=True)]
        )
        for name in ("statistic", "threshold", "margin")
    ]
    await verdicts.insert_details(
        connection, [ids[at], change.ts[at], change.revision[at], numbers, *figures]
    )


async def say_assessed(
    session: AsyncSession,
    refs: Sequence[SeriesRef],
    change: Change,
    setting: Setting,
    traces: Sequence[str],
) -> None:
    """Say the verdicts that are new or have changed, in events of bounded size, each of one lane."""
    lanes = np.array([_lane(ref.site) for ref in refs])[change.series]
    order, said = np.lexsort((change.ts, change.series, lanes)), []
    for part in _parts(change.series[order], lanes[order]):
        rows = order[part]
        used, at = np.unique(change.series[rows], return_inverse=True)
        own = traces_of(change.trace[rows], traces)
        event = Assessed(
            rule_pack=setting.pack.version,
            assessed_at_ms=round(setting.now.timestamp() * 1000),
            traces=own,
            series=[refs[place] for place in used.tolist()],
            at=at.tolist(),
            ts_ms=change.ts[rows].tolist(),
            value=json_numbers(change.value[rows]),
            decimals=change.decimals[rows].tolist(),
            code=change.code[rows].tolist(),
            tests=change.tests[rows].tolist(),
            revision=change.revision[rows].tolist(),
            sent_at_ms=change.sent_ms[rows].tolist(),
            by=places_in(own, change.trace[rows], traces),
        )
        said.append((event, refs[int(used[0])].site, own))
    await put_many(await driver(session), said)


@lru_cache(maxsize=65_536)
def _lane(site: str) -> int:
    return int(lane_of(Assessed, site))


def _parts(series: Ints, lanes: Ints) -> list[slice]:
    """Cut sorted rows so that no event has too many rows, too many series, or rows of two lanes."""
    parts = []
    edges = np.append(np.flatnonzero(np.diff(lanes, prepend=-1)), len(lanes)).tolist()
    for first, last in pairwise(edges):
        for part in stretches(last - first, ROWS_PER_EVENT):
            begin = first + part.start
            block = series[begin : first + part.stop]
            opens = np.append(0, np.flatnonzero(np.diff(block)) + 1)[::SERIES_PER_EVENT]
            ends = np.append(opens[1:], len(block))
            parts += [slice(begin + int(a), begin + int(b)) for a, b in zip(opens, ends, strict=True)]
    return parts
