"""A full and a read-only disk under PostgreSQL: nothing is acknowledged, nothing is lost, all recovers.

The data directory lies on a small tmpfs of the platform's own user and mount namespace, so no root is needed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stations
from chaos.ledger import Comparison, compare
from chaos.senders import Senders
from stations import batch, past_hour, row
from whole_platform import WholePlatform, whole_platform

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(500)]
DISK = "420m"
STALL_SECONDS = 4.0


def on_a_small_disk(home: Path) -> tuple[str, ...]:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    mount = f'mount -t tmpfs -o size={DISK},mode=700 tmpfs "{data}" && exec "$@"'
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh")


@pytest.fixture(scope="module")
def small() -> Iterator[WholePlatform]:
    """A platform whose PostgreSQL has a disk of its own."""
    with whole_platform(on_a_small_disk) as running:
        yield running


def entering(platform: WholePlatform, script: str) -> list[str]:
    """The command that runs a script where the platform sees its disk; `$data` is the data directory."""
    pid, data = str(platform.pid("supervisor")), platform.home / "postgres" / "data"
    enter = ["nsenter", "--target", pid, "--user", "--mount", "--preserve-credentials"]
    return [*enter, "env", f"data={data}", "sh", "-c", script]


def inside(platform: WholePlatform, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(entering(platform, script), capture_output=True, text=True, check=False)


@contextmanager
def full(platform: WholePlatform) -> Iterator[None]:
    """The disk is full and stays so: what PostgreSQL gives back of it, it may well commit into."""
    filled = inside(platform, 'cat /dev/zero > "$data/filler"')
    assert "No space left" in filled.stderr, filled.stderr
    again = 'while :; do cat /dev/zero >> "$data/filler" 2>/dev/null; sleep 0.02; done'
    filling = subprocess.Popen(entering(platform, again), start_new_session=True)
    try:
        yield
    finally:
        os.killpg(filling.pid, signal.SIGKILL)
        filling.wait()
        assert inside(platform, 'rm "$data/filler"').returncode == 0


def stalled(senders: Senders) -> bool:
    """Whether nothing was acknowledged for a while."""
    before = len(senders.log.lines())
    time.sleep(STALL_SECONDS)
    return len(senders.log.lines()) == before


def is_refusing(platform: WholePlatform, number: int) -> None:
    """A new batch is 503 with Retry-After, whoever asks: the edge or the service's own port."""
    sent = batch(row("131000-D0", past_hour(number)))
    answer = stations.send(platform.client, sent)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"].startswith("application/problem+json")


def recovered(
    platform: WholePlatform, senders: Senders, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sending goes on by itself, and everything acknowledged is there."""
    begun, before = time.monotonic(), len(senders.log.lines())
    platform.until(lambda: len(senders.log.lines()) > before + 10, "acknowledgements again", 90)
    again = time.monotonic() - begun
    platform.wait_ready(120)
    senders.finish()
    platform.wait_quiet(180)
    found: Comparison = compare(platform, senders)
    with capsys.disabled():
        print(f"\n{what}: refused { {sender.code: sender.refusals for sender in senders.all} }")
        print(f"  acknowledged again {again:.0f} s after the disk was well")
        print(found.text())
    found.settle()


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(
    small: WholePlatform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Senders(small.client, tmp_path / "acknowledged.jsonl", "D", systems=2, loggers=1) as senders:
        small.until(lambda: len(senders.log.lines()) > 40, "40 acknowledgements", 60)
        with full(small):
            small.until(lambda: stalled(senders), "a disk so full that nothing is acknowledged", 120)
            is_refusing(small, 0)
            kept = len(senders.log.lines())
            assert stalled(senders), f"{len(senders.log.lines()) - kept} acknowledged on a full disk"
            assert "No space left on device" in small.state.log("postgres").read_text()
        recovered(small, senders, "full disk", capsys)


def test_a_read_only_disk_acknowledges_nothing_and_loses_nothing(
    small: WholePlatform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Senders(small.client, tmp_path / "acknowledged.jsonl", "E", systems=2, loggers=1) as senders:
        small.until(lambda: len(senders.log.lines()) > 40, "40 acknowledgements", 60)
        with small.unattended():
            assert small.kill("postgres")
            changed = inside(small, 'mount -o remount,ro "$data"')
            assert changed.returncode == 0, changed.stderr
        try:
            small.until(lambda: stalled(senders), "nothing acknowledged", 60)
            is_refusing(small, 1)
            assert stalled(senders), "acknowledged on a read-only disk"
            said = small.state.log("supervisor").read_text() + small.state.log("postgres").read_text()
            assert "Read-only file system" in said
        finally:
            changed = inside(small, 'mount -o remount,rw "$data"')
            assert changed.returncode == 0, changed.stderr
        recovered(small, senders, "read-only disk", capsys)
