"""The queue of each link: what is new in the outbox, what waits, what was answered.

Promises: statements only; order is by id, which is the order of commit within a key. Leaves deciding and
transactions to `flows.uplinks`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.rules.uplinks.cutting import Cut, body_of

# So many of one key in one turn, each after the answer to the one before.
IN_A_ROW = 16
NEWS = """
SELECT DISTINCT h.lane FROM cursors c JOIN outbox_heads h ON h.event = c.event AND h.lane = c.lane
WHERE c.consumer = :consumer AND h.seq > c.seq ORDER BY h.lane
"""
AFTER = """
SELECT seq, data FROM outbox WHERE event = :event AND lane = :lane AND seq > :seq ORDER BY seq LIMIT :limit
"""
BEGIN = """
INSERT INTO cursors (consumer, event, lane, seq)
SELECT :consumer, e, l, CASE WHEN :from_now THEN coalesce(h.seq, 0) ELSE 0 END
FROM unnest(CAST(:events AS text[])) AS e CROSS JOIN unnest(CAST(:lanes AS text[])) AS l
LEFT JOIN outbox_heads h ON h.event = e AND h.lane = l ON CONFLICT DO NOTHING
"""
HOPS = "SELECT submission, path FROM submission_hops WHERE submission = ANY(CAST(:ids AS uuid[]))"
QUEUE = """
INSERT INTO uplink_parcels (link, key, number, kind, mode, path, day, element, size, body, state, attempts,
                            resent, queued_at, reason)
SELECT $1, k, n, d, m, string_to_array(p, ','), y, e, s, b, t, 0, 0, $2, r
FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::date[], $9::text[],
            $10::integer[], $11::bytea[], $12::text[], $13::text[])
    WITH ORDINALITY AS q (k, n, d, m, p, y, e, s, b, t, r, o) ORDER BY o
"""
TOUCH = """
INSERT INTO uplink_days AS t (link, day, touched_at, state, rounds)
SELECT :link, d, :now, 'open', 0 FROM unnest(CAST(:days AS date[])) AS d ORDER BY d
ON CONFLICT (link, day) DO UPDATE SET touched_at = excluded.touched_at, state = 'open', rounds = 0
"""
# The first ones of each key among the next ones.
NEXT = """
SELECT id, key, number, kind, mode, path, day, element, size, body, attempts, resent, sent_at FROM (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY id) AS place FROM (
        SELECT * FROM uplink_parcels WHERE link = :link AND state = 'waiting' AND NOT key = ANY(:held)
        ORDER BY id LIMIT 500) AS next
) AS placed WHERE place <= :in_a_row ORDER BY id
"""
# With its receipt, and once: what another process settled meanwhile is left alone.
SETTLE = """
WITH answered AS (
    SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
        AS q (id, number, state, reason, outcome, answer)
), done AS (
    UPDATE uplink_parcels p SET state = a.state, reason = a.reason, settled_at = $2, attempts = attempts + 1,
        sent_at = coalesce(sent_at, $2)
    FROM answered a WHERE p.id = a.id AND p.number = a.number AND p.state = 'waiting' RETURNING p.id
), kept AS (
    INSERT INTO uplink_receipts (link, parcel, number, answered_at, outcome, answer)
    SELECT $1, a.id, a.number, $2, a.outcome, a.answer FROM answered a JOIN done USING (id) ORDER BY a.id
)
SELECT id FROM done
"""
NOTE = """
UPDATE uplink_parcels SET reason = :reason, attempts = attempts + 1, sent_at = coalesce(sent_at, :now)
WHERE id = :id AND state = 'waiting'
"""
HOLD = """
UPDATE uplink_states SET holder = :me, held_until = :until
WHERE link = :link AND (holder = :me OR held_until IS NULL OR held_until < :now)
RETURNING next_try_at, failures
"""
RENEW = """
WITH chosen AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM uplink_parcels
    WHERE link = :link AND state <> 'waiting' AND state <> 'reported' AND id = ANY(:ids)
)
UPDATE uplink_parcels p SET state = 'waiting', number = :base + chosen.n, attempts = 0, resent = resent + 1,
    settled_at = NULL, reason = '' FROM chosen WHERE p.id = chosen.id RETURNING p.id, p.day
"""
DUE = """
SELECT day, rounds, state FROM uplink_days WHERE link = :link AND day < :before AND (checked_at IS NULL
    OR touched_at > checked_at OR (state = 'differs' AND checked_at < :again)) ORDER BY day LIMIT 20
