"""Where a consumer stands in each lane: one row, advanced in the handler's transaction.

Promises: whoever holds the row's lock is the only one that handles the lane; a message at or below `seq` has
had its effect exactly once. `begun` and `tries` are committed BEFORE a message that was delivered once is
handled again, so that one which kills the process is told from its neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database

WHERE = "WHERE consumer = :consumer AND event = :event AND lane = :lane"


@dataclass(frozen=True)
class Place:
    """One lane of one event as one consumer reads it."""

    consumer: str
    event: str
    lane: str

    def __str__(self) -> str:
        return f"{self.consumer} at {self.event}.{self.lane}"


async def lock(session: AsyncSession, place: Place) -> int:
    """The number of the last message that had its effect; locked until the transaction ends."""
    select = text(f"SELECT seq FROM cursors {WHERE} FOR UPDATE")  # noqa: S608
    seq = (await session.execute(select, vars(place))).scalar()
    if seq is None:
        insert = "INSERT INTO cursors (consumer, event, lane) VALUES (:consumer, :event, :lane)"
        await session.execute(text(f"{insert} ON CONFLICT DO NOTHING"), vars(place))
        seq = (await session.execute(select, vars(place))).scalar_one()
    return int(seq)


async def lock_all(session: AsyncSession, consumer: str, event: str, lanes: Sequence[str]) -> dict[str, int]:
    """`lock` for several lanes, always in one order; a lane that was never locked before is left out."""
    select = text(
        "SELECT lane, seq FROM cursors WHERE consumer = :consumer AND event = :event AND lane = ANY(:lanes) "
        "ORDER BY lane FOR UPDATE"
    )
    found = await session.execute(select, {"consumer": consumer, "event": event, "lanes": list(lanes)})
    return {lane: int(seq) for lane, seq in found}


async def advance_all(session: AsyncSession, consumer: str, event: str, at: Mapping[str, int]) -> None:
    """`advance` for several lanes."""
    update = text(
        "UPDATE cursors AS c SET seq = n.seq, updated_at = now() "
        "FROM unnest(cast(:lanes AS text[]), cast(:seqs AS bigint[])) AS n (lane, seq) "
        "WHERE c.consumer = :consumer AND c.event = :event AND c.lane = n.lane"
    )
    where = {"consumer": consumer, "event": event}
    await session.execute(update, {**where, "lanes": list(at), "seqs": list(at.values())})


async def advance(session: AsyncSession, place: Place, seq: int) -> None:
    """Everything up to `seq` has had its effect when this transaction commits."""
    update = text(f"UPDATE cursors SET seq = :seq, updated_at = now() {WHERE}")  # noqa: S608
    await session.execute(update, {**vars(place), "seq": seq})


async def begin(database: Database, place: Place, first: int, last: int, own: int) -> int | None:
    """Commits that [first, last], delivered before, is about to be handled again.

    None: handle it as one batch. A number: an earlier try at these messages did not end, so handle `first`
    alone; it is that message's n-th lonely try. `own` is the last mark of this very process, which lives.
    """
    async with database.writer() as session:
        await lock(session, place)
        select = text(f"SELECT begun, tried, tries FROM cursors {WHERE}")  # noqa: S608
        begun, tried, tries = (await session.execute(select, vars(place))).one()
        if begun < first or begun == own:
            begun, tried, tries = last, 0, 0
        else:
            tried, tries = first, tries + 1 if tried == first else 1
        update = text(f"UPDATE cursors SET begun = :begun, tried = :tried, tries = :tries {WHERE}")  # noqa: S608
        await session.execute(update, {**vars(place), "begun": begun, "tried": tried, "tries": tries})
    return tries or None


async def positions(session: AsyncSession, consumer: str, event: str) -> dict[str, int]:
    """Each lane's number, for comparison with the producer's heads."""
    found = await session.execute(
        text("SELECT lane, seq FROM cursors WHERE consumer = :c AND event = :e"), {"c": consumer, "e": event}
    )
    return {lane: seq for lane, seq in found}
