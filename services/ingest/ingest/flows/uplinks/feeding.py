"""From the outbox into the queue of a link: exactly once, behind the commits, never on the hot path.

Promises: a cursor per (link, lane) moves in the transaction that queues; revisions follow the values they
revise; the loop of the process is left alone most of the time, so a burst is caught up afterwards. Leaves
what is wanted and how it is cut to `rules.uplinks`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from contracts.envelope import Event
from contracts.ingest import Recorded, Revised
from contracts.packing import unpacked
from kit import cursor
from kit.cursor import Place
from kit.db import Database
from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows.uplinks.links import EVENTS, consumer_of
from ingest.flows.uplinks.yielding import give_way
from ingest.queries import uplinks as queries
from ingest.queries.uplinks import New
from ingest.rules.times import CHINA
from ingest.rules.uplinks.cutting import Cut, Cutter
from ingest.rules.uplinks.dated import forwarding_on
from ingest.rules.uplinks.links import Link

E = TypeVar("E", bound=Event)
QUEUED = Counter("ingest_uplink_queued_total", "Values queued for a link", ["link"])
LOOPED = Counter("ingest_uplink_looped_total", "Values kept from going back or around", ["link"])
# Few, so that the loop of the process is never held for long.
MESSAGES_AT_ONCE = 10
_UNSENDABLE = "HJ 212 has no command for a revision 该协议不能传送修订"


async def feed(database: Database, link: Link, own: str) -> int:
    """Queue what is new for the link, lane by lane; how many values and revisions were looked at."""
    async with database.writer() as session:
        found = await session.execute(text(queries.NEWS), {"consumer": consumer_of(link.name)})
        lanes = list(found.scalars())
    total = 0
    for lane in lanes:
        await give_way()
        total += await _feed_lane(database, link, own, lane)
    return total


async def _feed_lane(database: Database, link: Link, own: str, lane: str) -> int:
    now = datetime.now(UTC)
    cutter = Cutter(link, own, lane, forwarding_on(now.astimezone(CHINA).date()))
    async with database.writer() as session:
        places = [Place(consumer_of(link.name), event, lane) for event in EVENTS]
        after = [await cursor.lock(session, place) for place in places]
        # Revisions are read first: whatever they revise was numbered before, so it is among the values then.
        later = await _messages(session, places[1], after[1], Revised)
        first = await _messages(session, places[0], after[0], Recorded)
        if len(first) == MESSAGES_AT_ONCE:
            later = []
        submissions = {one for _, event in first for one in event.submissions}
        hops = await queries.hops_of(session, submissions | {event.submission for _, event in later})
        for _, event in first:
            cutter.recorded(event, hops)
        for _, revision in later:
            cutter.revised(revision, hops)
        await _queue(session, link, now, cutter)
        if first:
            await cursor.advance(session, places[0], first[-1][0])
        if later:
            await cursor.advance(session, places[1], later[-1][0])
    QUEUED.labels(link.name).inc(sum(len(cut.rows) for cut in cutter.cuts))
    LOOPED.labels(link.name).inc(cutter.looped)
    return len(later) + sum(len(event.at) for _, event in first)


async def _messages(session: AsyncSession, place: Place, seq: int, kind: type[E]) -> list[tuple[int, E]]:
    asked = {"event": place.event, "lane": place.lane, "seq": seq, "limit": MESSAGES_AT_ONCE}
    found = await session.execute(text(queries.AFTER), asked)
    return [(row.seq, msgspec.json.decode(unpacked(row.data), type=kind)) for row in found]


async def _queue(session: AsyncSession, link: Link, now: datetime, cutter: Cutter) -> None:
    if cutter.looped:
        await session.execute(
            text("UPDATE uplink_states SET looped = looped + :count WHERE link = :link"),
            {"count": cutter.looped, "link": link.name},
        )
    if cutter.cuts:
        base = await queries.numbers(session, link.name, now, len(cutter.cuts))
        await queries.queue(session, link.name, now, list(_new(link, cutter.cuts, base)))


def _new(link: Link, cuts: Sequence[Cut], base: int) -> Iterable[New]:
    for at, cut in enumerate(cuts):
        if link.kind == "hj212" and cut.head.kind == "revised":
            yield New(cut, base + at, "reported", _UNSENDABLE)
        else:
            yield New(cut, base + at)
