"""A busy lane lets messages gather; a quiet one does not make anybody wait."""

import asyncio
from dataclasses import replace
from time import monotonic

from kit import cursor
from stage import QUICK, TYPE, Stage, record

PLACE = cursor.Place("probe", TYPE, "00")


async def test_a_busy_lane_needs_few_transactions_and_keeps_the_order(stage: Stage) -> None:
    async with stage.broker(), stage.relaying(), stage.hearing(record, replace(QUICK, rest=0.6)):
        for n in range(40):
            await stage.say(n)
            await asyncio.sleep(0.02)
        await stage.caught_up()
    assert await stage.effects() == stage.said
    (row,) = await stage.rows("SELECT count(DISTINCT xmin::text) AS transactions FROM effects")
    assert row.transactions < 20


async def test_the_first_message_after_a_silence_goes_at_once_and_a_stop_does_not_wait(stage: Stage) -> None:
    rest = 20.0
    async with stage.broker(), stage.relaying():
        async with stage.hearing(record, replace(QUICK, rest=rest)):
            begun = monotonic()
            await stage.say(1)
            await stage.caught_up()
            await stage.say(2)
            await asyncio.sleep(0.5)
        assert monotonic() - begun < rest
        async with stage.hearing(record, QUICK):
            await stage.caught_up()
    assert await stage.effects() == stage.said


async def test_only_who_stands_right_before_a_message_may_take_it(stage: Stage) -> None:
    async with stage.consumer.writer() as session:
        assert not await cursor.move(session, PLACE, 1, 3)  # no row yet: the slow way makes it
        assert await cursor.lock(session, PLACE) == 0
        assert await cursor.move(session, PLACE, 1, 3)
        assert not await cursor.move(session, PLACE, 3, 5)
        assert not await cursor.move(session, PLACE, 5, 6)
        assert await cursor.lock(session, PLACE) == 3
