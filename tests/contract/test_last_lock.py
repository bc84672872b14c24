"""Row security, the last lock: as the reader role itself, with queries that have forgotten every WHERE.

Which tables are locked is written by hand in row_locks.yaml. Rows are made from what the columns say, one for
Langfang (131000) and one for Hengshui (131100), whose codes share a prefix.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from hand_table import SERVICES
from kit.db import Database
from locked_rows import HERE, NEIGHBOUR, NEIGHBOUR_KEY, plant
from policy import NOTHING, Reach
from policy.lock import condition, statements
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

WRITTEN: dict[str, Any] = yaml.load(
    (Path(__file__).parent / "row_locks.yaml").read_text(), Loader=yaml.CSafeLoader
)
ASKER = Reach(regions="131000,131002")
READABLE = """
SELECT c.relname AS name, c.relrowsecurity AS is_locked, c.relkind IN ('v', 'm') AS is_view,
       array(SELECT polname FROM pg_policy WHERE polrelid = c.oid AND (r.oid = ANY (polroles))) AS policies
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_roles r
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
  AND r.rolname = $1 AND (has_table_privilege(r.oid, c.oid, 'SELECT') OR has_any_column_privilege(r.oid, c.oid, 'SELECT'))
"""  # noqa: E501


async def faults(service: str, superuser_url: str) -> list[str]:
    """Tables a reader may select that are in no list, in two, or not as their list says."""
    connection = await asyncpg.connect(superuser_url)
    found = {row["name"]: row for row in await connection.fetch(READABLE, f"{service}_reader")}
    await connection.close()
    parts = [WRITTEN["every service"], WRITTEN[service]]
    locked = {name for part in parts for name in part.get("locked", ())}
    why = {name: said for part in parts for name, said in part["open"].items()}
    told = [f"{name}: in both lists" for name in locked & why.keys()]
    told += [f"{name}: in no list of row_locks.yaml" for name in found.keys() - locked - why.keys()]
    told += [f"{name}: the reader may not select it" for name in (locked | why.keys()) - found.keys()]
    told += [f"{name}: no reason why it is open" for name in why if len(why[name] or "") < 5]
    for name, row in found.items():
        is_locked = row["is_locked"] and bool(row["policies"])
        if is_locked != (name in locked):
            told.append(f"{name}: {'locked' if is_locked else 'every row to every reader'}")
    return sorted(told)


async def seen(database: Database, table: str, reach: Reach) -> list[str]:
    """The regions whose rows a reader gets that asks for everything."""
    async with database.reader(reach=reach) as session:
        rows = [dict(row._mapping) for row in await session.execute(text(f"SELECT * FROM {table}"))]
    return ["neighbour" if NEIGHBOUR in repr(row) or NEIGHBOUR_KEY in repr(row) else "here" for row in rows]


LOCKED = [service for service in SERVICES if WRITTEN[service]["locked"] and service != "ingest"]


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_a_reader_selects_is_locked_or_open_for_a_reason(service_database, service) -> None:
    database = await service_database(service)
    assert await faults(service, database.superuser_url) == []


async def test_a_new_table_of_a_region_without_row_security_fails(service_database) -> None:
    database = await service_database("cases")
    owner = await asyncpg.connect(database.superuser_url)
    await owner.execute(
        "CREATE TABLE visits (visit int, region text); GRANT SELECT ON visits TO cases_reader"
    )
    assert await faults("cases", database.superuser_url) == [
        "visits: in no list of row_locks.yaml",
    ]
    # Written down as locked it fails as well, until its migration locks it.
    WRITTEN["cases"]["locked"].append("visits")
    try:
        assert await faults("cases", database.superuser_url) == ["visits: every row to every reader"]
        for statement in statements("visits", "cases_reader", condition(region="region")):
            await owner.execute(statement)
        assert await faults("cases", database.superuser_url) == []
    finally:
        WRITTEN["cases"]["locked"].remove("visits")
        await owner.close()


@pytest.mark.parametrize("service", LOCKED)
async def test_a_reader_that_forgets_its_where_sees_its_region_and_untold_nothing(
    service_database, service
) -> None:
    database = await service_database(service)
    tables = WRITTEN[service]["locked"]
    await plant(database.superuser_url, tables)
    connection = await asyncpg.connect(database.reader_url)
    untold = {table: len(await connection.fetch(f"SELECT * FROM {table}")) for table in tables}
    await connection.close()
    assert untold == dict.fromkeys(tables, 0)
    assert {table: await seen(database, table, NOTHING) for table in tables} == {
        table: [] for table in tables
    }
    here = [] if service == "gateway" else ["here"]
    alone: dict[str, str] = WRITTEN[service].get("for one right", {})
    assert {table: await seen(database, table, ASKER) for table in alone} == {table: [] for table in alone}

    def asker(table: str, reach: Reach) -> Reach:
        return replace(reach, permission=alone.get(table, ""))

    assert {table: await seen(database, table, asker(table, ASKER)) for table in tables} == dict.fromkeys(
        tables, here
    )
    everything = {
        table: sorted(await seen(database, table, asker(table, Reach(all="yes")))) for table in tables
    }
    assert everything == {table: ["here", "neighbour"] for table in tables}


async def test_ingest_shows_no_row_to_who_is_not_told_and_none_of_a_neighbour(service_database) -> None:
    database = await service_database("ingest")
    await plant(database.superuser_url, tables := ["gaps", "commands", "uploads"])
    setting = "SELECT set_config('jianzhen.region', $1, true)"
    connection = await asyncpg.connect(database.reader_url)
    for region, rows in (("", 0), (HERE, 1), ("131", 0)):
        async with connection.transaction():
            await connection.execute(setting, region)
            found = {table: len(await connection.fetch(f"SELECT * FROM {table}")) for table in tables}
        assert found == dict.fromkeys(tables, rows)
    await connection.close()


async def test_a_record_of_the_register_is_shown_to_its_region_its_parties_and_whom_it_is_addressed_to(
    service_database,
) -> None:
    database = await service_database("ingest")
    await plant(database.superuser_url, ["registry_records"])
    owner = await asyncpg.connect(database.superuser_url)
    await owner.execute("UPDATE registry_records SET region = uscc, dept = NULL")
    await owner.execute(
        "UPDATE registry_records SET dept = 'water', counterpart = 'partner', recipients = '{police@131000}',"
        " is_published = true WHERE region = $1",
        HERE,
    )
    await owner.close()
    found = {
        "nothing": NOTHING,
        "region": ASKER,
        "unit": Reach(uscc=HERE),
        "partner": Reach(uscc="partner"),
        "owner": Reach(dept="water", own_regions=HERE),
        "addressed": Reach(addressed="police@131000"),
        "published": Reach(published="yes"),
        "other unit": Reach(uscc="somebody"),
        "other owner": Reach(dept="agri", own_regions=HERE),
        "other region": Reach(dept="water", own_regions=NEIGHBOUR),
        "other addressee": Reach(addressed="police@131100"),
    }
    seen_by = {name: await seen(database, "registry_records", reach) for name, reach in found.items()}
    sees = {"region", "unit", "partner", "owner", "addressed", "published"}
    assert seen_by == {name: ["here"] if name in sees else [] for name in found}


async def test_pooled_connections_carry_nothing_over(service_database) -> None:
    """Two askers in turn on one connection; also after an aborted and after a cancelled transaction."""
    database = await service_database("cases")
    await plant(database.superuser_url, ["leads"])
    pool = Database(database.writer_url, database.reader_url, pool_size=2)
    there = Reach(regions=NEIGHBOUR)
    try:
        for _ in range(3):
            assert await seen(pool, "leads", ASKER) == ["here"]
            assert await seen(pool, "leads", there) == ["neighbour"]
            assert await seen(pool, "leads", NOTHING) == []
        with pytest.raises(DBAPIError):
            async with pool.reader(reach=Reach(all="yes")) as session:
                await session.execute(text("SELECT 1 / 0"))
        assert await seen(pool, "leads", NOTHING) == []

        async def slow() -> None:
            async with pool.reader(reach=Reach(all="yes")) as session:
                await session.execute(text("SELECT pg_sleep(60)"))

        task = asyncio.create_task(slow())
        await asyncio.sleep(0.3)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await seen(pool, "leads", NOTHING) == []
        assert await seen(pool, "leads", ASKER) == ["here"]
        # And without the kit: what a connection was told goes with its transaction.
        async with pool.lookup() as connection:
            assert await connection.fetch("SELECT * FROM leads") == []
    finally:
        await pool.close()


async def test_a_reader_cannot_lift_the_lock(service_database) -> None:
    database = await service_database("cases")
    await plant(database.superuser_url, ["leads"])
    connection = await asyncpg.connect(database.reader_url)
    for attempt in (
        "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
        "DROP POLICY leads_within_reach ON leads",
        "SET ROLE cases_owner",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(attempt)
    await connection.execute("SET row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM leads")
    await connection.close()
