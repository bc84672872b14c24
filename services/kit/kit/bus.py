"""How facts enter: pull consumers on JetStream, lanes handled in order, the producer's heads as a safety net.

Promises: a message is acknowledged after the commit of its effect; consumers are made anew when they or their
stream vanish; a lane whose cursor stays behind its producer's head is read over HTTP, with NATS or without.
Leaves streams to `infra/nats`, order and failures to `kit.lane`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol
from urllib.parse import unquote

import structlog
from contracts.envelope import Event
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import BadRequestError, ServerError
from prometheus_client import Gauge
from pydantic import SecretStr

from kit import cursor, parking
from kit.db import Database
from kit.group import Group
from kit.lane import Consumption, Handler, Lane, Shared, Tuning
from kit.link import Link, ended
from kit.outbox import Meta
from kit.peers import Incoming, Peers, Tokens
from kit.problems import Conflict
from kit.settings import Rotating

log = structlog.get_logger()

FETCH_AT_ONCE = 100
IDLE_SECONDS = 1.0
STOP_SECONDS = 20.0
# The server's answer to a change that an existing consumer cannot take.
CANNOT_UPDATE = 10012
# Lanes that pause leave their messages unacknowledged; they must not keep the others from being delivered.
ACKS_PENDING = 20_000
LAG = Gauge("bus_lag", "Messages numbered by the producer, not handled here", ["service", "event", "lane"])


class BusSettings(Protocol):
    """The part of the settings the bus needs."""

    @property
    def nats_url(self) -> str: ...
    @property
    def nats_user(self) -> str: ...
    @property
    def nats_seed(self) -> SecretStr: ...
    @property
    def peers(self) -> dict[str, str]: ...


def read(message: Msg) -> Incoming | None:
    """The message with its place in its lane; None when no relay of ours can have sent it."""
    headers: Mapping[str, str] = message.headers or {}
    try:
        occurred_at = datetime.fromisoformat(headers["ce-time"])
        meta = Meta(
            headers["ce-type"],
            message.subject.rpartition(".")[2],
            int(headers["ce-sequence"]),
            headers["ce-id"],
            unquote(headers["ce-key"]),
            headers.get("traceparent", ""),
            tuple(filter(None, headers.get("ce-traces", "").split(","))),
            occurred_at if occurred_at.tzinfo else occurred_at.replace(tzinfo=UTC),
        )
    except (KeyError, ValueError):
        return None
    if meta.seq < 1 or f"{meta.event_type}.{meta.lane}" != message.subject:
        return None
    return Incoming(meta, message.data, message.metadata.num_delivered > 1, message)


class Subscription:
    """One event as one service hears it: the pull loop, the comparison with the heads, and its lanes."""

    def __init__(self, of: Consumption, link: Link, shared: Shared) -> None:
        self.of = of
        self._link, self._shared, self._tuning = link, shared, shared.tuning
        self._lanes: dict[str, Lane] = {}
        self._group = Group(of, shared) if of.shares else None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._feeds, self._sharing = list[asyncio.Task[None]](), list[asyncio.Task[None]]()
        self._asking = asyncio.Lock()
        self._heard_at = self._compared_at = float("-inf")

    @property
    def healthy(self) -> bool:
        """Facts get in, through the broker or by reading the producer's lanes."""
        if any(task.done() for task in [*self._feeds, *self._sharing, *self._tasks.values()]):
            return False
        return monotonic() - max(self._heard_at, self._compared_at) < 5 * self._tuning.compare_every

    def start(self) -> None:
        self._feeds = [asyncio.create_task(self._pull()), asyncio.create_task(self._compare())]
        self._sharing = [asyncio.create_task(self._group.run())] if self._group else []

    async def stop(self) -> None:
        """Lets every lane finish the transaction it has in hand."""
        async with self._asking:  # no statement of ours is cut short
            await ended(*self._feeds)
        for lane in self._lanes.values():
            lane.stop()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=STOP_SECONDS)
        await ended(*self._tasks.values(), *self._sharing)

    def _lane(self, name: str) -> Lane:
        if name not in self._lanes:
            lane = self._lanes[name] = Lane(self.of, name, self._shared, self._group)
            self._tasks[name] = asyncio.create_task(lane.run(), name=f"{self.of.durable}.{name}")
        return self._lanes[name]

    async def _pull(self) -> None:
        jetstream = self._link.jetstream()
        while True:
            await self._link.connected()
            bound: JetStreamContext.PullSubscription | None = None
            try:
                await self._declare(jetstream)
                bound = await jetstream.pull_subscribe_bind(consumer=self.of.durable, stream=self.of.stream)
                await self._fetch(jetstream, bound)
            except Exception as error:
                log.warning("bus.pull_interrupted", durable=self.of.durable, error=repr(error))
            if bound is not None and self._link.is_connected:
                await bound.unsubscribe()
            await asyncio.sleep(0.5)

    async def _declare(self, jetstream: JetStreamContext) -> None:
        """Makes or changes the durable consumer. The cursor holds the place, so it may be made anew."""
        config = ConsumerConfig(
            durable_name=self.of.durable,
            filter_subject=f"{self.of.type}.*",
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._tuning.ack_wait,
            max_deliver=-1,
            max_ack_pending=ACKS_PENDING,
        )
        try:
            await jetstream.add_consumer(self.of.stream, config)
        except (BadRequestError, ServerError) as error:
            if error.err_code != CANNOT_UPDATE:
                raise
            await jetstream.delete_consumer(self.of.stream, self.of.durable)
            await jetstream.add_consumer(self.of.stream, config)

    async def _fetch(self, jetstream: JetStreamContext, bound: JetStreamContext.PullSubscription) -> None:
        checked_at = monotonic()
        while True:
            try:
                messages = await bound.fetch(FETCH_AT_ONCE, timeout=IDLE_SECONDS)
            except TimeoutError:  # nats-py raises its own subclass, or now and then the plain one
                messages = []
            if not messages and monotonic() - checked_at > self._tuning.compare_every:
                await jetstream.consumer_info(self.of.stream, self.of.durable)
                checked_at = monotonic()
            if self._link.is_connected:
                self._heard_at = monotonic()
            for message in messages:
                await self._take(message)

    async def _take(self, message: Msg) -> None:
        item = read(message)
        if item is None:
            log.error("bus.stranger", subject=message.subject, headers=str(message.headers)[:500])
            await message.term()
            return
        await self._lane(item.meta.lane).offer(item)

    async def _compare(self) -> None:
        """A lane that stands still below its producer's head is read over HTTP: a tail may be lost."""
        before: dict[str, tuple[int, int]] = {}
        pauses = [0.0, 0.5]
        while True:
            await asyncio.sleep(pauses.pop(0) if pauses else self._tuning.compare_every)
            try:
                heads = await self._shared.peers.heads(self.of.event.PRODUCER, self.of.type)
                async with self._asking, self._shared.database.writer() as session:
                    at = await cursor.positions(session, self.of.service, self.of.type)
            except Exception as error:
                log.warning("bus.not_compared", durable=self.of.durable, error=repr(error))
                continue
            self._compared_at = monotonic()
            for name, head in heads.items():
                self._judge(name, head, at.get(name, 0), before.get(name, (-1, 0)))
                before[name] = (at.get(name, 0), head)

    def _judge(self, name: str, head: int, at: int, before: tuple[int, int]) -> None:
        LAG.labels(self.of.service, self.of.type, name).set(max(0, head - at))
        stood_still, was_behind = before[0] == at, before[1] > at
        if stood_still and was_behind:
            self._lane(name).catch_up()
        if head < at:
            log.error("bus.producer_went_back", durable=self.of.durable, lane=name, head=head, cursor=at)


