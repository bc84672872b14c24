"""The audit of decisions, written behind the request.

Promises: nothing is dropped in silence. Equal refusals within one round are one row with a count, so a flood
cannot fill the disk; a write that could not be recorded is not let through (503) once the waiting list is
full; what waits is written before a stop. Lost with the process is at most one round of half a second.
"""

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import cast
from uuid import UUID

import structlog
from kit.db import Database
from kit.problems import Unavailable
from prometheus_client import Counter, Gauge
from sqlalchemy import Table, insert

from gateway.tables import Audit

log = structlog.get_logger()
ROUND_SECONDS = 0.5
LONGEST_LIST = 20_000
KINDS_OF_REFUSAL = 5_000
SEVERAL = "several"
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


class Ledger:
    """Collects entries and writes them in rounds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes: list[Entry] = []
        self._refusals: dict[tuple[object, ...], Entry] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def allow(self, entry: Entry) -> None:
        """Notes a write that is let through. Raises Unavailable when too many wait to be recorded."""
        if len(self._writes) >= LONGEST_LIST:
            raise Unavailable("audit-unavailable", "The audit cannot be written 审计暂不可写")
        self._writes.append(entry)

    def refuse(self, entry: Entry) -> None:
        """Notes a refusal; equal ones of a round are counted."""
        key: tuple[object, ...] = (entry.status, entry.reason, entry.subject, entry.address, entry.permission)
        if key not in self._refusals and len(self._refusals) >= KINDS_OF_REFUSAL:
            key = (entry.status, entry.reason)
            entry = replace(entry, subject=SEVERAL, principal=SEVERAL, client=None, address=SEVERAL)
        known = self._refusals.get(key)
        self._refusals[key] = replace(known, times=known.times + entry.times) if known else entry

    def start(self) -> None:
        self._task = asyncio.create_task(self._rounds(), name="audit")

    async def stop(self) -> None:
        """Writes what waits; what cannot be written is logged row by row."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        try:
            await self.flush()
        except Exception as error:
            for entry in self._take():
                log.error("gateway.audit_not_written", error=repr(error), **asdict(entry))

    async def flush(self) -> None:
        """One round. What could not be written waits for the next."""
        entries = self._take()
        if not entries:
            return
        try:
            async with self._database.writer() as session:
                # Inline: the writer may add but not read, so no number is asked back.
                await session.execute(insert(TABLE).inline(), [asdict(entry) for entry in entries])
        except BaseException:
            self._put_back(entries)
            raise
        finally:
            WAITING.set(len(self._writes) + len(self._refusals))

    async def _rounds(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), ROUND_SECONDS)
            try:
                await self.flush()
            except Exception as error:
                log.warning("gateway.audit_waits", error=repr(error), waiting=len(self._writes))

    def _take(self) -> list[Entry]:
        entries = [*self._writes, *self._refusals.values()]
        self._writes, self._refusals = [], {}
        return entries

    def _put_back(self, entries: list[Entry]) -> None:
        self._writes = [entry for entry in entries if entry.status < 400] + self._writes
        for entry in entries:
            if entry.status >= 400:
                self.refuse(entry)
