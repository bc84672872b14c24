"""A PostgreSQL that may forget what it acknowledged is refused at the start, whatever makes it forget."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from kit.db import DURABLE
from kit.processes import free_port
from kit.servers import PostgresServer
from kit.testing.databases import Databases, FreshDatabase, in_thread

pytestmark = pytest.mark.slow
START_SECONDS = 90


class OpenPostgres(PostgresServer):
    """A server whose durability is left to its own configuration, as with one that somebody else runs."""

    def command(self) -> tuple[list[str], dict[str, Any]]:
        argv, how = super().command()
        return [one for one in argv if not one.startswith(tuple(f"-c{name}=" for name in DURABLE))], how


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshDatabase]:
    server = OpenPostgres(tmp_path_factory.mktemp("foreign") / "pg")
    server.start()
    yield in_thread(Databases(server).copy("qc"))
    server.stop()


def alter(database: FreshDatabase, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(database.server.superuser_url())
        await connection.execute(statement)
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute("SELECT pg_sleep(0.5)")
        await connection.close()

    in_thread(run())


def start_service(
    database: FreshDatabase, seconds: float = START_SECONDS
) -> subprocess.CompletedProcess[str]:
    """`python -m qc.main`, as it is started everywhere; ends by itself only if it refuses."""
    told = {
        "PORT": str(free_port()),
        "WRITER_URL": database.writer_url,
        "READER_URL": database.reader_url,
        "NATS_URL": "nats://127.0.0.1:9",
        "NATS_USER": "qc",
        "NATS_SEED": "x",
        "ISSUER": "http://127.0.0.1:9",
        "JWKS_URL": "http://127.0.0.1:9",
        "TOKEN_URL": "http://127.0.0.1:9",
        "CLIENT_ID": "svc-qc",
        "CLIENT_SECRET": "x",
    }
    return subprocess.run(
        [sys.executable, "-m", "qc.main"],
        env=os.environ | {f"QC_{name}": value for name, value in told.items()},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.parametrize("setting", DURABLE)
def test_a_service_does_not_start_on_a_store_that_may_forget(foreign: FreshDatabase, setting: str) -> None:
    alter(foreign, f"ALTER SYSTEM SET {setting} = off")
    try:
        done = start_service(foreign)
    finally:
        alter(foreign, f"ALTER SYSTEM RESET {setting}")
    assert done.returncode not in (0, None)
    assert f"PostgreSQL runs with {setting} = off" in done.stdout + done.stderr


def test_the_three_settings_are_all_there_are(foreign: FreshDatabase) -> None:
    """With all of them on, it starts and stays: so it was the setting that was refused."""
    assert set(DURABLE) == {"fsync", "full_page_writes", "synchronous_commit"}
    with pytest.raises(subprocess.TimeoutExpired):
        start_service(foreign, 15)
