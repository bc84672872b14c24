"""Where a local run keeps itself: ports, secrets, logs and pid files under `.state/` (JIANZHEN_HOME).

Promises: secrets are made here at the first start, are readable by their owner only and never leave this
folder; each service reads its own below it; one `up` or `down` at a time. Leaves to
`plan` what runs.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kit.processes import PidFile, accepts

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ("ingest", "qc", "cases", "credit", "publish", "evidence")
DATABASES = (*SERVICES, "gateway")
# The doors people use have fixed numbers; what is behind them takes free ones from a place of the home's own,
# so that two runs started at the same moment do not reach for the same.
DOORS = {"edge": 8080, "edge_https": 8443, "hj212": 21200}
INSIDE = ("postgres", "nats", "issuer", *SERVICES, "gateway", "portal")
FIRST_INSIDE = 21211
NEEDED_MB = 1000
FOLDERS = ("logs", "pids", "secrets", "replay")


class Refused(Exception):
    """Something the person at the keyboard must settle first; `code` is the exit code."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def is_free(port: int) -> bool:
    """Can a server bind this loopback port now?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return not accepts(port)


def password() -> str:
    """A new password; begins with a letter: nats-server takes numbers apart."""
    return "s" + secrets.token_hex(20)


@dataclass(frozen=True)
class State:
    """The folder of one local run."""

    home: Path

    @classmethod
    def here(cls) -> "State":
        """JIANZHEN_HOME, else `.state` in the clone."""
        return cls(Path(os.environ.get("JIANZHEN_HOME") or ROOT / ".state").expanduser().resolve())

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def pidfile(self, name: str) -> PidFile:
        return PidFile(self.home / "pids" / f"{name}.pid")

    def prepare(self) -> None:
        """Make the folders; Refused when the disk is full or the place cannot be written."""
        try:
            for folder in (
                self.home,
                self.logs,
                self.home / "pids",
                self.home / "secrets",
                self.home / "replay",
            ):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.home / ".writable").write_text("")
        except OSError as error:
            raise self._unwritable(error) from None
        free = shutil.disk_usage(self.home).free // 2**20
        if free < NEEDED_MB:
            raise Refused(
                f"disk full: {free:,} MB are free at {self.home}, {NEEDED_MB:,} MB are needed; "
                "free some space, or choose a place with JIANZHEN_HOME"
            )

    def _unwritable(self, error: OSError) -> Refused:
        return Refused(f"{self.home} cannot be written ({error.strerror}): choose a place with JIANZHEN_HOME")

    @contextlib.contextmanager
    def only_one(self, verb: str) -> Iterator[None]:
        """Hold the run's lock; Refused while another `up` or `down` holds it."""
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.home / "lock").open("a+")
        except OSError as error:
            raise self._unwritable(error) from None
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                holder = file.read().strip() or "another jianzhen"
                why = f"{holder} is still at work here: wait for it; nothing was changed"
                raise Refused(why) from None
            file.truncate(0)
            file.write(f"`jianzhen {verb}` (pid {os.getpid()})")
            file.flush()
            yield

    def secret(self, name: str, make: Callable[[], str] = password) -> str:
        """A secret by name, made at the first call."""
        path = self.home / "secrets" / name
        with contextlib.suppress(FileNotFoundError):
            if kept := path.read_text():
                return kept
        made = make()
        new = path.with_suffix(f".{os.getpid()}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(made)
        new.replace(path)
        return made

    def ports(self) -> dict[str, int]:
        """The ports of this run as `.state/ports.json` has them; empty before the first `up`."""
        try:
            return dict(json.loads((self.home / "ports.json").read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def choose_ports(self, running: set[str]) -> dict[str, int]:
        """Settle every port: doors must be free (or ours already), the others are moved if taken."""
        kept, chosen = self.ports(), dict[str, int]()
        for name, usual in DOORS.items():
            port = _wanted(name) or kept.get(name) or usual
            if name in running and port != kept.get(name):
                raise Refused(f"{name} runs on port {kept.get(name)}: `jianzhen down` before choosing {port}")
            if name not in running and not is_free(port):
                other = f"JIANZHEN_{name.upper()}_PORT={port + 1} jianzhen up"
                why = f"port {port} ({name}) is taken by another program"
                raise Refused(f"{why}: stop that one, or choose another port: {other}")
            chosen[name] = port
        first = FIRST_INSIDE + zlib.crc32(str(self.home).encode()) % 400 * 20
        following = iter(range(first, first + 2000))
        for name in INSIDE:
            port = _wanted(name) or kept.get(name) or 0
            if not port or not (name in running or is_free(port)):
                busy = {*chosen.values(), *kept.values()}
                port = next(one for one in following if one not in busy and is_free(one))
            chosen[name] = port
        if len(set(chosen.values())) < len(chosen):
            raise Refused(f"two programs have been given the same port: {chosen}")
        (self.home / "ports.json").write_text(json.dumps(chosen, indent=2) + "\n")
        return chosen


def _wanted(name: str) -> int | None:
    text = os.environ.get(f"JIANZHEN_{name.upper()}_PORT")
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Refused(f"JIANZHEN_{name.upper()}_PORT={text} is not a port number")
    return int(text)
