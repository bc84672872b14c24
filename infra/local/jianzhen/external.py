"""A PostgreSQL that somebody else runs, named by JIANZHEN_POSTGRES_URL (an administrator's URL).

Promises: looks to its users like the embedded server; is never started, stopped or touched beyond our own
databases and roles. Leaves its safety to its owner: every service refuses one whose fsync or
synchronous_commit is off.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

from kit.privileges import ServerError
from kit.servers import PostgresServer

from jianzhen.state import State

VARIABLE = "JIANZHEN_POSTGRES_URL"


class ExternalPostgres(PostgresServer):
    """`postgresql://admin:password@host:5432/postgres`; the admin may create roles and databases."""

    def __init__(self, home: Path, admin_url: str) -> None:
        self._parts = urlsplit(admin_url)
        super().__init__(home, self._parts.port or 5432)

    def start(self, seconds: float = 60.0) -> None:
        """Only looks; ServerError when nobody answers."""
        if not self.is_running():
            where = f"{self._parts.hostname}:{self.port}"
            raise ServerError(f"no PostgreSQL answers at {where}, which {VARIABLE} names")

    def stop(self) -> None:
        """It is not ours to stop."""

    def is_running(self) -> bool:
        where = (self._parts.hostname or "127.0.0.1", self.port)
        with suppress(OSError), socket.create_connection(where, timeout=2):
            return True
        return False

    def url(self, user: str, password: str, db: str) -> str:
        query = f"?{self._parts.query}" if self._parts.query else ""
        where = f"{self._parts.hostname}:{self.port}"
        return f"postgresql://{quote(user)}:{quote(password, safe='')}@{where}/{quote(db)}{query}"

    def superuser_url(self, db: str = "postgres") -> str:
        return self._parts._replace(path=f"/{quote(db)}").geturl()


def _kept(state: State) -> Path:
    return state.home / "secrets" / "postgres_url"


def remember(state: State) -> None:
    """Keep what `up` was told, for the supervisor and for `status`."""
    if named := os.environ.get(VARIABLE):
        with os.fdopen(os.open(_kept(state), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(named)
    else:
        _kept(state).unlink(missing_ok=True)


def postgres_of(state: State, port: int) -> PostgresServer:
    """The server of this run: the one that was named, else our own."""
    home = state.home / "postgres"
    if _kept(state).exists():
        return ExternalPostgres(home, _kept(state).read_text())
    return PostgresServer(home, port)
