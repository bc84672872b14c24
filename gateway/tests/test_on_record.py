"""Reads and writes on record: who, what for, of whom; certain before the answer; never changed."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx
import pytest
from gateway.flows import ledger as ledgers
from gateway.flows import sealing
from gateway.flows.ledger import Ledger
from gateway.main import build
from gateway.rules import chain
from gateway.settings import Settings
from gateway.tables import Audit, Seal
from policy import EVERYTHING
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

OFFICER, MONITOR = "ee.enf/case.officer@131000", "ee/data.read@131000"
AUDITOR, UNIT = "ee/auditor@131000", "unit/data.submit@131000"
USCC = "91131000MA0000001X"
RAW = "/api/ingest/devices/A1/bundle?site=131000-A01&from=1"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def database(service_database):
    return await service_database("gateway")


@pytest.fixture
def settings(database, tokens) -> Settings:
    urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
    broker = {"nats_url": "nats://127.0.0.1:1", "nats_user": "gateway", "nats_seed": "x"}
    return Settings(environment="local", port=1, **urls, **broker, **tokens.settings)


@pytest.fixture
async def client(settings, client_for):
    async with client_for(build(settings)) as made:
        yield made


async def ask(client, method: str, uri: str, *headers: dict[str, str]) -> httpx.Response:
    asked = {"X-Forwarded-Method": method, "X-Forwarded-Uri": uri, "X-Forwarded-For": "10.0.0.1"}
    for one in headers:
        asked |= one
    return await client.get("/authorize", headers=asked)


async def stored(database) -> list[Audit]:
    async with database.reader(reach=EVERYTHING) as session:
        return list(await session.scalars(select(Audit).order_by(Audit.id)))


async def test_a_read_on_record_is_stored_before_it_is_answered(client, database, tokens) -> None:
    said = {"X-Purpose": "case", "X-Case": quote("冀廊环立〔2026〕1号")}
    parent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer = await ask(client, "GET", RAW, tokens.bearer(MONITOR, sub="7"), said, parent)
    assert answer.status_code == 200
    (row,) = await stored(database)  # nothing was flushed by hand
    found = (row.subject, row.dept, row.region, row.principal, row.kind, row.purpose, row.case_id)
    assert found == ("7", "ee", "131000", MONITOR, "raw", "case", "冀廊环立〔2026〕1号")
    assert (row.permission, row.route) == ("raw:read", "/devices/{mn}/bundle")
    assert (row.refs, row.trace_id) == (["mn=A1", "site=131000-A01"], TRACE)
    assert answer.headers["traceparent"].split("-")[1] == TRACE
    assert str(row.request_id) == answer.headers["x-request-id"]


async def test_a_case_is_named_by_the_path(client, database, tokens) -> None:
    assert (await ask(client, "GET", "/api/cases/cases/42", tokens.bearer(OFFICER))).status_code == 200
    (row,) = await stored(database)
    assert (row.kind, row.case_id, row.purpose) == ("case", "42", None)


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        ({}, "purpose-missing"),
        ({"X-Purpose": "curiosity"}, "purpose-unknown"),
        ({"X-Purpose": "case"}, "purpose-case-missing"),
        ({"X-Purpose": "case", "X-Case": "' OR 1=1 --"}, "purpose-case-missing"),
    ],
)
async def test_raw_data_of_others_is_not_read_without_a_purpose(client, database, tokens, said, slug) -> None:
    answer = await ask(client, "GET", RAW, tokens.bearer(MONITOR), said)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")
    assert ("X-Purpose" if "case" not in slug else "X-Case") in answer.json()["detail"]
    await client._transport.app.state.ledger.flush()
    (row,) = await stored(database)
    assert (row.status, row.reason) == (422, slug)


async def test_a_purpose_may_stand_in_the_query(client, tokens) -> None:
    answer = await ask(client, "GET", f"{RAW}&purpose=supervision", tokens.bearer(MONITOR))
    assert answer.status_code == 200


async def test_ones_own_data_needs_no_purpose_and_is_on_record(client, database, tokens) -> None:
    answer = await ask(client, "GET", "/api/ingest/submissions/7/raw", tokens.bearer(UNIT, uscc=USCC))
    assert answer.status_code == 200
    await client._transport.app.state.ledger.flush()
    (row,) = await stored(database)
    assert (row.unit, row.uscc, row.kind) == (USCC, USCC, "raw")


async def taken_away(database) -> asyncpg.Connection:
    """A real outage: no connection is accepted and those that are open are cut."""
    admin = await asyncpg.connect(database.server.superuser_url())
    await admin.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS false')
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database.name
    )
    return admin


async def given_back(database, admin: asyncpg.Connection, ledger: Ledger) -> None:
    """And until everything that waited is written."""
    await admin.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS true')
    await admin.close()
    for _ in range(200):
        with suppress(ledgers.Unavailable):
            await ledger.flush()
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the ledger does not find its database again")


async def test_without_its_database_nothing_on_record_is_answered(client, database, tokens) -> None:
    officer, sender = tokens.bearer(OFFICER), tokens.bearer(UNIT, uscc=USCC)
    ledger = client._transport.app.state.ledger
    assert (await ask(client, "GET", "/api/cases/leads", officer)).status_code == 200
    admin = await taken_away(database)
    for method, uri in (("GET", "/leads"), ("GET", "/cases/7"), ("POST", "/leads/7/file")):
        answer = await ask(client, method, f"/api/cases{uri}", officer)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/audit-unavailable")
        assert answer.headers["retry-after"]
    # Ordinary reads, and what may be gathered, go on.
    assert (await ask(client, "GET", "/api/ingest/sites", officer)).status_code == 200
    assert (await ask(client, "POST", "/api/ingest/observations", sender)).status_code == 200
    await given_back(database, admin, ledger)
    assert (await ask(client, "GET", "/api/cases/leads", officer)).status_code == 200
    rows = await stored(database)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert [row.path for row in rows].count("/observations") == 1


async def test_a_store_that_hangs_is_not_waited_for_without_end(database, monkeypatch) -> None:
    ledger = Ledger(database)
    holder = await asyncpg.connect(database.superuser_url)
    lock = holder.transaction()
    await lock.start()
    await holder.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")
    ledger.start()
    with monkeypatch.context() as hasty:
        hasty.setattr(ledgers, "CERTAIN_SECONDS", 0.2)
        with pytest.raises(ledgers.Unavailable):
            await ledger.certain(entry(1))
    await lock.rollback()
    await holder.close()
    await ledger.certain(entry(2))
    await ledger.stop()
    numbers = [row.number for row in await stored(database)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_many_certain_reads_share_few_commits(database) -> None:
    ledger = Ledger(database)
    ledger.start()
    await asyncio.gather(*(ledger.certain(entry(number)) for number in range(500)))
    await ledger.stop()
    async with database.reader(reach=EVERYTHING) as session:
        commits = await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM audit"))
    assert len(await stored(database)) == 500
    assert commits <= 5


async def test_a_batch_written_twice_is_there_once(database) -> None:
    """As after a commit whose answer was lost."""
    ledger = Ledger(database)
    ledger.allow(entry(1))
    batch = ledger._gather()
    await ledger._write(batch)
    ledger._stuck = batch
    ledger.allow(entry(2))
    await ledger.flush()
    assert [row.number for row in await stored(database)] == [1, 2]


def entry(number: int, **more) -> ledgers.Entry:
    fields = {
        "at": datetime.now(UTC),
        "request_id": UUID(int=number),
        "subject": str(number),
        "principal": "p",
        "client": None,
        "address": "a",
        "service": "s",
        "method": "GET",
        "path": "/",
        "permission": "raw:read",
        "status": 200,
        "reason": "granted",
        "policy_version": "v",
        "kind": "raw",
    }
    return ledgers.Entry(**fields | more)


async def faults(database) -> list[chain.Fault]:
    async with database.reader(reach=EVERYTHING) as session:
        rows = list(await session.scalars(select(Audit).where(Audit.chain.is_not(None))))
        seals = list(await session.scalars(select(Seal)))
    columns = [column.name for column in Audit.__table__.columns]
    events = []
    for row in rows:
        fields = chain.fields_of({name: getattr(row, name) for name in columns})
        events.append(chain.Event(str(row.chain), row.number, fields, row.digest))
    told = [chain.Seal(str(seal.id), str(seal.chain), seal.number, seal.digest) for seal in seals]
    return list(chain.faults(events, told))


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ("UPDATE audit SET subject = 'somebody else' WHERE number = 3", {("changed", 3)}),
        ("UPDATE audit SET at = at - interval '1 day' WHERE number = 3", {("changed", 3)}),
        ("UPDATE audit SET purpose = 'case' WHERE number = 3", {("changed", 3)}),
        ("DELETE FROM audit WHERE number = 3", {("missing", 3)}),
        ("DELETE FROM audit WHERE number >= 4", {("missing", 5)}),
        ("DELETE FROM audit", {("missing", 5)}),
        (
            "UPDATE audit SET subject = 'x', digest = sha256('x') WHERE number = 5",
            {("changed", 5), ("seal", 5)},
        ),
    ],
)
async def test_what_the_owner_of_the_database_changes_is_found(database, change, kinds) -> None:
    ledger = Ledger(database)
    for number in range(1, 6):
        ledger.allow(entry(number, refs=("mn=A1",), subject="7"))
    await ledger.flush(is_last=True)
    assert await faults(database) == []
    owner = await asyncpg.connect(database.superuser_url)
    await owner.execute(change)
    await owner.close()
    assert {(fault.kind, fault.number) for fault in await faults(database)} == kinds


async def test_no_runtime_role_changes_seals_or_counts(database) -> None:
    for table in ("audit", "audit_seals", "usage_days"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"UPDATE {table} SET {COLUMN[table]}"):
            for role in (database.writer, database.reader):
                with pytest.raises(DBAPIError, match=r"permission denied|read-only"):
                    async with role() as session:
                        await session.execute(text(statement))
    for table in ("audit", "audit_seals"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(f"SELECT * FROM {table}"))


COLUMN = {"audit": "status = 1", "audit_seals": "number = 1", "usage_days": "reads = 1"}


async def test_a_seal_asks_for_its_leaf_in_one_transaction_with_its_events(database, monkeypatch) -> None:
    monkeypatch.setattr(sealing, "SEAL_SECONDS", 0.0)
    ledger = Ledger(database)
    ledger.allow(entry(1))
    await ledger.flush()
    async with database.reader(reach=EVERYTHING) as session:
        (seal,) = list(await session.scalars(select(Seal)))
        xmins = await session.scalar(
            text("SELECT count(DISTINCT x) FROM (SELECT xmin::text AS x FROM audit UNION ALL "
                 "SELECT xmin::text FROM audit_seals) AS every")
        )  # fmt: skip
    owner = await asyncpg.connect(database.superuser_url)
    (said,) = await owner.fetch("SELECT event, convert_from(data, 'UTF8') AS data FROM outbox")
    await owner.close()
    assert (said["event"], xmins) == ("gateway.leaf_requested.v1", 1)
    assert seal.entry.hex() in said["data"] and str(seal.id) in said["data"]


async def test_the_chain_of_a_process_that_died_is_sealed_by_another(database) -> None:
    dead, living = Ledger(database), Ledger(database)
    past = datetime.fromtimestamp(time.time() - 300, UTC)
    for ledger in (dead, living):
        ledger.allow(entry(1, at=past))
        await ledger.flush()
    del dead
    assert await sealing.seal_orphans(database, living.chain.id, datetime.now(UTC)) == 1
    assert await sealing.seal_orphans(database, living.chain.id, datetime.now(UTC)) == 0
    assert await faults(database) == []
    async with database.reader(reach=EVERYTHING) as session:
        (seal,) = list(await session.scalars(select(Seal)))
    assert seal.chain != living.chain.id


async def test_a_clock_that_jumps_neither_breaks_the_chain_nor_hides_an_event(
    client, database, tokens
) -> None:
    gate = client._transport.app.state.gate
    officer, now = tokens.bearer(OFFICER), time.time()
    for moment in (now, now - 86_400 * 400, now + 200, now):
        gate._clock = lambda moment=moment: moment
        assert (await ask(client, "GET", "/api/cases/leads", officer)).status_code == 200
    rows = await stored(database)
    assert [row.number for row in rows] == [1, 2, 3, 4]
    await client._transport.app.state.ledger.flush(is_last=True)
    assert await faults(database) == []


@pytest.mark.parametrize("length", [40_000, 1_000_000])
async def test_an_address_of_a_megabyte_is_kept_short(client, database, tokens, length) -> None:
    for uri in (f"/api/cases/cases/{'7' * length}", f"/api/cases/leads?site={'s' * length}"):
        answer = await ask(client, "GET", uri, tokens.bearer(OFFICER))
        assert answer.status_code == 200
    await client._transport.app.state.ledger.flush()
    for row in await stored(database):
        assert len(row.path) <= 512
        assert all(len(ref) <= 150 for ref in row.refs)
        assert row.case_id is None or len(row.case_id) <= 100


async def test_reading_the_audit_is_on_record(client, database, tokens) -> None:
    answer = await ask(client, "GET", "/api/gateway/audit?dept=ee", tokens.bearer(AUDITOR))
    assert answer.status_code == 200
    (row,) = await stored(database)
    assert (row.kind, row.permission, row.principal) == ("audit", "audit:read", AUDITOR)
