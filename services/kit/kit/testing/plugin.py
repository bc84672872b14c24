"""pytest fixtures: one PostgreSQL and one nats-server per worker, both real; a missing one fails the test.

Use: `database = await service_database("qc")` is a fresh, migrated database with the real roles;
`nats_server` has the platform's streams; `fresh_streams` empties them first (event ids start again with each
fresh database, and the broker remembers ids for two minutes); `async with client_for(app) as client: …`.
"""

import gc
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import structlog
from fastapi import FastAPI
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from kit.link import BusClient
from kit.servers import NatsServer, PostgresServer
from kit.testing import late_arrivals
from kit.testing.databases import Databases, FreshDatabase, in_thread
from kit.testing.places import new_home
from kit.testing.tokens import Tokens

ServiceDatabase = Callable[[str], Awaitable[FreshDatabase]]
ServiceSettings = Callable[[FreshDatabase], dict[str, object]]
ClientFor = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


def removed(folder: Path) -> None:
    """Removes a folder behind the run's back: hundreds of databases are half a minute of unlinking."""
    os.posix_spawnp("rm", ["rm", "-rf", str(folder)], os.environ, setsid=True)


class Clock:
    """A time that moves only when told. `clock()` is now; `clock.forward(hours=1)`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now


def pytest_configure() -> None:
    """Plain log lines on stderr: structlog's own default draws every local variable of every frame."""
    late_arrivals.hang_up()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def pytest_collection_finish() -> None:
    """What importing left is never garbage: no collection need look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def nothing_left() -> Iterator[None]:
    """What a file's tests leave open is found while the last of them is judged, not in a stranger's test."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A short path of this worker's own; everything below it goes at the end."""
    home = new_home()
    yield home
    removed(home)


@pytest.fixture(scope="session")
def postgres(server_home: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(server_home / "pg")
    server.start()
    yield server
    server.kill()  # a clean stop would first write out every database that is about to be removed
    removed(server.temporary)


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> Databases:
    return Databases(postgres)


@pytest.fixture
async def service_database(databases: Databases) -> AsyncIterator[ServiceDatabase]:
    """`await service_database("qc")`: a fresh migrated database of this test's own."""
    made: list[FreshDatabase] = []

    async def make(service: str) -> FreshDatabase:
        made.append(await databases.copy(service))
        return made[-1]

    yield make
    for database in made:
        await databases.end(database)


def stream_configs(root: Path) -> list[StreamConfig]:
    """The platform's streams as infra/nats declares them."""
    declared = json.loads((root / "infra" / "nats" / "streams.json").read_text())
    return [StreamConfig.from_response(config) for config in declared]


async def declare(url: str, configs: Sequence[StreamConfig]) -> None:
    """Makes the streams anew: no message, and no memory of message ids."""
    client = BusClient(lambda: "")
    try:
        await client.connect(url)
        jetstream = client.jetstream()
        for config in configs:
            with suppress(NotFoundError):
                await jetstream.delete_stream(str(config.name))
            await jetstream.add_stream(config)
    finally:
        await client.close()


@pytest.fixture(scope="session")
def nats_server(server_home: Path, pytestconfig: pytest.Config) -> Iterator[NatsServer]:
    server = NatsServer(server_home / "nats")
    server.start()
    in_thread(declare(server.url, stream_configs(pytestconfig.rootpath)))
    yield server
    server.stop()


@pytest.fixture
async def fresh_streams(nats_server: NatsServer, pytestconfig: pytest.Config) -> NatsServer:
    await declare(nats_server.url, stream_configs(pytestconfig.rootpath))
    return nats_server


@pytest.fixture(scope="session")
def tokens() -> Iterator[Tokens]:
    made = Tokens()
    yield made
    made.close()


@pytest.fixture
def service_settings(fresh_streams: NatsServer, tokens: Tokens) -> ServiceSettings:
    """What a service is told when it runs on this test's servers; its `Settings` validates it."""

    def told(database: FreshDatabase) -> dict[str, object]:
        urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
        broker = {"nats_url": fresh_streams.url, "nats_user": "", "nats_seed": ""}
        return {**tokens.settings, **urls, **broker, "port": 1, "log_level": "ERROR"}

    return told


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 21, 0, 0, tzinfo=UTC))


@pytest.fixture
def client_for() -> ClientFor:
    @asynccontextmanager
    async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as made,
        ):
            yield made

    return client
