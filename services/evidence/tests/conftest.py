"""The log on real servers and in a real folder, and its scene `log_scene` by name."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from evidence.main import build
from evidence.settings import Settings
from fastapi import FastAPI
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase, ServiceSettings

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("evidence")


@pytest.fixture
def settings_of(
    database: FreshDatabase, service_settings: ServiceSettings, tmp_path: Path
) -> Callable[..., Settings]:
    """Settings of a log in this test's folder and database."""
    from log_scene import SEED

    def made(**more: Any) -> Settings:
        told = {**service_settings(database), "key": SEED, "store": str(tmp_path / "log"), **more}
        return Settings.model_validate(told)

    return made


@pytest.fixture
def app(settings_of: Callable[..., Settings]) -> FastAPI:
    return build(settings_of(checkpoint_seconds=0.05))


@pytest.fixture
async def client(app: FastAPI, client_for: ClientFor) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(app) as made:
        yield made
