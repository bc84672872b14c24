"""Alarms follow the verdicts: raised when a rule that alarms begins to speak, withdrawn when it falls silent.

Promises: one alarm per rule, series and stretch of time, however the values arrived; history raises none.
Leaves which rules alarm to the rule pack.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from contracts.qc import AlarmRaised, AlarmWithdrawn
from kit.outbox import put
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.batch import Change
from qc.flows.setting import Setting
from qc.queries import alarms as stored
from qc.queries.binary import driver
from qc.rules.assess import Judgement
from qc.rules.evidence import islands
from qc.rules.explain import Figure, told
from qc.rules.frame import Roster
from qc.rules.pack import Rule

REASON_ZH = "补充或更正的数据到达后重新判定，该结论不再成立。"
REASON_EN = "Judged again after more data arrived, the finding no longer holds."


def instant(ms: int) -> datetime:
    """UTC milliseconds as an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def milliseconds(at: datetime) -> int:
    """An aware datetime as UTC milliseconds."""
    return round(at.timestamp() * 1000)


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
    for place, rule in enumerate(setting.pack.rules):
        fired = (begun & rule.bit) != 0 if rule.alarm else np.zeros(len(change), dtype=bool)
        for series in np.unique(change.series[fired]).tolist():
            rows = np.flatnonzero(fired & (change.series == series))
            rows = rows[np.argsort(change.ts[rows])]
            ref = roster.refs[series]
            for first, last in islands(change.ts[rows], setting.pack.join_hours * 3_600_000):
                span = (int(change.ts[rows[first]]), int(change.ts[rows[last]] + roster.period_ms[series]))
                outcome, at = verdict.outcomes[place], change.place[rows[first]]
                figure = Figure(
                    float(change.value[rows[first]]),
                    float(outcome.statistic[at]),
                    float(outcome.threshold[at]),
                    float(outcome.margin[at]),
                )
                await raise_or_extend(session, ref, rule, span, figure, setting, known, traces)


async def raise_or_extend(  # noqa: PLR0913 - one alarm in full
    session: AsyncSession,
    ref: SeriesRef,
    rule: Rule,
    span: tuple[int, int],
    figure: Figure,
    setting: Setting,
    known: Sequence[asyncpg.Record],
    traces: Sequence[str],
) -> None:
    """Extend the open alarm next to `span`, or raise a new one. `known` are the open alarms of the series."""
    join_ms = setting.pack.join_hours * 3_600_000
    for alarm in known:
        is_same = alarm["series_id"] == ref.id and alarm["rule_no"] == rule.number
        is_near = (
            milliseconds(alarm["from_at"]) <= span[1] + join_ms
            and span[0] <= milliseconds(alarm["to_at"]) + join_ms
        )
        if is_same and is_near:
            connection = await driver(session)
            await stored.extend(connection, alarm["alarm_id"], instant(span[0]), instant(span[1]))
            return
    await _raise(session, ref, rule, span, figure, setting, traces)


async def _raise(  # noqa: PLR0913 - one alarm in full
    session: AsyncSession,
    ref: SeriesRef,
    rule: Rule,
    span: tuple[int, int],
    figure: Figure,
    setting: Setting,
    traces: Sequence[str],
) -> None:
    alarm_id = uuid7()
    zh, en = told(rule, ref, figure)
    event = AlarmRaised(
        alarm_id=str(alarm_id),
        rule=rule.id,
        rule_pack=setting.pack.version,
        severity=rule.severity,
        series=ref,
        from_ms=span[0],
        to_ms=span[1],
        value=_number(figure.value),
        threshold=_number(figure.threshold),
        message_zh=f"{rule.zh}：{zh}",
        message_en=f"{rule.en}: {en}",
        source_clause=rule.source,
        raised_at_ms=milliseconds(setting.now),
    )
    await stored.insert(
        session,
        {
            "alarm_id": alarm_id,
            "rule": rule.id,
            "rule_no": rule.number,
            "rule_pack": setting.pack.version,
            "severity": rule.severity,
            "series_id": ref.id,
            "site": ref.site,
            "region": ref.region,
            "uscc": ref.uscc,
            "series": msgspec.to_builtins(ref),
            "from_at": instant(span[0]),
            "to_at": instant(span[1]),
            "value": event.value,
            "threshold": event.threshold,
            "message_zh": event.message_zh,
            "message_en": event.message_en,
            "source_clause": rule.source,
            "raised_at": setting.now,
            "traces": list(traces),
        },
    )
    await put(session, event, key=ref.site, traces=traces)


async def _withdraw_unsupported(  # noqa: PLR0913 - the open alarms against what has ended
    session: AsyncSession,
    connection: asyncpg.Connection,
    known: list[asyncpg.Record],
    roster: Roster,
    change: Change,
    ended: np.ndarray[tuple[int], np.dtype[np.int64]],
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


def _number(figure: float) -> float | None:
    return None if np.isnan(figure) else figure
