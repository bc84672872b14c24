"""Every secret is changed while the platform serves: all is answered, nothing lost, the old ones refused."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from chaos.ledger import compare
from chaos.senders import BatchSender, Senders
from jianzhen import handing, rotation
from jianzhen.identity import proof
from joserfc.jwk import ECKey
from kit.testing.databases import in_thread
from whole_platform import JIANZHEN, WholePlatform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
READERS = {
    "/api/ingest/sites": "ee.mon/data.submit@131000",
    "/api/qc/alarms": "ee.mon/qc.analyst@131000",
    "/api/cases/leads": "ee.enf/case.officer@131000",
    "/api/credit/listings": "finance/procurement@131000",
    "/api/gateway/audit?limit=1": "ee/auditor@131000",
}


class Readers(threading.Thread):
    """Asks every service in turn at the edge, and counts what was answered."""

    def __init__(self, platform: WholePlatform) -> None:
        super().__init__(name="readers", daemon=True)
        self.statuses: Counter[tuple[str, int | str]] = Counter()
        self._platform, self._ended = platform, threading.Event()

    def run(self) -> None:
        with ExitStack() as open_ones:
            clients = {
                path: open_ones.enter_context(self._platform.client.client(who))
                for path, who in READERS.items()
            }
            while not self._ended.is_set():
                for path, client in clients.items():
                    self.statuses[path, self._ask(client, path)] += 1
                time.sleep(0.05)

    def _ask(self, client: httpx.Client, path: str) -> int | str:
        try:
            return client.get(path).status_code
        except httpx.TransportError as error:
            return type(error).__name__

    def stop(self) -> None:
        self._ended.set()
        self.join(60)


@contextmanager
def reading(platform: WholePlatform) -> Iterator[Readers]:
    readers = Readers(platform)
    readers.start()
    try:
        yield readers
    finally:
        readers.stop()


def secrets_now(platform: WholePlatform) -> dict[str, str]:
    names = [secret.name for owner in rotation.owners("all") for secret in rotation.secrets_of(owner)]
    return {name: (platform.home / "secrets" / name).read_text() for name in names}


def still_good(platform: WholePlatform, old: dict[str, str]) -> list[str]:
    """Which of these secrets let somebody in."""

    async def ask() -> list[str]:
        found = []
        for owner in rotation.owners("all"):
            for secret in rotation.secrets_of(owner):
                told = old[secret.name]
                if await is_good(platform, secret, told):
                    found.append(secret.name)
        return found

    return in_thread(ask())


async def is_good(platform: WholePlatform, secret: rotation.Secret, told: str) -> bool:
    plan = platform.plan
    if secret.kind == "bus":
        return rotation.bus_admits(plan.nats.port, told)
    if secret.kind == "client":
        form = proof.form_of(f"svc-{secret.owner}", ECKey.import_key(told), plan.realm)
        url = f"{plan.realm}/protocol/openid-connect/token"
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            return (await client.post(url, data=form)).status_code == 200
    try:
        connection = await asyncpg.connect(plan.postgres.url(secret.name, told, secret.owner), timeout=20)
    except asyncpg.InvalidPasswordError:
        return False
    await connection.close()
    return True


def test_all_secrets_are_changed_and_nobody_notices(
    platform: WholePlatform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.wait_ready()
    before, pids = secrets_now(platform), platform.pids()
    assert sorted(still_good(platform, before)) == sorted(before)
    senders = Senders(platform.client, tmp_path / "acknowledged.jsonl", "R")
    with senders, reading(platform) as readers:
        time.sleep(2)
        begun = time.monotonic()
        done = platform.command("secrets", "rotate", "all", seconds=240)
        took = time.monotonic() - begun
        time.sleep(2)
        senders.finish()
    assert done.returncode == 0, f"{done.stderr}\n{platform.tails(8)}"
    platform.wait_quiet(120)
    found = compare(platform, senders)
    with capsys.disabled():
        print(f"\nrotated {len(before)} secrets in {took:.0f} s; reads {dict(readers.statuses)}")
        print(found.text())
    assert {status for _, status in readers.statuses} == {200}, readers.statuses
    assert {path for path, _ in readers.statuses} == set(READERS)
    refusals = [sender.refusals for sender in senders.all if isinstance(sender, BatchSender)]
    assert not any(refusals), refusals
    assert found.counts["acknowledged batches"] > 10
    found.settle()

    after = secrets_now(platform)
    assert not set(before.values()) & set(after.values())
    assert still_good(platform, before) == []
    assert sorted(still_good(platform, after)) == sorted(after)
    assert platform.pids() == pids
    assert platform.not_ready() == []
    assert not leaked(platform, [*before.values(), *after.values()], done)


def leaked(platform: WholePlatform, secrets: list[str], done: subprocess.CompletedProcess[str]) -> list[str]:
    """Where a secret stands that must not: what was printed, logs, command lines and environments."""
    words = [
        one.rpartition(":")[2].strip().splitlines()[-2 if "\n" in one.strip() else -1] for one in secrets
    ]
    said = {path.name: path.read_text(errors="replace") for path in platform.state.logs.glob("*.log")}
    said |= {"stdout": done.stdout, "stderr": done.stderr}
    for name, pid in platform.pids().items():
        for part in ("cmdline", "environ"):
            said[f"{part} of {name}"] = Path(f"/proc/{pid}/{part}").read_bytes().decode(errors="replace")
    return [where for where, text in said.items() if any(word in text for word in words)]


def test_a_rotation_that_is_killed_is_finished_by_the_next(platform: WholePlatform) -> None:
    """Whatever stage it was in: the platform stays ready, and every service ends with new secrets alone."""
    before = secrets_now(platform)
    with reading(platform) as readers:
        running = subprocess.Popen(
            [*JIANZHEN, "secrets", "rotate", "qc"], env=platform.environ, stderr=subprocess.PIPE, text=True
        )
        assert running.stderr is not None
        for line in running.stderr:
            if "move:" in line:
                break
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        running.stderr.close()
        assert rotation.under_way(platform.state) == ["qc"]
        done = platform.command("secrets", "rotate", "qc", seconds=240)
    assert done.returncode == 0, done.stderr
    assert "going on with qc" in done.stderr
    assert {status for _, status in readers.statuses} == {200}, readers.statuses
    after = secrets_now(platform)
    mine = {secret.name for secret in rotation.secrets_of("qc")}
    assert {name for name in before if before[name] != after[name]} == mine
    assert sorted(still_good(platform, before)) == sorted(set(before) - mine)
    assert sorted(still_good(platform, after)) == sorted(after)
    left = [path.name for path in (platform.home / "secrets").iterdir() if path.suffix in {".next", ".old"}]
    assert left == []
    assert not any(path.name.endswith("_next") for path in platform.plan.secrets_of("qc").iterdir())
    assert set(handing.files_of(platform.plan, "qc")) == {
        path.name for path in platform.plan.secrets_of("qc").iterdir()
    }
