"""The service `publish` with all its doors open, on real servers."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase, ServiceSettings
from publish.main import application
from publish.settings import Settings

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("publish")


@pytest.fixture
def app(database: FreshDatabase, service_settings: ServiceSettings) -> FastAPI:
    return application(Settings.model_validate(service_settings(database)))


@pytest.fixture
async def client(app: FastAPI, client_for: ClientFor) -> AsyncIterator[httpx.AsyncClient]:
    """The service with all its doors open."""
    async with client_for(app) as made:
        yield made
