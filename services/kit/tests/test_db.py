"""Transactions end at the edge, readers cannot write, and an unsafe or absent server is noticed."""

import asyncio

import asyncpg
import pytest
from contracts.envelope import MAX_EVENT_BYTES
from fastapi import FastAPI
from kit import outbox, problems
from kit.db import Database, NotDurable, ReaderSession, WriterSession
from kit.problems import Unavailable
from kit.telemetry import TraceMiddleware
from kit.testing.plugin import ClientFor, ServiceDatabase
from policy import Principal
from probe.events import Counted
from probe.tables import Bond, Effect
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError


def app_on(database: Database) -> FastAPI:
    app = FastAPI()
    app.state.database = database
    problems.install(app)
    app.add_middleware(TraceMiddleware, service="probe")

    @app.post("/bonds/{id}/{other}", status_code=202)
    async def bind(session: WriterSession, id: int, other: int) -> dict[str, int]:
        session.add(Bond(id=id, other=other))
        await session.flush()
        return {"accepted": 1}

    @app.get("/echo/{text_}")
    async def echo(session: ReaderSession, text_: str) -> str:
        return str(await session.scalar(select(text(":t")).params(t=text_)))

    @app.get("/quote")
    async def quote() -> None:
        raise problems.Invalid("odd", "half a pair: \ud800")

    @app.get("/bonds")
    async def bonds(session: ReaderSession) -> list[int]:
        return list(await session.scalars(select(Bond.id).order_by(Bond.id)))

    return app


async def test_a_commit_that_fails_is_never_answered_as_accepted(
    service_database: ServiceDatabase, client_for: ClientFor
) -> None:
    async with client_for(app_on(await service_database("probe"))) as client:
        assert (await client.post("/bonds/1/1")).status_code == 202
        refused = await client.post("/bonds/2/99")
        assert refused.status_code == 500
        assert refused.headers["content-type"] == "application/problem+json"
        assert len(refused.json()["trace_id"]) == 32
        assert (await client.get("/bonds")).json() == [1]


async def test_a_value_that_cannot_be_kept_is_the_senders_fault(
    service_database: ServiceDatabase, client_for: ClientFor
) -> None:
    async with client_for(app_on(await service_database("probe"))) as client:
        for path in ("/echo/a%00b", f"/bonds/{2**63}/1"):
            answer = await client.request("GET" if "echo" in path else "POST", path)
            assert (answer.status_code, answer.json()["type"]) == (422, "/problems/value-not-keepable")
        assert (await client.get("/echo/鉴真")).json() == "鉴真"


async def test_a_problem_may_quote_any_text(service_database: ServiceDatabase, client_for: ClientFor) -> None:
    async with client_for(app_on(await service_database("probe"))) as client:
        answer = await client.get("/quote")
        assert (answer.status_code, answer.json()["detail"]) == (422, "half a pair: \\ud800")


