"""The migrated database is what the tables declare, and its history cannot be rewritten at run time."""

import pytest
from kit.migrate import differences
from kit.testing.plugin import ServiceDatabase
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


async def test_the_migrations_make_what_the_tables_declare(service_database: ServiceDatabase) -> None:
    database = await service_database("credit")
    assert await differences("credit", database.migrator_url) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE listing_steps SET reason_zh = ''", "DELETE FROM listing_steps"]
)
async def test_no_runtime_role_can_rewrite_the_history(
    service_database: ServiceDatabase, statement: str
) -> None:
    database = await service_database("credit")
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.writer() as session:
            await session.execute(text(statement))
