"""Entries and their order, and the newest checkpoint.

Promises: positions are 0, 1, 2 … in the order of commit; what is there already is not appended again.
"""

from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The row lock makes appending transactions wait for each other: what is committed has no gaps.
LOCK = text("SELECT entries FROM sequence WHERE id = 1 FOR UPDATE")
APPEND = """
WITH fresh AS (
    SELECT u.entry, u.subject, nullif(u.ref, '') AS ref,
           timestamptz 'epoch' + u.at_ms * interval '1 millisecond' AS at,
           row_number() OVER (ORDER BY u.n) AS n
    FROM unnest($2::bytea[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY
         AS u (entry, subject, ref, at_ms, n)
    WHERE NOT EXISTS (SELECT FROM entries e WHERE e.entry = u.entry)
), appended AS (
    INSERT INTO entries (position, entry, subject, ref, requested_at)
    SELECT $1 + n - 1, entry, subject, ref, at FROM fresh RETURNING 1
)
UPDATE sequence SET entries = entries + (SELECT count(*) FROM appended) WHERE id = 1
"""
# As one value: taking over a row for every entry would hold the loop, and proofs with it.
READ = text(
    "SELECT string_agg(entry, ''::bytea ORDER BY position) FROM entries "
    "WHERE position >= :start AND position < :stop"
)
PLACE = "SELECT position FROM entries WHERE entry = $1"
ENTRY_BYTES = 32
PERSIST = text(
    "UPDATE checkpoint SET size = :size, root = :root, note = :note, signed_at = :now "
    "WHERE id = 1 AND size = :old"
)


WAITING = text(
    "SELECT entries, signed_at, (SELECT requested_at FROM entries WHERE position = :size) AS oldest "
    "FROM checkpoint JOIN sequence USING (id)"
)


@dataclass
class Leaves:
    """Entries to append, as columns: 32 bytes, what each is about, its id at the sender, when that had it."""

    entries: list[bytes] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Kept:
    """The newest checkpoint as the database has it, and how many entries there are."""

    size: int
    root: bytes
    note: str
    entries: int


@dataclass(frozen=True)
class Waiting:
    """How many entries there are, when the checkpoint was signed, when what stands behind it was received."""

    entries: int
    signed_at: datetime
    oldest: datetime | None


async def append(session: AsyncSession, leaves: Leaves) -> None:
    """Append what is not there yet, in this order."""
    count = (await session.execute(LOCK)).scalar_one()
    columns = (leaves.entries, leaves.subjects, leaves.refs, leaves.at_ms)
    await (await session.connection()).exec_driver_sql(APPEND, (count, *columns))


async def entries(session: AsyncSession, start: int, stop: int) -> list[bytes]:
    """The entries at start … stop - 1, as far as they are there."""
    joined = (await session.execute(READ, {"start": start, "stop": stop})).scalar() or b""
    return [joined[at : at + ENTRY_BYTES] for at in range(0, len(joined), ENTRY_BYTES)]


async def kept(session: AsyncSession) -> Kept:
    """The checkpoint and the number of entries."""
    query = "SELECT size, root, note, entries FROM checkpoint JOIN sequence USING (id)"
    return Kept(*(await session.execute(text(query))).one())


async def persist(session: AsyncSession, old: int, size: int, root: bytes, note: str, now: datetime) -> bool:
    """Keep a checkpoint if the one before it has size `old`; False when another instance was faster."""
    given = {"old": old, "size": size, "root": root, "note": note, "now": now}
    done = await session.execute(PERSIST, given)
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def position(connection: asyncpg.Connection, entry: bytes) -> int | None:
    """Where an entry stands."""
    found: int | None = await connection.fetchval(PLACE, entry)
    return found


async def page(session: AsyncSession, after: int, limit: int) -> list[tuple[int, bytes, str, str | None]]:
    """(position, entry, subject, ref) that follow a position."""
    query = text(
        "SELECT position, entry, subject, ref FROM entries WHERE position > :after "
        "ORDER BY position LIMIT :limit"
    )
    return [tuple(row) for row in await session.execute(query, {"after": after, "limit": limit})]


async def waiting(session: AsyncSession, size: int) -> Waiting:
    """What stands behind a checkpoint of that size."""
    return Waiting(*(await session.execute(WAITING, {"size": size})).one())
