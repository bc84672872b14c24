"""Lanes that wait together share a transaction; what one of them cannot do harms no other."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Any

from contracts.envelope import lane_of
from kit.outbox import Meta
from probe.events import Counted
from sqlalchemy.ext.asyncio import AsyncSession
from stage import QUICK, Stage, record

SHARING = replace(QUICK, shared_rest=0.3)
KEYS = [f"k{n}" for n in range(24)]


def shared(refused: int = -1) -> Any:
    """A handler that takes several lanes at once, and cannot do the number `refused`."""

    async def each(session: AsyncSession, event: Counted, meta: Meta) -> None:
        await together(session, [(event, meta)])

    async def together(session: AsyncSession, messages: list[tuple[Counted, Meta]]) -> None:
        for event, meta in messages:
            await record(session, event, meta)
            if event.n == refused:
                raise RuntimeError("cannot")

    each.together, each.across_lanes = together, True  # type: ignore[attr-defined]
    return each


async def test_lanes_that_wait_share_transactions_and_each_keeps_its_order(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing(shared(), SHARING):
        for n in range(8):
            for key in KEYS:
                await stage.say(n, key=key)
        await stage.caught_up()
    found = await stage.effects()
    assert sorted(found) == sorted(stage.said)
    assert all([n for key, n in found if key == one] == list(range(8)) for one in KEYS)
    lanes: dict[str, set[str]] = defaultdict(set)
    for row in await stage.rows("SELECT xmin::text AS transaction, key FROM effects"):
        lanes[row.transaction].add(lane_of(Counted, row.key))
    assert max(map(len, lanes.values())) > 1


async def test_a_message_that_fails_is_parked_alone_and_every_lane_goes_on(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing(shared(refused=7), SHARING):
        for n, key in enumerate(KEYS):
            await stage.say(n, key=key)
        await stage.caught_up()
        await stage.say(100, key=KEYS[7])
        await stage.say(101, key=KEYS[8])
        await stage.caught_up()
    numbers = sorted(n for _, n in await stage.effects())
    assert numbers == [n for n in range(len(KEYS)) if n != 7] + [101]
    parked = await stage.rows("SELECT key, reason FROM parked ORDER BY seq")
    assert [tuple(row) for row in parked] == [
        ("k7", "RuntimeError: cannot"),
        ("k7", "behind an earlier message of the same key"),
    ]


async def test_a_stop_in_the_middle_loses_and_doubles_nothing(stage: Stage) -> None:
    async with stage.relaying():
        for turn in range(4):
            async with stage.hearing(shared(), replace(SHARING, shared_rest=0.05)):
                for key in KEYS:
                    await stage.say(turn, key=key)
                await asyncio.sleep(0.1)
        async with stage.hearing(shared(), SHARING):
            await stage.caught_up()
    assert sorted(await stage.effects()) == sorted(stage.said)
