"""What the last lock costs: the plans of list routes, as the reader and as a superuser without the lock."""

from typing import Any

import asyncpg
import pytest
from kit.db import Database
from locked_rows import COLUMNS, literal, value
from policy import Reach
from sqlalchemy import text

ROWS = 20_000
REGIONS = "131000,131001,131002,131003"
ASKED = Reach(regions=REGIONS)
IN_REGIONS = "region IN ('131000', '131001', '131002', '131003')"
# Service, table, its numbered columns, how a list route asks it, and how far the asker sees.
LISTS = [
    ("cases", "leads", f"SELECT * FROM leads WHERE {IN_REGIONS} ORDER BY lead_id DESC LIMIT 100", ASKED),
    ("cases", "cases", f"SELECT * FROM cases WHERE {IN_REGIONS} ORDER BY case_id DESC LIMIT 100", ASKED),
    ("cases", "case_steps", "SELECT * FROM case_steps WHERE lead_id = {key} ORDER BY step_id", ASKED),
    ("qc", "alarms", f"SELECT * FROM alarms WHERE {IN_REGIONS} ORDER BY alarm_id DESC LIMIT 100", ASKED),
    (
        "qc",
        "suspicions",
        f"SELECT * FROM suspicions WHERE {IN_REGIONS} ORDER BY suspicion_id DESC LIMIT 100",
        ASKED,
    ),
    (
        "ingest",
        "registry_records",
        f"SELECT * FROM registry_records WHERE kind = 'kind-0' AND {IN_REGIONS} ORDER BY code LIMIT 100",
        ASKED,
    ),
    ("credit", "bans", f"SELECT * FROM bans WHERE {IN_REGIONS} ORDER BY ban_id DESC LIMIT 100", ASKED),
    (
        "publish",
        "releases",
        f"SELECT * FROM releases WHERE {IN_REGIONS} ORDER BY from_at DESC, id DESC LIMIT 100",
        ASKED,
    ),
]


async def plant_many(superuser_url: str, table: str) -> None:
    """Many rows, the last of which are of the asker's region: a plan that reads all of them is seen."""
    connection = await asyncpg.connect(superuser_url)
    await connection.execute("SET session_replication_role = replica")
    parts = [] if table != "case_steps" else ["leads"]
    for name in [*parts, table]:
        columns = [row for row in await connection.fetch(COLUMNS, name) if row["is_needed"]]
        cells = ", ".join(many(row) for row in columns)
        names = ", ".join(row["attname"] for row in columns)
        await connection.execute(
            f"INSERT INTO {name} ({names}) OVERRIDING SYSTEM VALUE "
            f"SELECT {cells} FROM generate_series(1, {ROWS}) AS n"
        )
        await connection.execute(f"ANALYZE {name}")
    await connection.close()


def many(column: asyncpg.Record) -> str:
    name, kind = column["attname"], column["type"]
    if name == "region":
        return "CASE WHEN n % 50 = 0 THEN '131000' ELSE (200000 + n % 90)::text END"
    if name == "kind":
        return "'kind-' || n % 20"
    if kind == "uuid":
        return "lpad(to_hex(n), 32, '0')::uuid"
    if kind == "text":
        return "'t' || n"
    if kind in {"bigint", "integer"}:
        return "n"
    if kind == "timestamp with time zone":
        return "'2026-11-21'::timestamptz + n * interval '1 minute'"
    return literal(value(column, "131000"))


def scanned(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """How each table of a plan is read."""
    found = {(plan["Relation Name"], plan["Node Type"])} if "Relation Name" in plan else set()
    return found.union(*(scanned(part) for part in plan.get("Plans", ())))


@pytest.mark.parametrize(("service", "table", "query", "reach"), LISTS)
async def test_a_list_is_read_by_index_behind_the_lock_as_without_it(
    service_database, service, table, query, reach
) -> None:
    database = await service_database(service)
    await plant_many(database.superuser_url, table)
    asked = query.format(key="'00000000-0000-0000-0000-000000000032'")
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {asked}"
    free = Database(database.superuser_url, database.superuser_url, 3)
    plans = []
    for one in (free, database):
        async with one.reader(reach=reach) as session:
            plans.append((await session.execute(text(explain))).scalar_one()[0])
    await free.close()
    before, behind = (scanned(plan["Plan"]) for plan in plans)
    assert {name for name, node in before if node == "Seq Scan"} == set(), before
    assert {name for name, node in behind if node == "Seq Scan"} == set(), plans[1]
