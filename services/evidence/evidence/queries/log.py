"""Entries and their order, and the newest checkpoint.

Promises: positions are 0, 1, 2 … in the order of commit; what is there already is not appended again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The row lock makes appending transactions wait for each other: what is committed has no gaps.
LOCK = text("SELECT entries FROM sequence WHERE id = 1 FOR UPDATE")
APPEND = """
WITH fresh AS (
    SELECT u.entry, u.subject, nullif(u.ref, '') AS ref, u.at, row_number() OVER (ORDER BY u.n) AS n
    FROM unnest($2::bytea[], $3::text[], $4::text[], $5::timestamptz[]) WITH ORDINALITY
         AS u (entry, subject, ref, at, n)
    WHERE NOT EXISTS (SELECT FROM entries e WHERE e.entry = u.entry)
), appended AS (
    INSERT INTO entries (position, entry, subject, ref, requested_at)
    SELECT $1 + n - 1, entry, subject, ref, at FROM fresh RETURNING 1
)
UPDATE sequence SET entries = entries + (SELECT count(*) FROM appended) WHERE id = 1
"""
READ = text("SELECT entry FROM entries WHERE position >= :start AND position < :stop ORDER BY position")
PERSIST = text(
    "UPDATE checkpoint SET size = :size, root = :root, note = :note, signed_at = :now "
    "WHERE id = 1 AND size = :old"
)


WAITING = text(
    "SELECT entries, signed_at, (SELECT requested_at FROM entries WHERE position = :size) AS oldest "
    "FROM checkpoint JOIN sequence USING (id)"
)


@dataclass(frozen=True)
class Leaf:
    """An entry to append: 32 bytes, what it is about, its id at the sender, when the sender received it."""

    entry: bytes
    subject: str
    ref: str
    at: datetime


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


async def append(session: AsyncSession, leaves: Sequence[Leaf]) -> None:
    """Append what is not there yet, in this order."""
    count = (await session.execute(LOCK)).scalar_one()
    columns = (
        [leaf.entry for leaf in leaves],
        [leaf.subject for leaf in leaves],
        [leaf.ref for leaf in leaves],
        [leaf.at for leaf in leaves],
    )
    await (await session.connection()).exec_driver_sql(APPEND, (count, *columns))


async def entries(session: AsyncSession, start: int, stop: int) -> list[bytes]:
    """The entries at start … stop - 1, as far as they are there."""
    return list((await session.scalars(READ, {"start": start, "stop": stop})).all())


async def kept(session: AsyncSession) -> Kept:
    """The checkpoint and the number of entries."""
    query = "SELECT size, root, note, entries FROM checkpoint JOIN sequence USING (id)"
    return Kept(*(await session.execute(text(query))).one())


async def persist(session: AsyncSession, old: int, size: int, root: bytes, note: str, now: datetime) -> bool:
    """Keep a checkpoint if the one before it has size `old`; False when another instance was faster."""
    given = {"old": old, "size": size, "root": root, "note": note, "now": now}
    done = await session.execute(PERSIST, given)
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def position(session: AsyncSession, entry: bytes) -> int | None:
    """Where an entry stands."""
    found = await session.execute(text("SELECT position FROM entries WHERE entry = :e"), {"e": entry})
    return found.scalar()


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
