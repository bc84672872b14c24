"""The service `ingest` with all its doors open on real servers, and its scene `ingest_scene` by name."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI
from ingest.main import build
from ingest.settings import Settings
from kit.servers import NatsServer, PostgresServer
from kit.testing.databases import Databases, FreshDatabase
from kit.testing.places import new_home
from kit.testing.plugin import ClientFor, ServiceDatabase, removed
from kit.testing.tokens import Tokens

if TYPE_CHECKING:
    from registry_scene import Door

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may stop: the worker's own has hundreds of databases to recover."""
    home = new_home()
    server = PostgresServer(home / "pg")
    server.start()
    yield server
    server.kill()
    removed(server.temporary)
    removed(home)


@pytest.fixture
async def database(
    request: pytest.FixtureRequest, service_database: ServiceDatabase
) -> AsyncIterator[FreshDatabase]:
    """Of the worker's server, or of the one that the test asks for as its own."""
    if "own_server" in request.fixturenames:
        made = await Databases(request.getfixturevalue("own_server")).copy("ingest")
        yield made
        await made.close()
    else:
        yield await service_database("ingest")


@pytest.fixture
def settings(database: FreshDatabase, fresh_streams: NatsServer, tokens: Tokens, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            **tokens.settings,
            "port": 1,
            "writer_url": database.writer_url,
            "reader_url": database.reader_url,
            "nats_url": fresh_streams.url,
            "nats_user": "",
            "nats_seed": "",
            "log_level": "ERROR",
            "platform": "langfang",
            "uplink_allows": ["127.0.0.0/8"],
            "receiver_port": 0,
            "receiver_frame_seconds": 2,
            "receiver_idle_seconds": 5,
            "receiver_connections_per_address": 20,
            "objects": (tmp_path / "objects").as_uri(),
            "upload_lease_seconds": 2,
        }
    )


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return build(settings)


@pytest.fixture
async def client(app: FastAPI, client_for: ClientFor, tokens: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The running service, with the small world of `ingest_scene` registered."""
    from ingest_scene import register

    async with client_for(app) as made:
        await register(made, tokens)
        yield made


@pytest.fixture
def door(client: httpx.AsyncClient, tokens: Tokens) -> "Door":
    """The running service asked as any principal; see `registry_scene`."""
    from registry_scene import Door

    return Door(client, tokens)
