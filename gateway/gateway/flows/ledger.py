"""The audit of decisions: gathered behind the request, or certain before it is answered.

Promises: nothing is dropped in silence. A *certain* event is committed before the caller goes on, or the
caller is told 503; many share one commit. A *gathered* event is written within a round of half a second;
until then it is in the spool, from where the next process writes it if this one is killed: none is lost, none
is twice. Equal refusals of a round are one row with a count, so a flood cannot fill the disk. A batch that
could not be written is written again as it was, before anything else, so the chain has no gap and no event
twice; meanwhile nothing certain passes. What waits is written before a stop.
Leaves to `flows.sealing` when a chain is sealed.
"""

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import structlog
from kit.db import Database
from kit.problems import Unavailable
from policy import EVERYTHING
from prometheus_client import Counter, Gauge
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from gateway.flows.sealing import Chain
from gateway.flows.spool import File, Spool
from gateway.queries import known_requests
from gateway.tables import Audit

log = structlog.get_logger()
ROUND_SECONDS = 0.5
CERTAIN_SECONDS = 15.0
LONGEST_LIST = 20_000
MOST_AT_ONCE = 1_000
KINDS_OF_REFUSAL = 5_000
# Beyond it equal refusals are only counted in memory: a flood while the database is away.
LARGEST_SPOOL = 64 << 20
SEVERAL = "several"
FIRST_REFUSAL = 400
TABLE = cast("Table", Audit.__table__)
DECISIONS = Counter("gateway_decisions_total", "Decisions by status", ["service", "status"])
WAITING = Gauge("gateway_audit_waiting", "Audit rows not yet written")


@dataclass(frozen=True)
class Entry:
    """One row of the audit; see `tables.Audit`."""

    at: datetime
    request_id: UUID
    subject: str
    principal: str
    client: str | None
    address: str
    service: str
    method: str
    path: str
    permission: str | None
    status: int
    reason: str
    policy_version: str
    times: int = 1
    trace_id: str | None = None
    dept: str | None = None
    region: str | None = None
    uscc: str | None = None
    route: str | None = None
    refs: tuple[str, ...] = ()
    kind: str | None = None
    purpose: str | None = None
    case_id: str | None = None
    unit: str | None = None
    grants: tuple[str, ...] | None = None
    beyond: tuple[str, ...] | None = None


@dataclass
class _Batch:
    """Rows as they will be stored, who waits for them, and the file that is done with once they are."""

    rows: list[dict[str, Any]]
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    spooled: File | None = None

    def settle(self, error: BaseException | None) -> None:
        for future in self.waiting:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(_unavailable())
        self.waiting = []


def _unavailable() -> Unavailable:
    return Unavailable("audit-unavailable", "The audit cannot be written 审计暂不可写")


def _sort_of(entry: Entry) -> tuple[object, ...]:
    """What makes refusals equal."""
    return (entry.status, entry.reason, entry.subject, entry.address, entry.permission)


def _counted(entries: list[Entry]) -> list[Entry]:
    """Equal refusals as one, as their own process would have written them."""
    once: dict[tuple[object, ...], Entry] = {}
    for entry in entries:
        key = _sort_of(entry) if entry.status >= FIRST_REFUSAL else (entry.request_id,)
        known = once.get(key)
        once[key] = replace(known, times=known.times + entry.times) if known else entry
    return list(once.values())


