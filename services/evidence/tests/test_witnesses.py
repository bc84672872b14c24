"""Three witnesses as real processes: they cosign what grows, and refuse what was forked or rolled back."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from evidence.flows.integrating import Log
from evidence.settings import Settings
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ServiceDatabase
from log_scene import NOW, append, ask, key, running
from tlog import cosignature
from tlog.note import BadNote
from tlog.trust import Secret

pytestmark = pytest.mark.slow
Settle = Callable[..., Settings]


@dataclass
class Process:
    """One `jianzhen log witness`, as another department runs it."""

    folder: Path
    number: int
    address: str = "127.0.0.1:0"
    url: str = ""
    secret: Secret = field(init=False)
    running: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.secret = Secret(f"w{self.number}.example", bytes([self.number] * 32), cosignature.COSIGNATURE)
        keyfile = self.folder / f"w{self.number}.key"
        keyfile.write_text(self.secret.text)
        keyfile.chmod(0o600)

    def launch(self) -> "Process":
        own = self.folder / f"w{self.number}"
        call = [sys.executable, "-m", "jianzhen.main", "log", "witness", "--listen", self.address]
        call += ["--state", f"{own}.json", "--key", f"{own}.key", "--log", key().text]
        self.running = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
        return self

    def ready(self) -> "Process":
        assert self.running and self.running.stdout
        self.url = self.running.stdout.readline().split()[0]
        self.address = self.url.removeprefix("http://")
        return self

    def end(self) -> None:
        if self.running and self.running.poll() is None:
            self.running.send_signal(signal.SIGKILL)
            self.running.wait(20)
        if self.running and self.running.stdout:
            self.running.stdout.close()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Process]]:
    made = [Process(tmp_path, number).launch() for number in (1, 2, 3)]
    try:
        yield [one.ready() for one in made]
    finally:
        for one in made:
            one.end()


def told(witnesses: list[Process]) -> dict[str, Any]:
    shown = [{"url": one.url, "key": one.secret.key.text} for one in witnesses]
    return {"witnesses": shown, "witness_pause_seconds": 0, "witness_seconds": 10}


def published(settings: Settings) -> str:
    return (Path(settings.store) / "checkpoint").read_text()


def vouched(settings: Settings, needed: int = 2) -> list[str]:
    """Who cosigned; BadNote where offline verification fails."""
    return cosignature.quorum(published(settings), key(), settings.witness_keys.values(), needed)


async def said(database: FreshDatabase, event: str) -> list[dict[str, Any]]:
    rows = await ask(database, "SELECT data FROM outbox WHERE event LIKE $1 ORDER BY id", f"%.{event}.%")
    return [json.loads(row["data"]) for row in rows]


async def settled(log: Log, hours: float) -> None:
    """A step at a later hour, with the quorum looked at."""
    log._settled_at = float("-inf")
    await log.step(NOW + timedelta(hours=hours))


async def test_what_grows_is_cosigned_and_a_quorum_is_lost_and_regained(
    three: list[Process], database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of(**told(three))
    assert settings.needed == 2
    async with running(database, settings) as log:
        for part in (range(3), range(3, 300), range(300, 301)):
            await append(database, part)
            await log.step(NOW)
            assert sorted(vouched(settings)) == ["w1.example", "w2.example", "w3.example"]
        three[0].end()
        await append(database, range(301, 310))
        await log.step(NOW)
        assert sorted(vouched(settings)) == ["w2.example", "w3.example"], "two of three are enough"
        three[1].end()
        await append(database, range(310, 320))
        await settled(log, 0)
        with pytest.raises(BadNote):
            vouched(settings)
        await settled(log, 3.9)
        assert await said(database, "quorum_lost") == []
        await settled(log, 4)
        lost = await said(database, "quorum_lost")
        assert [(one["needed"], "X-Road" in one["source_clause"]) for one in lost] == [(2, True)]
        await append(database, range(320, 330))
        await settled(log, 5)
        assert "\n330\n" in published(settings), "the log goes on without its quorum"
        assert len(await said(database, "quorum_lost")) == 1
        three[1].launch().ready()
        await settled(log, 6)
        assert len(vouched(settings)) == 2
        assert [one["size"] for one in await said(database, "quorum_regained")] == [330]
    for one in three:
        one.end()
    async with running(database, settings):
        assert len(vouched(settings)) == 2, "a restart without witnesses takes no cosignature back"
    assert await said(database, "witness_refused") == []


async def test_a_roll_back_and_a_fork_are_refused_said_and_do_not_verify(
    three: list[Process],
    database: FreshDatabase,
    service_database: ServiceDatabase,
    settings_of: Settle,
    tmp_path: Path,
) -> None:
    settings = settings_of(**told(three))
    async with running(database, settings) as log:
        await append(database, range(300))
        await log.step(NOW)
        assert len(vouched(settings)) == 3
    for name, numbers, kind in (
        ("shorter", range(200), "rollback"),
        ("other", range(5000, 5300), "fork"),
        ("longer", range(5000, 5400), "fork"),
    ):
        forged = await service_database("evidence")
        told_forged = settings_of(store=str(tmp_path / name), **told(three))
        async with running(forged, told_forged) as log:
            await append(forged, numbers)
            await log.step(NOW)
            await log.step(NOW)
        with pytest.raises(BadNote):
            vouched(told_forged)
        refused = await said(forged, "witness_refused")
        assert {(one["witness"], one["kind"]) for one in refused} == {
            (witness.secret.name, kind) for witness in three
        }, name
        assert len(refused) == 3, "each is said once"
        assert all(one["size"] == len(numbers) and one["message_zh"] for one in refused)
