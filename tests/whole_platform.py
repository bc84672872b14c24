"""A whole platform for tests: started by the command as a person would, in a home of its own.

Promises: free ports and a short temporary home, so that it runs beside `make up`; what does not start fails
with the ends of its logs; after `stop` no process is left. Leaves what is tested to the tests.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg
from contracts.catalogue import CATALOGUE
from jianzhen import lifecycle
from jianzhen.plan import Plan
from jianzhen.platform import Platform
from jianzhen.state import DOORS, INSIDE, SERVICES, State, is_free
from kit.testing.databases import in_thread

JIANZHEN = (sys.executable, "-m", "jianzhen.main")
SERVERS = ("postgres", "nats")
START_SECONDS, STOP_SECONDS = 240, 90
# What moves by itself: clocks of the consumers, the authorizer's audit, what a job notes behind the commits,
# the days that qc has to close again.
RESTLESS = {
    *("alembic_version", "kit_version", "service_version"),
    *("cursors", "latest_values", "flood_counts", "touched_hours", "device_contacts", "gap_marks"),
    "late_days",
}
# Whatever is kept or decided gets a leaf in the evidence log, too; tests/e2e/test_log.py looks at those.
LEAVES = {
    "entries": "WHERE false",
    "outbox": "WHERE event NOT LIKE '%.leaf_requested.%'",
    "outbox_heads": "WHERE event NOT LIKE '%.leaf_requested.%'",
}
COUNTS = """
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""
# The last number of each lane; what is not numbered yet counts below zero.
HEADS = """
SELECT event, lane, seq FROM outbox_heads UNION ALL
SELECT event, '-', -count(*) FROM outbox WHERE seq IS NULL GROUP BY event
"""
LISTENERS = {entry.type: entry.consumers for entry in CATALOGUE}


