"""Commands in PostgreSQL: every instance takes those of its own connections, none takes one twice.

Promises: rows come locked, so that two instances never decide about the same command; times are the
database's, so that the clocks of instances do not matter.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

Row = Any
NEW = (
    "INSERT INTO commands (id, mn, site, region, region_path, dept, uscc, origin, name, cn, parameters, "
    "reason, requested_by, needs_approval, answer_seconds, resends, execution_seconds, gap, expires_at, "
    "state, attempts, packets, result, requested_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "now() + make_interval(secs => $19), 'requested', 0, 0, '[]', now())"
)
# The outer condition is judged again once the lock is there: whoever comes second sees 'sent'.
TAKE = """
WITH next AS (
    SELECT DISTINCT ON (c.mn) c.id FROM commands c
    WHERE c.state = 'requested' AND c.mn = ANY($1) AND (NOT c.needs_approval OR c.approved_by IS NOT NULL)
      AND NOT EXISTS (
        SELECT FROM commands o WHERE o.mn = c.mn AND o.state IN ('sent', 'accepted', 'executing'))
    ORDER BY c.mn, c.number
)
SELECT c.* FROM commands c JOIN next USING (id)
WHERE c.state = 'requested' AND c.expires_at > now() ORDER BY c.mn FOR UPDATE OF c SKIP LOCKED LIMIT $2
"""
OPEN = "SELECT * FROM commands WHERE state IN ('sent', 'accepted', 'executing')"
OVERDUE = """
SELECT * FROM commands
WHERE state IN ('sent', 'accepted', 'executing') AND deadline_at < now()
  AND (mn = ANY($1) OR deadline_at < now() - make_interval(secs => $2))
ORDER BY mn FOR UPDATE SKIP LOCKED LIMIT 500
"""
EXPIRED = """
SELECT * FROM commands WHERE state = 'requested' AND expires_at < now()
ORDER BY mn FOR UPDATE SKIP LOCKED LIMIT 500
"""
NAMED = """
SELECT * FROM commands WHERE (mn, qn) IN (SELECT * FROM unnest($1::text[], $2::text[])) OR id = ANY($3)
ORDER BY mn, number FOR UPDATE
"""
SAVE = """
UPDATE commands SET state = $2, attempts = $3, packets = $4, qn_rtn = $5, exe_rtn = $6, qn = $7, holder = $8,
    result = $9, deadline_at = CASE WHEN $10::float8 IS NULL THEN deadline_at
                                    ELSE now() + make_interval(secs => $10) END,
    sent_at = CASE WHEN $2 <> 'requested' AND qn IS NULL THEN coalesce(sent_at, now()) ELSE sent_at END,
    accepted_at = CASE WHEN $5 = 1 THEN coalesce(accepted_at, now()) ELSE accepted_at END,
    executing_at = CASE WHEN $4 > 0 THEN coalesce(executing_at, now()) ELSE executing_at END,
    ended_at = CASE WHEN $2 IN ('done', 'refused', 'failed', 'timed-out', 'cancelled')
                    THEN coalesce(ended_at, now()) ELSE ended_at END
WHERE id = $1
"""
STEP = "INSERT INTO command_steps (command, at, step, detail) VALUES ($1, now(), $2, $3)"


async def add(connection: asyncpg.Connection, cells: Sequence[Any], secret: str | None) -> None:
    """A new command, `cells` in the order of `NEW`; its first step is written by the caller."""
    await connection.execute(NEW, *cells)
    if secret is not None:
        await connection.execute(
            "INSERT INTO command_secrets (command, value) VALUES ($1, $2)", cells[0], secret.encode()
        )


async def waiting(connection: asyncpg.Connection) -> list[str]:
    """The devices for which something waits to be sent."""
    rows = await connection.fetch(
        "SELECT DISTINCT mn FROM commands WHERE state = 'requested' "
        "AND (NOT needs_approval OR approved_by IS NOT NULL)"
    )
    return [row["mn"] for row in rows]


async def take(connection: asyncpg.Connection, mns: Sequence[str], most: int) -> list[Row]:
    """The next command of each device that has none under way."""
    return list(await connection.fetch(TAKE, mns, most))


async def under_way(connection: asyncpg.Connection) -> list[Row]:
    """Every command that waits for its device, whoever sent it."""
    return list(await connection.fetch(OPEN))


async def late(connection: asyncpg.Connection) -> list[str]:
    """The devices whose answer is overdue."""
    rows = await connection.fetch(
        "SELECT mn FROM commands WHERE state IN ('sent', 'accepted', 'executing') AND deadline_at < now()"
    )
    return [row["mn"] for row in rows]


async def overdue(connection: asyncpg.Connection, mns: Sequence[str], orphan_seconds: int) -> list[Row]:
    """Commands whose waiting time is over: of these devices, and of those that nobody looks after."""
    return list(await connection.fetch(OVERDUE, mns, float(orphan_seconds)))


async def expired(connection: asyncpg.Connection) -> list[Row]:
    """Commands that could not be sent in their time."""
    return list(await connection.fetch(EXPIRED))


async def named(
    connection: asyncpg.Connection, exchanges: Iterable[tuple[str, str]], ids: Iterable[UUID]
) -> list[Row]:
    """The commands with these (MN, QN), and those with these ids."""
    pairs = sorted(set(exchanges))
    mns, qns = [mn for mn, _ in pairs], [qn for _, qn in pairs]
    return list(await connection.fetch(NAMED, mns, qns, sorted(set(ids))))


async def save(connection: asyncpg.Connection, rows: Sequence[Sequence[Any]]) -> None:
    """States as they now stand, in the order of `SAVE`; a deadline of None stays."""
    await connection.executemany(SAVE, rows)


async def note(connection: asyncpg.Connection, steps: Sequence[tuple[UUID, str, str]]) -> None:
    """(command, step, detail as JSON) in order."""
    await connection.executemany(STEP, steps)


async def secret_of(connection: asyncpg.Connection, command: UUID) -> str | None:
    found = await connection.fetchval("SELECT value FROM command_secrets WHERE command = $1", command)
    return None if found is None else bytes(found).decode()


async def drop_secrets(connection: asyncpg.Connection, ids: Sequence[UUID]) -> None:
    """The commands have ended: what they carried is not needed again."""
    await connection.execute("DELETE FROM command_secrets WHERE command = ANY($1)", ids)


async def now(connection: asyncpg.Connection) -> datetime:
    found: datetime = await connection.fetchval("SELECT now()")
    return found