class Ledger:
    """Collects entries and writes them in rounds, as one chain. Without a spool a kill loses a round."""

    def __init__(self, database: Database, spool: Spool[Entry] | None = None) -> None:
        self._database, self._spool = database, spool
        self._left = iter(spool.left()) if spool else iter(())
        self._inheriting: tuple[File, list[Entry]] | None = None
        self.chain = Chain()
        self._writes: list[tuple[Entry, asyncio.Future[None] | None]] = []
        self._refusals: dict[tuple[object, ...], Entry] = {}
        self._stuck: _Batch | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping, self._wanted = asyncio.Event(), asyncio.Event()
        self._writing = asyncio.Lock()

    @classmethod
    def kept(cls, database: Database, folder: Path | None) -> "Ledger":
        """With its spool in `folder`, or without one."""
        return cls(database, None if folder is None else Spool(folder, Entry))

    def allow(self, entry: Entry) -> None:
        """Notes what is let through, soon. Raises Unavailable when too many wait to be recorded."""
        if len(self._writes) >= LONGEST_LIST or not self._kept(entry):
            raise _unavailable()
        self._writes.append((entry, None))

    def _kept(self, entry: Entry) -> bool:
        """Whether a kill would leave it behind; a process without a spool does not promise it."""
        try:
            if self._spool is not None:
                self._spool.note(entry)
        except OSError as error:
            log.error("gateway.spool_unwritable", error=repr(error))
            return False
        return True

    async def certain(self, entry: Entry) -> None:
        """Returns when the entry is committed. Raises Unavailable when it is not, or not known to be."""
        if self._stuck is not None or len(self._writes) >= LONGEST_LIST:
            raise _unavailable()
        future = asyncio.get_running_loop().create_future()
        pair = (entry, future)
        self._writes.append(pair)
        self._wanted.set()
        try:
            async with asyncio.timeout(CERTAIN_SECONDS):
                await future
        except TimeoutError:
            raise _unavailable() from None
        finally:
            # Whoever went away before it was written has not been answered.
            if not future.done() or future.cancelled():
                with suppress(ValueError):
                    self._writes.remove(pair)

    def refuse(self, entry: Entry) -> None:
        """Notes a refusal; equal ones of a round are counted."""
        key = _sort_of(entry)
        if key not in self._refusals and len(self._refusals) >= KINDS_OF_REFUSAL:
            key = (entry.status, entry.reason)
            entry = replace(
                entry, subject=SEVERAL, principal=SEVERAL, client=None, address=SEVERAL, dept=None, uscc=None
            )
        known = self._refusals.get(key)
        if self._spool is not None and (known is None or self._spool.size < LARGEST_SPOOL):
            self._kept(entry)  # a refusal stands, kept or not
        self._refusals[key] = replace(known, times=known.times + entry.times) if known else entry

    def start(self) -> None:
        self._wanted.set()  # what another left is written at once
        self._task = asyncio.create_task(self._rounds(), name="audit")

    async def stop(self) -> None:
        """Writes what waits and seals it; what cannot be written stays in the spool, else it is logged."""
        self._stopping.set()
        self._wanted.set()
        if self._task is not None:
            await self._task
        try:
            await self.flush(is_last=True)
        except Exception as error:
            while batch := self._stuck or self._gather():
                for row in batch.rows if self._spool is None else ():
                    log.error("gateway.audit_not_written", error=repr(error), row=repr(row))
                batch.settle(error)
                self._stuck = None
                if batch.spooled is not None:
                    batch.spooled.leave()

    async def flush(self, *, is_last: bool = False) -> None:
        """Writes everything that waits. What could not be written waits for the next round."""
        async with self._writing:
            while batch := self._stuck or self._gather():
                try:
                    await self._write(batch)
                except BaseException as error:
                    self._stuck = batch
                    batch.settle(error)
                    raise
                self._stuck = None
                batch.settle(None)
                if batch.spooled is not None:
                    batch.spooled.drop()
                WAITING.set(len(self._writes) + len(self._refusals))
            if self.chain.is_due(is_last=is_last):
                async with self._database.writer() as session:
                    sealed = await self.chain.seal(session)
                self.chain.sealed(sealed)

    async def _write(self, batch: _Batch) -> None:
        async with self._database.writer() as session:
            # Inline: the writer may add but not read, so no number is asked back. A batch whose commit was
            # cut short may be there already: then it is the same, number by number.
            await session.execute(insert(TABLE).on_conflict_do_nothing().inline(), batch.rows)
            sealed = await self.chain.seal(session) if self.chain.is_due() else None
        if sealed is not None:
            self.chain.sealed(sealed)

    async def _rounds(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._inherit()
                await self.flush()
            except Exception as error:
                log.warning("gateway.audit_waits", error=repr(error), waiting=len(self._writes))
                with suppress(TimeoutError):
                    async with asyncio.timeout(ROUND_SECONDS):
                        await self._stopping.wait()

    async def _inherit(self) -> None:
        """Writes what processes that were killed had noted and not stored, file by file."""
        while found := self._inheriting or next(self._left, None):
            self._inheriting = file, entries = found
            if entries:
                async with self._database.reader(reach=EVERYTHING) as session:
                    asked = known_requests([one.request_id for one in entries], entries[0].at)
                    stored = set(await session.scalars(asked))
                mine = [one for one in _counted(entries) if one.request_id not in stored]
                self._writes += [(one, None) for one in mine]
                # From here on they are among what waits: another round only has to write it.
                self._inheriting = file, []
                log.info("gateway.spool_inherited", file=file.path.name, entries=len(mine))
            await self.flush()
            file.drop()
            self._inheriting = None

    def _gather(self) -> _Batch | None:
        """The oldest of what waits, given its place in the chain for good."""
        taken, self._writes = self._writes[:MOST_AT_ONCE], self._writes[MOST_AT_ONCE:]
        entries = [entry for entry, future in taken if future is None or not future.done()]
        spooled = None
        if not self._writes:
            entries += self._refusals.values()
            self._refusals = {}
            spooled = self._spool.turn() if self._spool else None
        if not entries:
            if spooled is not None:
                spooled.drop()
            return None
        rows = [self.chain.append(asdict(entry) | {"refs": list(entry.refs)}) for entry in entries]
        return _Batch(rows, [future for _, future in taken if future is not None], spooled)
