"""Three nats-servers with replicated streams: the leader is killed, then the whole store is lost, under load.

The nodes run the accounts of infra/nats; ingest and qc are the real services. Printed: how long until the bus
takes messages again, and until the consumer has everything.
"""

import asyncio
import itertools
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import ingest.main
import ingest.settings
import pytest
import qc.main
import qc.settings
import uvicorn
from fastapi import FastAPI
from jianzhen import accounts, streams
from kit import nkeys
from kit.processes import free_port
from kit.servers import NatsServer
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ServiceDatabase
from kit.testing.tokens import Tokens
from nats.errors import Error as NatsError

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
SEEDS = {user: nkeys.new_seed() for user in (accounts.OPERATOR, *accounts.SERVICES)}
CLERK = "ee.mon/data.submit@131000"
FIRST_HOUR = 1_700_000_000 // 3600 * 3600
HEADS = "SELECT lane, seq FROM outbox_heads WHERE event = 'ingest.recorded.v1' AND seq > 0"
PUBLISHED = "SELECT coalesce(sum(published_seq), 0) FROM outbox_heads WHERE event = 'ingest.recorded.v1'"
CURSORS = "SELECT lane, seq FROM cursors WHERE event = 'ingest.recorded.v1' AND seq > 0"


class Cluster:
    """Three nodes on loopback, each with its own store."""

    def __init__(self, home: Path) -> None:
        routes = [free_port() for _ in range(3)]
        self.nodes: dict[str, NatsServer] = {}
        self.environ = {accounts.key_variable(user): nkeys.public(seed) for user, seed in SEEDS.items()}
        addresses = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        shared = (ROOT / "infra/nats/server.conf").read_text()
        for number, port in enumerate(routes):
            name = f"n{number}"
            place = home / name
            place.mkdir()
            config = place / "node.conf"
            config.write_text(
                f'{shared}\nserver_name: {name}\ncluster {{ name: jianzhen, listen: "127.0.0.1:{port}", '
                f"routes: [{addresses}] }}\n"
            )
            self.nodes[name] = NatsServer(place, config=config, environ=self.environ)

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes.values())

    def start(self) -> None:
        for node in self.nodes.values():
            node.start()

    def kill(self) -> None:
        for node in self.nodes.values():
            node.kill()

    async def declare(self) -> None:
        """As `python -m jianzhen.streams --replicas 3` does, again until the cluster has found itself."""
        for _ in range(120):
            with suppress(NatsError, OSError, TimeoutError):
                for node in self.nodes.values():
                    if node.is_running():
                        await streams.declare(node.url, SEEDS[accounts.OPERATOR], 3)
                        return
            await asyncio.sleep(0.5)
        raise AssertionError("the streams could not be declared")

    async def leader(self) -> tuple[str, int]:
        """The leader of INGEST, and how many followers are current."""
        client = await streams.connected(self.url, accounts.OPERATOR, SEEDS[accounts.OPERATOR])
        try:
            info = await client.jetstream().stream_info("INGEST")
            assert info.cluster is not None and info.cluster.leader is not None
            return info.cluster.leader, sum(bool(one.current) for one in info.cluster.replicas or [])
        finally:
            await client.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()


