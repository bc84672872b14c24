"""What tells whoever is on call that the log falls behind."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from evidence.flows.lagging import AGE, WAITED, WAITING, Lag
from evidence.settings import Settings
from kit.testing.databases import FreshDatabase
from log_scene import NOW, append, requested, running


def shown() -> tuple[float, float, float]:
    return tuple(gauge._value.get() for gauge in (WAITING, WAITED, AGE))


async def test_what_no_published_checkpoint_covers_is_counted_and_timed(
    database: FreshDatabase, settings_of: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = NOW.timestamp() - requested([0]).received_at_ms[0] / 1000
    lag = Lag()
    async with running(database, settings_of()) as log:
        await append(database, range(7))
        await lag.note(database, log, NOW)
        assert shown()[:2] == (7, waited)
        await log.step(NOW)
        await lag.note(database, log, NOW + timedelta(minutes=5))
        assert shown() == (0, 0, 300)
        await append(database, range(7, 10))

        async def broken(*_: object) -> None:
            raise OSError("the bucket is away")

        monkeypatch.setattr(log.objects, "put", broken)
        monkeypatch.setattr(log.objects, "fetch", broken)
        with pytest.raises(OSError):
            await log.step(NOW + timedelta(minutes=6))
        await lag.note(database, log, NOW + timedelta(minutes=6))
        assert shown() == (3, waited + 360, 0), "signed is not published"


async def test_the_service_tells_it(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    for name in ("log_waiting", "log_waiting_seconds", "log_checkpoint_age_seconds", "log_quorum"):
        assert f"\n{name} " in text, name
