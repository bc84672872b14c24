"""The last lock on the audit, as the reader role itself: who sees which rows, and what a page costs."""

import importlib
import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from gateway.flows.ledger import Entry, Ledger
from gateway.queries import AuditFilter, Looked, audit_page, looked_at
from kit.db import Database
from policy import EVERYTHING, NOTHING, Reach
from policy.lock import PARTS
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from uuid_utils import uuid7

USCC, OTHER = "91131000MA0000001X", "91131000MA0000002Y"
SINCE = datetime(2026, 8, 1, tzinfo=UTC)
# AUDIT_ROWS=200000 pytest -s shows the plans of a large one.
ROWS = int(os.environ.get("AUDIT_ROWS", "10000"))
MANY = """
INSERT INTO audit (at, request_id, subject, principal, dept, region, uscc, address, service, method, path,
                   refs, permission, kind, unit, status, reason, times, policy_version, chain, number, digest)
SELECT '2026-08-01'::timestamptz + n * interval '30 seconds', gen_random_uuid(), 'user-' || n % 500, 'p',
       CASE WHEN n % 11 = 0 THEN 'water' ELSE 'ee' END, (131000 + n % 40)::text, NULL, '10.0.0.1', 'ingest',
       'GET', '/x', CASE WHEN n % 3 = 0 THEN ARRAY[]::text[] ELSE ARRAY['mn=A' || n % 5000] END,
       'raw:read', 'raw', CASE WHEN n % 1000 = 1 THEN 'unit-' || n % 7000 END,
       CASE WHEN n % 10 = 9 THEN 403 ELSE 200 END, 'granted',
       1, 'v', '00000000-0000-0000-0000-000000000001', n, 'x' FROM generate_series(1, $1::int) AS n
"""


@pytest.fixture
async def database(service_database) -> Database:
    return await service_database("gateway")


def read(*refs: str, **more: Any) -> Entry:
    fields = {
        "at": datetime.now(UTC),
        "request_id": uuid7(),
        "subject": "a person",
        "principal": "ee/data.read@131000",
        "dept": "ee",
        "region": "131000",
        "client": None,
        "address": "10.0.0.1",
        "service": "ingest",
        "method": "GET",
        "path": "/x",
        "refs": refs,
        "permission": "raw:read",
        "kind": "raw",
        "status": 200,
        "reason": "granted",
        "policy_version": "v",
    }
    return Entry(**fields | more)


async def note(database: Database, *entries: Entry) -> None:
    ledger = Ledger(database)
    for entry in entries:
        ledger.allow(entry)
    await ledger.flush(is_last=True)


async def looks(database: Database, reach: Reach, refs: Sequence[str] = (), regions: Sequence[str] = ()):
    """Ids and `names_you`, as the reader that forgot every clause of its own gets them."""
    async with database.reader(reach=reach) as session:
        asked = looked_at(Looked(list(refs), list(regions)), SINCE, None, 100)
        return [(row.id, row.names_you) for row in await session.execute(asked)]


async def count(database: Database, reach: Reach) -> int | None:
    async with database.reader(reach=reach) as session:
        return await session.scalar(text("SELECT count(*) FROM audit"))


async def test_an_auditor_sees_the_whole_and_nobody_else_a_row(database) -> None:
    await note(database, read("mn=A1"), read(unit=USCC), read(region="131100"))
    assert await count(database, EVERYTHING) == 3
    widest = Reach(**dict.fromkeys(PARTS, "131000") | {"all": "", "uscc": USCC, "permission": "audit:read"})
    for reach in (NOTHING, Reach(uscc=USCC), widest):
        assert await count(database, reach) == 0
        async with database.reader(reach=reach) as session:
            for function, wanted in (("audit_naming", "mn=A1"), ("audit_under", "g")):
                found = await session.execute(text(f"SELECT {function}('{wanted}')"))
                assert found.all() == []