@asynccontextmanager
async def served(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "it did not start"
        await asyncio.sleep(0.05)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@dataclass
class Load:
    """Sends batches of twelve values until told to stop; `acknowledged` counts what got its 202."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    acknowledged: int = 0
    is_over: bool = False
    hours: Iterator[int] = field(default_factory=itertools.count)

    async def run(self) -> None:
        while not self.is_over:
            hour = FIRST_HOUR + 3600 * next(self.hours)
            text = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(hour))
            rows = [
                {"site": f"131000-N{n:02d}", "factor": "a34004", "time": text, "value": hour % 97 + n}
                for n in range(12)
            ]
            body = {"source": "cnemc", "historical": True, "rows": rows}
            answer = await self.client.post("/observations", json=body, headers=self.headers)
            assert answer.status_code == 202, "the door does not wait for the bus"
            self.acknowledged += answer.json()["accepted"]
            await asyncio.sleep(0.05)


async def register(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for n in range(12):
        site = {"kind": "station", "element": "air", "region": "131002", "zh": f"站{n}", "en": f"Station {n}"}
        (await client.put(f"/sites/131000-N{n:02d}", json=site, headers=headers)).raise_for_status()
    series = [{"site": f"131000-N{n:02d}", "factor": "a34004", "source": "cnemc"} for n in range(12)]
    (await client.put("/series", json={"series": series}, headers=headers)).raise_for_status()


async def fetch(database: FreshDatabase, query: str) -> list[Any]:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def goes_on(database: FreshDatabase, seconds: float) -> float:
    """Seconds until the broker acknowledges more than it has now."""
    begun = time.monotonic()
    ((before,),) = await fetch(database, PUBLISHED)
    while time.monotonic() - begun < seconds:
        ((now,),) = await fetch(database, PUBLISHED)
        if now > before:
            return time.monotonic() - begun
        await asyncio.sleep(0.1)
    raise AssertionError(f"nothing was published within {seconds} s")


async def catches_up(producer: FreshDatabase, consumer: FreshDatabase, seconds: float) -> float:
    """Seconds until every cursor stands where its lane stood when asked."""
    begun = time.monotonic()
    wanted = dict(await fetch(producer, HEADS))
    at: dict[str, int] = {}
    while time.monotonic() - begun < seconds:
        at = dict(await fetch(consumer, CURSORS))
        if all(at.get(lane, 0) >= seq for lane, seq in wanted.items()):
            return time.monotonic() - begun
        await asyncio.sleep(0.2)
    raise AssertionError(f"the cursors stand at {at}, wanted {wanted}")


@dataclass
class Scene:
    """The cluster, ingest and its database, qc's database, and the load on them."""

    cluster: Cluster
    producer: FreshDatabase
    consumer: FreshDatabase
    load: Load

    async def lose_leader(self) -> str:
        """Kill the leader of INGEST; how long until its stream goes on without it."""
        leader, current = await self.cluster.leader()
        assert current == 2, "both followers are current"
        self.cluster.nodes[leader].kill()
        away = await goes_on(self.producer, 90)
        lag = await catches_up(self.producer, self.consumer, 120)
        other, _ = await self.cluster.leader()
        assert other != leader
        self.cluster.nodes[leader].start()
        return f"leader {leader} killed: published again after {away:.1f} s, caught up {lag:.1f} s later"

    async def lose_stores(self) -> str:
        """Kill all three and delete all they kept; how long until the consumer has everything again."""
        before = self.load.acknowledged
        self.cluster.kill()
        for node in self.cluster.nodes.values():
            shutil.rmtree(node.store)
        await asyncio.sleep(2)
        assert self.load.acknowledged > before, "receiving goes on without a bus"
        self.cluster.start()
        begun = time.monotonic()
        await self.cluster.declare()
        declared = time.monotonic() - begun
        away = await goes_on(self.producer, 120)
        lag = await catches_up(self.producer, self.consumer, 180)
        return (
            f"all three stores deleted: declared anew after {declared:.1f} s, published again {away:.1f} s "
            f"later, caught up {lag:.1f} s later"
        )


def applications(
    cluster: Cluster, databases: tuple[FreshDatabase, FreshDatabase], tokens: Tokens, port: int
) -> tuple[FastAPI, FastAPI]:
    """The real ingest and qc, on this cluster with their own accounts."""

    def told(service: str, database: FreshDatabase, **more: Any) -> dict[str, Any]:
        urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
        bus = {"nats_url": cluster.url, "nats_user": service, "nats_seed": SEEDS[service]}
        return {**tokens.settings, **urls, **bus, "port": port, "log_level": "ERROR", **more}

    receives = told("ingest", databases[0], receiver_port=0)
    judges = told("qc", databases[1], peers={"ingest": f"http://127.0.0.1:{port}"})
    return (
        ingest.main.build(ingest.settings.Settings.model_validate(receives)),
        qc.main.build(qc.settings.Settings.model_validate(judges)),
    )


async def test_a_killed_leader_and_a_lost_store_cost_seconds_and_no_value(
    cluster: Cluster, service_database: ServiceDatabase, tokens: Tokens, capsys: pytest.CaptureFixture[str]
) -> None:
    await cluster.declare()
    producer, consumer = await service_database("ingest"), await service_database("qc")
    port = free_port()
    receives, judges = applications(cluster, (producer, consumer), tokens, port)
    headers = tokens.bearer(CLERK, exp=int(time.time()) + 3600)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(served(receives, port))
        await stack.enter_async_context(judges.router.lifespan_context(judges))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)
        )
        await register(client, headers)
        load = Load(client, headers)
        sending = asyncio.create_task(load.run())
        await goes_on(producer, 60)
        await catches_up(producer, consumer, 60)
        scene = Scene(cluster, producer, consumer, load)
        report = [await scene.lose_leader(), await scene.lose_stores()]
        load.is_over = True
        await sending
        await catches_up(producer, consumer, 120)
    ((recorded,),) = await fetch(producer, "SELECT count(*) FROM observations")
    ((known,),) = await fetch(consumer, "SELECT count(*) FROM known_values")
    with capsys.disabled():
        print("\nthree nodes, streams with three replicas, under load:")
        print("\n".join(f"  {line}" for line in report))
        print(f"  acknowledged {load.acknowledged} = recorded {recorded} = known to qc {known}")
    assert load.acknowledged == recorded == known
