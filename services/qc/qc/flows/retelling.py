"""Suspicions of day closes follow what the tests find: queued, raised, said again, withdrawn.

Promises: one number for one stretch as long as it is found; a stretch of which a streaming suspicion stands
opens no second lead, it is queued beside it and raised when that one falls. Leaves who follows whom to
`qc.rules.closing.following`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import msgspec
from contracts.ingest import SeriesRef
from contracts.qc import Finding, SuspicionRaised, SuspicionWithdrawn
from kit.outbox import put
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.alarms import instant, milliseconds
from qc.flows.setting import Setting
from qc.queries import retold as stored
from qc.queries.binary import driver
from qc.rules.closing.days import Pass
from qc.rules.closing.following import Standing, Wanted, beside, follow

GONE = (
    "再次关账后，造假检验不再支持该嫌疑（综合证据分 {score:.2f}）。",
    "Closed again, the day no longer supports the suspicion (combined score {score:.2f}).",
)
BELOW = (
    "再次关账后，该嫌疑（综合证据分 {score:.2f}）不再达到立案线索的要求，转分析人员处理。",
    "Closed again, the suspicion (combined score {score:.2f}) is no longer one to open a case on; it is an "
    "analyst's to look at.",
)
MERGED = (
    "与嫌疑 {other} 为同一事，并入该嫌疑。",
    "The same matter as suspicion {other}, which it is merged into.",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A stretch of a series that weighs enough to be kept; `is_case`: a lead may be opened on it."""

    ref: SeriesRef
    kind: str
    from_ms: int
    to_ms: int
    score: float
    is_case: bool
    findings: list[Finding]

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.ref.id, self.kind, self.from_ms, self.to_ms, self.is_case)


@dataclass(frozen=True, slots=True)
class _Teller:
    """The transaction, and what all that is said in it has in common."""

    session: AsyncSession
    connection: asyncpg.Connection
    setting: Setting
    version: str

    async def keep(self, id: UUID, told: Told, lead: UUID | None, was: asyncpg.Record | None) -> None:
        """Keep a stretch under its number, and say what that means to others; `lead` stands beside it."""
        state = "raised" if told.is_case and lead is None else "queued"
        if was is not None and was["state"] == state and not _differs(was, told, lead):
            return
        row = stored.Row(id, state, told.kind, lead, told.score, told.from_ms, told.to_ms, told.findings)
        await stored.put_suspicion(self.session, row, told.ref, self.version, self.setting.now)
        if state == "raised":
            await put(self.session, self._raised(id, told), key=told.ref.site, traces=())
        elif was is not None and was["state"] == "raised":
            reasons = _filled(BELOW if lead is None else MERGED, told.score, lead)
            await self.withdraw(was, "queued", told.score, reasons, lead)

    def _raised(self, id: UUID, told: Told) -> SuspicionRaised:
        return SuspicionRaised(
            suspicion_id=str(id),
            rule_pack=self.version,
            score=told.score,
            series=[told.ref],
            from_ms=told.from_ms,
            to_ms=told.to_ms,
            findings=told.findings,
            raised_at_ms=milliseconds(self.setting.now),
        )

    async def withdraw(
        self, was: asyncpg.Record, state: str, score: float, reasons: tuple[str, str], into: UUID | None
    ) -> None:
        """Take a suspicion back; whoever heard of it hears that, too."""
        await stored.withdraw(self.connection, was["suspicion_id"], state, score, self.setting.now, reasons)
        if was["state"] != "raised":
            return
        event = SuspicionWithdrawn(
            suspicion_id=str(was["suspicion_id"]),
            site=was["site"],
            region=was["region"],
            score=score,
            reason_zh=reasons[0],
            reason_en=reasons[1],
            withdrawn_at_ms=milliseconds(self.setting.now),
            merged_into=None if into is None else str(into),
        )
        await put(self.session, event, key=was["site"], traces=())


async def retell(
    session: AsyncSession,
    told: Sequence[Told],
    refs: Sequence[SeriesRef],
    one: Pass,
    setting: Setting,
    version: str,
) -> int:
    """Let the suspicions that are this pass's affair follow what it found; how many stand raised now."""
    connection = await driver(session)
    ids = [ref.id for ref in refs]
    rows = {row["suspicion_id"]: row for row in await stored.standing(connection, ids, one)}
    streaming = [_standing(row) for row in await stored.streaming(connection, ids, one)]
    wanted = [entry.wanted for entry in told]
    followed = follow(wanted, [_standing(row) for row in rows.values()])
    numbers = [carried or uuid7() for carried in followed.carried]
    leads = [beside(want, streaming) if want.is_case else None for want in wanted]
    teller = _Teller(session, connection, setting, version)
    for id, entry, lead in zip(numbers, told, leads, strict=True):
        await teller.keep(id, entry, lead, rows.get(id))
    for gone in followed.gone:
        into = None
        if gone.merged_into is not None and wanted[gone.merged_into].is_case:
            into = leads[gone.merged_into] or numbers[gone.merged_into]
        score = told[gone.merged_into].score if gone.merged_into is not None else 0.0
        reasons = _filled(GONE if into is None else MERGED, score, into)
        await teller.withdraw(rows[gone.standing.suspicion_id], "withdrawn", score, reasons, into)
    return sum(entry.is_case and lead is None for entry, lead in zip(told, leads, strict=True))


def _standing(row: asyncpg.Record) -> Standing:
    span = milliseconds(row["from_at"]), milliseconds(row["to_at"])
    return Standing(row["suspicion_id"], row["series_id"], row["kind"] or "", *span)


def _filled(reasons: tuple[str, str], score: float, other: UUID | None) -> tuple[str, str]:
    zh, en = (text.format(score=score, other=other) for text in reasons)
    return zh, en


def _differs(was: asyncpg.Record, told: Told, lead: UUID | None) -> bool:
    same = (was["kind"], was["score"], was["from_at"], was["to_at"], was["beside"])
    if same != (told.kind, told.score, instant(told.from_ms), instant(told.to_ms), lead):
        return True
    return bool(msgspec.json.decode(was["findings"], type=list[Finding]) != told.findings)
