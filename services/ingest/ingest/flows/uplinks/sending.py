"""One task for each link that is on: takes the head of every key, sends, waits, settles, pauses.

Promises: one process sends for a link at a time (a lease that ends with the process); within a key one parcel
after the other; after a failure of the link the pauses grow, after one of a parcel its key is held back; what
a crash interrupts is sent again under the same name. Leaves the wire to `http` and `hj212`.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog
from kit.db import Database
from kit.link import ended
from prometheus_client import Counter, Gauge
from sqlalchemy import text

from ingest.flows.uplinks.delivery import Delivery
from ingest.flows.uplinks.feeding import feed
from ingest.flows.uplinks.hj212 import Hj212Delivery
from ingest.flows.uplinks.http import HttpDelivery
from ingest.flows.uplinks.links import Ready, load_links
from ingest.flows.uplinks.settling import Answered, circuit_after, settle
from ingest.flows.uplinks.yielding import give_way
from ingest.queries import uplinks as queries
from ingest.queries.uplinks import Parcel
from ingest.rules.times import CHINA
from ingest.rules.uplinks.answers import Answer
from ingest.rules.uplinks.dated import Forwarding, forwarding_on, pause_after
from ingest.rules.uplinks.reach import Reach

log = structlog.get_logger()
WAITING = Gauge("ingest_uplink_waiting", "Parcels that wait for a link", ["link"])
OLDEST = Gauge("ingest_uplink_oldest_seconds", "Age of the oldest waiting parcel", ["link"])
PARKED = Gauge("ingest_uplink_parked", "Parcels the other side refused", ["link"])
OPEN = Gauge("ingest_uplink_circuit_open", "1 while the other side does not answer", ["link"])
SENT = Counter("ingest_uplink_parcels_total", "Parcels by what the other side answered", ["link", "outcome"])
_LEASE_SECONDS = 9
_STANDBY_SECONDS = 2.0
_IDLE_SECONDS = 1.0


def limits_now() -> Forwarding:
    return forwarding_on(datetime.now(CHINA).date())


def delivery_of(ready: Ready, own: str, reach: Reach) -> Delivery:
    """The way a link's parcels go."""
    limits = limits_now()
    if ready.link.kind == "http":
        return HttpDelivery(ready, own, limits, reach)
    return Hj212Delivery(ready, limits, reach)


class Sender:
    """Sends for one link while this process holds its lease."""

    def __init__(self, database: Database, ready: Ready, own: str, reach: Reach) -> None:
        self.ready = ready
        self._database, self._name = database, ready.link.name
        self.delivery: Delivery = delivery_of(ready, own, reach)
        self._me = secrets.token_hex(8)
        self._held: dict[str, float] = {}
        self.wake = asyncio.Event()
        self.holds = False
        self.task = asyncio.create_task(self._run(), name=f"uplink {self._name}")

    async def stop(self) -> None:
        """End after the transaction in hand; give the lease back."""
        await ended(self.task, patience=5)
        await self.delivery.close()
        if self.holds:
            await self._lease(0)

    async def _run(self) -> None:
        while True:
            try:
                await self._sleep(await self._turn())
            except Exception as error:
                log.warning("uplink.interrupted", link=self._name, error=repr(error))
                await asyncio.sleep(_IDLE_SECONDS)

    async def _sleep(self, seconds: float) -> None:
        self.wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            return

    async def _turn(self) -> float:
        """One turn; how long to rest before the next. A shorter rest does no harm: `next_try_at` holds."""
        state = await self._lease(_LEASE_SECONDS)
        self.holds = state is not None
        if state is None:
            return _STANDBY_SECONDS
        next_try, failures = state
        now = datetime.now(UTC)
        if next_try is not None and next_try > now:
            return min((next_try - now).total_seconds(), _STANDBY_SECONDS)
        await give_way()
        parcels = await self._take()
        if not parcels:
            return _IDLE_SECONDS
        began = monotonic()
        answers = zip(parcels, await self._deliver(parcels), strict=True)
        await self._settle([(one, answer) for one, answer in answers if answer is not None], failures)
        rate = self.ready.link.parcels_per_second
        if rate:
            await asyncio.sleep(max(0.0, len(parcels) / rate - (monotonic() - began)))
        return 0.0

    async def _deliver(self, parcels: Sequence[Parcel]) -> list[Answer | None]:
        """While the other side keeps us waiting, the lease is kept."""
        keeping = asyncio.create_task(self._keep())
        try:
            return await self.delivery.deliver(parcels)
        finally:
            await ended(keeping, patience=5)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            await self._lease(_LEASE_SECONDS)

    async def _lease(self, seconds: int) -> tuple[datetime | None, int] | None:
        now = datetime.now(UTC)
        asked = {"link": self._name, "me": self._me, "now": now, "until": now + timedelta(seconds=seconds)}
        async with self._database.writer() as session:
            row = (await session.execute(text(queries.HOLD), asked)).first()
        return None if row is None else (row.next_try_at, row.failures)

    async def _take(self) -> list[Parcel]:
        """The next parcels. Nothing is marked: what a crash interrupts is simply sent again."""
        now = monotonic()
        self._held = {key: until for key, until in self._held.items() if until > now}
        async with self._database.writer() as session:
            parcels = await queries.next_parcels(session, self._name, sorted(self._held))
        rate = self.ready.link.parcels_per_second
        return parcels[: max(1, int(rate))] if rate else parcels

    async def _settle(self, answered: Answered, failures: int) -> None:
        limits, chance = limits_now(), random.random()  # noqa: S311  (jitter, no secret)
        circuit = circuit_after(answered, failures, chance, limits)
        await settle(self._database, self._name, answered, circuit, datetime.now(UTC), limits)
        for parcel, answer in answered:
            SENT.labels(self._name, answer.outcome).inc()
            if answer.outcome == "failed" and not circuit.is_open:
                self._held[parcel.key] = monotonic() + pause_after(parcel.attempts + 1, chance, limits)


