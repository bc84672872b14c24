"""One change of a register: the record, its history, its findings and deadlines, and what is said of them.

Promises: a finding is open once for its cause and is closed when its cause is gone; a deadline that is met in
time raises nothing. Leaves what is amiss to the rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from contracts.envelope import Event
from kit.outbox import put
from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.registers.owned import owned
from qc.flows.registers.raising import raise_finding
from qc.rules.registers.judging import period
from qc.rules.registers.model import Kind, kinds
from qc.tables.registers import RegisterChange, RegisterDeadline, RegisterFinding, RegisterRecord

LATE_MENDING = ("mend-overdue", "未按期整改", "Not mended in time")


class Texts(NamedTuple):
    """What a finding says, and by which clause."""

    zh: str
    en: str
    source: str


class Found(NamedTuple):
    """A finding: its slug, what sets it apart from others of this slug, its detail, until when to mend it."""

    finding: str
    cause: str
    texts: Texts
    detail: Mapping[str, Any]
    due: datetime | None = None


class Change:
    """Who changes the registers, and when."""

    def __init__(self, session: AsyncSession, who: str, now: datetime) -> None:
        self.session, self.who, self.now = session, who, now

    async def keep(self, row: RegisterRecord) -> None:
        """Write a version of a record into its history; its number becomes the record's version."""
        made = RegisterChange(
            kind=row.kind,
            code=row.code,
            changed_at=self.now,
            changed_by=self.who,
            after={"body": row.body, "judged": row.judged, "flags": row.flags, "site": row.site},
            **owned(row).cells(),
        )
        self.session.add(made)
        await self.session.flush()
        row.change_no = made.change_no

    async def say(self, event: Event, key: str) -> None:
        await put(self.session, event, key=key)

    async def find(self, row: RegisterRecord, found: Found) -> None:
        """Raise a finding about a record, unless it is open already for its cause."""
        finding, cause, texts, due = found.finding, found.cause, found.texts, found.due
        new = RegisterFinding(
            finding_id=uuid7(),
            finding=finding,
            kind=row.kind,
            code=row.code,
            cause=cause,
            site=row.site,
            found_at=self.now,
            due_at=due,
            detail=dict(found.detail),
            message_zh=texts.zh,
            message_en=texts.en,
            source=texts.source,
            **owned(row).cells(),
        )
        await raise_finding(self.session, new)

    async def find_flags(
        self, kind: Kind, row: RegisterRecord, flags: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Raise what the flags of a record say, with the time to mend it; close what no longer stands."""
        for name, detail in flags.items():
            flag = kind.flags[name]
            if not flag.finding:
                continue
            began = row.happened_at or self.now
            rule = period(flag.mend, began.date()) if flag.mend else None
            due = self.now + timedelta(hours=rule.hours) if rule is not None else None
            source = f"{kind.source}; {rule.source}" if rule is not None else kind.source
            await self.find(row, Found(name, "", Texts(flag.zh, flag.en, source), detail, due))
            if due is not None:
                await self.run(row, f"mend:{name}", due, LATE_MENDING[0], {"finding": name})
        gone = [name for name in kind.flags if name not in flags]
        await self.close(row.kind, [row.code], gone)

    async def run(
        self, row: RegisterRecord, clock: str, due: datetime, finding: str, detail: Mapping[str, Any]
    ) -> None:
        """Let a deadline run (anew): one that now lies ahead is not missed, and its finding is closed."""
        cells = {"due_at": due, "met_at": None, "finding": finding, "detail": dict(detail), "site": row.site}
        cells |= owned(row).cells()
        asked = insert(RegisterDeadline).values(kind=row.kind, code=row.code, clock=clock, **cells)
        still_missed = case((RegisterDeadline.met_at.is_(None), RegisterDeadline.missed_at))
        await self.session.execute(
            asked.on_conflict_do_update(
                index_elements=["kind", "code", "clock"],
                set_=cells | {"missed_at": None if due > self.now else still_missed},
            )
        )
        if due > self.now:
            await self._close(row.kind, [row.code], [finding], clock)

    async def meet(self, kind: str, codes: Sequence[str], clocks: Iterable[str]) -> None:
        """What these deadlines asked for is done; the findings of missed ones are closed."""
        of = RegisterDeadline
        wanted = (of.kind == kind, of.code.in_(codes), of.clock.in_(list(clocks)), of.met_at.is_(None))
        done = await self.session.execute(
            update(of).where(*wanted).values(met_at=self.now).returning(of.code, of.clock, of.finding)
        )
        for code, clock, finding in done.all():
            await self._close(kind, [code], [finding], clock)

    async def close(self, kind: str, codes: Sequence[str], findings: Sequence[str]) -> None:
        """These findings about a record no longer stand, so there is nothing left to mend in time."""
        await self._close(kind, codes, findings, "")
        await self.meet(kind, codes, [f"mend:{name}" for name in findings])

    async def _close(self, kind: str, codes: Sequence[str], findings: Sequence[str], cause: str) -> None:
        of = RegisterFinding
        wanted = (of.kind == kind, of.code.in_(codes), of.finding.in_(findings), of.cause == cause)
        await self.session.execute(
            update(of).where(*wanted, of.closed_at.is_(None)).values(closed_at=self.now)
        )


async def settle_deadlines(session: AsyncSession, now: datetime, limit: int = 500) -> int:
    """Raise a finding for each deadline that has passed unmet by `now`; how many, `limit` at most."""
    of = RegisterDeadline
    late = (
        select(of)
        .where(of.met_at.is_(None), of.missed_at.is_(None), of.due_at < now)
        .order_by(of.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(await session.scalars(late))
    change = Change(session, "qc deadlines", now)
    for deadline in rows:
        deadline.missed_at = now
        record = await session.get(RegisterRecord, (deadline.kind, deadline.code))
        assert record is not None
        detail = deadline.detail | {"due_at": deadline.due_at.isoformat()}
        await change.find(record, Found(deadline.finding, deadline.clock, texts_of(deadline), detail))
    return len(rows)


def texts_of(deadline: RegisterDeadline) -> Texts:
    """What is said of a missed deadline: what was not mended, a clock of the kind, or what was due."""
    kind, detail = kinds()[deadline.kind], deadline.detail
    if deadline.finding == LATE_MENDING[0]:
        flag = kind.flags[detail["finding"]]
        return Texts(f"{LATE_MENDING[1]}：{flag.zh}", f"{LATE_MENDING[2]}: {flag.en}", kind.source)
    if deadline.clock in kind.clocks:
        clock = kind.clocks[deadline.clock]
        return Texts(clock.zh, clock.en, kind.source)
    return Texts(detail["zh"], detail["en"], detail["source"])
