"""One Alembic environment for all services, and the roles it runs under.

Promises: kit's tables come first, in a history of their own, so that both histories stay linear; a
migration waits at most 4 s for a lock and 5 s for a statement; everything is owned by `<service>_owner`, as
which nobody can log in; runtime roles get what a migration grants and nothing else.

Run: `python -m kit.migrate qc --url postgresql://qc_migrator:…@host/qc`
"""

import argparse
import asyncio
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command, context, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from policy import lock as rows
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from kit.roles import LOGINS
from kit.settings import SECRETS

KIT = Path(__file__).parent / "migrations"
KIT_TABLES = {"outbox", "outbox_heads", "cursors", "parked", "kit_version", "service_version"}
NOT_OURS = "SELECT inhrelid::regclass::text FROM pg_inherits"


def grant(table: str, *, writer: str = "", reader: str = "") -> None:
    """Inside a migration: `grant("verdicts", writer="SELECT, INSERT", reader="SELECT")`."""
    service = context.config.attributes["service"]
    for role, rights in (("writer", writer), ("reader", reader)):
        if rights:
            op.execute(f'GRANT {rights} ON {table} TO "{service}_{role}"')


def lock(table: str, *conditions: str) -> None:
    """Inside a migration, the reader sees rows within reach: `lock("cases", condition(region="region"))`."""
    for statement in rows.statements(table, f"{context.config.attributes['service']}_reader", *conditions):
        op.execute(statement)


def _upgrade(connection: Connection, service: str, versions: Path, version_table: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(KIT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, service=service, version_table=version_table)
    command.upgrade(config, "head")


async def upgrade(service: str, url: str) -> None:
    """Brings the database at `url` (as the migrator) to the newest version. Twice changes nothing."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    package = importlib.import_module(service).__file__
    assert package is not None
    async with engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(hashtext('jianzhen.migrate'), 0)"))
        await connection.execute(text("SET lock_timeout = '4s'"))
        await connection.execute(text("SET statement_timeout = '5s'"))
        await connection.execute(text(f'SET ROLE "{service}_owner"'))
        await connection.commit()
        await connection.run_sync(_upgrade, service, KIT / "versions", "kit_version")
        versions = Path(package).parent / "migrations" / "versions"
        if versions.is_dir():
            await connection.run_sync(_upgrade, service, versions, "service_version")
    await engine.dispose()


async def create_roles(
    superuser_url: str, service: str, passwords: Mapping[str, str], database: str | None = None
) -> None:
    """Makes the database (named like the service unless told) and its four roles; again only sets passwords.

    `passwords` has the keys migrator, writer, reader. Roles are shared by all databases of the server.
    """
    name = database or service
    connection = await asyncpg.connect(superuser_url)
    await _role(connection, f"{service}_owner", "NOLOGIN")
    for kind, extra in LOGINS.items():
        await _role(connection, f"{service}_{kind}", f"LOGIN {extra} PASSWORD {_literal(passwords[kind])}")
    await connection.execute(f'GRANT "{service}_owner" TO "{service}_migrator"')
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        await connection.execute(f'CREATE DATABASE "{name}" OWNER "{service}_owner" TEMPLATE template0')
    roles = ", ".join(f'"{service}_{kind}"' for kind in LOGINS)
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    await connection.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO {roles}')
    await connection.close()
    inside = await asyncpg.connect(superuser_url, database=name)
    await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    await inside.execute(f"GRANT USAGE ON SCHEMA public TO {roles}")
    await inside.close()


async def _role(connection: asyncpg.Connection, name: str, options: str) -> None:
    exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name)
    await connection.execute(f'{"ALTER" if exists else "CREATE"} ROLE "{name}" {options}')


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _differences(connection: Connection, service: str) -> list[Any]:
    wanted = importlib.import_module(f"{service}.tables").Base.metadata
    partitions = set(connection.execute(text(NOT_OURS)).scalars())

    def ours(name: str | None, kind: str, _: Any) -> bool:
        return kind != "table" or name not in partitions | KIT_TABLES

    options = {"include_name": ours, "compare_server_default": False}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), wanted))


async def differences(service: str, url: str) -> list[Any]:
    """What the migrated database and `<service>.tables` disagree about; a test asserts that it is empty."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(_differences, service)
    await engine.dispose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kit.migrate", description=__doc__)
    parser.add_argument("service")
    parser.add_argument("--url", default=os.environ.get("MIGRATOR_URL"), help="the migrator's database URL")
    given = parser.parse_args()
    secret = SECRETS / f"{given.service}_migrator_url"
    url = given.url or (secret.read_text().strip() if secret.is_file() else None)
    if url is None:
        parser.error(f"--url, MIGRATOR_URL or {secret} is required")
    asyncio.run(upgrade(given.service, url))


if __name__ == "__main__":
    main()
