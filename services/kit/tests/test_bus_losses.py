"""The bus is disposable: whatever it loses, every cursor reaches the producer's last number."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import nats
import pytest
from kit.outbox import Meta
from kit.testing.plugin import declare
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError
from probe.events import Counted
from sqlalchemy.ext.asyncio import AsyncSession
from stage import QUICK, STREAM, TYPE, Stage, record

pytestmark = pytest.mark.slow

Harm = Callable[[Stage, JetStreamContext], Awaitable[None]]


async def lose_a_message(_: Stage, jetstream: JetStreamContext) -> None:
    await jetstream.delete_msg("PROBE", (await jetstream.stream_info("PROBE")).state.last_seq)


async def lose_the_tail(_: Stage, jetstream: JetStreamContext) -> None:
    await jetstream.purge_stream("PROBE")


async def lose_the_consumer(_: Stage, jetstream: JetStreamContext) -> None:
    with suppress(NotFoundError):  # not made anew yet
        await jetstream.delete_consumer("PROBE", "probe-counted")


async def lose_the_stream(stage: Stage, _: JetStreamContext) -> None:
    await declare(stage.nats.url, [STREAM])


async def lose_the_store(stage: Stage, _: JetStreamContext) -> None:
    stage.nats.kill()
    shutil.rmtree(stage.nats.store)
    stage.nats.start()
    await declare(stage.nats.url, [STREAM])


@pytest.mark.parametrize(
    "harm", [lose_a_message, lose_the_tail, lose_the_consumer, lose_the_stream, lose_the_store]
)
async def test_what_the_broker_loses_is_read_from_the_producer(stage: Stage, harm: Harm) -> None:
    """The consumer is slower than the producer, so that what is lost was not delivered yet."""

    async def slow(session: AsyncSession, event: Counted, meta: Meta) -> None:
        await asyncio.sleep(0.01)
        await record(session, event, meta)

    few = replace(QUICK, waiting=5, batch=5)
    async with stage.broker() as client, stage.relaying(), stage.hearing(slow, few):
        await stage.say(1000)
        await stage.caught_up()
        for n in range(300):
            await stage.say(n, key=f"k{n % 3}", pad="x" * 200)
            if n in (60, 150, 299):
                await harm(stage, client.jetstream())
            await asyncio.sleep(0.002)
        await stage.caught_up()
    effects = await stage.effects()
    assert sorted(effects) == sorted(stage.said)
    for key in ("k0", "k1", "k2"):
        assert [e for e in effects if e[0] == key] == [e for e in stage.said if e[0] == key]


async def test_what_was_lost_while_nobody_listened_is_read_at_the_start(stage: Stage) -> None:
    async with stage.relaying():
        for n in range(450):
            await stage.say(n, key=str(n % 5))
        await asyncio.sleep(0.3)
        await lose_the_stream(stage, nats.NATS().jetstream())
        async with stage.hearing():
            await stage.caught_up()
    assert sorted(await stage.effects()) == sorted(stage.said)


async def test_consumers_go_on_without_any_broker(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing() as bus:
        await stage.say(1)
        await stage.caught_up()
        stage.nats.kill()
        await stage.say(*range(2, 50))
        await stage.caught_up()
        assert bus.healthy
        stage.nats.start()
    assert await stage.effects() == stage.said


async def test_a_stream_that_is_not_declared_yet_is_waited_for_and_never_made(stage: Stage) -> None:
    async with stage.broker() as client:
        jetstream = client.jetstream()
        await jetstream.delete_stream("PROBE")
        async with stage.relaying(), stage.hearing():
            await stage.say(*range(5))
            await stage.caught_up()
            assert "PROBE" not in [info.config.name for info in await jetstream.streams_info()]
            await jetstream.add_stream(STREAM)
            await stage.say(*range(5, 10))
            await stage.caught_up()
    assert await stage.effects() == stage.said


async def test_a_changed_consumer_configuration_takes_effect_and_repeats_nothing(stage: Stage) -> None:
    async with stage.broker() as client:
        jetstream = client.jetstream()
        async with stage.relaying():
            for ack_wait in (30.0, 45.0):
                async with stage.hearing(record, replace(QUICK, ack_wait=ack_wait)):
                    await stage.say(int(ack_wait))
                    await stage.caught_up()
                    config = (await jetstream.consumer_info("PROBE", "probe-counted")).config
                    assert config.ack_wait == ack_wait and config.max_deliver == -1
            await jetstream.delete_consumer("PROBE", "probe-counted")
            policy = {"deliver_policy": "new", "ack_policy": "explicit", "durable_name": "probe-counted"}
            await jetstream.add_consumer("PROBE", nats.js.api.ConsumerConfig.from_response(policy))
            async with stage.hearing():
                await stage.say(1)
                await stage.caught_up()
                config = (await jetstream.consumer_info("PROBE", "probe-counted")).config
                assert config.deliver_policy == "all" and config.filter_subject == "probe.counted.v1.*"
    assert await stage.effects() == stage.said


async def test_a_full_lane_takes_the_message_it_waits_for_when_the_producer_is_away(stage: Stage) -> None:
    """Number 1 comes last, the lane is full of later ones, and nobody can be asked over HTTP."""
    stage.settings.peers = {"probe": "http://127.0.0.1:9"}
    async with stage.broker() as client, stage.hearing(tuning=replace(QUICK, waiting=5, batch=5)):
        for n in [*range(2, 21), 1]:
            headers = {"ce-type": TYPE, "ce-sequence": str(n), "ce-id": f"x-{n}", "ce-key": "k"}
            headers["ce-time"] = "2026-01-01T00:00:00+00:00"
            body = b'{"key":"k","n":%d}' % n
            await client.jetstream().publish(f"{TYPE}.00", body, headers=headers)
        async with asyncio.timeout(60):
            while len(await stage.effects()) < 20:
                await asyncio.sleep(0.1)
    assert [n for _, n in await stage.effects()] == list(range(1, 21))