@dataclass
class WholePlatform:
    """`client` is the platform as the public sees it; the rest looks behind the edge."""

    home: Path
    environ: dict[str, str]
    before_up: tuple[str, ...] = ()
    kills: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return State(self.home)

    @cached_property
    def plan(self) -> Plan:
        return Plan(self.state)

    @cached_property
    def client(self) -> Platform:
        secrets = json.loads((self.home / "secrets" / "identity.json").read_text())
        return Platform(self.plan.edge, ("127.0.0.1", self.plan.ports["hj212"]), secrets)

    @property
    def edge(self) -> str:
        return self.plan.edge

    def inside(self, service: str) -> str:
        """The address of a service behind the edge."""
        return self.plan.inside(service)

    def command(self, *args: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """`jianzhen ARGS` for this platform."""
        before = self.before_up if args[0] == "up" else ()
        return subprocess.run(
            [*before, *JIANZHEN, *args], env=self.environ, capture_output=True, text=True,
            check=False, timeout=seconds,
        )  # fmt: skip

    def up(self) -> None:
        """Start what does not run; the test run fails with the logs' ends when that does not work."""
        done = self.command("up", "--no-demo", "--json", seconds=START_SECONDS)
        assert done.returncode == 0, f"{done.stderr}\n{done.stdout}\n{self.tails()}"

    def down(self) -> None:
        """Stop it; no process is left."""
        done = self.command("down", "--json", seconds=STOP_SECONDS)
        assert done.returncode == 0, done.stderr
        left = {pid: _command_of(pid) for pid in lifecycle.marked(self.state)}
        assert not left, f"still there after `jianzhen down`: {left}"

    def tails(self, lines: int = 25) -> str:
        """The ends of all logs."""
        parts = []
        for log in sorted(self.state.logs.glob("*.log")):
            end = log.read_text(errors="replace").splitlines()[-lines:]
            parts.append("\n".join([f"---- {log.name}", *end]))
        return "\n".join(parts)

    def names(self) -> list[str]:
        """Every program of the run."""
        return [*SERVERS, *(program.name for program in self.plan.programs())]

    def pid(self, name: str) -> int | None:
        """The living process of a program."""
        return self.state.pidfile(name).pid()

    def pids(self) -> dict[str, int | None]:
        return {name: self.pid(name) for name in self.names()}

    def kill(self, name: str) -> bool:
        """kill -9; of PostgreSQL with every process under it. False if it was not running."""
        pid = self.pid(name)
        if pid is None:
            return False
        if name == "postgres":
            self.plan.postgres.kill()
        else:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kills[name] = self.kills.get(name, 0) + 1
        return True

    @contextmanager
    def unattended(self) -> Iterator[None]:
        """What ends inside is not started again before the end."""
        supervisor = self.pid("supervisor")
        assert supervisor
        os.kill(supervisor, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(supervisor, signal.SIGCONT)

    def not_ready(self) -> list[str]:
        """What is not of use now."""
        servers = [name for name in SERVERS if self.pid(name) is None]
        return servers + [
            name for name, is_ready in lifecycle.readiness(self.plan.programs()).items() if not is_ready
        ]

    def wait_ready(self, seconds: float = 90) -> None:
        """Until everything is of use again."""
        self.until(lambda: not self.not_ready(), "everything ready", seconds, lambda: str(self.not_ready()))

    def until(
        self, met: Callable[[], Any], what: str, seconds: float = 60, seen: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait for something that comes by itself."""
        deadline = time.monotonic() + seconds
        while not met():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}; {seen()}\n{self.tails(8)}")
            time.sleep(0.2)

    def rows(self, database: str, statement: str, *args: Any) -> list[Any]:
        """Ask a service's database as its superuser; rows come as `asyncpg.Record`."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.plan.postgres.superuser_url(database), timeout=10)
            try:
                return list(await connection.fetch(statement, *args))
            finally:
                await connection.close()

        return in_thread(ask())

    def value(self, database: str, statement: str, *args: Any) -> Any:
        """The one cell of the one row."""
        return self.rows(database, statement, *args)[0][0]

    def counts(self) -> dict[str, int]:
        """Rows of every table of every service, as `ingest.submissions`."""
        found: dict[str, int] = {}
        for database in SERVICES:
            names = [row["name"] for row in self.rows(database, COUNTS) if row["name"] not in RESTLESS]
            each = " UNION ALL ".join(
                f"SELECT '{name}', count(*) FROM {name} {LEAVES.get(name, '')}" for name in names
            )
            found |= {f"{database}.{name}": count for name, count in self.rows(database, each)}
        return found

    @contextmanager
    def changes(
        self, expected: Mapping[str, int], follows: Collection[str] = (), seconds: float = 20
    ) -> Iterator[None]:
        """What happens inside adds exactly these rows, everywhere; `follows` may change as they will."""
        wanted = {name: count for name, count in expected.items() if count}
        self.wait_quiet()
        before = self.counts()
        yield

        def seen() -> dict[str, int]:
            after = self.counts()
            names = [name for name in after if name not in follows]
            return {name: after[name] - before[name] for name in names if after[name] != before[name]}

        self.until(lambda: seen() == wanted, f"changes {wanted}", seconds, lambda: f"seen {seen()}")
        self.wait_quiet()
        assert seen() == wanted

    def behind(self) -> dict[str, tuple[int, int]]:
        """Where a consumer is behind its producer: (its number, the producer's), empty when all is done."""
        heads = {
            (row["event"], row["lane"]): row["seq"]
            for service in SERVICES
            for row in self.rows(service, HEADS)
        }
        found = {f"{event} unnumbered": (0, count) for (event, _), count in heads.items() if count < 0}
        for consumer in SERVICES:
            stands = {
                (row["event"], row["lane"]): row["seq"]
                for row in self.rows(consumer, "SELECT event, lane, seq FROM cursors")
            }
            for (event, lane), head in heads.items():
                at = stands.get((event, lane), 0)
                if head > 0 and at != head and consumer in LISTENERS[event]:
                    found[f"{consumer} at {event}.{lane}"] = (at, head)
        return found

    def wait_quiet(self, seconds: float = 90) -> None:
        """Until every consumer has reached its producer's last number."""
        self.until(lambda: not self.behind(), "every cursor at its head", seconds, lambda: str(self.behind()))

    def parked(self) -> list[tuple[str, str]]:
        """Messages that could not be handled: (service, why)."""
        ask = "SELECT reason FROM parked WHERE replayed_at IS NULL"
        return [(service, row[0]) for service in SERVICES for row in self.rows(service, ask)]


def _command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return "gone"


def lasting_ports() -> Iterator[int]:
    """Free ports below those of outgoing connections, which could take one while its program is away."""
    return (port for port in itertools.count(random.randrange(22_000, 31_000)) if is_free(port))


@contextmanager
def whole_platform(
    before_up: Callable[[Path], tuple[str, ...]] = lambda home: (),
    *,
    closes_days: bool = False,
) -> Iterator[WholePlatform]:
    """A platform that runs inside the `with`; `before_up(home)` is put in front of `jianzhen up`."""
    home = Path(tempfile.mkdtemp(prefix="jzp-"))
    environ = {key: value for key, value in os.environ.items() if not key.startswith("JIANZHEN_")}
    for name, port in zip((*DOORS, *INSIDE), lasting_ports(), strict=False):
        environ[f"JIANZHEN_{name.upper()}_PORT"] = str(port)
    # What tests send on purpose would be found falsified a minute later, while they count every row.
    environ |= {
        "JIANZHEN_HOME": str(home),
        "COLUMNS": "200",
        "JIANZHEN_CLOSES_DAYS": str(closes_days).lower(),
    }
    running = WholePlatform(home, environ, before_up(home))
    try:
        running.up()
        yield running
    finally:
        running.down()
        shutil.rmtree(home, ignore_errors=True)
