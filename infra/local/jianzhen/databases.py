"""The databases of a local run and who may log in to them: per service an owner, a migrator, a writer, a
reader.

Promises: safe to repeat; passwords follow the secrets; nobody but the service's own roles may connect.
Leaves tables and grants to each service's migrations, which the migrator runs as the owner.
"""

import asyncio
import subprocess
import sys

import asyncpg

from jianzhen.plan import Plan
from jianzhen.state import DATABASES, ROOT, Refused

LOGINS = {"migrator": "", "writer": " BYPASSRLS", "reader": ""}


async def create(plan: Plan) -> None:
    """Make what is missing; the connection is the superuser's, on loopback."""
    connection = await asyncpg.connect(plan.postgres.superuser_url())
    try:
        roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        present = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for service in DATABASES:
            await _roles(connection, plan, service, roles)
            if service not in present:
                await connection.execute(f"CREATE DATABASE {service} OWNER {service}_owner")
            logins = ", ".join(f"{service}_{role}" for role in LOGINS)
            await connection.execute(f"REVOKE ALL ON DATABASE {service} FROM PUBLIC")
            await connection.execute(f"GRANT CONNECT ON DATABASE {service} TO {logins}")
    finally:
        await connection.close()


async def _roles(
    connection: "asyncpg.Connection[asyncpg.Record]", plan: Plan, service: str, known: set[str]
) -> None:
    if f"{service}_owner" not in known:
        await connection.execute(f"CREATE ROLE {service}_owner NOLOGIN")
    for role, attributes in LOGINS.items():
        verb = "ALTER" if f"{service}_{role}" in known else "CREATE"
        password = plan.state.secret(f"{service}_{role}")
        await connection.execute(f"{verb} ROLE {service}_{role} LOGIN PASSWORD '{password}'{attributes}")
    await connection.execute(f"GRANT {service}_owner TO {service}_migrator")


def has_migrations(service: str) -> bool:
    home = ROOT / ("gateway/gateway" if service == "gateway" else f"services/{service}/{service}")
    return (home / "migrations").is_dir()


def migrate(plan: Plan, service: str) -> None:
    """Bring one database to its newest form; Refused with the migration's own words when that fails."""
    url = plan.database_url(service, "migrator")
    done = subprocess.run(
        [sys.executable, "-m", "kit.migrate", service, "--url", url],
        env=plan.mark, capture_output=True, text=True, check=False,
    )  # fmt: skip
    with plan.state.log("migrate").open("a") as log:
        log.write(f"== {service}\n{done.stdout}{done.stderr}")
    if done.returncode:
        raise Refused(f"the database of {service} could not be migrated:\n{done.stderr[-3000:]}", code=3)


def create_all(plan: Plan) -> None:
    asyncio.run(create(plan))
