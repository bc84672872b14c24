"""Days are closed: the falsification tests run over everything known of a panel, and what they say is kept.

Promises: a pass is one transaction; what was closed is not closed again unless something became known of it;
killed at any instant, the next run goes on from the last transaction; of two that close one panel at once
only one counts. Leaves the statistics to `qc.rules.closing.asked` and what is kept to `qc.flows.closed`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date

import asyncpg
import msgspec
import structlog
from kit.db import Database
from sqlalchemy import text

from qc.flows.alarms import milliseconds
from qc.flows.closed import Closed, keep
from qc.flows.setting import Setting
from qc.queries import closing as stored
from qc.queries.beside import beside
from qc.queries.binary import driver
from qc.rules.closing.asked import NOTHING, Answer, Asked, asked_of
from qc.rules.closing.days import Pass, by_day, day_of, last_due, passes
from qc.rules.closing.grouping import Panel, joined
from qc.rules.closing.pack import Closing, ClosingPack

log = structlog.get_logger()

Judge = Callable[[Asked], Awaitable[Answer]]


class Superseded(RuntimeError):
    """Another instance closed the panel meanwhile; nothing of this pass was kept."""


@dataclass
class Progress:
    """A panel being closed: what it began from, and how many values each day had in the passes so far."""

    panel: stored.Opened
    counts: dict[date, int] = field(default_factory=dict)
    done: int = 0


@dataclass(frozen=True)
class Closer:
    """Closes what is due at `setting.now`, `judge` answering what the tests say."""

    database: Database
    setting: Setting
    pack: ClosingPack
    judge: Judge

    @property
    def figures(self) -> Closing:
        return self.pack.on(self.setting.now.date())

    async def run(self) -> int:
        """Close every panel that waits; the number of passes. A panel that fails does not stop the others."""
        due = last_due(self.setting.now, self.figures.grace_hours)
        async with self.database.writer() as session:
            connection = await driver(session)
            await self._assign(connection)
            content = msgspec.json.encode(self.pack).decode()
            await stored.keep_pack(connection, self.pack.version, content, self.setting.now)
            waiting = await stored.waiting(connection, due)
        done = 0
        for panel_id in waiting:
            try:
                done += await self.close(panel_id, due)
            except Exception as error:
                log.warning("day_close_failed", panel=panel_id, error=repr(error))
        return done

    async def _assign(self, connection: asyncpg.Connection) -> None:
        """A panel for every series that became known since the last run."""
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('qc.day_panels'), 0)")
        refs = await stored.without_panel(connection, list(self.figures.history_months))
        panels: dict[int, Panel] = {}
        for row in await stored.panels(connection) if refs else ():
            panel = Panel(row["panel_id"], row["region"], row["profile"], row["period"])
            if row["site"] is not None:
                panels.setdefault(row["panel_id"], panel).members.add((row["site"], row["factor"]))
        members = []
        for ref, panel in joined(refs, list(panels.values()), self.pack, self.setting.now.date()):
            if panel.number is None:
                panel.number = await stored.new_panel(connection, panel.region, panel.profile, panel.period)
            members.append((ref.id, panel.number, ref.site, ref.factor))
        await stored.join(connection, members)

    async def close(self, panel_id: int, due: date) -> int:
        """Close one panel through `due`; the number of passes, 0 if another instance is at it."""
        async with self._held(panel_id) as is_ours:
            if not is_ours:
                return 0
            async with self.database.writer() as session:
                panel = await stored.opened(await driver(session), panel_id, due)
            plan, progress = self._plan(panel, due), Progress(panel)
            for one in plan:
                await self._pass(progress, one, is_last=one is plan[-1])
            if not plan:
                await self._nothing(panel, due)
            return len(plan)

    def _plan(self, panel: stored.Opened, due: date) -> list[Pass]:
        last = max(due, panel.closed_through or due)
        if panel.first_at is None or day_of(milliseconds(panel.first_at)) > last:
            return []
        first, touched = day_of(milliseconds(panel.first_at)), {day for _, day, _ in panel.marks}
        return passes(first, panel.closed_through, last, touched, self.figures.history_months[panel.period])

    async def _nothing(self, panel: stored.Opened, due: date) -> None:
        """No value on any day that is over: there is nothing to judge and nothing to record."""
        async with self.database.writer() as session:
            connection = await driver(session)
            if await stored.is_ours(connection, panel.panel_id, panel.passes, due):
                await stored.unmark(connection, [number for number, _, _ in panel.marks])

    async def _pass(self, progress: Progress, one: Pass, *, is_last: bool) -> None:
        """Read, judge with no transaction open, keep. Raises Superseded."""
        panel = progress.panel
        async with self.database.writer() as session:
            connection = await driver(session)
            rows = await stored.rows_of(connection, panel.refs, one.start_ms, one.end_ms)
            told = await beside(connection, panel.refs, one.start_ms, one.end_ms)
        asked = asked_of(panel.profile, panel.refs, rows, self.setting.pack, told)
        answer = await self.judge(asked) if len(rows) else NOTHING
        of_day = by_day(rows.ts)
        progress.counts |= of_day
        async with self.database.writer() as session:
            connection = await driver(session)
            if not await stored.is_ours(
                connection, panel.panel_id, panel.passes + progress.done, one.through
            ):
                raise Superseded(f"panel {panel.panel_id} was closed by another instance meanwhile")
            seen = await stored.days_closed(connection, panel.panel_id, of_day)
            days = {day: ("first", count) for day, count in of_day.items() if day not in seen}
            if is_last:
                days |= again(progress)
                await stored.unmark(connection, [number for number, _, _ in panel.marks])
            await keep(session, Closed(panel, one, rows, answer, self.pack, self.setting), days)
        progress.done += 1

    @asynccontextmanager
    async def _held(self, panel_id: int) -> AsyncIterator[bool]:
        """Whether this instance alone closes the panel now. The lock goes with its connection."""
        async with self.database.writers.connect() as connection:
            is_ours = bool((await connection.execute(text(stored.LOCK), {"panel": panel_id})).scalar())
            await connection.commit()
            try:
                yield is_ours
            finally:
                if is_ours:
                    await connection.execute(text(stored.UNLOCK), {"panel": panel_id})
                    await connection.commit()


def again(progress: Progress) -> dict[date, tuple[str, int]]:
    """The days that are closed once more, each with its reason and how many values it has now."""
    late = {day for _, day, reason in progress.panel.marks if reason == "late"}
    return {
        day: ("late" if day in late else "revision", progress.counts.get(day, 0))
        for day in sorted(progress.panel.again)
    }
