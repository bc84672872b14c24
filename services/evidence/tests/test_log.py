"""What is sequenced is in the files, under a signature, in its order; and nobody who runs can change it."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from evidence.flows.integrating import Overtaken
from evidence.settings import Settings
from kit import migrate
from kit.problems import Invalid
from kit.testing.databases import FreshDatabase
from log_scene import NOW, append, ask, checkpoint_in, entry, is_busy, root_of, root_of_files, running

Settle = Callable[..., Settings]


async def test_the_declared_tables_are_the_migrated_ones(database: FreshDatabase) -> None:
    assert await migrate.differences("evidence", database.migrator_url) == []


async def test_entries_are_files_under_a_signature_in_the_order_of_sequencing(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    async with running(database, settings) as log:
        expected: list[int] = []
        for part in (range(1), range(1, 300), range(300, 513), range(513, 1000)):
            await append(database, part)
            expected += part
            assert await log.step(NOW) == len(part)
            assert await log.step(NOW) == 0
            root, entries = root_of_files(settings.store)
            assert entries == [entry(number) for number in expected]
            assert root == root_of(expected)


async def test_a_leaf_that_is_there_gets_no_second_place(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    async with running(database, settings) as log:
        await append(database, range(10))
        await append(database, range(5, 15))
        await log.step(NOW)
        assert root_of_files(settings.store)[0] == root_of(range(15))


async def test_what_is_no_hash_is_refused(database: FreshDatabase) -> None:
    from contracts.ingest import LeafRequested
    from evidence.flows.sequencing import sequence

    for leaves in (["zz"], ["00"], [], ["00" * 33]):
        event = LeafRequested(subject="submission", submissions=["a"], leaves=leaves, received_at_ms=[1])
        with pytest.raises(Invalid):
            async with database.writer() as session:
                await sequence(session, [event])
    assert await ask(database, "SELECT * FROM entries") == []


async def test_ten_thousand_leaves_in_one_go_are_less_than_a_second_behind(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    async with running(database, settings) as log:
        await append(database, range(300))
        await log.step(NOW)
        begun, worked = time.perf_counter(), time.process_time()
        for start in range(0, 10_000, 1000):
            await append(database, range(1000 + start, 2000 + start))
        sequenced = time.perf_counter() - begun
        await log.step(NOW)
        taken, worked = time.perf_counter() - begun, time.process_time() - worked
        size = checkpoint_in(settings.store).size
        said = f"10,000 leaves: sequenced in {sequenced:.3f} s, published after {taken:.3f} s"
        sys.stdout.write(f"\n{said}\n")
        assert size == 10_300
        assert worked < 1.0
        assert taken < 1.0 or is_busy()


@pytest.mark.parametrize("role", ["writer", "reader"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET entry = sha256('x')",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "DROP TABLE entries",
        "DELETE FROM checkpoint",
        "DELETE FROM sequence",
        "ALTER TABLE checkpoint DISABLE TRIGGER never_back",
        "SET ROLE evidence_owner",
    ],
)
async def test_no_runtime_role_can_change_an_entry(
    database: FreshDatabase, role: str, statement: str
) -> None:
    connection = await asyncpg.connect(database.writer_url if role == "writer" else database.reader_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_checkpoint_never_gets_smaller_nor_another_root(
    database: FreshDatabase, settings_of: Settle
) -> None:
    async with running(database, settings_of()) as log:
        await append(database, range(10))
        await log.step(NOW)
    connection = await asyncpg.connect(database.writer_url)
    try:
        for statement in (
            "UPDATE checkpoint SET size = 9",
            "UPDATE checkpoint SET root = sha256('x')",
            "UPDATE sequence SET entries = 9",
        ):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_one_integrator_is_active_and_another_takes_over(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    async with running(database, settings) as second:
        async with running(database, settings) as first:
            await append(database, range(3))
            assert await first.step(NOW) == 0, "the one that came first holds the log"
            assert await second.step(NOW) == 3
            await second._turn.leave()
            await append(database, range(3, 5))
            assert await first.step(NOW) == 2
        await append(database, range(5, 9))
        assert await second.step(NOW) == 4
    assert root_of_files(settings.store)[0] == root_of(range(9))


async def test_an_integrator_that_was_overtaken_takes_no_checkpoint_back(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    async with running(database, settings) as slow, running(database, settings) as next_one:
        await append(database, range(3))

        async def cosign(signed: str, *_: Any) -> tuple[str, list[Any]]:
            assert slow._turn._connection is not None
            slow._turn._connection.terminate()
            await append(database, range(3, 5))
            while not await next_one.step(NOW):
                await asyncio.sleep(0.05)
            return signed, []

        slow.witnesses.missing = lambda signed: ["slow"]  # type: ignore[method-assign]
        slow.witnesses.cosign = cosign  # type: ignore[assignment]
        with pytest.raises((Overtaken, asyncpg.InterfaceError)):
            await slow.step(NOW)
        assert checkpoint_in(settings.store).size == 5
