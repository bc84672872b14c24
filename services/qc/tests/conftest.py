"""The service `qc` on real servers, and its scene `qc_scene` by name."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from kit.servers import NatsServer
from kit.testing.plugin import ClientFor, Clock, ServiceDatabase
from kit.testing.tokens import Tokens
from qc.main import build
from qc.settings import Settings

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from qc_scene import BEGIN, Lane  # noqa: E402
from registers_scene import Desk  # noqa: E402


@pytest.fixture
async def lane(service_database: ServiceDatabase, clock: Clock) -> Lane:
    return Lane(await service_database("qc"), clock)


@pytest.fixture
def app(lane: Lane, fresh_streams: NatsServer, tokens: Tokens) -> FastAPI:
    """The service on the database of `lane`; for its jobs the scene only begins."""
    settings = Settings.model_validate(
        {
            **tokens.settings,
            "port": 1,
            "writer_url": lane.database.writer_url,
            "reader_url": lane.database.reader_url,
            "nats_url": fresh_streams.url,
            "nats_user": "",
            "nats_seed": "",
            "log_level": "ERROR",
        }
    )
    return build(settings, lambda: BEGIN)


@pytest.fixture
async def client(app: FastAPI, client_for: ClientFor) -> AsyncIterator[httpx.AsyncClient]:
    """The service with all its doors open."""
    async with client_for(app) as made:
        yield made


@pytest.fixture
async def desk(lane: Lane, client: httpx.AsyncClient, tokens: Tokens) -> Desk:
    """The same, asked about the registers by any department."""
    return Desk(client, tokens, lane)
