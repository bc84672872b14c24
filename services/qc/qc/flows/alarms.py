"""Alarms follow the verdicts: raised when a rule that alarms begins to speak, withdrawn when it falls silent.

Promises: one alarm per rule, series and stretch of time, however the values arrived; history raises none.
Leaves which rules alarm to the rule pack.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from contracts.qc import AlarmRaised, AlarmWithdrawn
from kit.outbox import put, put_many
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from qc.flows.batch import Change, traces_of
from qc.flows.holds import lift_hold, place_holds, widen_holds
from qc.flows.setting import Setting
from qc.flows.suppressing import without_suppressed
from qc.queries import alarms as stored
from qc.queries.binary import driver
from qc.rules.assess import Judgement
from qc.rules.desk import clock_of, due
from qc.rules.evidence import islands
from qc.rules.explain import Figure, told
from qc.rules.frame import Roster
from qc.rules.outcome import Ints, Outcome
from qc.rules.pack import Rule

REASON_ZH = "补充或更正的数据到达后重新判定，该结论不再成立。"
REASON_EN = "Judged again after more data arrived, the finding no longer holds."


def instant(ms: int) -> datetime:
    """UTC milliseconds as an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def milliseconds(at: datetime) -> int:
    """An aware datetime as UTC milliseconds."""
    return round(at.timestamp() * 1000)


class Raising:
    """Alarms about to be raised or extended: collected first, so that many cost few statements.

    `known` are the open alarms of the series concerned, `traces` those of the batch.
    """

    def __init__(self, setting: Setting, known: Sequence[asyncpg.Record], traces: Sequence[str]) -> None:
        self._setting, self.traces = setting, traces
        self.join_ms = setting.pack.join_hours * 3_600_000
        self._open: dict[tuple[int, int], list[asyncpg.Record]] = defaultdict(list)
        for alarm in known:
            # What the desk has closed is not grown in silence: the matter goes on, so it is a new alarm.
            if alarm["closed_at"] is None:
                self._open[alarm["series_id"], alarm["rule_no"]].append(alarm)
        self._longer: list[tuple[UUID, datetime, datetime]] = []
        self._held: list[AlarmRaised] = []
        self._new: list[tuple[AlarmRaised, Rule, Sequence[str]]] = []

    def add(
        self, ref: SeriesRef, rule: Rule, span: tuple[int, int], figure: Figure, traces: Sequence[str]
    ) -> None:
        """Extend the open alarm next to `span`, or raise a new one."""
        from_at, to_at, join = instant(span[0]), instant(span[1]), timedelta(milliseconds=self.join_ms)
        for alarm in self._open.get((ref.id, rule.number), ()):
            if alarm["from_at"] <= to_at + join and from_at <= alarm["to_at"] + join:
                self._longer.append((alarm["alarm_id"], from_at, to_at))
                if alarm["severity"] == "hold":
                    self._held.append(self._event(str(alarm["alarm_id"]), ref, rule, span, figure))
                return
        self._new.append((self._event(str(uuid7()), ref, rule, span, figure), rule, traces))

    def _event(
        self, alarm_id: str, ref: SeriesRef, rule: Rule, span: tuple[int, int], figure: Figure
    ) -> AlarmRaised:
        zh, en = told(rule, ref, figure)
        return AlarmRaised(
            alarm_id=alarm_id,
            rule=rule.id,
            rule_pack=self._setting.pack.version,
            severity=rule.severity,
            series=ref,
            from_ms=span[0],
            to_ms=span[1],
            value=_number(figure.value),
            threshold=_number(figure.threshold),
            message_zh=f"{rule.zh}：{zh}",
            message_en=f"{rule.en}: {en}",
            source_clause=rule.source,
            raised_at_ms=milliseconds(self._setting.now),
        )

    async def save(self, session: AsyncSession) -> None:
        """Keep and say what was collected, but for what is suppressed: of that only the count is kept."""
        connection, now = await driver(session), self._setting.now
        if self._longer:
            await stored.extend(connection, self._longer)
            await widen_holds(session, self._held, now)
        if self._new:
            spoken = await without_suppressed(session, [event for event, _, _ in self._new], now)
            self._new = [one for one in self._new if one[0].alarm_id in spoken]
        await stored.insert(session, [self._row(*one) for one in self._new])
        await put_many(connection, [(event, event.series.site, traces) for event, _, traces in self._new])
        await place_holds(session, [event for event, _, _ in self._new if event.severity == "hold"], now)

    def _row(self, event: AlarmRaised, rule: Rule, traces: Sequence[str]) -> dict[str, Any]:
        ref = event.series
        return {
            "alarm_id": UUID(event.alarm_id),
            "rule": rule.id,
            "rule_no": rule.number,
            "rule_pack": event.rule_pack,
            "severity": rule.severity,
            "series_id": ref.id,
            "site": ref.site,
            "region": ref.region,
            "uscc": ref.uscc,
            "series": msgspec.to_builtins(ref),
            "from_at": instant(event.from_ms),
            "to_at": instant(event.to_ms),
            "value": event.value,
            "threshold": event.threshold,
            "message_zh": event.message_zh,
            "message_en": event.message_en,
            "source_clause": rule.source,
            "raised_at": self._setting.now,
            "traces": list(traces),
            "escalate_at": due(
                clock_of("acknowledge", rule.severity, legal_date(self._setting.now)), self._setting.now
            ),
        }


