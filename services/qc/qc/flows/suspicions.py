"""Suspicions follow the findings: raised at the case threshold, withdrawn below it.

Promises: which stretches are under suspicion, and with what score, depends on the current verdicts alone; a
suspicion that grows is said again under its own number with a newer time; what day closes said of the same
stretch is looked at again. Leaves scoring to `qc.rules.evidence`.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from contracts.qc import SuspicionRaised, SuspicionWithdrawn
from kit.outbox import put
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.alarms import instant, milliseconds
from qc.flows.batch import Change, traces_of
from qc.flows.setting import Setting
from qc.queries import closing
from qc.queries import suspicions as stored
from qc.queries.binary import driver
from qc.rules.evidence import Episode, episodes, evidence_bits
from qc.rules.frame import Roster
from qc.rules.pack import PERIOD_MS
from qc.tables import Suspicion

REASON_ZH = "补充或更正的数据到达后，综合证据分 {score:.2f} 低于立案线索阈值 {threshold:.2f}。"
REASON_EN = (
    "After more data the combined score of {score:.2f} is below the case threshold of {threshold:.2f}."
)
MERGED_ZH = "与相邻的嫌疑合并为 {other}。"
MERGED_EN = "Merged with the adjoining suspicion {other}."


async def settle_suspicions(
    session: AsyncSession, roster: Roster, change: Change, setting: Setting, traces: Sequence[str]
) -> None:
    """Score again every episode that these changes of verdicts touch."""
    bits = evidence_bits(setting.pack)
    moved = ((change.tests ^ change.old_tests) & bits) != 0
    if not moved.any():
        return
    connection = await driver(session)
    for series in np.unique(change.series[moved]).tolist():
        times = change.ts[moved & (change.series == series)]
        span = (int(times.min()), int(times.max()))
        cause = traces_of(change.trace[moved & (change.series == series)], traces)
        await _settle(session, connection, roster.refs[series], span, setting, cause)


async def _settle(
    session: AsyncSession,
    connection: asyncpg.Connection,
    ref: SeriesRef,
    span: tuple[int, int],
    setting: Setting,
    traces: Sequence[str],
) -> None:
    pack = setting.pack
    join_ms = pack.join_hours * 3_600_000
    standing = [
        suspicion
        for suspicion in await stored.open_suspicions(connection, ref.id)
        if milliseconds(suspicion["to_at"]) > span[0] - join_ms
        and milliseconds(suspicion["from_at"]) <= span[1] + join_ms
    ]
    # What stands is read to its ends: taking its middle away must leave both halves judged.
    start = min([span[0], *(milliseconds(suspicion["from_at"]) for suspicion in standing)])
    end = max([span[1], *(milliseconds(suspicion["to_at"]) for suspicion in standing)])
    rows = await stored.evidence_around(connection, ref.id, (start, end), evidence_bits(pack), join_ms)
    found = episodes(*rows, PERIOD_MS[ref.period], pack)
    under = [
        e for e in found if e.score >= pack.case_threshold and _touches(e, start - join_ms, end + join_ms)
    ]
    taken: dict[int, UUID] = {}
    for suspicion in standing:
        span = (milliseconds(suspicion["from_at"]), milliseconds(suspicion["to_at"]))
        same = next((e for e in under if _touches(e, *span)), None)
        if same is not None and same.from_ms not in taken:
            taken[same.from_ms] = suspicion["suspicion_id"]
            if _differs(suspicion, same):
                await _say(session, ref, same, suspicion["suspicion_id"], setting, traces)
            continue
        score = max((e.score for e in found if _touches(e, *span)), default=0.0)
        merged_into = taken[same.from_ms] if same is not None else None
        await _withdraw(session, connection, suspicion, score, merged_into, setting)
    for episode in under:
        if episode.from_ms not in taken:
            await _say(session, ref, episode, uuid7(), setting, traces)


def _touches(episode: Episode, from_ms: int, to_ms: int) -> bool:
    return episode.from_ms < to_ms and from_ms < episode.to_ms


def _reasons(score: float, setting: Setting, merged_into: UUID | None) -> tuple[str, str]:
    if merged_into is not None:
        return MERGED_ZH.format(other=merged_into), MERGED_EN.format(other=merged_into)
    figures = {"score": score, "threshold": setting.pack.case_threshold}
    return REASON_ZH.format(**figures), REASON_EN.format(**figures)


def _differs(suspicion: asyncpg.Record, episode: Episode) -> bool:
    was = (suspicion["score"], milliseconds(suspicion["from_at"]), milliseconds(suspicion["to_at"]))
    return was != (episode.score, episode.from_ms, episode.to_ms) or msgspec.json.decode(
        suspicion["findings"]
    ) != msgspec.to_builtins(list(episode.findings))


async def _say(
    session: AsyncSession,
    ref: SeriesRef,
    episode: Episode,
    suspicion_id: UUID,
    setting: Setting,
    traces: Sequence[str],
) -> None:
    changing = {
        "score": episode.score,
        "from_at": instant(episode.from_ms),
        "to_at": instant(episode.to_ms),
        "findings": msgspec.to_builtins(list(episode.findings)),
        "rule_pack": setting.pack.version,
        "updated_at": setting.now,
    }
    fixed = {
        "suspicion_id": suspicion_id,
        "state": "raised",
        "series_id": ref.id,
        "site": ref.site,
        "region": ref.region,
        "uscc": ref.uscc,
        "series": [msgspec.to_builtins(ref)],
        "raised_at": setting.now,
        "traces": list(traces),
    }
    row = insert(Suspicion).values(**fixed, **changing)
    await session.execute(row.on_conflict_do_update(index_elements=["suspicion_id"], set_=changing))
    span = changing["from_at"], changing["to_at"]
    await closing.mark_beside(await driver(session), ref.id, *span, setting.now)
    event = SuspicionRaised(
        suspicion_id=str(suspicion_id),
        rule_pack=setting.pack.version,
        score=episode.score,
        series=[ref],
        from_ms=episode.from_ms,
        to_ms=episode.to_ms,
        findings=list(episode.findings),
        raised_at_ms=milliseconds(setting.now),
    )
    await put(session, event, key=ref.site, traces=traces)


async def _withdraw(
    session: AsyncSession,
    connection: asyncpg.Connection,
    suspicion: asyncpg.Record,
    score: float,
    merged_into: UUID | None,
    setting: Setting,
) -> None:
    reasons = _reasons(score, setting, merged_into)
    await stored.withdraw(connection, suspicion, score, setting.now, reasons)
    span = suspicion["from_at"], suspicion["to_at"]
    await closing.mark_beside(connection, suspicion["series_id"], *span, setting.now)
    event = SuspicionWithdrawn(
        suspicion_id=str(suspicion["suspicion_id"]),
        site=suspicion["site"],
        region=suspicion["region"],
        score=score,
        reason_zh=reasons[0],
        reason_en=reasons[1],
        withdrawn_at_ms=milliseconds(setting.now),
        merged_into=None if merged_into is None else str(merged_into),
    )
    await put(session, event, key=suspicion["site"])
