"""Operating-system processes named so that nobody else's is ever taken for ours.

Promises: a pid counts only together with the time the process began, so a stale pid file never leads to a
stranger. Leaves to others: what the processes are, and why they are started or ended.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def free_port() -> int:
    """A loopback TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Does anybody answer on this loopback port?"""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


def started_at(pid: int) -> str:
    """When a process began, in clock ticks since boot ('' = gone); with the pid, one process for good."""
    with suppress(OSError):
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else rest[18]
    return ""


def children(pid: int) -> Iterator[int]:
    """Direct children (PostgreSQL's leave its process group, so a group kill would miss them)."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if entry.read_text().rpartition(")")[2].split()[1] == str(pid):
                yield int(entry.parent.name)


@dataclass(frozen=True)
class PidFile:
    """One process by pid and start time, so that a reused pid is never mistaken for ours."""

    path: Path

    def write(self, pid: int) -> None:
        self.path.write_text(f"{pid} {started_at(pid)}\n")

    def pid(self) -> int | None:
        """The pid while that very process lives, else None."""
        with suppress(OSError, ValueError):
            pid, _, started = self.path.read_text().strip().partition(" ")
            if started and started_at(int(pid)) == started:
                return int(pid)
        return None

    def signal(self, number: int) -> None:
        if (pid := self.pid()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self, seconds: float) -> bool:
        """True once the process is gone (and reaped, if it was our child)."""
        deadline = time.monotonic() + seconds
        first = self.pid()
        while self.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        if first and self.pid() is None:
            with suppress(ChildProcessError):
                os.waitpid(first, os.WNOHANG)
        return self.pid() is None
