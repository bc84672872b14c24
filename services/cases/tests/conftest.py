"""The service `cases` running on real servers, and its scene `case_scene` by name."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cases.main import build
from cases.settings import Settings
from kit.servers import NatsServer
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase
from kit.testing.tokens import Tokens

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("cases")


@pytest.fixture
async def client(
    database: FreshDatabase, fresh_streams: NatsServer, tokens: Tokens, client_for: ClientFor
) -> AsyncIterator[httpx.AsyncClient]:
    """The service with all its doors open."""
    settings = Settings.model_validate(
        {
            **tokens.settings,
            "port": 1,
            "writer_url": database.writer_url,
            "reader_url": database.reader_url,
            "nats_url": fresh_streams.url,
            "nats_user": "",
            "nats_password": "",
            "log_level": "ERROR",
        }
    )
    async with client_for(build(settings)) as made:
        yield made
