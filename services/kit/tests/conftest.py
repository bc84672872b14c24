"""The stage for kit's own promises; puts the small test service `probe` beside the installed ones."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kit.servers import NatsServer
from kit.testing.plugin import ServiceDatabase

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from stage import Stage, staged  # noqa: E402


@pytest.fixture
async def stage(nats_server: NatsServer, service_database: ServiceDatabase) -> AsyncIterator[Stage]:
    """A producer and a consumer on real servers, nothing running yet."""
    async with staged(nats_server, await service_database("probe"), await service_database("probe")) as made:
        yield made
