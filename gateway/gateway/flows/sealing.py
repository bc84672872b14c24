"""A chain of audit events, and its seals: where it stood goes into the public evidence log.

Promises: a seal and the request for its leaf are one transaction with the events, or a later one; a chain
is sealed at most ten seconds after its last event, also that of a process that died. Leaves the digests to
`rules.chain`, the log to `evidence`.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import uuid_utils
from contracts.gateway import LeafRequested
from kit.db import Database
from kit.outbox import put
from policy import EVERYTHING
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession
from tlog.receipts import NONCE_SIZE, Record, entry_of, record_of

from gateway.queries import unsealed_chains
from gateway.rules import chain as rules
from gateway.tables import Seal

SEAL_SECONDS = 10.0
ORPHAN_AGE = timedelta(seconds=60)
TABLE = cast("Table", Seal.__table__)


@dataclass(frozen=True)
class Head:
    """Where a chain stands."""

    chain: UUID
    number: int
    digest: bytes


class Chain:
    """The chain of this process."""

    def __init__(self) -> None:
        self._head = Head(_fresh_id(), 0, rules.BEGINNING)
        # Counted from the first event that is not under a seal; a clock that jumps does not matter.
        self._since: float | None = None
        self._sealed = 0

    @property
    def id(self) -> UUID:
        return self._head.chain

    def append(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with its place; whoever takes it writes it, however often it takes."""
        placed = row | {"chain": self._head.chain, "number": self._head.number + 1}
        digest = rules.link(self._head.digest, rules.fields_of(placed))
        self._head = Head(self._head.chain, self._head.number + 1, digest)
        if self._since is None:
            self._since = time.monotonic()
        return placed | {"digest": digest}

    def is_due(self, *, is_last: bool = False) -> bool:
        if self._since is None or self._head.number == self._sealed:
            return False
        return is_last or time.monotonic() - self._since >= SEAL_SECONDS

    async def seal(self, session: AsyncSession) -> Head:
        """Seals what has been appended, all of which is written in this transaction or was before."""
        await seal(session, self._head)
        return self._head

    def sealed(self, head: Head) -> None:
        """After the commit."""
        self._sealed = head.number
        self._since = None if head.number == self._head.number else time.monotonic()


def _fresh_id() -> UUID:
    return UUID(bytes=uuid_utils.uuid7().bytes)


async def seal(session: AsyncSession, head: Head) -> None:
    """Keeps where a chain stands, and asks for the leaf."""
    id, nonce, now = _fresh_id(), secrets.token_bytes(NONCE_SIZE), datetime.now(UTC)
    row = Seal(id=id, chain=head.chain, number=head.number, digest=head.digest, sealed_at=now, nonce=nonce)
    entry = entry_of(nonce, record(row).bytes)
    columns = {"chain": head.chain, "number": head.number, "digest": head.digest, "nonce": nonce}
    await session.execute(insert(TABLE).inline(), [columns | {"id": id, "sealed_at": now, "entry": entry}])
    at = int(now.timestamp() * 1000)
    leaf = LeafRequested(subject="audit", submissions=[str(id)], leaves=[entry.hex()], received_at_ms=[at])
    await put(session, leaf, key=str(head.chain))


def content(row: Seal) -> bytes:
    """What the seal says: the bytes that its receipt is about."""
    return rules.content(str(row.chain), row.number, row.digest)


def record(row: Seal) -> Record:
    return record_of(row.id, hashlib.sha256(content(row)).digest(), row.sealed_at)


async def seal_orphans(database: Database, own: UUID, now: datetime) -> int:
    """Seals the chains that nobody writes any more and whose end has no seal; how many."""
    async with database.reader(reach=EVERYTHING) as session:
        found = (await session.execute(unsealed_chains(own, now - ORPHAN_AGE))).all()
    for chain, number, digest in found:
        async with database.writer() as session:
            await seal(session, Head(chain, number, digest))
    return len(found)
