"""What was said can be read again: by lane for consumers, by trace for people."""

import base64
import json

import httpx
from kit import outbox
from kit.outbox import Meta
from kit.telemetry import continued
from probe.events import Counted
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from stage import TYPE, Stage

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


async def numbered(stage: Stage) -> httpx.AsyncClient:
    async with stage.relaying(), stage.hearing():
        await stage.caught_up()
    return httpx.AsyncClient(base_url=stage.settings.peers["probe"], trust_env=False)


async def test_a_lane_can_be_read_again_in_pages(stage: Stage) -> None:
    await stage.say(*range(5))
    async with await numbered(stage) as client:
        heads = (await client.get("/outbox/heads", params={"event": TYPE})).json()
        lane = next(iter(heads))
        assert heads == {lane: 5}
        page = (await client.get(f"/outbox/{TYPE}/{lane}", params={"after": 1, "limit": 2})).json()
        assert [row["seq"] for row in page] == [2, 3]
        assert [json.loads(base64.b64decode(row["data"]))["n"] for row in page] == [1, 2]
        assert (await client.get(f"/outbox/{TYPE}/{lane}", params={"after": 5})).json() == []
        assert (await client.get(f"/outbox/{TYPE}/{lane}", params={"after": -1})).status_code == 422
        assert (await client.get("/outbox/heads", params={"event": "other.v1"})).json() == {}


async def test_a_row_is_found_under_the_trace_it_was_said_in(stage: Stage) -> None:
    with continued(PARENT, "test"):
        await stage.say(1)
    async with stage.producer.writer() as session:
        await outbox.put(session, Counted(key="k", n=2), key="k", traces=["a" * 32, PARENT])
        await outbox.put(session, Counted(key="k", n=3), key="k")
        found = await session.execute(text("SELECT trace_ids FROM outbox ORDER BY id"))
        ids = list(found.scalars())
    assert ids[0] == [TRACE] and ids[1] == ["a" * 32, TRACE] and len(ids[2][0]) == 32


async def test_a_trace_goes_on_through_a_handler_that_says_more(stage: Stage) -> None:
    seen: list[Meta] = []

    async def answer(session: AsyncSession, event: Counted, meta: Meta) -> None:
        seen.append(meta)
        await outbox.put(session, Counted(key="answer", n=event.n), key="answer")

    async with stage.producer.writer() as session:
        await outbox.put(session, Counted(key="k", n=1), key="k", traces=[TRACE, "b" * 32])
    async with stage.relaying(), stage.hearing(answer):
        await stage.caught_up()
    assert seen[0].traces == (TRACE, "b" * 32) and seen[0].key == "k" and seen[0].seq == 1
    found = await stage.rows("SELECT trace_ids, traceparent FROM outbox")
    assert found[0].trace_ids == [TRACE, "b" * 32]
    assert found[0].traceparent.split("-")[1] == seen[0].traceparent.split("-")[1]


async def test_rows_beyond_the_readers_region_are_not_shown(stage: Stage) -> None:
    ours, theirs = {"region": "131000"}, {"region": "131100"}
    async with stage.producer.writer() as session:
        for data in (ours, theirs, {"series": [ours]}, {"series": [ours, theirs]}, {"n": 1}):
            await session.execute(
                text(
                    "INSERT INTO outbox (event, lane, key, data, traceparent, trace_ids, occurred_at) "
                    "VALUES ('e', '00', 'k', :data, :parent, ARRAY[:trace], now())"
                ),
                {"data": json.dumps(data).encode(), "parent": PARENT, "trace": TRACE},
            )
    async with await numbered(stage) as client:
        shown = (await client.get(f"/traces/{TRACE}")).json()
        assert [row["data"] for row in shown] == [ours, {"series": [ours]}]
        assert (await client.get(f"/traces/{'0' * 32}")).json() == []