class Uplinks:
    """The links of this process. `tend` follows the register, `feed` the outbox."""

    def __init__(self, database: Database, own: str, reach: Reach, *, forwards: bool = True) -> None:
        self.reach = reach
        self._database, self.own, self._forwards = database, own, forwards
        self.senders: dict[str, Sender] = {}

    async def tend(self) -> None:
        """Start, stop and restart senders as the links are registered now."""
        async with self._database.writer() as session:
            # Without a name of our own nobody could tell our values from others': nothing is sent.
            wanted = {ready.link.name: ready for ready in await load_links(session)}
        if not (self.own and self._forwards):
            wanted = {}
        for name, sender in list(self.senders.items()):
            if wanted.get(name) != sender.ready or sender.task.done():
                del self.senders[name]
                await sender.stop()
        for name, ready in wanted.items():
            if name not in self.senders:
                self.senders[name] = Sender(self._database, ready, self.own, self.reach)

    async def feed(self) -> None:
        """Queue what was committed since, for every link that is on, until nothing is new."""
        is_new = True
        while is_new:
            is_new = False
            for sender in list(self.senders.values()):
                if await feed(self._database, sender.ready.link, self.own):
                    is_new = True
                    sender.wake.set()

    @asynccontextmanager
    async def delivery(self, name: str) -> AsyncIterator[Delivery | None]:
        """The way of a link, for a question; None if the link is off. Sending stays with the lease."""
        if name in self.senders:
            yield self.senders[name].delivery
            return
        async with self._database.writer() as session:
            ready = next((one for one in await load_links(session) if one.link.name == name), None)
        made = None if ready is None else delivery_of(ready, self.own, self.reach)
        yield made
        if made is not None:
            await made.close()

    async def measure(self) -> None:
        """Depth and age of every queue, as metrics."""
        now = datetime.now(UTC)
        async with self._database.writer() as session:
            rows = (await session.execute(text(queries.DEPTHS))).all()
        for row in rows:
            WAITING.labels(row.name).set(row.waiting)
            OLDEST.labels(row.name).set((now - row.oldest).total_seconds() if row.oldest else 0)
            PARKED.labels(row.name).set(row.parked)
            OPEN.labels(row.name).set(row.circuit == "open")

    async def stop(self) -> None:
        """End all senders; what was sent and not settled is sent again by whoever is next."""
        for sender in self.senders.values():
            await sender.stop()
        self.senders = {}
