"""The streaming path of qc alone: from an `ingest.recorded` on the bus to its `qc.assessed` there.

Promises: the events are those that ingest made of the load, taken from its outbox and published again as its
relay would, while ingest itself is stopped; every value must be stored with its verdict and said on the bus,
or the row fails. A delay ends with the last `qc.assessed` that names the trace of the event, in its lane;
both ends are one clock. Leaves the whole path to `whole`.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
from contracts.envelope import event_type
from contracts.ingest import Recorded
from contracts.packing import unpacked
from contracts.qc import Assessed
from jianzhen.streams import connected
from kit.relay import headers_of
from load import BATCH, Load, percentiles
from stage import Stage, per_thousand, standing

RECORDED, ASSESSED = event_type(Recorded), event_type(Assessed)
PATIENCE_SECONDS = 300
Key = tuple[str, str]


class _Length(msgspec.Struct):
    ts_ms: list[msgspec.Raw]
    revision: list[int] = []


@dataclass(frozen=True)
class Event:
    """One event as ingest keeps it, and how many values it carries."""

    row: Any
    values: int

    @property
    def key(self) -> Key:
        return self.row["lane"], self.row["trace_ids"][0]


@dataclass
class Said:
    """What qc says on the bus: when each (lane, trace) was last heard of, and the bytes."""

    at: dict[Key, float] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    async def hear(self, message: Any) -> None:
        now, lane = time.perf_counter(), message.subject.rpartition(".")[2]
        self.bodies.append(message.data)
        for trace in message.headers["ce-traces"].split(","):
            self.at[lane, trace] = now

    @property
    def values(self) -> int:
        """First verdicts; a later one on the same value is said, too, but is no other value."""
        return sum(_read(body).revision.count(1) for body in self.bodies)


def _read(data: bytes) -> _Length:
    return msgspec.json.decode(unpacked(data), type=_Length)


async def prepare(stage: Stage, load: Load, batches: int) -> list[Event]:
    """So many batches through ingest, as qc will hear them; qc stands where they begin. Ingest must run."""
    connection = await asyncpg.connect(stage.superuser("ingest"))
    last = await connection.fetchval("SELECT coalesce(max(id), 0) FROM outbox")
    sent = 0
    while sent < batches:
        sent += (await load.run(8, min(2.0, (batches - sent) * BATCH / 20_000)))["batches"]
    unpublished = "SELECT count(*) FROM outbox WHERE seq IS NULL"
    behind = "SELECT count(*) FROM outbox_heads WHERE published_seq < seq"
    while await connection.fetchval(unpublished) or await connection.fetchval(behind):
        await asyncio.sleep(0.1)
    rows = await connection.fetch(
        "SELECT id, event, lane, seq, key, data, traceparent, trace_ids, occurred_at FROM outbox "
        "WHERE event = $1 AND id > $2 ORDER BY id",
        RECORDED,
        last,
    )
    await connection.close()
    return [Event(row, len(_read(row["data"]).ts_ms)) for row in rows]


class Feed:
    """Publishes events as ingest's relay does, and hears what qc says of them."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self.said = stage, Said()

    async def __aenter__(self) -> "Feed":
        self._bus = await connected(*self._stage.bus(), pending_size=2**28)
        self._stream = self._bus.jetstream(publish_async_max_pending=100_000)
        await self._bus.subscribe(
            f"{ASSESSED}.*", cb=self.said.hear, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        await self._bus.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._bus.close()

    async def forget(self) -> None:
        """What ingest's relay has published is taken from the stream: it is published here, at our pace."""
        await self._stream.purge_stream("INGEST", subject=f"{RECORDED}.*")

    async def publish(self, events: list[Event], rate: float) -> dict[Key, float]:
        """When each was published; `rate` in values a second, 0 = as fast as it goes."""
        at, due, begun = dict[Key, float](), 0.0, time.perf_counter()
        answers = []
        for event in events:
            if rate:
                await asyncio.sleep(max(0.0, begun + due / rate - time.perf_counter()))
                due += event.values
            # The broker remembers ids for a while, and has seen these.
            headers = headers_of("ingest", event.row) | {"Nats-Msg-Id": f"bench-{event.row['id']}"}
            at[event.key] = time.perf_counter()
            subject = f"{RECORDED}.{event.row['lane']}"
            answers.append(await self._stream.publish_async(subject, event.row["data"], headers=headers))
        await asyncio.gather(*answers)
        return at

    async def run(self, events: list[Event], rate: float = 0) -> dict[str, Any]:
        """Values a second until the last is said, delays in ms, processor ms per 1,000 values by program."""
        values = sum(event.values for event in events)
        self.said.at.clear()
        self.said.bodies.clear()
        async with standing(self._stage) as watch:
            stored = await watch.stored()
            before, begun = self._stage.cpu(), time.perf_counter()
            at = await self.publish(events, rate)
            until = time.perf_counter() + PATIENCE_SECONDS
            while missing := at.keys() - self.said.at.keys():
                if time.perf_counter() > until:
                    raise SystemExit(f"bench: {len(missing)} of {len(at)} events were not assessed")
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            spent = max(self.said.at.values()) - begun
            cpu = per_thousand(before, self._stage.cpu(), values)
            kept, told = await watch.stored() - stored, self.said.values
        if not values == kept == told:
            raise SystemExit(f"bench: {values} values sent, {kept} stored, {told} said")
        delays = [self.said.at[key] - published for key, published in at.items()]
        return {"values": values, "rate": values / spent, "cpu": cpu, **percentiles(delays)}


async def measure(stage: Stage, load: Load, batches: int, rated: float, seconds: float) -> dict[str, Any]:
    """`drained`: a backlog of `batches`, as fast as it goes; `paced`: `seconds` at `rated` a second."""
    with stage.alone("ingest", "qc"):
        async with standing(stage) as watch:
            await load.run(4, 2, 2_000)
            await watch.caught_up(120)
    with stage.alone("ingest"):
        events = await prepare(stage, load, batches + int(rated * seconds / BATCH))
    async with Feed(stage) as feed:
        await feed.forget()
        with stage.alone("qc"):
            cut = len(events) * batches // (batches + int(rated * seconds / BATCH))
            found = {"drained": await feed.run(events[:cut])}
            found["paced"] = await feed.run(events[cut:], rated)
    size = sum(event.values for event in events) / len(events)
    return found | {"rated": rated, "events": len(events), "event_values": size}
