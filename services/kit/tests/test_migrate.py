"""Migrations and roles on a real PostgreSQL."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from kit import migrate
from kit.testing.databases import Databases
from kit.testing.plugin import ServiceDatabase


async def test_migrated_tables_are_the_declared_ones(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    assert await migrate.differences("probe", database.migrator_url) == []


async def test_a_second_upgrade_changes_nothing(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    await migrate.upgrade("probe", database.migrator_url)
    assert await migrate.differences("probe", database.migrator_url) == []


async def test_a_difference_is_found(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    owner = await asyncpg.connect(database.superuser_url)
    await owner.execute("ALTER TABLE effects ADD COLUMN surprise text")
    await owner.close()
    assert await migrate.differences("probe", database.migrator_url) != []


async def test_roles_may_do_what_was_granted_and_no_more(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    writer = await asyncpg.connect(database.writer_url)
    await writer.execute("INSERT INTO effects (key, n) VALUES ('a', 1)")
    for refused in (
        "DELETE FROM effects",
        "UPDATE outbox SET data = ''",
        "DROP TABLE effects",
        "CREATE TABLE t ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await writer.execute(refused)
    await writer.close()
    reader = await asyncpg.connect(database.reader_url)
    assert await reader.fetchval("SELECT n FROM effects") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("INSERT INTO effects (key, n) VALUES ('b', 1)")
    owner = await reader.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'effects'")
    await reader.close()
    assert owner == "probe_owner"
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(database.writer_url.replace("probe_writer", "probe_owner"))


async def test_a_migration_gives_up_on_a_lock_after_four_seconds(databases: Databases) -> None:
    url = await databases.empty("probe", "probe_locked")
    other = await asyncpg.connect(databases.server.superuser_url("probe_locked"))
    await other.execute("CREATE TABLE kit_version (version_num varchar(32) PRIMARY KEY)")
    await other.execute("ALTER TABLE kit_version OWNER TO probe_owner")
    transaction = other.transaction()
    await transaction.start()
    await other.execute("LOCK TABLE kit_version")
    with pytest.raises(Exception, match=r"lock timeout"):
        await migrate.upgrade("probe", url)
    await transaction.rollback()
    await other.close()


async def test_the_command_finds_the_migrators_url_in_its_secret(
    service_database: ServiceDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await service_database("probe")
    (tmp_path / "probe_migrator_url").write_text(f"{database.migrator_url}\n")
    monkeypatch.setattr(migrate, "SECRETS", tmp_path)
    monkeypatch.delenv("MIGRATOR_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["kit.migrate", "probe"])
    await asyncio.to_thread(migrate.main)
    monkeypatch.setattr("sys.argv", ["kit.migrate", "elsewhere"])
    with pytest.raises(SystemExit):
        migrate.main()
