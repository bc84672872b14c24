"""The platform a bench measures, what runs beside the row measured, and where its processor time goes.

Promises: a platform of its own in a temporary home; `alone` stops every process but those named, and lets
them go on afterwards; processor time is read per program, and for PostgreSQL per database, with what ended
children used. Leaves the load to its neighbours.
"""

import asyncio
import os
import platform as machine
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import asyncpg
from jianzhen import accounts, lifecycle
from jianzhen.handing import nats_seed
from jianzhen.plan import Plan
from jianzhen.platform import Platform
from jianzhen.state import State, is_free

ROOT = Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")
_BACKEND = re.compile(rb"postgres: (\w+) (\w+) ")


@dataclass(frozen=True)
class Stage:
    """A running platform; `people` is its front door."""

    plan: Plan
    people: Platform

    @cached_property
    def _issuer(self) -> Platform:
        """The issuer itself: it gives tokens also while the edge is stopped."""
        return Platform(self.plan.inside("issuer"), self.people.hj212, self.people.secrets)

    def token(self, principal: str) -> str:
        """A token that is good for some minutes more."""
        return self._issuer.token(principal)

    def fresh_token(self, principal: str) -> str:
        """A token that nobody was given before."""
        return Platform(self._issuer.edge, self.people.hj212, self.people.secrets).token(principal)

    def superuser(self, database: str = "ingest") -> str:
        return self.plan.postgres.superuser_url(database)

    def bus(self) -> tuple[str, str, str]:
        """Address, user and seed of the operator of the bus."""
        user = accounts.OPERATOR
        return self.plan.nats.url, user, nats_seed(self.plan.state, user)

    def pid(self, name: str) -> int:
        """The process of a program that must run."""
        pid = self.plan.state.pidfile(name).pid()
        assert pid is not None, f"{name} does not run"
        return pid

    @contextmanager
    def alone(self, *kept: str) -> Iterator[None]:
        """The row runs alone: all but the servers, the idle issuer and `kept` are stopped, not ended."""
        names = ["supervisor", *(p.name for p in self.plan.programs())]
        pids = [self.plan.state.pidfile(name).pid() for name in names if name not in (*kept, "issuer")]
        stopped = [pid for pid in pids if pid]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def rss_mb(self, name: str) -> float:
        """Resident memory of a program, in MB."""
        text = Path(f"/proc/{self.pid(name)}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def cpu(self) -> dict[str, float]:
        """Processor seconds used so far: of each program, and of PostgreSQL by `postgres/<database>`."""
        used = {
            name: _seconds(pid, with_ended=False)
            for name in ("nats", *(p.name for p in self.plan.programs()))
            if (pid := self.plan.state.pidfile(name).pid())
        }
        server = self.pid("postgres")
        for pid in [server, *_children(server)]:
            found = _BACKEND.match(_command(pid))
            name = f"postgres/{found[2].decode()}" if found else "postgres/-"
            used[name] = used.get(name, 0.0) + _seconds(pid, with_ended=pid == server)
        return used


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        below = [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [one for child in below for one in (child, *_children(child))]
    return []


def _seconds(pid: int, *, with_ended: bool) -> float:
    with suppress(OSError):
        cells = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(cell) for cell in cells[11 : 15 if with_ended else 13]) / TICK
    return 0.0


def per_thousand(before: dict[str, float], after: dict[str, float], observations: float) -> dict[str, float]:
    """Processor milliseconds per 1,000 observations, largest first, without what is below 0.01."""
    spent = {
        name: (after[name] - before.get(name, 0.0)) * 1e3 / (observations / 1e3)
        for name in after
        if after[name] - before.get(name, 0.0) > 0
    }
    return {n: round(s, 3) for n, s in sorted(spent.items(), key=lambda pair: -pair[1]) if s >= 0.01}


@dataclass(frozen=True)
class Standing:
    """How far qc is behind ingest: messages said and heard, rows of the outbox not numbered yet."""

    said: int
    heard: int
    unnumbered: int

    @property
    def lag(self) -> int:
        return self.said + self.unnumbered - self.heard


@asynccontextmanager
async def standing(stage: Stage) -> AsyncIterator["Watch"]:
    """A look at both databases, as often as wanted."""
    ingest = await asyncpg.connect(stage.superuser("ingest"))
    qc = await asyncpg.connect(stage.superuser("qc"))
    try:
        yield Watch(ingest, qc)
    finally:
        await ingest.close()
        await qc.close()


class Watch:
    """`await watch.now()`; `await watch.caught_up(600)`."""

    def __init__(self, ingest: asyncpg.Connection, qc: asyncpg.Connection) -> None:
        self._ingest, self._qc = ingest, qc

    async def now(self) -> Standing:
        rest = await self._ingest.fetchval("SELECT count(*) FROM outbox WHERE seq IS NULL")
        said = await self._ingest.fetchval("SELECT sum(seq) FROM outbox_heads WHERE event LIKE '%recorded%'")
        heard = await self._qc.fetchval("SELECT sum(seq) FROM cursors WHERE event LIKE '%recorded%'")
        return Standing(int(said or 0), int(heard or 0), int(rest))

    async def stored(self) -> int:
        """Values that qc knows, each with its verdict."""
        return int(await self._qc.fetchval("SELECT count(*) FROM known_values"))

    async def caught_up(self, seconds: float) -> None:
        """Until qc has had the effect of all that ingest has said; exits with the numbers otherwise."""
        until = asyncio.get_running_loop().time() + seconds
        while (seen := await self.now()).lag or not seen.said:
            if asyncio.get_running_loop().time() > until:
                raise SystemExit(f"qc did not catch up within {seconds:.0f} s: {seen}")
            await asyncio.sleep(0.1)


def _free_ports() -> dict[str, str]:
    base = next(p for p in range(22000, 30000, 10) if all(is_free(p + k) for k in range(3)))
    names = ("JIANZHEN_EDGE_PORT", "JIANZHEN_EDGE_HTTPS_PORT", "JIANZHEN_HJ212_PORT")
    return {name: str(base + k) for k, name in enumerate(names)}


def end_cleanly() -> None:
    """SIGTERM ends the bench like an interrupt: its platform is stopped first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@contextmanager
def platform_up() -> Iterator[Stage]:
    """A fresh platform without demonstration data; nothing of it is left afterwards (see `end_cleanly`)."""
    with tempfile.TemporaryDirectory(prefix="jz-bench-") as home:
        # The rows are made, and closing their days would take the processor from what is measured.
        os.environ |= {"JIANZHEN_HOME": home, "JIANZHEN_CLOSES_DAYS": "false", **_free_ports()}
        command = [str(ROOT / ".venv/bin/jianzhen"), "up", "--no-demo"]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            yield Stage(Plan(State.here()), Platform.here())
        finally:
            lifecycle.stop(State.here(), lambda _: None)


def described() -> dict[str, str]:
    """The machine, and the servers that are measured."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": names[0] if names else machine.processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GB",
        "system": f"{machine.system()} {machine.release()}",
        "python": machine.python_version(),
    }


async def versions(stage: Stage) -> dict[str, str]:
    """PostgreSQL and NATS as they say it themselves."""
    connection = await asyncpg.connect(stage.superuser())
    postgres = await connection.fetchval("SHOW server_version")
    await connection.close()
    found = re.search(r"Version:\s*([\d.]+)", stage.plan.nats.log.read_text(errors="replace"))
    return {"postgres": str(postgres), "nats": found[1] if found else "?"}
