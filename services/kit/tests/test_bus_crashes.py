"""kill -9 of the broker, of the consumer, by a message; a stop in the middle of a batch."""

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kit.outbox import Meta
from kit.servers import NatsServer, PostgresServer
from kit.testing.databases import Databases
from probe.events import Counted
from sqlalchemy.ext.asyncio import AsyncSession
from stage import Stage, record, staged

pytestmark = pytest.mark.slow


async def process(stage: Stage, mode: str) -> Process:
    given = {
        "nats_url": stage.nats.url,
        "peer": stage.settings.peers["probe"],
        "writer_url": stage.consumer.writer_url,
        "reader_url": stage.consumer.reader_url,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "probe.main",
        mode,
        env=os.environ | {"PROBE": json.dumps(given), "PYTHONPATH": str(Path(__file__).parent)},
        stdout=asyncio.subprocess.DEVNULL,
    )


@asynccontextmanager
async def consuming(stage: Stage, mode: str) -> AsyncIterator[Process]:
    child = await process(stage, mode)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_kill_of_the_broker_loses_and_doubles_nothing(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing() as bus:
        for start in range(0, 200, 10):
            await stage.say(*range(start, start + 10))
            if start in (50, 100, 150):
                stage.nats.kill()
                await asyncio.sleep(0.1)
                stage.nats.start()
            await asyncio.sleep(0.01)
        await stage.caught_up()
        assert bus.healthy
    assert await stage.effects() == stage.said


async def test_kill_between_commit_and_acknowledgement_doubles_nothing(stage: Stage) -> None:
    await stage.say(*range(30))
    async with stage.relaying():
        for _ in range(2):
            async with consuming(stage, "dies-before-ack") as child:
                async with asyncio.timeout(60):
                    assert await child.wait() == 9
            await stage.say(*range(100, 110))
        done = await stage.effects()
        assert done == stage.said[: len(done)] and done
        async with stage.hearing():
            await stage.caught_up()
            async with stage.broker() as client:
                async with asyncio.timeout(60):
                    while (await client.jetstream().consumer_info("PROBE", "probe-counted")).num_ack_pending:
                        await asyncio.sleep(0.05)
    assert await stage.effects() == stage.said


async def test_a_message_that_kills_the_process_does_not_take_its_neighbours_along(stage: Stage) -> None:
    for n in range(10):
        await stage.say(n, key=str(n % 3))
    deaths = 0
    async with stage.relaying(), asyncio.timeout(150):
        while not await stage.rows("SELECT 1 FROM parked"):
            async with consuming(stage, "fatal-4") as child:
                watch = asyncio.create_task(child.wait())
                while not watch.done() and not await stage.rows("SELECT 1 FROM parked"):
                    await asyncio.sleep(0.05)
                deaths += watch.done()
                if not watch.done():
                    await stage.caught_up()
                    child.kill()
                await watch
    parked = await stage.rows("SELECT key, reason, attempts FROM parked ORDER BY seq")
    assert [row.key for row in parked] == ["1", "1"]
    assert "process ended" in parked[0].reason and "behind" in parked[1].reason
    assert 2 <= deaths <= 4
    assert sorted(n for _, n in await stage.effects()) == [0, 1, 2, 3, 5, 6, 8, 9]


async def test_a_stop_in_the_middle_of_a_batch_finishes_it_and_loses_nothing(
    stage: Stage,
) -> None:
    begun = asyncio.Event()

    async def slow(session: AsyncSession, event: Counted, meta: Meta) -> None:
        begun.set()
        await asyncio.sleep(0.01)
        await record(session, event, meta)

    await stage.say(*range(120))
    async with stage.relaying():
        async with stage.hearing(slow):
            await begun.wait()
        first = await stage.effects()
        assert 0 < len(first) < 120 and first == stage.said[: len(first)]
        async with stage.broker() as client:
            info = await client.jetstream().consumer_info("PROBE", "probe-counted")
            assert info.ack_floor is not None and info.ack_floor.stream_seq == len(first)
        async with stage.hearing():
            await stage.caught_up()
    assert await stage.effects() == stage.said


async def test_two_instances_share_the_lanes_without_doubling(stage: Stage) -> None:
    async def slow(session: AsyncSession, event: Counted, meta: Meta) -> None:
        await asyncio.sleep(0.001)
        await record(session, event, meta)

    async with stage.relaying(), stage.hearing(slow), stage.hearing(slow):
        for n in range(300):
            await stage.say(n, key=str(n % 7))
        await stage.caught_up()
    effects = await stage.effects()
    assert sorted(effects) == sorted(stage.said)
    for key in map(str, range(7)):
        assert [n for k, n in effects if k == key] == [n for k, n in stage.said if k == key]


async def test_a_consumer_and_relay_wait_for_a_postgres_that_restarts(
    nats_server: NatsServer, server_home: Path
) -> None:
    """On a PostgreSQL of its own, so that no other test stands on a server that was killed."""
    server = PostgresServer(server_home / "killed")
    server.start()
    databases = Databases(server)
    producer, consumer = await databases.copy("probe"), await databases.copy("probe")
    async with staged(nats_server, producer, consumer) as stage:
        async with stage.relaying(), stage.hearing():
            await stage.say(*range(20))
            server.kill()
            await asyncio.sleep(0.3)
            assert not await producer.is_reachable()
            server.start()
            await stage.say(*range(20, 40))
            await stage.caught_up()
        assert await stage.effects() == stage.said
        assert await stage.rows("SELECT 1 FROM parked") == []
    await producer.close()
    await consumer.close()
    server.stop()
    shutil.rmtree(server.temporary, ignore_errors=True)
