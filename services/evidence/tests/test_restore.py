"""After a restore, of database or files: caught up, made again, or stopped; never signed over a fork."""

import base64
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from evidence.flows.identity import Diverged
from evidence.settings import Settings
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ServiceDatabase
from log_scene import NOW, append, ask, checkpoint_in, entry, root_of, root_of_files, running

Settle = Callable[..., Settings]
TABLES = ("entries", "sequence", "checkpoint")
OTHER = base64.b64encode(bytes(32)).decode()


async def backup(database: FreshDatabase) -> dict[str, list[asyncpg.Record]]:
    return {table: await ask(database, f"SELECT * FROM {table}") for table in TABLES}


async def restore(rows: dict[str, list[asyncpg.Record]], into: FreshDatabase) -> None:
    """As an administrator with a dump: over whatever the roles and triggers forbid."""
    connection = await asyncpg.connect(into.superuser_url)
    await connection.execute("SET session_replication_role = replica")
    for table, found in rows.items():
        await connection.execute(f"DELETE FROM {table}")
        if found:
            await connection.copy_records_to_table(table, records=[tuple(row) for row in found])
    await connection.close()


async def grown(database: FreshDatabase, settings: Settings, numbers: range) -> None:
    await append(database, numbers)
    async with running(database, settings) as log:
        await log.step(NOW)


@pytest.mark.parametrize("then", [0, 1, 256, 300])
async def test_an_older_database_is_caught_up_from_the_published_bundles(
    then: int, database: FreshDatabase, service_database: ServiceDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    await grown(database, settings, range(then))
    dump = await backup(database)
    await grown(database, settings, range(then, 600))
    older = await service_database("evidence")
    await restore(dump, older)
    told = settings.model_copy(update={"writer_url": older.writer_url})
    async with running(older, told) as log:
        assert checkpoint_in(settings.store).size == 600
        await append(older, range(then, 650))  # the bus tells again what the older cursor has not heard
        await log.step(NOW)
    root, entries = root_of_files(settings.store)
    assert (len(entries), root) == (650, root_of(range(650)))
    assert await ask(older, "SELECT count(*) FROM entries") == [(650,)]


async def test_files_older_than_the_database_are_caught_up(
    database: FreshDatabase, settings_of: Settle, tmp_path: Path
) -> None:
    settings = settings_of()
    await grown(database, settings, range(300))
    old = (Path(settings.store) / "checkpoint").read_bytes()
    await grown(database, settings, range(300, 513))
    (Path(settings.store) / "checkpoint").write_bytes(old)
    async with running(database, settings):
        assert root_of_files(settings.store)[0] == root_of(range(513))
    async with running(database, settings_of(store=str(tmp_path / "empty"))):
        assert root_of_files(tmp_path / "empty")[0] == root_of(range(513))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def stops(database: FreshDatabase, settings: Settings, why: str) -> None:
    """The log does not open, says why and what to do, and changes nothing."""
    published = contents(Path(settings.store))
    kept = await backup(database)
    with pytest.raises(Diverged, match=why) as raised:
        async with running(database, settings):
            pass
    assert "Nothing was signed" in str(raised.value) and "EVIDENCE_ORIGIN" in str(raised.value)
    assert contents(Path(settings.store)) == published
    assert await backup(database) == kept


async def test_an_older_database_that_went_on_without_the_files_stops(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    await grown(database, settings, range(300))
    dump = await backup(database)
    await grown(database, settings, range(300, 600))
    await restore(dump, database)
    await append(database, range(9000, 9010))
    await stops(database, settings, "other entries")


async def test_another_history_of_any_size_stops(
    database: FreshDatabase, service_database: ServiceDatabase, settings_of: Settle, tmp_path: Path
) -> None:
    settings = settings_of()
    await grown(database, settings, range(300))
    for size in (200, 300, 400):
        other = await service_database("evidence")
        elsewhere = settings_of(store=str(tmp_path / f"other-{size}"))
        await grown(other, elsewhere, range(5000, 5000 + size))
        await stops(other, settings, "tree|entries|root")
    # Nor is a damaged tile made again from a database that is not this log's.
    flip(Path(settings.store) / "tile/0/001.p/44")
    await stops(other, settings, "root")


async def test_another_key_or_name_stops(database: FreshDatabase, settings_of: Settle) -> None:
    await grown(database, settings_of(), range(3))
    await stops(database, settings_of(key=OTHER), "not signed with this key")
    await stops(database, settings_of(origin="other.example/log"), "not signed with this key")


async def test_an_entry_changed_in_the_database_stops_the_log_that_signed_it(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    await grown(database, settings, range(300))
    connection = await asyncpg.connect(database.superuser_url)
    await connection.execute("UPDATE entries SET entry = $1 WHERE position = 299", entry(7777))
    await connection.close()
    await stops(database, settings, "newest entries")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damaged", ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
async def test_a_damaged_file_on_the_edge_is_made_again(
    damaged: str, database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    await grown(database, settings, range(300))
    for spoil in (flip, Path.unlink):
        spoil(Path(settings.store) / damaged)
        async with running(database, settings):
            assert root_of_files(settings.store)[0] == root_of(range(300))


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_narrower_tiles_go_when_the_full_one_is_there(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    await grown(database, settings, range(200))
    assert (Path(settings.store) / "tile/0/000.p/200").exists()
    await grown(database, settings, range(200, 300))
    assert files_of(Path(settings.store)) == [
        "checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000",
        "tile/entries/001.p/44",
    ]  # fmt: skip
