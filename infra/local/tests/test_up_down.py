"""The whole platform: started, hurt, healed, stopped; in its own folder, beside whatever runs already."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from jianzhen.lifecycle import alive, marked
from jianzhen.state import State, is_free
from kit.processes import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@dataclass
class Run:
    home: Path
    ports: dict[str, int]

    @property
    def state(self) -> State:
        return State(self.home)

    def jianzhen(self, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("JIANZHEN_")} | more
        environ |= {f"JIANZHEN_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        environ |= {"JIANZHEN_HOME": str(self.home), "COLUMNS": "200"}
        argv = [sys.executable, "-m", "jianzhen.main", *args]
        return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)

    def pids(self) -> dict[str, int | None]:
        return {name: self.state.pidfile(name).pid() for name in alive(self.state)}

    def status(self) -> dict[str, dict[str, Any]]:
        found = json.loads(self.jianzhen("status", "--json").stdout)
        return {one["name"]: one for one in found["programs"]}

    def heals(self, seconds: float = 60) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.jianzhen("status", "--json").returncode == 0:
                return True
            time.sleep(0.5)
        return False


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    run = Run(tmp_path_factory.mktemp("run"), {name: free_port() for name in ("edge", "edge_https", "hj212")})
    done = run.jianzhen("up", "--no-demo", "--json")
    assert done.returncode == 0, done.stderr
    place = json.loads(done.stdout)
    # 60 s on two cores of one's own; other tests may be at work beside us.
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert place["start_seconds"] <= 60 * busy
    yield run
    run.jianzhen("down")


def test_everything_is_ready_and_says_where(run: Run) -> None:
    edge = f"http://127.0.0.1:{run.ports['edge']}"
    rows = run.status()
    assert all(row["ready"] for row in rows.values())
    assert {"supervisor", "postgres", "nats", "issuer", "edge", "gateway", "portal", "ingest", "qc"} <= set(
        rows
    )
    assert httpx.get(edge + "/livez").status_code == 404
    assert "鉴真" in httpx.get(edge + "/", follow_redirects=True, timeout=30).text
    token = run.jianzhen("token", "--as", "ee.mon/qc.analyst@131000").stdout.strip()
    assert httpx.get(edge + "/api/qc/alarms").status_code == 401
    answer = httpx.get(edge + "/api/qc/alarms", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    assert run.jianzhen("parked", "list").returncode == 0


def test_a_second_up_afterwards_starts_nothing_twice(run: Run) -> None:
    before = run.pids()
    done = run.jianzhen("up", "--no-demo")
    assert done.returncode == 0, done.stderr
    assert run.pids() == before


def test_another_port_is_refused_while_it_runs(run: Run) -> None:
    other = Run(run.home, run.ports | {"edge": free_port()})
    done = other.jianzhen("up", "--no-demo")
    assert done.returncode == 2
    assert "`jianzhen down` before" in done.stderr
    assert run.heals(1)


def test_what_is_killed_comes_back(run: Run) -> None:
    before = run.pids()
    for name in ("qc", "nats", "postgres", "edge", "issuer"):
        run.state.pidfile(name).signal(signal.SIGKILL)
    time.sleep(0.5)
    assert run.heals()
    after = run.pids()
    changed = {name for name in before if before[name] != after.get(name)}
    assert {"qc", "nats", "postgres", "edge", "issuer"} <= changed
    rows = run.status()
    assert rows["qc"]["restarts"] >= 1
    assert rows["nats"]["restarts"] >= 1


def test_a_killed_supervisor_is_replaced_by_the_next_up(run: Run) -> None:
    before = run.pids()
    run.state.pidfile("supervisor").signal(signal.SIGKILL)
    time.sleep(0.3)
    done = run.jianzhen("up", "--no-demo")
    assert done.returncode == 0, done.stderr
    after = run.pids()
    assert before.pop("supervisor") != after.pop("supervisor")
    assert before == after


def test_down_leaves_no_process_and_no_stranger_is_harmed(run: Run) -> None:
    stranger = subprocess.Popen(["sleep", "100"])
    try:
        (run.home / "pids" / "ghost.pid").write_text(f"{stranger.pid} 1\n")
        (run.home / "pids" / "torn.pid").write_text("")
        held = [port for port in run.state.ports().values()]
        assert list(marked(run.state))
        run.state.pidfile("qc").path.unlink()
        done = run.jianzhen("down")
        assert done.returncode == 0, done.stderr
        assert not list(marked(run.state))
        assert not list((run.home / "pids").iterdir())
        assert all(is_free(port) for port in held)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert run.jianzhen("status").returncode == 3
    assert run.jianzhen("down").stdout == "nothing was running\n"


def test_what_was_kept_is_there_after_the_next_up(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = run.state.ports()
        taken = dict(ports, qc=int(other.getsockname()[1]))
        (run.home / "ports.json").write_text(json.dumps(taken))
        (run.home / "pids" / "postgres.pid").write_text(f"{os.getpid()} 1\n")
        done = run.jianzhen("up", "--no-demo", "--json")
        assert done.returncode == 0, done.stderr
        assert run.state.ports()["qc"] not in (taken["qc"],)
        assert run.status()["qc"]["ready"]
