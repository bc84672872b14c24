"""A message that fails harms nobody else."""

import asyncio

import pytest
from kit.lane import Tuning
from kit.outbox import Meta
from kit.problems import Conflict, NotReady, Unavailable
from probe.events import Counted
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from stage import QUICK, TYPE, Stage, record


async def test_every_message_has_its_effect_once_and_in_order(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing():
        for start in range(0, 100, 10):
            await stage.say(*range(start, start + 10))
        await stage.caught_up()
    assert await stage.effects() == stage.said


async def test_a_handler_that_raises_parks_its_message_and_the_neighbours_go_on(stage: Stage) -> None:
    async def fails(session: AsyncSession, event: Counted, meta: Meta) -> None:
        await record(session, event, meta)
        if event.n == 3:
            raise RuntimeError("cannot")

    async with stage.relaying(), stage.hearing(fails):
        for n in range(8):
            await stage.say(n, key=str(n))
        await stage.caught_up()
    assert sorted(n for _, n in await stage.effects()) == [0, 1, 2, 4, 5, 6, 7]
    (parked,) = await stage.rows("SELECT key, reason, attempts FROM parked")
    assert tuple(parked) == ("3", "RuntimeError: cannot", len(QUICK.backoff) + 1)


@pytest.mark.parametrize(
    "failure", [RuntimeError("not yet"), Unavailable("not-yet", "not yet"), TimeoutError()]
)
async def test_a_handler_that_heals_has_its_effect_once(stage: Stage, failure: Exception) -> None:
    tries = 0

    async def heals(session: AsyncSession, event: Counted, meta: Meta) -> None:
        nonlocal tries
        await record(session, event, meta)
        if event.n == 3:
            tries += 1
            if tries < 3:
                raise failure

    async with stage.relaying(), stage.hearing(heals):
        await stage.say(*range(8))
        await stage.caught_up()
    assert await stage.effects() == stage.said
    assert await stage.rows("SELECT 1 FROM parked") == []


async def test_what_a_service_hears_while_it_is_not_ready_waits_and_is_not_parked(stage: Stage) -> None:
    is_ready = asyncio.Event()

    async def waits(session: AsyncSession, event: Counted, meta: Meta) -> None:
        if not is_ready.is_set():
            raise NotReady("pack-over", "its rules are over")
        await record(session, event, meta)

    async with stage.relaying(), stage.hearing(waits, QUICK):
        await stage.say(*range(4))
        await asyncio.sleep(sum(QUICK.backoff) + 2)
        assert await stage.effects() == [] and await stage.rows("SELECT 1 FROM parked") == []
        is_ready.set()
        await stage.caught_up()
    assert await stage.effects() == stage.said
    assert await stage.rows("SELECT 1 FROM parked") == []


async def test_a_refusal_is_parked_at_once_and_later_messages_of_its_key_with_it(stage: Stage) -> None:
    async def refuses(session: AsyncSession, event: Counted, meta: Meta) -> None:
        if event.key == "bad" and event.n == 1:
            raise Conflict("never", "never works")
        await record(session, event, meta)

    patient = Tuning(backoff=(60,), compare_every=0.5)
    async with stage.relaying(), stage.hearing(refuses, patient):
        for n in range(4):
            await stage.say(n, key="bad")
            await stage.say(n, key="good")
        await stage.caught_up()
        await stage.say(4, key="bad")
        await stage.say(4, key="good")
        await stage.caught_up()
    effects = await stage.effects()
    assert [n for key, n in effects if key == "good"] == [0, 1, 2, 3, 4]
    assert [n for key, n in effects if key == "bad"] == [0]
    parked = await stage.rows("SELECT reason, attempts FROM parked ORDER BY seq")
    assert [row.attempts for row in parked] == [1, 0, 0, 0]
    assert parked[0].reason.startswith("Conflict") and "behind" in parked[1].reason


POISON = [b"\xff\xfe{", b'{"key":"c","n":"many"}', b""]


async def test_poison_bytes_are_parked_and_the_neighbours_go_on(stage: Stage) -> None:
    async with stage.producer.writer() as session:
        for data in (
            b'{"key":"a","n":1}',
            b"\xff\xfe{",
            b'{"key":"c","n":"many"}',
            b"",
            b'{"key":"e","n":5,"new":[1]}',
        ):
            await session.execute(
                text(
                    "INSERT INTO outbox (event, lane, key, data, traceparent, trace_ids, occurred_at) "
                    "VALUES (:event, '00', :key, :data, '', '{}', now())"
                ),
                {"event": TYPE, "key": data[-9:].hex(), "data": data},
            )
    async with stage.relaying(), stage.hearing():
        await stage.caught_up()
    assert await stage.effects() == [("a", 1), ("e", 5)]
    parked = await stage.rows("SELECT reason, data FROM parked ORDER BY seq")
    assert [row.data for row in parked] == POISON
    assert all(row.reason.startswith("Undecodable") for row in parked)


FORGED = {"ce-type": TYPE, "ce-sequence": "1", "ce-id": "x", "ce-key": "k", "ce-time": "2026-01-01"}


async def test_a_message_no_relay_sent_is_put_aside(stage: Stage) -> None:
    async with stage.broker() as client:
        jetstream = client.jetstream()
        forged = {
            "ce-type": "probe.other.v1",
            "ce-sequence": "1",
            "ce-id": "x",
            "ce-key": "k",
            "ce-time": "2026-01-01",
        }
        await jetstream.publish(f"{TYPE}.00", b"hello")
        await jetstream.publish(f"{TYPE}.00", b"{}", headers=forged)
        await jetstream.publish(f"{TYPE}.00", b"{}", headers=FORGED | {"ce-sequence": "many"})
        async with stage.relaying(), stage.hearing():
            await stage.say(1, 2)
            await stage.caught_up()
            async with asyncio.timeout(60):
                while (await jetstream.consumer_info("PROBE", "probe-counted")).num_ack_pending:
                    await asyncio.sleep(0.05)
    assert await stage.effects() == stage.said


async def test_a_number_from_the_future_waits_and_its_lane_goes_on(stage: Stage) -> None:
    """A forged number must not move the cursor past what the producer has said."""
    await stage.say(1)
    async with stage.relaying():
        async with stage.hearing():
            await stage.caught_up()
        ((lane,),) = await stage.rows("SELECT lane FROM cursors")
        async with stage.broker() as client:
            headers = {
                "ce-type": TYPE,
                "ce-sequence": "900",
                "ce-id": "x",
                "ce-key": "k",
                "ce-time": "2026-01-01",
            }
            await client.jetstream().publish(f"{TYPE}.{lane}", b'{"key":"k","n":900}', headers=headers)
        async with stage.hearing():
            await asyncio.sleep(0.3)
            await stage.say(2, 3)
            await stage.caught_up()
    assert await stage.effects() == stage.said


async def test_an_outage_of_the_store_is_not_the_messages_fault(stage: Stage) -> None:
    """Disk full (53100) lasts longer than every pause; nothing may be parked for it."""
    outage = True
    tries = 0

    class DiskFull(Exception):
        sqlstate = "53100"

    async def full(session: AsyncSession, event: Counted, meta: Meta) -> None:
        nonlocal tries
        tries += 1
        if outage:
            raise DiskFull
        await record(session, event, meta)

    async with stage.relaying(), stage.hearing(full, Tuning(backoff=(), compare_every=0.5)):
        await stage.say(1, 2)
        async with asyncio.timeout(60):
            while tries < 3:
                await asyncio.sleep(0.05)
        outage = False
        await stage.caught_up()
    assert await stage.effects() == stage.said
    assert await stage.rows("SELECT 1 FROM parked") == []
