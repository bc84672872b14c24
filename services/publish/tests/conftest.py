"""The service `publish` with all its doors open, on real servers."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from kit.servers import NatsServer
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase
from kit.testing.tokens import Tokens
from publish.main import application
from publish.settings import Settings

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("publish")


@pytest.fixture
async def client(
    database: FreshDatabase, fresh_streams: NatsServer, tokens: Tokens, client_for: ClientFor
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.model_validate(
        {
            "port": 1,
            "writer_url": database.writer_url,
            "reader_url": database.reader_url,
            "nats_url": fresh_streams.url,
            "nats_user": "",
            "nats_password": "",
            "log_level": "ERROR",
            **tokens.settings,
        }
    )
    async with client_for(application(settings)) as made:
        yield made
