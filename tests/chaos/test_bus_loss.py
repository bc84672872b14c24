"""The bus is disposable: its whole store is lost under load, and every effect is there once all the same."""

import asyncio
import shutil
import time
from pathlib import Path

import pytest
from chaos.ledger import compare
from chaos.senders import Senders
from jianzhen import accounts
from jianzhen.handing import nats_seed
from jianzhen.streams import connected
from kit.testing.databases import in_thread
from nats.errors import Error as NatsError
from whole_platform import WholePlatform

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
LOSSES = 2
AWAY_SECONDS = 4.0


def lose_store(platform: WholePlatform, senders: Senders) -> int:
    """Kill nats-server, delete all it kept, and let it be started again; what was acknowledged meanwhile."""
    with platform.unattended():
        assert platform.kill("nats")
        shutil.rmtree(platform.plan.nats.store)
        before = len(senders.log.lines())
        time.sleep(AWAY_SECONDS)
        return len(senders.log.lines()) - before


def streams(platform: WholePlatform) -> dict[str, int]:
    """The messages in each stream, as the operator sees them."""

    async def ask() -> dict[str, int]:
        operator = accounts.OPERATOR
        client = await connected(platform.plan.nats.url, operator, nats_seed(platform.state, operator))
        try:
            return {
                str(info.config.name): info.state.messages for info in await client.jetstream().streams_info()
            }
        finally:
            await client.close()

    return in_thread(asyncio.wait_for(ask(), 10))


def has_streams(platform: WholePlatform, declared: set[str]) -> bool:
    """Whether nats-server answers and every stream is there."""
    try:
        return set(streams(platform)) == declared
    except (NatsError, OSError, TimeoutError):
        return False


def test_the_loss_of_the_whole_store_costs_nothing(
    platform: WholePlatform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    senders = Senders(platform.client, tmp_path / "acknowledged.jsonl", "B")
    declared = set(streams(platform))
    meanwhile = []
    with senders:
        for number in range(LOSSES):
            wanted = 40 * (number + 1)
            platform.until(lambda: len(senders.log.lines()) > wanted, f"{wanted} acknowledgements", 60)  # noqa: B023
            meanwhile.append(lose_store(platform, senders))
            # Before it has its streams again there is nothing to lose, at first not even the directory.
            platform.until(lambda: has_streams(platform, declared), "the streams declared again", 60)
        begun = time.monotonic()
        platform.wait_ready()
        senders.finish()
    platform.wait_quiet(180)
    found = compare(platform, senders)
    with capsys.disabled():
        print(f"\nstore deleted {LOSSES} times; acknowledged while the bus was away: {meanwhile}")
        print(f"  every cursor at its head {time.monotonic() - begun:.0f} s later: {streams(platform)}")
        print(found.text())
    assert min(meanwhile) > 0, "the doors must not wait for the bus"
    found.settle()
