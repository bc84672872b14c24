"""A secret that changes in its file while the service runs: at the store, on the bus, in the settings."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from kit import link as links
from kit import nkeys
from kit import settings as kit_settings
from kit.db import Database, session_of
from kit.link import Link
from kit.servers import NatsServer
from kit.settings import Rotating, ServiceSettings
from nats.errors import Error as NatsError
from pydantic import SecretStr
from sqlalchemy import text

USER = '{{nkey: {key}, permissions: {{publish: [">"], subscribe: ["_INBOX_qc.>"]}}}}'
FIRST, SECOND, THIRD = (nkeys.new_seed() for _ in range(3))
BUSY = "SELECT pg_backend_pid()"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kit_settings, "SECRETS", tmp_path)
    monkeypatch.setattr(kit_settings, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(links, "FRESH_SECONDS", 0.05)
    return tmp_path


def told(**values: str) -> ServiceSettings:
    return ServiceSettings.model_construct(**{name: SecretStr(value) for name, value in values.items()})


def test_the_file_is_read_again_and_what_it_announces_comes_second(folder: Path) -> None:
    (folder / "nats_seed").write_text("old\n")
    password = Rotating(told(nats_seed="old"), "nats_seed")
    assert password() == ("old",)
    (folder / "nats_seed_next").write_text("new")
    assert password() == ("old", "new")
    (folder / "nats_seed").write_text("new")
    (folder / "nats_seed_next").unlink()
    assert password() == ("new",)
    # Between two versions of a mounted folder there is none: the last one holds.
    (folder / "nats_seed").unlink()
    assert password() == ("new",)


def test_what_came_by_the_environment_is_for_good(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_SEED", "mine")
    (folder / "nats_seed").write_text("other")
    assert Rotating(told(nats_seed="mine"), "nats_seed")() == ("mine",)
    assert Rotating(told(nats_seed="mine"), "client_key")() == ("",)


async def test_sessions_follow_a_password_and_nobody_is_refused(service_database) -> None:
    database = await service_database("probe")
    old, role = database.writer_url, "probe_writer"
    new = old.replace(f"{role}:", f"{role}:x")
    password = new.partition(f"{role}:")[2].partition("@")[0]
    urls = [old]
    ours = Database(lambda: urls, lambda: [database.reader_url], 3)

    async def at_work() -> int:
        async with ours.writer() as session:
            return int(await session.scalar(text(BUSY)) or 0)

    admin = await asyncpg.connect(database.server.superuser_url(database.name))
    try:
        first = await at_work()
        assert await at_work() == first
        urls[:] = [old, new]
        await admin.execute(f"ALTER ROLE {role} PASSWORD '{password}'")
        # Who holds a session keeps it, who opens one is let in by the password to come.
        assert await at_work() == first
        async with ours.writer() as holding:
            await holding.execute(text(BUSY))
            assert await at_work() != first
        urls[:] = [new]
        # A session of the old password is used for nothing new.
        assert await at_work() != first
        with pytest.raises(asyncpg.InvalidPasswordError):
            await session_of(old)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await session_of(lambda: [old, old])
    finally:
        was = old.partition(f"{role}:")[2].partition("@")[0]
        await admin.execute(f"ALTER ROLE {role} PASSWORD '{was}'")
        await admin.close()
        await ours.close()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats", config=tmp_path / "server.conf")
    admit(server, FIRST)
    server.start()
    yield server
    server.stop()


def admit(server: NatsServer, *seeds: str) -> None:
    assert server.config is not None
    users = ", ".join(USER.format(key=nkeys.public(seed)) for seed in seeds)
    server.config.write_text(f"accounts {{ J {{ jetstream: enabled, users: [{users}] }} }}\n")
    server.pidfile.signal(signal.SIGHUP)


async def until(link: Link, seed: str) -> None:
    async with asyncio.timeout(30):
        while True:
            while not (link.is_connected and link.client.used == seed):
                await asyncio.sleep(0.05)
            # What is asked while the server reads its configuration again may be lost.
            with suppress(NatsError):
                await link.jetstream().account_info()
                return


async def test_the_link_moves_to_its_new_seed_and_comes_back_when_it_was_too_late(
    bus: NatsServer, folder: Path
) -> None:
    now = [FIRST]
    async with Link(bus.url, name="qc", user="qc", seed=lambda: now).running() as link:
        await until(link, FIRST)
        admit(bus, FIRST, SECOND)
        now[0] = SECOND
        await until(link, SECOND)
        moves = link.client.stats["reconnects"]
        admit(bus, SECOND)
        await asyncio.sleep(0.5)
        assert link.is_connected
        assert link.client.stats["reconnects"] == moves
        # Told to go first, and the new one later.
        admit(bus, THIRD)
        async with asyncio.timeout(30):
            while link.is_connected:
                await asyncio.sleep(0.05)
        now[0] = THIRD
        await until(link, THIRD)
        # nats-py gives up for good when it reads the refusal before the end of the line.
        await link.client._process_err("'Authorization Violation'")
        await asyncio.sleep(0.1)
        await until(link, THIRD)


async def test_a_seed_that_was_mistyped_is_told_and_the_next_one_is_taken(
    bus: NatsServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    noting = SimpleNamespace(warning=lambda event, **more: said.append(f"{event} {more}"))
    monkeypatch.setattr(links, "log", noting)
    now = [FIRST[:-1] + ("A" if FIRST[-1] != "A" else "B")]
    async with Link(bus.url, name="qc", user="qc", seed=lambda: now).running() as link:
        async with asyncio.timeout(30):
            while not said:
                await asyncio.sleep(0.05)
        assert not link.is_connected
        now[0] = FIRST
        await until(link, FIRST)
    assert "no seed of a user" in said[0] and now[0] not in "".join(said)