async def test_a_unit_sees_what_was_looked_at_of_its_own(database) -> None:
    await note(
        database,
        read("mn=A1"),
        read("mn=B9", unit=OTHER),
        read(unit=USCC),  # 3
        read("mn=A1", unit=USCC, uscc=USCC),  # its own look
        read("mn=A1", status=403),
        read("mn=A1", kind=None),
        read("mn=A1", method="POST"),
        read("code=S1", "mn=A1", unit=USCC),  # 8: named in two ways, told once
        read(),  # 9: a list of its region
        read(region="131100"),
        read(region="131100", grants=("g",), beyond=("131000",)),  # 11: lent to its region
    )
    mine = Reach(uscc=USCC)
    held = ["mn=A1", "code=S1"]
    assert await looks(database, mine, held, ["131000"]) == [
        (11, False), (9, False), (8, True), (3, True), (1, True),
    ]  # fmt: skip
    # Told no organisation, nothing is found, whatever is asked; what is the person's is in no column.
    for reach in (NOTHING, Reach(regions="131000", dept="ee"), EVERYTHING):
        assert await looks(database, reach, held, ["131000"]) == []
    assert await looks(database, Reach(uscc=OTHER)) == [(2, True)]
    async with database.reader(reach=mine) as session:
        (first, *_) = (await session.execute(looked_at(Looked(held, []), SINCE, None, 1))).mappings()
    assert set(first) == {"id", "at", "dept", "region", "permission", "kind", "purpose", "names_you"}


async def test_who_is_no_reader_may_ask_none_of_it(database) -> None:
    for call in ("audit_naming('x')", "audit_under('x')", "audit_looks('{}', '{}', now(), 1, '{}', '{}', 1)"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(f"SELECT {call}"))


def literal(query: Any) -> str:
    return str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes(part))]


def show(what: str, plan: dict[str, Any]) -> None:
    if "AUDIT_ROWS" in os.environ:
        steps = [(node["Node Type"], node.get("Index Name"), node["Actual Rows"]) for node in nodes(plan)]
        lines = [f"{what}: {plan['Actual Total Time']} ms, {read_blocks(plan)} blocks", *map(str, steps)]
        sys.stderr.write("\n  ".join(lines) + "\n")


def read_blocks(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def planned(database: Database, query: str, reach: Reach) -> dict[str, Any]:
    async with database.reader(reach=reach) as session:
        asked = text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}".replace(":", r"\:"))
        found = (await session.execute(asked)).scalar_one()[0]["Plan"]
    show(query[query.index("WHERE") :] if "WHERE" in query else "all", found)
    return dict(found)


async def test_a_page_of_a_large_audit_is_read_by_index(database) -> None:
    owner = await asyncpg.connect(database.superuser_url)
    await owner.execute(MANY, ROWS)
    await owner.execute("ANALYZE audit")
    await owner.close()
    middle = ROWS // 2
    for wanted in (
        AuditFilter(),
        AuditFilter(cursor=middle),
        AuditFilter(dept="water", cursor=middle),
        AuditFilter(subject="user-7"),
        AuditFilter(refused=True, cursor=middle),
    ):
        plan = await planned(database, literal(audit_page(wanted, 100)), EVERYTHING)
        # A policy that compares has the whole table read and sorted for a page.
        kinds = {node["Node Type"]: node["Actual Rows"] for node in nodes(plan)}
        assert "Seq Scan" not in kinds, (wanted, plan)
        assert kinds.get("Sort", 0) < ROWS / 100, (wanted, plan)
        assert read_blocks(plan) < 1_500, (wanted, plan)
    named = await planned(database, literal(audit_page(AuditFilter(ref="mn=A7"), 100)), EVERYTHING)
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(named)}
    assert max(node["Actual Rows"] for node in nodes(named)) < 1_000


async def test_a_page_of_who_looked_is_read_by_its_own_indexes(database) -> None:
    """The body of the function, which as a function hides how it is answered."""
    body = importlib.import_module("gateway.migrations.versions.0006_locked_audit").LOOKS.split("$$")[1]
    for number, name in enumerate(("held", "lies_in", "since", "before", "not_by", "not_of", "most"), 1):
        body = re.sub(rf"\b{name}\b", f"${number}", body)
    owner = await asyncpg.connect(database.superuser_url)
    await owner.execute(MANY, ROWS)
    await owner.execute("ANALYZE audit")
    await owner.execute("SET plan_cache_mode = force_generic_plan")
    await owner.execute("SET jianzhen.reach_uscc = 'unit-1'")
    await owner.execute(
        f"PREPARE looks (text[], text[], timestamptz, bigint, text[], text[], integer) AS {body}"
    )
    held = [f"mn=A{number}" for number in range(1, 200, 7)]
    asked = (
        f"ARRAY{held}, ARRAY['131000', '131001'], '2026-08-01', {ROWS // 2}, '{{police}}', '{{case}}', 101"
    )
    found = await owner.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE looks ({asked})")
    await owner.close()
    plan = json.loads(found)[0]["Plan"]
    show("who looked", plan)
    indexes = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
    assert indexes == {"ix_audit_unit_id", "ix_audit_refs", "ix_audit_region_id", "ix_audit_lent", "pk_audit"}
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}
    assert read_blocks(plan) < 1_500
