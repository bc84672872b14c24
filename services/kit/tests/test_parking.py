"""Parked messages are listed, shown, replayed in order, or given up."""

import asyncio

import httpx
from kit.outbox import Meta
from kit.problems import Invalid
from probe.events import Counted
from sqlalchemy.ext.asyncio import AsyncSession
from stage import Stage, api, record, served


class Stubborn:
    """Refuses the numbers in `refused`."""

    def __init__(self, *refused: int) -> None:
        self.refused = set(refused)

    async def __call__(self, session: AsyncSession, event: Counted, meta: Meta) -> None:
        await record(session, event, meta)
        if event.n in self.refused:
            raise Invalid("no", f"not {event.n}")


async def test_parked_messages_are_listed_shown_and_replayed_in_order(stage: Stage) -> None:
    handler = Stubborn(1, 3)
    app = api(stage.consumer)
    async with stage.relaying(), stage.hearing(handler) as bus, served(app) as address:
        app.state.bus = bus
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            await stage.say(*range(5), key="a")
            await stage.say(10, key="b")
            await stage.caught_up()
            listed = (await client.get("/parked", params={"limit": 3})).json()
            assert [(item["key"], item["attempts"]) for item in listed["items"]] == [
                ("a", 1),
                ("a", 0),
                ("a", 0),
            ]
            more = (await client.get("/parked", params={"cursor": listed["next"]})).json()
            assert len(more["items"]) == 1 and more["next"] is None
            first = listed["items"][0]["id"]

            shown = (await client.get(f"/parked/{first}")).json()
            assert shown["data"] == '{"key":"a","n":1,"pad":""}'
            assert shown["headers"]["event_id"].startswith("probe-")
            assert shown["reason"] == "Invalid: no: not 1"

            failed = await client.post(f"/parked/{first}/replay")
            assert failed.status_code == 409 and "not 1" in failed.json()["detail"]
            assert (await client.get(f"/parked/{first}")).json()["attempts"] == 2

            handler.refused = {3}
            stopped = await client.post(f"/parked/{first}/replay")
            assert stopped.status_code == 409 and "not 3" in stopped.json()["detail"]
            waiting = (await client.get("/parked")).json()["items"]
            assert [item["seq"] for item in waiting] == [4, 5]

            handler.refused = set()
            done = (await client.post(f"/parked/{waiting[0]['id']}/replay")).json()
            assert done == {"replayed": [item["id"] for item in waiting]}
            assert (await client.get("/parked")).json()["items"] == []
            assert len((await client.get("/parked", params={"replayed": True})).json()["items"]) == 4
            again = await client.post(f"/parked/{first}/replay")
            assert again.status_code == 409
            assert (await client.post("/parked/none/replay")).status_code == 404
            assert (await client.get("/parked/none")).status_code == 404
            await stage.say(5, key="a")
            await stage.caught_up()
    assert [n for key, n in await stage.effects() if key == "a"] == [0, 1, 2, 3, 4, 5]


async def test_a_message_given_up_sets_those_behind_it_free(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing(Stubborn(0)) as bus:
        await stage.say(0, 1, 2)
        await stage.caught_up()
        (first, *_) = await stage.rows("SELECT id FROM parked ORDER BY seq")
        assert len(await bus.replay(first.id, skip=True)) == 3
        await stage.say(3)
        await stage.caught_up()
    assert [n for _, n in await stage.effects()] == [1, 2, 3]
    (kept,) = await stage.rows("SELECT reason FROM parked WHERE id = :id", id=first.id)
    assert kept.reason == "given up by an operator"


async def test_messages_that_arrive_during_a_replay_keep_their_order(stage: Stage) -> None:
    handler = Stubborn(0)
    async with stage.relaying(), stage.hearing(handler) as bus:
        await stage.say(*range(20))
        await stage.caught_up()
        handler.refused = set()
        (first, *_) = await stage.rows("SELECT id FROM parked ORDER BY seq")

        async def more() -> None:
            for n in range(20, 60):
                await stage.say(n)

        await asyncio.gather(bus.replay(first.id), more())
        await stage.caught_up()
        for row in await stage.rows("SELECT id FROM parked WHERE replayed_at IS NULL ORDER BY seq LIMIT 1"):
            await bus.replay(row.id)
    assert await stage.effects() == stage.said