"""
KEYS = "SELECT DISTINCT key FROM uplink_parcels WHERE link = :link AND day = :day"
OF_DAY = "SELECT id, state, kind, body FROM uplink_parcels WHERE link = :link AND day = :day AND key = :key"
DEPTHS = """
SELECT u.name, coalesce(q.waiting, 0) AS waiting, q.oldest, coalesce(p.parked, 0) AS parked,
       s.circuit, s.failures, s.looped FROM uplinks u
JOIN uplink_states s ON s.link = u.name
LEFT JOIN LATERAL (SELECT count(*) AS waiting, min(queued_at) AS oldest FROM uplink_parcels
                   WHERE link = u.name AND state = 'waiting') q ON true
LEFT JOIN LATERAL (SELECT count(*) AS parked FROM uplink_parcels
                   WHERE link = u.name AND state = 'parked') p ON true
"""
LOCK = "SELECT 1 FROM uplink_states WHERE link = :link FOR UPDATE"
PRUNE = """
WITH gone AS (
    UPDATE uplink_days SET state = 'pruned' WHERE state = 'agrees' AND checked_at < :before
    RETURNING link, day
)
DELETE FROM uplink_parcels p USING gone g WHERE p.link = g.link AND p.day = g.day AND p.state = 'acknowledged'
"""


class Parcel(msgspec.Struct, frozen=True):
    """A parcel in hand. `number` is its name to the other side."""

    id: int
    key: str
    number: int
    kind: str
    mode: str
    path: list[str]
    day: date
    element: str | None
    size: int
    body: bytes
    attempts: int
    resent: int
    sent_at: datetime | None


class New(msgspec.Struct, frozen=True):
    """A parcel to be queued."""

    cut: Cut
    number: int
    state: str = "waiting"
    reason: str = ""


async def queue(session: AsyncSession, link: str, now: datetime, news: Sequence[New]) -> None:
    """Queue parcels in this order, and mark their days."""
    if not news:
        return
    heads = [new.cut.head for new in news]
    columns: list[list[Any]] = [
        [head.key for head in heads],
        [new.number for new in news],
        [head.kind for head in heads],
        [head.mode for head in heads],
        [",".join(head.path) for head in heads],
        [head.day for head in heads],
        [head.element for head in heads],
        [len(new.cut.rows) for new in news],
        [body_of(new.cut) for new in news],
        [new.state for new in news],
        [new.reason for new in news],
    ]
    await (await session.connection()).exec_driver_sql(QUEUE, (link, now, *columns))
    await touch(session, link, now, {head.day for head in heads})


async def touch(session: AsyncSession, link: str, now: datetime, days: set[date]) -> None:
    """These days have to be compared (again)."""
    await session.execute(text(TOUCH), {"link": link, "now": now, "days": sorted(days)})


async def hops_of(session: AsyncSession, submissions: set[str]) -> Mapping[str, tuple[str, ...]]:
    """The platforms these submissions passed; most passed none and have no entry."""
    found = await session.execute(text(HOPS), {"ids": [UUID(one) for one in sorted(submissions)]})
    return {str(row.submission): tuple(row.path) for row in found}


async def next_parcels(session: AsyncSession, link: str, held: Sequence[str]) -> list[Parcel]:
    """The next parcels of each key that is not held back, oldest first."""
    asked = {"link": link, "held": list(held), "in_a_row": IN_A_ROW}
    return [Parcel(**row._mapping) for row in await session.execute(text(NEXT), asked)]


async def settle(
    session: AsyncSession, link: str, now: datetime, answered: Sequence[tuple[Parcel, str, str, str, str]]
) -> set[int]:
    """(parcel, state, reason, outcome, answer): which of them were settled just now, by id."""
    if not answered:
        return set()
    parcels = [one[0] for one in answered]
    columns = [[parcel.id for parcel in parcels], [parcel.number for parcel in parcels]]
    words = [[one[at] for one in answered] for at in (1, 2, 3, 4)]
    connection = await session.connection()
    done = await connection.exec_driver_sql(SETTLE, (link, now, *columns, *words))
    return set(done.scalars())


async def numbers(session: AsyncSession, link: str, now: datetime, count: int) -> int:
    """The first of `count` new numbers of this link: milliseconds since 1970, never given twice."""
    base = int(now.timestamp() * 1000)
    given = await session.execute(
        text(
            "UPDATE uplink_states SET last_number = greatest(last_number, CAST(:base AS bigint)) + :count "
            "WHERE link = :link RETURNING last_number"
        ),
        {"link": link, "base": base, "count": count},
    )
    return int(given.scalar_one()) - count + 1