async def settle_alarms(
    session: AsyncSession,
    roster: Roster,
    change: Change,
    verdict: Judgement,
    setting: Setting,
    traces: Sequence[str],
) -> None:
    """Raise, extend and withdraw alarms after these changes of verdicts."""
    alarming = sum({rule.bit for rule in setting.pack.rules if rule.alarm})
    begun = np.where(change.may_alarm, change.tests & ~change.old_tests, 0) & alarming
    ended = change.old_tests & ~change.tests & alarming
    if not (begun.any() or ended.any()):
        return
    connection = await driver(session)
    touched = np.unique(change.series[(begun | ended) != 0])
    known = await stored.open_alarms(connection, roster.ids[touched].tolist())
    if ended.any():
        await _withdraw_unsupported(session, connection, known, roster, change, ended, setting)
    raising = Raising(setting, known, traces)
    for place, rule in enumerate(setting.pack.rules):
        if rule.alarm:
            fired = np.flatnonzero(begun & rule.bit)
            _begin(raising, roster, change, verdict.outcomes[place], rule, fired)
    await raising.save(session)


def _begin(
    raising: Raising, roster: Roster, change: Change, outcome: Outcome, rule: Rule, rows: Ints
) -> None:
    rows = rows[np.lexsort((change.ts[rows], change.series[rows]))]
    opens = np.flatnonzero(np.diff(change.series[rows], prepend=-1))
    for own in np.split(rows, opens[1:]) if len(rows) else []:
        series = int(change.series[own[0]])
        for first, last in islands(change.ts[own], raising.join_ms):
            span = (int(change.ts[own[first]]), int(change.ts[own[last]] + roster.period_ms[series]))
            at = change.place[own[first]]
            figure = Figure(
                float(change.value[own[first]]),
                float(outcome.statistic[at]),
                float(outcome.threshold[at]),
                float(outcome.margin[at]),
            )
            cause = traces_of(change.trace[own[first : last + 1]], raising.traces)
            raising.add(roster.refs[series], rule, span, figure, cause)


async def _withdraw_unsupported(  # noqa: PLR0913 - the open alarms against what has ended
    session: AsyncSession,
    connection: asyncpg.Connection,
    known: list[asyncpg.Record],
    roster: Roster,
    change: Change,
    ended: Ints,
    setting: Setting,
) -> None:
    """Withdraw open alarms whose stretch lost a value, if no other value of it still carries the rule."""
    ids = roster.ids[change.series]
    for alarm in list(known):
        from_ms, to_ms = milliseconds(alarm["from_at"]), milliseconds(alarm["to_at"])
        lost = (ids == alarm["series_id"]) & ((ended >> alarm["rule_no"]) & 1 == 1)
        lost &= (change.ts >= from_ms) & (change.ts < to_ms)
        if lost.any() and not await stored.still_supported(connection, alarm):
            known.remove(alarm)
            await withdraw_alarm(session, connection, alarm, setting.now)


async def withdraw_silence(session: AsyncSession, ids: Sequence[int], number: int, now: datetime) -> None:
    """Withdraw alarms of silence (rule `number`) of these series whose periods have all arrived by now."""
    connection = await driver(session)
    for alarm in await stored.open_alarms(connection, ids):
        if alarm["rule_no"] == number and not await stored.still_silent(connection, alarm):
            await withdraw_alarm(session, connection, alarm, now)


async def withdraw_alarm(
    session: AsyncSession, connection: asyncpg.Connection, alarm: asyncpg.Record, now: datetime
) -> None:
    """Withdraw one open alarm and say so."""
    await stored.withdraw(connection, alarm["alarm_id"], now, REASON_ZH, REASON_EN)
    event = AlarmWithdrawn(
        alarm_id=str(UUID(str(alarm["alarm_id"]))),
        site=alarm["site"],
        region=alarm["region"],
        reason_zh=REASON_ZH,
        reason_en=REASON_EN,
        withdrawn_at_ms=milliseconds(now),
    )
    await put(session, event, key=alarm["site"])
    if alarm["severity"] == "hold":
        await lift_hold(session, UUID(str(alarm["alarm_id"])), now)


def _number(figure: float) -> float | None:
    return None if np.isnan(figure) else figure
