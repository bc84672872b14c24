"""A busy lane lets messages gather; a quiet one does not make anybody wait."""

import asyncio
from dataclasses import replace
from time import monotonic

from stage import QUICK, Stage, record


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
