"""The tables are what the migration makes, and what was received cannot be changed by those who run."""

import asyncpg
import pytest
from kit import migrate
from kit.testing.databases import FreshDatabase

EVIDENCE = ("submissions", "raw_bytes", "refused_rows", "observations", "revisions", "ingest_findings")


async def test_the_declared_tables_are_the_migrated_ones(database: FreshDatabase) -> None:
    assert await migrate.differences("ingest", database.migrator_url) == []


@pytest.mark.parametrize("role", ["writer", "reader"])
@pytest.mark.parametrize("table", EVIDENCE)
async def test_no_runtime_role_can_change_what_was_received(
    database: FreshDatabase, role: str, table: str
) -> None:
    connection = await asyncpg.connect(database.writer_url if role == "writer" else database.reader_url)
    try:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"DROP TABLE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        column = await _first_column(database, table)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE {table} SET {column} = {column}")
    finally:
        await connection.close()


async def _first_column(database: FreshDatabase, table: str) -> str:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        query = "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum = 1"
        return str(await connection.fetchval(query, table))
    finally:
        await connection.close()


async def test_the_writer_cannot_read_evidence_nor_touch_a_month(database: FreshDatabase) -> None:
    connection = await asyncpg.connect(database.writer_url)
    try:
        await connection.execute("SELECT ensure_month('2026-11-21')")
        await connection.execute("SELECT ensure_month('2026-11-01')")
        for statement in (
            "SELECT * FROM observations",
            "SELECT * FROM raw_bytes",
            "DROP TABLE observations_by_month.observations_2026_11",
            "ALTER TABLE observations DETACH PARTITION observations_by_month.observations_2026_11",
            "DELETE FROM observations_by_month.observations_2026_11",
            "CREATE TABLE observations_by_month.mine (a int)",
            "SET ROLE ingest_owner",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_reader_sees_nothing_without_saying_who_asks(database: FreshDatabase) -> None:
    connection = await asyncpg.connect(database.reader_url)
    try:
        for view in ("visible_observations", "submissions", "raw_bytes", "visible_series", "ingest_findings"):
            assert await connection.fetch(f"SELECT * FROM {view}") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM observations")
    finally:
        await connection.close()
