"""What each role of each database may do, tried for real: as classified by hand in database_tables.yaml.

Every statement is sent by the role itself and touches no row; what must be refused is refused for want of the
privilege and for nothing else. A table that is in no class fails.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from hand_table import SERVICES
from kit.roles import LOGINS
from kit.testing.databases import PASSWORD, Databases

WRITTEN: dict[str, Any] = yaml.load(
    (Path(__file__).parent / "database_tables.yaml").read_text(), Loader=yaml.CSafeLoader
)
RELATIONS = """
SELECT c.oid::regclass::text AS name, c.relkind = 'v' AS is_view, c.relispartition AS is_partition,
       array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.oid ORDER BY 1
"""
# Whatever is not the owner's alone: relations, columns, schemas, functions, types, the database itself.
TO_EVERYBODY = """
SELECT 'relation ' || c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
       aclexplode(c.relacl) a WHERE a.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT 'column ' || t.attrelid::regclass || '.' || t.attname FROM pg_attribute t
  JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(t.attacl) a
  WHERE a.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT 'schema ' || n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a
  WHERE a.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT 'function ' || p.oid::regprocedure FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
  WHERE a.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT 'large object ' || oid FROM pg_largeobject_metadata
"""
DDL = (
    "CREATE TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    'SET ROLE "{service}_owner"',
    'SET ROLE "{service}_migrator"',
    'SET SESSION AUTHORIZATION "{service}_owner"',
    "SET session_replication_role = replica",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "ALTER SYSTEM SET fsync = off",
    'ALTER ROLE "{service}_reader" BYPASSRLS',
    'GRANT "{service}_owner" TO "{service}_reader"',
    "SELECT passwd FROM pg_shadow",
)


def classes(service: str) -> dict[str, tuple[str, list[str] | None]]:
    """The class of each table, and the columns or verbs it names; the tables of kit included."""
    found: dict[str, tuple[str, list[str] | None]] = {}
    for part in ("every service", service):
        for kind, tables in WRITTEN[part].items():
            if kind.startswith("hidden"):
                continue
            for table in tables:
                assert table not in found, f"{service}.{table} is written twice"
                found[table] = (kind, tables[table] if isinstance(tables, dict) else None)
    return found


def allowed(service: str, table: str, columns: list[str]) -> dict[str, set[str]]:
    """What each role may do with a table, as its class says."""
    kind, named = classes(service)[table]
    every = {f"update {column}" for column in columns}
    writer = {
        "record": {"insert"},
        "sealed": {"insert"} | {f"update {column}" for column in named or ()},
        "state": {"insert"} | every,
        "standing": every,
        "passing": set(named or ()) - {"update"} | (every if "update" in (named or ()) else set()),
    }.get(kind, set())
    seen = set() if kind == "nobody" else {"select"}
    hidden = {
        role: table in WRITTEN[service].get(f"hidden from the {role}", ()) for role in ("writer", "reader")
    }
    return {
        "writer": writer | (set() if hidden["writer"] else seen),
        "reader": set() if hidden["reader"] else seen,
    }


def attempts(table: str, columns: list[str]) -> dict[str, str]:
    """Statements that touch no row, by what they would do."""
    tried = {
        "select": f"SELECT FROM {table} WHERE false",
        "insert": f"INSERT INTO {table} SELECT WHERE false",
        "delete": f"DELETE FROM {table} WHERE false",
        "truncate": f"TRUNCATE {table}",
        "drop": f"DROP TABLE {table}",
        "alter": f"ALTER TABLE {table} ADD COLUMN mine int",
        "disable": f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        "open": f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        "index": f"CREATE INDEX mine ON {table} ({columns[0]})",
        "own": f"ALTER TABLE {table} OWNER TO CURRENT_USER",
        "lock": f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT",
    }
    return tried | {
        f"update {column}": f"UPDATE {table} SET {column} = DEFAULT WHERE false" for column in columns
    }


async def may(connection: asyncpg.Connection, statement: str) -> bool:
    """Whether the statement runs; what it did is undone. Refusals of another kind are errors of this test."""
    undone = connection.transaction()
    await undone.start()
    try:
        await connection.execute(statement)
        return True
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await undone.rollback()


async def relations(superuser_url: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(superuser_url)
    found = await connection.fetch(RELATIONS)
    await connection.close()
    return list(found)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_may_do_with_a_table_what_its_class_says_and_no_more(service_database, service) -> None:
    database = await service_database(service)
    found = await relations(database.superuser_url)
    tables = [row for row in found if not row["is_partition"]]
    assert {row["name"] for row in tables} == classes(service).keys(), "classify it in database_tables.yaml"
    wrong = []
    for role, url in (("writer", database.writer_url), ("reader", database.reader_url)):
        connection = await asyncpg.connect(url)
        for row in tables:
            kind = classes(service)[row["name"]][0]
            rights = allowed(service, row["name"], row["columns"])[role]
            # Whoever may change or remove whole rows may also lock the table; single columns are not enough.
            locks = {"lock"} if kind in {"state", "standing", "passing"} and role == "writer" else set()
            for verb, statement in attempts(row["name"], row["columns"]).items():
                if kind == "view" and verb != "select":
                    continue
                if await may(connection, statement) != (verb in rights | locks):
                    wrong.append((role, row["name"], verb, "refused" if verb in rights else "allowed"))
        await connection.close()
    assert not wrong, f"{len(wrong)} wrong, the first: {wrong[:20]}"


@pytest.mark.parametrize("service", SERVICES)
async def test_no_runtime_role_makes_anything_or_becomes_somebody_else(service_database, service) -> None:
    database = await service_database(service)
    done = []
    for role, url in (("writer", database.writer_url), ("reader", database.reader_url)):
        connection = await asyncpg.connect(url)
        for statement in DDL:
            with suppress(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(service=service))
                done.append((role, statement))
        await connection.close()
    assert done == []


@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_is_granted_to_everybody(service_database, service) -> None:
    database = await service_database(service)
    connection = await asyncpg.connect(database.superuser_url)
    found = [row[0] for row in await connection.fetch(TO_EVERYBODY)]
    await connection.close()
    assert found == []


async def test_no_role_of_a_service_enters_the_database_of_another(databases: Databases) -> None:
    """Templates have the grants of `create_roles`; a copy of one has them not, which is PostgreSQL's rule."""
    for service in SERVICES:
        await databases.copy(service)
    entered, refused = [], 0
    for service in SERVICES:
        for kind in LOGINS:
            for other in SERVICES:
                url = databases.server.url(f"{service}_{kind}", PASSWORD, f"template_{other}")
                try:
                    await (await asyncpg.connect(url)).close()
                    entered.append((service, kind, other))
                except asyncpg.InsufficientPrivilegeError:
                    refused += 1
    assert entered == [(service, kind, service) for service in SERVICES for kind in LOGINS]
    assert refused == len(SERVICES) * (len(SERVICES) - 1) * len(LOGINS)


async def test_roles_have_no_power_of_their_own_and_are_members_of_nothing(databases: Databases) -> None:
    for service in SERVICES:
        await databases.copy(service)
    connection = await asyncpg.connect(databases.server.superuser_url())
    roles = await connection.fetch("SELECT * FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' AND NOT rolsuper")
    members = await connection.fetch(
        "SELECT r.rolname AS of, m.rolname AS member FROM pg_auth_members a"
        " JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
    )
    await connection.close()
    mine = [row for row in roles if row["rolname"].rpartition("_")[0] in SERVICES]
    assert len(mine) == 4 * len(SERVICES)
    for row in mine:
        name = row["rolname"]
        kind = name.rpartition("_")[2]
        assert not (row["rolcreaterole"] or row["rolcreatedb"] or row["rolreplication"]), name
        assert row["rolcanlogin"] == (kind != "owner"), name
        # The writer sees what it wrote; it may not select what only readers may see, see the classes above.
        assert row["rolbypassrls"] == (kind == "writer"), name
    found = {(row["of"], row["member"]) for row in members if row["of"].rpartition("_")[0] in SERVICES}
    assert found == {(f"{service}_owner", f"{service}_migrator") for service in SERVICES}
