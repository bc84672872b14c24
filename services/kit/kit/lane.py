"""One lane of one event, handled in order: the cursor moves in the transaction of the effect.

Promises: each message has its effect once, whatever is delivered twice, late, out of order or not at all; a
message that cannot be handled is parked and its neighbours go on; acknowledgement follows the commit. Leaves
fetching to `kit.bus`; holds no lock and no transaction while it waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import msgspec
import structlog
from contracts.envelope import Event, event_name, event_type
from contracts.packing import unpacked
from nats.errors import Error as NatsError
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from kit import cursor, parking
from kit.cursor import Place
from kit.db import Database
from kit.outbox import Meta, incoming
from kit.peers import HistoryMissing, Incoming, Peers
from kit.problems import NotReady, Problem, is_store_away
from kit.telemetry import continued

log = structlog.get_logger()

Handler = Callable[[AsyncSession, Any, Meta], Awaitable[None]]
HANDLED = Counter("bus_handled_total", "Messages whose effect is committed", ["service", "event"])
PARKED = Counter("bus_parked_total", "Messages parked", ["service", "event"])


class Undecodable(ValueError):
    """The bytes are not this event."""


@dataclass(frozen=True)
class Tuning:
    """Counts and seconds. `backoff` are the pauses before a message that keeps failing is parked.

    `rest` is the least time from one transaction of a lane to the next, unless a whole batch waits: a busy
    lane lets messages gather, because a transaction costs nearly the same for one as for many. The first
    message after a silence never waits. `shared_rest` is the same for lanes that share (`kit.group`).
    """

    backoff: Sequence[float] = (0.2, 1, 5, 15)
    batch: int = 50
    waiting: int = 100
    lonely_tries: int = 2
    grace: float = 0.1
    rest: float = 0.2
    shared_rest: float = 0.1
    compare_every: float = 3.0
    ack_wait: float = 60.0


@dataclass(frozen=True)
class Consumption:
    """Which service hears which event, and what it does then."""

    service: str
    event: type[Event]
    handler: Handler

    @property
    def type(self) -> str:
        return event_type(self.event)

    @property
    def durable(self) -> str:
        return f"{self.service}-{event_name(self.event)}"

    @property
    def stream(self) -> str:
        return self.event.PRODUCER.upper()

    @property
    def together(self) -> Callable[[AsyncSession, list[Any]], Awaitable[None]] | None:
        """`handler.together`, if it has one: takes [(event, meta), …] that wait side by side in one call."""
        return getattr(self.handler, "together", None)

    @property
    def decode(self) -> Callable[[bytes], Event]:
        """The event of its JSON: `handler.decode`, if it has a way of its own."""
        own: Callable[[bytes], Event] | None = getattr(self.handler, "decode", None)
        return own or msgspec.json.Decoder(self.event).decode

    @property
    def shares(self) -> bool:
        """Whether `together` takes messages of several lanes at once: `handler.across_lanes`."""
        return self.together is not None and getattr(self.handler, "across_lanes", False)

    async def handle(self, session: AsyncSession, *items: Incoming) -> None:
        """Decodes and hands over one message (several only to `together`) inside the trace it came with."""
        try:
            events = [(self.decode(unpacked(one.data)), one.meta) for one in items]
        except ValueError as error:
            raise Undecodable(str(error)) from error
        token = incoming.set(tuple(dict.fromkeys(trace for item in items for trace in item.meta.traces)))
        try:
            with continued(items[0].meta.traceparent, f"{self.service} {self.type}"):
                if self.together is not None:
                    await self.together(session, events)
                else:
                    await self.handler(session, *events[0])
                await session.flush()
        finally:
            incoming.reset(token)


@dataclass(frozen=True)
class Shared:
    """What all lanes of a service have in common; `slots` bounds the transactions at a time."""

    database: Database
    peers: Peers
    tuning: Tuning
    slots: asyncio.Semaphore


def will_never_work(error: Exception) -> bool:
    """Undecodable bytes, or a refusal (4xx) that another try cannot change."""
    if isinstance(error, Undecodable):
        return True
    return isinstance(error, Problem) and 400 <= error.status < 500 and error.status != 429


class Unshared(Exception):
    """The lane's messages could not be handled with those of others: it is to handle them alone."""


