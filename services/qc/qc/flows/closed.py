"""What one pass found is kept: findings that are new or gone, suspicions that follow, the days that are
closed.

Promises: everything within the transaction of the pass; a finding that is found again as it was stays the
same row; only a suspicion above the case threshold that is a discovery over its whole panel, of a series with
history enough, is said. Leaves
what follows what to `qc.rules.closing.following`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from contracts.ingest import SeriesRef
from contracts.qc import Finding
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.alarms import instant, milliseconds
from qc.flows.retelling import Told, retell
from qc.flows.setting import Setting
from qc.queries import closing as stored
from qc.queries.binary import driver
from qc.rules.closing.asked import Answer, Group, Rows, Said, days_with_values
from qc.rules.closing.days import Pass, day_of
from qc.rules.closing.pack import ClosingPack

# An event carries no more findings than a person reads; the others stand in the store.
MOST_FINDINGS = 50


@dataclass(frozen=True)
class Closed:
    """A pass with what it read and what the tests said."""

    panel: stored.Opened
    one: Pass
    rows: Rows
    answer: Answer
    pack: ClosingPack
    setting: Setting

    def ref(self, place: int) -> SeriesRef:
        return self.panel.refs[place]

    @cached_property
    def days_known(self) -> Mapping[int, int]:
        """On how many days each series has a value."""
        return days_with_values(self.rows)

    def is_case(self, group: Group) -> bool:
        """Whether a lead may be opened on a stretch without asking an analyst first."""
        figures = self.pack.on(self.setting.now.date())
        is_known = self.days_known.get(group.where.member, 0) >= figures.least_days
        return is_known and group.survives and group.score >= self.setting.pack.case_threshold

    def decides(self, to_ms: int) -> bool:
        """Whether what ends at this instant is this pass's affair."""
        return self.one.decides(day_of(to_ms - 1))


async def keep(session: AsyncSession, closed: Closed, days: Mapping[date, tuple[str, int]]) -> None:
    """Keep what the pass found, and close `days` (each: reason and number of values) with it."""
    connection = await driver(session)
    found = await _findings(connection, closed)
    groups = [group for group in closed.answer.groups if closed.decides(group.where.to_ms)]
    told = [_told(group, closed) for group in groups if group.score >= closed.setting.pack.queue_threshold]
    standing = await retell(session, told, closed.panel.refs, closed.one, closed.setting, closed.pack.version)
    places = set(closed.rows.place.tolist())
    sites = {closed.ref(place).site for place in places}
    alike = (
        closed.setting.now, closed.one.since, closed.one.through, len(sites), len(places), found, standing,
        closed.answer.expected_false, msgspec.json.encode(closed.answer.not_run).decode(),
        closed.pack.version,
    )  # fmt: skip
    await stored.close_days(connection, closed.panel.panel_id, days, alike)


async def _findings(connection: asyncpg.Connection, closed: Closed) -> int:
    """Replace what stands by what was found; the number that stands now."""
    standing: dict[bytes, list[UUID]] = {}
    for row in await stored.current_findings(connection, closed.panel.panel_id, closed.one):
        standing.setdefault(_key_of(row), []).append(row["finding_id"])
    new, count = [], 0
    for said in closed.answer.findings:
        if not closed.decides(said.where.to_ms):
            continue
        count += 1
        same = standing.get(_key(said, closed), [])
        if same:
            same.pop()
        else:
            new.append(_row(said, closed))
    gone = [id for ids in standing.values() for id in ids]
    await stored.replace_findings(connection, gone, new, closed.setting.now)
    return count


def _evidence(said: Said, closed: Closed) -> list[dict[str, int]]:
    return [
        {"series_id": closed.ref(piece.member).id, "from_ms": piece.from_ms, "to_ms": piece.to_ms}
        for piece in said.evidence
    ]


def _key(said: Said, closed: Closed) -> bytes:
    """Everything that makes two findings the same."""
    figures = (said.statistic, said.threshold, said.p, said.strength, closed.pack.by_id[said.test].weight)
    where = (closed.ref(said.where.member).id, said.where.from_ms, said.where.to_ms)
    return _packed((said.test, said.kind, where, figures, _evidence(said, closed), said.figures))


def _key_of(row: asyncpg.Record) -> bytes:
    figures = tuple(row[name] for name in ("statistic", "threshold", "p", "strength", "weight"))
    where = (row["series_id"], milliseconds(row["from_at"]), milliseconds(row["to_at"]))
    told = {
        name: None if value is None else float(value)
        for name, value in msgspec.json.decode(row["figures"]).items()
    }
    return _packed((row["test"], row["kind"], where, figures, msgspec.json.decode(row["evidence"]), told))


def _packed(told: Any) -> bytes:
    return msgspec.json.encode(told, order="sorted")


def _row(said: Said, closed: Closed) -> Sequence[Any]:
    """The columns of `qc.queries.closing.FOUND`."""
    ref = closed.ref(said.where.member)
    return (
        uuid7(), closed.panel.panel_id, ref.id, ref.site, ref.region, said.test, said.kind,
        day_of(said.where.to_ms - 1), instant(said.where.from_ms), instant(said.where.to_ms), said.statistic,
        said.threshold, said.p, said.strength, closed.pack.by_id[said.test].weight,
        msgspec.json.encode(_evidence(said, closed)).decode(), msgspec.json.encode(said.figures).decode(),
        closed.one.since, closed.one.through, closed.pack.version, closed.setting.now,
    )  # fmt: skip


def _told(group: Group, closed: Closed) -> Told:
    """A stretch as it is kept and said, its strongest findings first."""
    findings = [closed.answer.findings[place] for place in group.findings]
    shown = [_shown(said, closed) for said in findings]
    strongest = sorted(shown, key=lambda finding: (-finding.score, finding.from_ms, finding.rule))
    return Told(
        ref=closed.ref(group.where.member),
        kind=group.kind,
        from_ms=group.where.from_ms,
        to_ms=group.where.to_ms,
        score=group.score,
        is_case=closed.is_case(group),
        findings=strongest[:MOST_FINDINGS],
    )


def _shown(said: Said, closed: Closed) -> Finding:
    test = closed.pack.by_id[said.test]
    return Finding(
        rule=said.test,
        statistic=said.statistic,
        threshold=said.threshold,
        weight=test.weight,
        score=test.weight * said.strength,
        from_ms=said.where.from_ms,
        to_ms=said.where.to_ms,
        message_zh=said.message_zh,
        message_en=said.message_en,
        source_clause=test.source,
    )
