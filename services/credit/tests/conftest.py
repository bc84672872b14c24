"""The service `credit` running on real servers, and its scene `credit_scene` by name."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from credit.main import build
from credit.settings import Settings
from fastapi import FastAPI
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase, ServiceSettings

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("credit")


@pytest.fixture
def app(database: FreshDatabase, service_settings: ServiceSettings) -> FastAPI:
    return build(Settings.model_validate(service_settings(database)))


@pytest.fixture
async def client(app: FastAPI, client_for: ClientFor) -> AsyncIterator[httpx.AsyncClient]:
    """The service with all its doors open."""
    async with client_for(app) as made:
        yield made
