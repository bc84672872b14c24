"""The databases of a local run: roles and passwords from the secrets, tables from each service's migrations.

Promises: safe to repeat. Leaves what a role is and may do to `kit.migrate` and the migrations.
"""

import asyncio
import traceback

from kit.migrate import create_roles, upgrade
from kit.roles import LOGINS

from jianzhen.plan import Plan
from jianzhen.state import DATABASES, Refused


async def _prepare(plan: Plan, service: str) -> None:
    passwords = {role: plan.state.secret(f"{service}_{role}") for role in LOGINS}
    await create_roles(plan.postgres.superuser_url(), service, passwords)
    await upgrade(service, plan.database_url(service, "migrator"))


def prepare(plan: Plan) -> None:
    """Make and migrate every database, one by one (Alembic's context is one); Refused says which failed."""
    for service in DATABASES:
        try:
            asyncio.run(_prepare(plan, service))
        except Exception as error:
            with plan.state.log("migrate").open("a") as log:
                traceback.print_exc(file=log)
            why = str(getattr(error, "orig", error)).splitlines()[0]
            message = f"the database of {service} could not be migrated: {why}\n(all of it: {log.name})"
            raise Refused(message, code=3) from None