class Bus:
    """What one service hears. `bus.consume(Recorded, on_recorded)`, then `async with bus.running(): …`.

    A handler is `async def on_recorded(session, event, meta)`: its writes commit with the cursor. A Problem
    with a 4xx status parks the message at once; any other failure is tried again, then parked.
    """

    def __init__(
        self,
        settings: BusSettings,
        service: str,
        database: Database,
        *,
        tokens: Tokens | None = None,
        backoff: Sequence[float] = (0.2, 1, 5, 15),
        tuning: Tuning | None = None,
    ) -> None:
        self.service = service
        seed = Rotating(settings, "nats_seed")
        self.link = Link(settings.nats_url, name=service, user=settings.nats_user, seed=seed)
        self._database = database
        self._peers = Peers(settings.peers, tokens)
        # Requests must find connections too, however much there is to hear.
        slots = asyncio.Semaphore(max(1, database.write_connections // 2))
        self._shared = Shared(database, self._peers, tuning or Tuning(backoff=backoff), slots)
        self._heard: dict[str, Consumption] = {}
        self._subscriptions: list[Subscription] = []

    def consume(self, event: type[Event], handler: Handler) -> None:
        """Registers what to do when `event` arrives; before `running`."""
        heard = Consumption(self.service, event, handler)
        self._heard[heard.type] = heard

    @property
    def healthy(self) -> bool:
        """Whether facts get in; true for a service that hears nothing."""
        return all(subscription.healthy for subscription in self._subscriptions)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bus"]:
        async with self.link.running():
            self._subscriptions = [
                Subscription(heard, self.link, self._shared) for heard in self._heard.values()
            ]
            for subscription in self._subscriptions:
                subscription.start()
            try:
                yield self
            finally:
                await asyncio.gather(*(subscription.stop() for subscription in self._subscriptions))
                await self._peers.close()

    async def replay(self, parked_id: str, *, skip: bool = False) -> list[str]:
        """Handles a parked message, then those of its key behind it; returns the ids done, in order.

        `skip` gives the first one up without handling it. Raises NotFound; Conflict at the first that fails.
        """
        done: list[str] = []
        row: Any = None
        while True:
            async with self._database.writer() as session:
                row = await (
                    parking.following(session, row, row.seq) if row else parking.find(session, parked_id)
                )
            if row is None:
                return done
            await self._replay_one(row, skip=skip and not done)
            done.append(row.id)

    async def _replay_one(self, row: Any, *, skip: bool) -> None:
        heard = self._heard.get(row.event)
        if row.consumer != self.service or heard is None:
            raise Conflict("parked-event-not-heard", f"{self.service} does not hear {row.event}")
        item = Incoming(parking.meta_of(row), row.data, is_doubtful=True)
        try:
            async with self._database.writer() as session:
                # The lane's own lock: a later message of the key is parked behind, or handled after us.
                await cursor.lock(session, cursor.Place(row.consumer, row.event, row.lane))
                if not await parking.settle(session, row.id, "given up by an operator" if skip else None):
                    raise Conflict("parked-message-done", f"{row.id} was replayed already")
                if not skip:
                    await heard.handle(session, item)
        except Exception as error:
            if isinstance(error, Conflict) and error.slug == "parked-message-done":
                raise
            await self._blame(row.id, error)

    async def _blame(self, parked_id: str, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        async with self._database.writer() as session:
            await parking.blame(session, parked_id, reason)
        raise Conflict("replay-failed", f"{parked_id} still cannot be handled: {reason}") from error
