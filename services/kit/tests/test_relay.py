"""Numbers follow commits, lanes have no gaps, and there is always one relay."""

import asyncio
import random
import time

import asyncpg
from contracts.envelope import lane_of
from kit import outbox
from probe.events import Counted
from sqlalchemy import text
from stage import TYPE, Stage


async def stored(stage: Stage) -> list[tuple[str, int, str]]:
    """(lane, number, event id) of everything in the stream, in stream order."""
    async with stage.broker() as client:
        jetstream = client.jetstream()
        state = (await jetstream.stream_info("PROBE")).state
        found = []
        for seq in range(state.first_seq or 1, state.last_seq + 1):
            message = await jetstream.get_msg("PROBE", seq)
            assert message.headers is not None and message.subject is not None
            found.append(
                (message.subject[-2:], int(message.headers["ce-sequence"]), message.headers["ce-id"])
            )
    return found


async def published(stage: Stage, seconds: float = 60) -> None:
    """Returns when everything said is numbered and acknowledged by the broker."""
    async with asyncio.timeout(seconds):
        while True:
            async with stage.producer.writer() as session:
                open_rows = await session.execute(
                    text(
                        "SELECT (SELECT count(*) FROM outbox WHERE seq IS NULL) + "
                        "(SELECT coalesce(sum(seq - published_seq), 0) FROM outbox_heads)"
                    )
                )
                if open_rows.scalar_one() == 0:
                    return
            await asyncio.sleep(0.02)


def assert_gapless(found: list[tuple[str, int, str]], count: int) -> None:
    lanes: dict[str, list[int]] = {}
    for lane, seq, _ in found:
        lanes.setdefault(lane, []).append(seq)
    for numbers in lanes.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert len(found) == count == len({event_id for _, _, event_id in found})


async def test_what_commits_last_is_not_skipped_though_it_was_inserted_first(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing():
        slow = stage.producer.writer()
        session = await slow.__aenter__()
        await outbox.put(session, Counted(key="k", n=1), key="k")
        await session.flush()
        await stage.say(2, 3)
        await stage.caught_up()
        assert await stage.effects() == [("k", 2), ("k", 3)]
        await slow.__aexit__(None, None, None)
        await stage.caught_up()
        assert await stage.effects() == [("k", 2), ("k", 3), ("k", 1)]


async def test_lanes_are_gapless_under_concurrent_writers_that_also_roll_back(stage: Stage) -> None:
    async def write(writer: int) -> int:
        done = 0
        for n in range(25):
            try:
                async with stage.producer.writer() as session:
                    for key in range(4):
                        await outbox.put(session, Counted(key=str(key), n=writer * 100 + n), key=str(key))
                    await asyncio.sleep(random.random() / 200)
                    if n % 5 == 4:
                        raise ZeroDivisionError
                done += 4
            except ZeroDivisionError:
                continue
        return done

    async with stage.relaying():
        count = sum(await asyncio.gather(*(write(w) for w in range(4))))
        await published(stage)
    assert_gapless(await stored(stage), count)


async def test_messages_carry_cloudevents_headers_and_any_key(stage: Stage) -> None:
    key = "廊坊\r\nNats-Msg-Id: forged"
    async with stage.relaying():
        await stage.say(1, key=key)
        await published(stage)
    async with stage.broker() as client:
        message = await client.jetstream().get_msg("PROBE", 1)
    headers = message.headers
    assert headers is not None and message.subject == f"{TYPE}.{lane_of(Counted, key)}"
    assert headers["ce-specversion"] == "1.0" and headers["ce-type"] == TYPE
    assert headers["Nats-Msg-Id"] == headers["ce-id"] == "probe-1"
    assert headers["ce-source"] == "/probe" and headers["content-type"] == "application/json"
    assert headers["traceparent"].split("-")[1] in headers["ce-traces"]
    async with stage.hearing(), stage.relaying():
        await stage.caught_up()
    assert await stage.effects() == [(key, 1)]


async def test_a_large_event_travels_packed_and_says_so(stage: Stage) -> None:
    async with stage.relaying():
        await stage.say(1, pad="p" * 50_000)
        await stage.say(2)
        await published(stage)
    async with stage.broker() as client:
        large, small = [await client.jetstream().get_msg("PROBE", seq) for seq in (1, 2)]
    assert large.headers is not None and large.headers["content-encoding"] == "zstd"
    assert large.data is not None and len(large.data) < 1000
    assert small.headers is not None and "content-encoding" not in small.headers
    async with stage.hearing(), stage.relaying():
        await stage.caught_up()
    assert await stage.effects() == [("k", 1), ("k", 2)]


async def test_a_second_relay_waits_and_takes_over(stage: Stage) -> None:
    async with stage.relaying() as second:
        async with stage.relaying() as first:
            async with asyncio.timeout(60):
                while not (first.active or second.active):
                    await asyncio.sleep(0.02)
            assert first.active != second.active
            await stage.say(*range(20))
        await stage.say(*range(20, 40))
        await published(stage)
        assert second.active
    assert_gapless(await stored(stage), 40)


async def test_a_relay_that_loses_its_connection_stops_and_another_goes_on_under_load(stage: Stage) -> None:
    admin = await asyncpg.connect(stage.producer.superuser_url)
    holders = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE locktype = 'advisory' AND datname = current_database()"
    )
    ended = 0
    async with stage.relaying(), stage.relaying(), stage.hearing():
        for start in range(0, 200, 10):
            await stage.say(*range(start, start + 10))
            if start % 40 == 30:
                ended += len(await admin.fetch(holders))
            await asyncio.sleep(0.1)
        await stage.caught_up()
        await published(stage)
    await admin.close()
    assert ended >= 2
    assert sorted(await stage.effects()) == sorted(stage.said)
    assert_gapless(await stored(stage), 200)


async def test_numbering_goes_on_without_nats_and_publishing_catches_up(stage: Stage) -> None:
    async with stage.relaying():
        await stage.say(1)
        await published(stage)
        stage.nats.kill()
        await stage.say(2, 3)
        async with asyncio.timeout(60):
            while sum((await stage.heads()).values()) != 3:
                await asyncio.sleep(0.02)
        stage.nats.start()
        await published(stage)
    assert_gapless(await stored(stage), 3)


async def test_an_idle_relay_answers_within_its_poll(stage: Stage) -> None:
    waited = []
    async with stage.relaying(), stage.broker() as client:
        heard = await client.subscribe("probe.>")
        await stage.say(0)
        await heard.next_msg(timeout=60)
        for n in range(20):
            await asyncio.sleep(0.03)
            begun = time.perf_counter()
            await stage.say(n)
            await heard.next_msg(timeout=60)
            waited.append(time.perf_counter() - begun)
    median = sorted(waited)[10]
    print(f"commit to broker: median {median * 1000:.1f} ms")  # noqa: T201
    assert median < 0.1
