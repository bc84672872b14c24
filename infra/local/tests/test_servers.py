"""PostgreSQL and nats-server from the wheels, really started, in every way this machine allows."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from jianzhen.databases import prepare
from jianzhen.external import remember
from jianzhen.plan import Plan
from jianzhen.state import State
from kit import privileges
from kit.processes import PidFile, children, started_at
from kit.servers import NatsServer, PostgresServer, ServerError

pytestmark = pytest.mark.slow

IS_ROOT = os.geteuid() == 0
WAYS = ["namespace", "setuid"] if IS_ROOT else ["as ourselves"]
TWICE = """
import sys
from kit.servers import PostgresServer

server = PostgresServer(sys.argv[1])
server.start(); server.kill(); server.start()
print(server.place.prefix, server.url("u", "p", "d") != "")
server.stop()
"""


@pytest.fixture(params=WAYS)
def postgres(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresServer]:
    if request.param == "setuid":
        monkeypatch.setattr(privileges, "namespaces_work", lambda: False)
    server = PostgresServer(tmp_path / "pg")
    yield server
    server.stop()
    shutil.rmtree(server.temporary, ignore_errors=True)


async def ask(server: PostgresServer, question: str) -> str:
    connection = await asyncpg.connect(server.superuser_url())
    try:
        return str(await connection.fetchval(question))
    finally:
        await connection.close()


async def test_postgres_starts_with_what_we_rely_on(postgres: PostgresServer) -> None:
    postgres.start()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await ask(postgres, f"SHOW {setting}") == "on"
    assert await ask(postgres, "SHOW server_encoding") == "UTF8"
    assert await ask(postgres, "SELECT datcollate FROM pg_database WHERE datname = 'template1'") == "C"
    assert int(await ask(postgres, "SHOW max_connections")) >= 200
    assert postgres.place.data.stat().st_mode & 0o077 == 0


async def test_what_was_committed_survives_kill_9_and_a_restart(postgres: PostgresServer) -> None:
    postgres.start()
    await ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    pid = postgres.pidfile.pid()
    assert pid is not None
    under = list(children(pid))
    assert under
    postgres.kill()
    assert not postgres.is_running()
    assert all(started_at(one) == "" for one in under)
    postgres.start()
    assert await ask(postgres, "SELECT answer FROM kept") == "42"
    postgres.stop()
    postgres.start()
    assert await ask(postgres, "SELECT answer FROM kept") == "42"


async def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    postgres.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url("postgres", "guessed", "postgres"))


@pytest.fixture
def stranger() -> Iterator[int]:
    """The pid of a living process that has nothing to do with us."""
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    assert process.poll() is None, "a stranger was killed"
    process.kill()
    process.wait()


async def test_a_stale_lock_that_names_a_stranger_does_not_stop_the_start(
    postgres: PostgresServer, stranger: int
) -> None:
    postgres.start()
    postgres.kill()
    lock = postgres.place.data / "postmaster.pid"
    lock.write_text("\n".join([str(stranger), *lock.read_text().splitlines()[1:]]) + "\n")
    postgres.pidfile.path.write_text(f"{stranger} 1\n")
    assert not postgres.is_running()
    postgres.start()
    assert await ask(postgres, "SELECT 1") == "1"


def test_a_server_whose_pid_file_was_lost_is_found_again(postgres: PostgresServer) -> None:
    postgres.start()
    pid = postgres.pidfile.pid()
    postgres.pidfile.path.unlink()
    assert PostgresServer(postgres.home, postgres.port).is_running()
    assert postgres.pidfile.pid() == pid


def test_a_second_object_for_the_same_home_starts_nothing_twice(postgres: PostgresServer) -> None:
    postgres.start()
    pid = postgres.pidfile.pid()
    PostgresServer(postgres.home, postgres.port).start()
    assert postgres.pidfile.pid() == pid


def test_a_home_with_a_very_long_path_works(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / ("long" * 40) / "pg")
    server.start()
    server.stop()
    assert not server.temporary.exists()


def test_an_ordinary_user_needs_no_help(tmp_path: Path) -> None:
    """In a user namespace we are not root, as far as anybody can tell from inside."""
    ordinary = ["unshare", "--user", "--map-user=1"] if IS_ROOT else []
    argv = [*ordinary, sys.executable, "-c", TWICE, str(tmp_path / "pg")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[] True"


def test_a_taken_port_is_named_with_the_servers_own_words(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.start()
    with pytest.raises(ServerError, match=rf"port {postgres.port}[\s\S]*Address already in use"):
        PostgresServer(tmp_path / "other", postgres.port).start()
    with pytest.raises(ServerError, match=rf"port {postgres.port}[\s\S]*address already in use"):
        NatsServer(tmp_path / "nats", postgres.port).start()


def test_nats_starts_again_after_kill_9(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    for _ in range(2):
        server.start()
        server.kill()
        assert not server.is_running()
    server.start()
    server.restart()
    assert server.is_running()
    server.stop()
    assert not server.is_running()


def test_a_reused_pid_is_nobody_of_ours(tmp_path: Path) -> None:
    pidfile = PidFile(tmp_path / "x.pid")
    pidfile.path.write_text(f"{os.getpid()} 1\n")
    assert pidfile.pid() is None
    pidfile.write(os.getpid())
    assert pidfile.pid() == os.getpid()
    pidfile.path.write_text("not a pid")
    assert pidfile.pid() is None


async def test_a_named_postgres_is_used_and_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    postgres.start()
    state = State(tmp_path / "state")
    state.prepare()
    (state.home / "ports.json").write_text('{"postgres": 1}')
    monkeypatch.setenv("JIANZHEN_POSTGRES_URL", postgres.superuser_url())
    remember(state)
    monkeypatch.delenv("JIANZHEN_POSTGRES_URL")
    plan = Plan(state)
    plan.postgres.start()
    await asyncio.to_thread(prepare, plan)
    reader = await asyncpg.connect(plan.database_url("credit", "reader"))
    assert await reader.fetchval("SELECT current_user") == "credit_reader"
    await reader.close()
    plan.postgres.stop()
    assert postgres.is_running()
    postgres.stop()
    with pytest.raises(ServerError, match=rf"no PostgreSQL answers at 127.0.0.1:{postgres.port}"):
        Plan(state).postgres.start()
