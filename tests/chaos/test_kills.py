"""kill -9 at random instants during a replay: what was acknowledged is there, once, everywhere."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from chaos.ledger import compare
from chaos.senders import Senders
from kit.processes import children
from whole_platform import WholePlatform

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
# How often each is killed; in the order of a shuffled deck.
TARGETS = {
    "ingest": 10, "postgres": 6, "a PostgreSQL process": 3, "qc": 8, "nats": 7, "publish": 6, "gateway": 5,
    "edge": 4, "issuer": 2, "cases": 2, "credit": 2, "evidence": 4, "portal": 1,
}  # fmt: skip
LONGEST_PAUSE = 6.0


@pytest.fixture
def seed() -> int:
    """JIANZHEN_CHAOS_SEED repeats a run's kills."""
    return int(os.environ.get("JIANZHEN_CHAOS_SEED") or random.SystemRandom().randrange(2**31))


def kill(platform: WholePlatform, name: str, chance: random.Random) -> None:
    """Kill it; one that is just being started again is waited for."""
    deadline = time.monotonic() + 60
    while not _killed(platform, name, chance):
        assert time.monotonic() < deadline, f"{name} did not come back\n{platform.tails()}"
        time.sleep(0.1)


def _killed(platform: WholePlatform, name: str, chance: random.Random) -> bool:
    if name != "a PostgreSQL process":
        return platform.kill(name)
    pid = platform.pid("postgres")
    under = list(children(pid)) if pid else []
    if not under:
        return False
    with suppress(ProcessLookupError):
        os.kill(chance.choice(under), signal.SIGKILL)
    platform.kills[name] = platform.kills.get(name, 0) + 1
    return True


def test_nothing_acknowledged_is_lost_changed_or_doubled(
    platform: WholePlatform, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    deck = [name for name, times in TARGETS.items() for _ in range(times)]
    chance.shuffle(deck)
    platform.kills.clear()
    senders = Senders(platform.client, tmp_path / "acknowledged.jsonl", "K")
    begun = time.monotonic()
    with senders:
        for name in deck:
            time.sleep(chance.uniform(0.1, LONGEST_PAUSE))
            kill(platform, name, chance)
        killing = time.monotonic() - begun
        platform.wait_ready(120)
        senders.finish()
    platform.wait_quiet(180)
    found = compare(platform, senders)
    with capsys.disabled():
        print(f"\nseed {seed}: {sum(platform.kills.values())} kills in {killing:.0f} s: {platform.kills}")
        print(f"  resent: { {sender.code: sender.refusals for sender in senders.all} }")
        print(found.text())
        print(f"  converged {time.monotonic() - begun - killing:.0f} s after the last kill")
    assert sum(platform.kills.values()) >= 50
    # How many there are is the machine's speed; so many that a loss would be among them.
    assert found.counts["acknowledged rows"] > 1_000
    found.settle()