async def test_an_exception_rolls_back_rows_and_events_together(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    with pytest.raises(ZeroDivisionError):
        async with database.writer() as session:
            session.add(Effect(key="a", n=1))
            await outbox.put(session, Counted(key="a", n=1), key="a")
            await session.flush()
            raise ZeroDivisionError
    async with database.reader() as session:
        assert (await session.execute(text("SELECT count(*) FROM effects"))).scalar_one() == 0
        assert (await session.execute(text("SELECT count(*) FROM outbox"))).scalar_one() == 0


async def test_telemetry_copies_and_says_in_one_transaction(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    for fails in (True, False):
        try:
            async with database.telemetry() as connection:
                await connection.copy_records_to_table("effects", records=[("a", 1)], columns=["key", "n"])
                await outbox.put(connection, Counted(key="a", n=1), key="a")
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            continue
    async with database.reader() as session:
        assert (await session.execute(text("SELECT count(*) FROM effects"))).scalar_one() == 1
        assert (await session.execute(text("SELECT count(*) FROM outbox"))).scalar_one() == 1


async def test_one_statement_is_a_transaction_of_its_own(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    beside = "kept AS (INSERT INTO effects (key, n) VALUES ($8, 1))"
    async with database.telemetry(is_one=True) as connection:
        await outbox.put_many(connection, [(Counted(key="a", n=1), "a", ())], beside, "a")
        assert not connection.is_in_transaction()
    with pytest.raises(asyncpg.NotNullViolationError):
        async with database.telemetry(is_one=True) as connection:
            await outbox.put_many(connection, [(Counted(key="b", n=1), "b", ())], beside, None)
    async with database.reader() as session:
        assert list(await session.scalars(text("SELECT key FROM effects"))) == ["a"]
        assert list(await session.scalars(text("SELECT key FROM outbox"))) == ["a"]


async def test_a_question_ends_in_its_time_and_a_job_may_take_longer(
    service_database: ServiceDatabase, client_for: ClientFor
) -> None:
    database = await service_database("probe")
    app = app_on(database)

    @app.get("/slow")
    async def slow(session: ReaderSession) -> None:
        await session.execute(text("SELECT pg_sleep(0.3)"))

    database.question_seconds = 0.1
    async with client_for(app) as client:
        answer = await client.get("/slow")
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/question-too-wide")
        assert (await client.get("/bonds")).json() == []
    async with database.reader() as session:
        await session.execute(text("SELECT pg_sleep(0.3)"))


async def test_connections_that_the_server_closed_are_made_anew_at_once(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("probe")
    admin = await asyncpg.connect(database.superuser_url)
    for _ in range(2):
        async with database.telemetry() as connection, database.writer() as session:
            gone = [await connection.fetchval("SELECT pg_backend_pid()")]
            gone.append(await session.scalar(text("SELECT pg_backend_pid()")))
        for pid in gone:
            await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        async with database.writer() as session, database.telemetry() as connection:
            assert await session.scalar(text("SELECT 1")) == await connection.fetchval("SELECT 1") == 1
    await admin.close()


async def test_a_reader_cannot_write_even_where_its_role_could(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    as_writer = Database(database.writer_url, database.writer_url, 3)
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with as_writer.reader() as session:
            await session.execute(text("INSERT INTO effects (key, n) VALUES ('a', 1)"))
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with as_writer.lookup() as connection:
            await connection.execute("INSERT INTO effects (key, n) VALUES ('a', 1)")
    await as_writer.close()


async def test_a_lookup_is_one_statement_that_speaks_for_nobody(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    async with database.reader(Principal(subject="s", region="131000")):
        pass
    async with database.lookup() as connection:
        assert not connection.is_in_transaction()
        assert not await connection.fetchval("SELECT current_setting('jianzhen.region', true)")


async def test_a_reader_knows_who_asks_and_forgets_it(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    read = text("SELECT current_setting('jianzhen.region', true), current_setting('jianzhen.roles', true)")
    who = Principal(subject="s", dept="ee", region="131000", roles=frozenset({"data.read", "a"}))
    async with database.reader(who) as session:
        assert tuple((await session.execute(read)).one()) == ("131000", "a,data.read")
    for _ in range(4):
        async with database.reader() as session:
            assert tuple((await session.execute(read)).one()) == ("", "")


@pytest.mark.parametrize("setting", ["synchronous_commit"])
async def test_a_server_that_may_forget_is_refused(service_database: ServiceDatabase, setting: str) -> None:
    database = await service_database("probe")
    await database.check_durability()
    admin = await asyncpg.connect(database.superuser_url)
    await admin.execute(f'ALTER ROLE probe_writer IN DATABASE "{database.name}" SET {setting} = off')
    await admin.close()
    unsafe = Database(database.writer_url, database.reader_url, 3)
    with pytest.raises(NotDurable, match=setting):
        await unsafe.check_durability()
    await unsafe.close()


async def test_a_store_that_is_away_is_503_with_retry_after(client_for: ClientFor) -> None:
    database = Database("postgresql://a:b@127.0.0.1:9/x", "postgresql://a:b@127.0.0.1:9/x", 3)
    assert not await database.is_reachable()
    async with client_for(app_on(database)) as client:
        for answer in (await client.post("/bonds/1/1"), await client.get("/bonds")):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0


async def test_a_connection_that_breaks_during_commit_is_503(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    with pytest.raises(Unavailable):
        async with database.writer() as session:
            pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            admin = await asyncpg.connect(database.superuser_url)
            await admin.execute("SELECT pg_terminate_backend($1)", pid)
            await admin.close()
            await asyncio.sleep(0.1)
            session.add(Effect(key="a", n=1))
    assert await database.is_reachable()


async def test_connections_stay_within_the_budget(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")

    async def work() -> None:
        async with database.writer() as session:
            await session.execute(text("SELECT pg_sleep(0.01)"))
        async with database.reader() as session:
            await session.execute(text("SELECT pg_sleep(0.01)"))

    await asyncio.gather(*(work() for _ in range(30)))
    admin = await asyncpg.connect(database.superuser_url)
    count = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()", database.name
    )
    await admin.close()
    assert count == 6


async def test_an_event_above_the_limit_is_refused_with_its_size(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    with pytest.raises(outbox.EventTooLarge, match="split it"):
        async with database.writer() as session:
            await outbox.put(session, Counted(key="a", n=1, pad="x" * MAX_EVENT_BYTES), key="a")


async def test_a_database_that_is_closed_keeps_no_connection_of_those_in_use(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("probe")
    held = asyncio.Event()

    async def hold() -> None:
        async with database.writer() as session, database.reader() as other:
            for one in (session, other):
                await one.execute(text("SELECT 1"))
            held.set()
            await asyncio.sleep(30)

    holding = asyncio.create_task(hold())
    await held.wait()
    await database.close()
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    admin = await asyncpg.connect(database.superuser_url)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
    for _ in range(100):
        if not (left := await admin.fetchval(others, database.name)):
            break
        await asyncio.sleep(0.05)
    await admin.close()
    assert left == 0
