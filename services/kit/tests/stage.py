"""A producer with its database, relay and read API, and a consumer with its own database: both named probe.

Everything is real: PostgreSQL, nats-server, uvicorn on a free port. Only the authorizer is opened.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import policy
import uvicorn
from fastapi import FastAPI
from kit import outbox, parking, problems
from kit.bus import Bus
from kit.lane import Handler, Tuning
from kit.link import BusClient, Link
from kit.outbox import Meta
from kit.relay import Relay
from kit.servers import NatsServer
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import declare
from nats.aio.client import Client
from nats.js.api import StreamConfig
from probe.events import Counted
from probe.tables import Effect
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

STREAM = StreamConfig(name="PROBE", subjects=["probe.>"], duplicate_window=120.0)
TYPE = "probe.counted.v1"
QUICK = Tuning(backoff=(0.05, 0.1), compare_every=0.5, ack_wait=2.0)


@dataclass
class Settings:
    """What the bus needs to know."""

    nats_url: str
    peers: dict[str, str]
    nats_user: str = ""
    nats_seed: SecretStr = field(default_factory=lambda: SecretStr(""))


async def record(session: AsyncSession, event: Counted, meta: Meta) -> None:
    """The plain handler: one row per message."""
    session.add(Effect(key=event.key, n=event.n))


def opened(app: FastAPI) -> FastAPI:
    """Lets everybody in, as a platform administrator would be."""

    class Everything:
        async def principal(self, _: str | None) -> policy.Principal:
            roles = frozenset({"platform.admin", "platform.service", "data.read"})
            return policy.Principal(subject="test", dept="ee", region="131000", roles=roles, token_id="t")

        def holding(self, *asked: object) -> object:
            return asked[-1]

    app.state.verifier = Everything()
    app.state.policy = policy.load()
    app.state.within = lambda child, ancestor: child == ancestor
    return app


def api(database: FreshDatabase) -> FastAPI:
    app = opened(FastAPI())
    app.state.database = database
    problems.install(app)
    app.include_router(outbox.router)
    app.include_router(parking.router)
    return app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app on a free port; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await task


class Stage:
    """`say` commits events at the producer, `effects` counts what the consumer did with them."""

    def __init__(
        self, nats: NatsServer, producer: FreshDatabase, consumer: FreshDatabase, address: str
    ) -> None:
        self.nats, self.producer, self.consumer = nats, producer, consumer
        self.settings = Settings(nats.url, {"probe": address})
        self.said: list[tuple[str, int]] = []

    async def say(self, *numbers: int, key: str = "k", pad: str = "") -> None:
        async with self.producer.writer() as session:
            for n in numbers:
                await outbox.put(session, Counted(key=key, n=n, pad=pad), key=key)
        self.said += [(key, n) for n in numbers]

    async def effects(self) -> list[tuple[str, int]]:
        return [(row.key, row.n) for row in await self.rows("SELECT key, n FROM effects ORDER BY id")]

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.consumer.writer() as session:
            return list(await session.execute(text(sql), values))

    async def heads(self) -> dict[str, int]:
        """The last number of each lane; "?" while something is committed and not numbered."""
        async with self.producer.writer() as session:
            found = await session.execute(
                text(
                    "SELECT lane, seq FROM outbox_heads WHERE event = :e UNION ALL "
                    "SELECT '?', count(*) FROM outbox WHERE seq IS NULL HAVING count(*) > 0"
                ),
                {"e": TYPE},
            )
            return {lane: seq for lane, seq in found}

    async def caught_up(self, seconds: float = 60.0) -> None:
        """Returns when every cursor has reached the producer's last number."""
        heads: dict[str, int] = {}
        at: dict[str, int] = {}
        try:
            async with asyncio.timeout(seconds):
                while True:
                    heads = await self.heads()
                    found = await self.rows("SELECT lane, seq FROM cursors WHERE consumer = 'probe'")
                    at = {lane: seq for lane, seq in found if seq}
                    if heads == at:
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"the cursors stand at {at}, the producer at {heads}") from None

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[Client]:
        """A look at the broker, past `Link` and `Bus`."""
        client = BusClient(lambda: "")
        try:
            await client.connect(self.nats.url)
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def hearing(self, handler: Handler = record, tuning: Tuning = QUICK) -> AsyncIterator[Bus]:
        bus = Bus(self.settings, "probe", self.consumer, tuning=tuning)
        bus.consume(Counted, handler)
        async with bus.running():
            yield bus

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[Relay]:
        link = Link(self.nats.url, name="probe")
        relay = Relay(self.producer.writer_url, "probe", link, self.producer.committed)
        async with link.running(), relay.running():
            yield relay


@asynccontextmanager
async def staged(nats: NatsServer, producer: FreshDatabase, consumer: FreshDatabase) -> AsyncIterator[Stage]:
    await declare(nats.url, [STREAM])
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(api(producer)))
        yield Stage(nats, producer, consumer, address)