class Joinable(Protocol):
    """A group of lanes (`kit.group`)."""

    async def join(self, lane: "Lane") -> None: ...


class Lane:
    """`offer` messages in any order; `run` handles them in the right one until `stop`."""

    def __init__(self, of: Consumption, lane: str, shared: Shared, group: "Joinable | None" = None) -> None:
        self.of, self._group = of, group
        self.place = Place(of.service, of.type, lane)
        self.seq, self._rested_at = -1, 0.0
        self._database, self._tuning, self._shared = shared.database, shared.tuning, shared
        self._waiting: dict[int, Incoming] = {}
        self._wake, self._room, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._is_behind = self._is_paused = self._is_patient = False
        self._own_mark = self._survived = 0

    async def offer(self, item: Incoming) -> None:
        """Takes a message; waits while the lane is full. While the lane pauses, the lowest numbers are kept:
        what is dropped was not acknowledged and comes again.
        """
        while len(self._waiting) >= self._tuning.waiting and item.meta.seq not in self._waiting:
            if self._is_paused:
                highest = max(self._waiting)
                if item.meta.seq > highest:
                    return
                del self._waiting[highest]
                break
            self._room.clear()
            await self._room.wait()
        known = self._waiting.get(item.meta.seq)
        item.is_doubtful |= known is not None and known.is_doubtful
        self._waiting[item.meta.seq] = item
        self._wake.set()

    def catch_up(self) -> None:
        """The producer is ahead and nothing arrives: read on over HTTP."""
        self._is_behind = True
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Ends after `stop`, when the transaction in hand is committed and acknowledged."""
        while not self._stopping.is_set():
            await self._wake.wait()
            self._wake.clear()
            try:
                while not self._stopping.is_set() and await self._step():
                    pass
            except Exception as error:
                log.warning("bus.lane_waits", place=str(self.place), seq=self.seq, error=repr(error))
                self._wake.set()
                await self._pause(1.0)
        for item in self._waiting.values():
            if item.source is not None:
                await self._say(item.source.nak())

    async def _pause(self, seconds: float) -> None:
        self._is_paused = True
        self._room.set()
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
        finally:
            self._is_paused = False

    def _may_gather(self) -> bool:
        return len(self._waiting) < self._tuning.batch and not self._stopping.is_set()

    async def _step(self) -> bool:
        """Handles the next messages; False when there is nothing to do."""
        if self.seq < 0:
            await self._reload()
        await self._acknowledge()
        if self._group is None:
            while self._may_gather() and monotonic() < self._rested_at:  # noqa: ASYNC110 three things end it
                await asyncio.sleep(0.05)
        run = self.contiguous()
        if run:
            self._is_patient = False
            self._rested_at = monotonic() + self._tuning.rest
            await self._share(run) if self._group else await self._handle(run)
        elif self._waiting and not self._is_patient:
            self._is_patient = True  # another instance may be about to commit what is missing here
            await asyncio.sleep(self._tuning.grace)
            await self._reload()
        elif self._waiting or self._is_behind:
            return await self._refetch()
        else:
            return False
        await self._acknowledge()
        return True

    async def _reload(self) -> None:
        async with self._database.writer() as session:
            self.seq = await cursor.lock(session, self.place)

    async def _acknowledge(self) -> None:
        """Everything at or below the cursor has had its effect."""
        for seq in [seq for seq in self._waiting if seq <= self.seq]:
            source = self._waiting.pop(seq).source
            if source is not None:
                await self._say(source.ack())
        if len(self._waiting) < self._tuning.waiting:
            self._room.set()

    async def _say(self, answer: Awaitable[None]) -> None:
        try:
            await answer
        except (NatsError, OSError) as error:
            log.debug("bus.not_answered", place=str(self.place), error=repr(error))

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def contiguous(self) -> list[Incoming]:
        """The next messages of the lane, at most a batch."""
        run: list[Incoming] = []
        while len(run) < self._tuning.batch and self.seq + 1 + len(run) in self._waiting:
            run.append(self._waiting[self.seq + 1 + len(run)])
        return run

    async def _refetch(self) -> bool:
        place = self.place
        run = await self._shared.peers.after(self.of.event.PRODUCER, place.event, place.lane, self.seq)
        if not run and self._waiting:
            raise HistoryMissing(
                f"{place}: {min(self._waiting)} arrived, {self.seq + 1} is unknown to its producer"
            )
        if not run:
            self._is_behind = False
            return False
        log.info("bus.refetched", place=str(place), after=self.seq, count=len(run))
        size = self._tuning.batch
        for part in (run[start : start + size] for start in range(0, len(run), size)):
            if self._stopping.is_set() or part[0].meta.seq != self.seq + 1:
                break
            await self._handle(part)
            await self._acknowledge()
        return True

    async def _share(self, run: list[Incoming]) -> None:
        """With the other lanes that are ready; alone what was delivered before, and what they cannot do."""
        assert self._group is not None
        if any(item.is_doubtful for item in run):
            return await self._handle(run)
        try:
            await self._group.join(self)
        except Unshared:
            await self._handle(self.contiguous())

    async def _handle(self, run: list[Incoming]) -> None:
        first, last = run[0], run[-1]
        if any(item.is_doubtful for item in run) and first.meta.seq != self._survived:
            tries = await cursor.begin(
                self._database, self.place, first.meta.seq, last.meta.seq, self._own_mark
            )
            if tries is None:
                self._own_mark = last.meta.seq
            else:
                run = [first]
                self._survived = first.meta.seq
                if tries > self._tuning.lonely_tries:
                    await self._park(first, "the process ended while it was handled", tries - 1)
                    return
        try:
            await self._commit(run)
        except Exception as error:
            if await self._is_outage(error):
                raise
            for item in run:
                await self._alone(item, error if len(run) == 1 else None)

    async def _is_outage(self, error: Exception) -> bool:
        """The store's trouble, or the service's own, is no message's fault: such a try does not count."""
        if isinstance(error, NotReady):
            return True
        return is_store_away(error) and (_has_state(error) or not await self._database.is_reachable())

    async def _commit(self, run: list[Incoming], park: tuple[str, int] | None = None) -> None:
        """One transaction: the effects of `run` (or their parking), then the cursor."""
        keys = [item.meta.key for item in run]
        async with self._shared.slots, self._database.writer() as session:
            done = await cursor.lock(session, self.place)
            todo = [item for item in run if item.meta.seq > done]
            if todo and todo[0].meta.seq == done + 1:
                blocked = await parking.waiting_keys(session, self.place, keys)
                if self.of.together is not None and not blocked and park is None:
                    await self.of.handle(session, *todo)
                else:
                    for item in todo:
                        await self._one(session, item, blocked, park)
                done = todo[-1].meta.seq
                await cursor.advance(session, self.place, done)
        self.seq = done
        HANDLED.labels(self.of.service, self.of.type).inc(len(todo))

    async def _one(
        self, session: AsyncSession, item: Incoming, blocked: set[str], park: tuple[str, int] | None
    ) -> None:
        if park is None and item.meta.key not in blocked:
            await self.of.handle(session, item)
            return
        reason, attempts = park or ("behind an earlier message of the same key", 0)
        await parking.park(session, self.of.service, item, reason, attempts)
        PARKED.labels(self.of.service, self.of.type).inc()

    async def _alone(self, item: Incoming, error: Exception | None) -> None:
        """Its own transaction, again after each pause; then parked. `error` is a first try that failed."""
        for attempt, pause in enumerate([*self._tuning.backoff, None], start=1):
            error = error or await self._try(item)
            if error is None:
                return
            if will_never_work(error) or pause is None:
                return await self._park(item, f"{type(error).__name__}: {error}", attempt)
            await self._pause(pause)
            if self._stopping.is_set():
                raise error
            error = None

    async def _try(self, item: Incoming) -> Exception | None:
        try:
            await self._commit([item])
        except Exception as error:
            if await self._is_outage(error):
                raise
            return error
        return None

    async def _park(self, item: Incoming, reason: str, attempts: int) -> None:
        log.error("bus.parked", place=str(self.place), seq=item.meta.seq, key=item.meta.key, reason=reason)
        await self._commit([item], (reason, attempts))


def _has_state(error: BaseException | None) -> bool:
    while error is not None:
        if getattr(error, "sqlstate", None):
            return True
        error = getattr(error, "orig", None) or error.__cause__
    return False
