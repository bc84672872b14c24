"""What a transaction is told of who asks: as it is, with the BEGIN, and gone with the transaction."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any

import asyncpg
import pytest
from kit.db import Database
from kit.problems import Invalid, TooMany
from kit.testing.plugin import ServiceDatabase
from policy import Principal, Reach
from sqlalchemy import text

HOSTILE = (
    "a'b",
    "a\\'b",
    "a'; SET jianzhen.reach_all = 'yes'; --",
    "\\",
    "\\'; SET LOCAL jianzhen.reach_all = E'yes'; --",
    "鉴真 $1 :x %s \u2028",
    "E'x'",
    "a\nb",
    "''",
    "$$;COMMIT;$$",
    "\N{MODIFIER LETTER APOSTROPHE}\N{FULLWIDTH APOSTROPHE}",
)
TOLD = ("subject", "dept", "region", "uscc", "roles", "reach_uscc", "reach_team", "reach_all")
READ = "SELECT " + ", ".join(f"current_setting('jianzhen.{name}', true)" for name in TOLD)


@pytest.mark.parametrize("word", HOSTILE)
async def test_what_is_told_of_who_asks_is_a_word_and_never_a_statement(
    service_database: ServiceDatabase, word: str
) -> None:
    database = await service_database("probe")
    admin = await asyncpg.connect(database.superuser_url)
    # Whatever the server takes for the rule of a plain literal.
    await admin.execute(f'ALTER DATABASE "{database.name}" SET standard_conforming_strings = off')
    await admin.execute(f'ALTER DATABASE "{database.name}" SET backslash_quote = on')
    await admin.close()
    who = Principal(word, dept=word, region=word, uscc=word, roles=frozenset({word}))
    reach = Reach(uscc=word, team=word)
    async with database.reader(who, reach=reach) as session:
        assert tuple((await session.execute(text(READ))).one()) == (*[word] * 7, "")
    async with database.asked(who, reach) as driver:
        assert tuple(await driver.fetchrow(READ)) == (*[word] * 7, "")
    async with database.reader() as session:
        assert tuple((await session.execute(text(READ))).one()) == ("",) * 8


@pytest.mark.parametrize("word", ["U\0", "\0'; COMMIT; --", "U\ud800"])
async def test_what_no_text_can_hold_is_never_sent(service_database: ServiceDatabase, word: str) -> None:
    database = await service_database("probe")
    for who in (Principal("s", uscc=word), Principal(word)):
        with pytest.raises(ValueError):
            async with database.reader(who):
                pass
        with pytest.raises(ValueError):
            async with database.asked(Principal("s"), Reach(uscc=word)):
                pass
    async with database.reader(Principal("s")) as session:
        assert await session.scalar(text("SELECT current_setting('jianzhen.uscc')")) == ""


async def told_now(database: Database) -> set[tuple[str, ...]]:
    """What every reader of the pool knows of who asks, before anybody is told it: all of them at once."""
    found = set()
    async with AsyncExitStack() as stack:
        for _ in range(database.readers.pool.size()):  # type: ignore[attr-defined]
            driver = await stack.enter_async_context(database.lookup())
            assert not driver.is_in_transaction() and not driver.told
            found.add(tuple(one or "" for one in await driver.fetchrow(READ)))
    return found


class GoesWrong(RuntimeError):
    """What happens in the middle of a question."""


@pytest.mark.parametrize("ask", ["reader", "asked"])
async def test_nothing_that_was_told_of_one_asker_is_left_for_the_next(
    service_database: ServiceDatabase, ask: str
) -> None:
    """Cut off at any moment of its begin, its statement or its end, or failed in it."""
    database = await service_database("probe")
    gone, everywhere = Principal("gone", dept="d", region="131000", uscc="U"), Reach(all="yes")

    def question() -> AbstractAsyncContextManager[Any]:
        if ask == "asked":
            return database.asked(gone, everywhere)
        return database.reader(gone, reach=everywhere)

    async def cut_at(step: int) -> bool:
        """Cancels the question when the loop has run `step` times, twice; whether it was still asking."""
        task = asyncio.create_task(whole())
        for _ in range(step):
            if task.done():
                break
            await asyncio.sleep(0)
        was_asking = task.cancel()
        for _ in range(step % 4):
            await asyncio.sleep(0)
        task.cancel()  # a rollback is cut off, too
        await asyncio.wait([task])
        return was_asking

    async def whole() -> None:
        async with question() as it:
            await (it.execute("SELECT pg_sleep(0.001)") if ask == "asked" else it.scalar(text("SELECT 1")))

    cuts = []
    for step in (*range(40), *range(40, 2000, 97), 10**7):
        cuts.append(await cut_at(step))
        assert await told_now(database) == {("",) * len(TOLD)}
    assert any(cuts) and not all(cuts)
    with pytest.raises(GoesWrong):
        async with question():
            raise GoesWrong
    with suppress(Exception):
        async with question() as it:
            await (it.execute("nonsense") if ask == "asked" else it.execute(text("nonsense")))
    assert await told_now(database) == {("",) * len(TOLD)}
    async with database.reader(Principal("s")) as session:
        assert tuple((await session.execute(text(READ))).one()) == ("s", *[""] * 7)
        assert await session.scalar(text("SHOW transaction_read_only")) == "on"


async def test_a_begin_that_the_server_refuses_ends_its_connection(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    for _ in range(3):
        with pytest.raises(Exception, match="statement_timeout"):
            async with database.reader(Principal("s", region="131000"), most=float("nan")):
                pass
    assert await told_now(database) == {("",) * len(TOLD)}


async def test_what_was_to_be_told_goes_with_no_statement_but_the_begin(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("probe")
    async with database.lookup() as driver:
        driver.told = "SET jianzhen.region = 'x'"
        with pytest.raises(asyncpg.InterfaceError):
            await driver.execute("SAVEPOINT s;")
        assert await driver.fetchval("SELECT current_setting('jianzhen.region', true)") is None


async def test_the_asker_is_told_with_the_begin(service_database: ServiceDatabase) -> None:
    """A round trip less for every read; before its first statement a reader is in its transaction."""
    database = await service_database("probe")
    async with database.reader(Principal("s", region="131000"), most=7) as session:
        driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
        assert driver.is_in_transaction()
        assert await driver.fetchval("SELECT current_setting('jianzhen.region')") == "131000"
        assert await driver.fetchval("SHOW statement_timeout") == "7s"
    async with database.asked(Principal("s"), Reach(regions="131000")) as driver:
        assert await driver.fetchval("SELECT current_setting('jianzhen.reach_regions')") == "131000"
        assert await driver.fetchval("SHOW statement_timeout") == "20s"
        assert await driver.fetchval("SHOW transaction_read_only") == "on"


async def test_a_small_question_has_its_turn_and_its_bounds_too(service_database: ServiceDatabase) -> None:
    database = await service_database("probe")
    database.question_seconds = 0.05
    with pytest.raises(Invalid, match="question-too-wide"):
        async with database.asked(Principal("s"), Reach()) as driver:
            await driver.execute("SELECT pg_sleep(5)")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.asked(Principal("s"), Reach()) as driver:
            await driver.execute("CREATE TABLE t ()")
    async with database.asked(Principal("s", dept="water"), Reach()):
        with pytest.raises(TooMany):
            async with database.question(Principal("t", dept="water"), 0.05):
                pass
