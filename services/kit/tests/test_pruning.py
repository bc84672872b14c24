"""Old rows of the outbox go; what the bus does not have, a reader has not passed, or is young stays."""

from typing import Any

import asyncpg
import httpx
import pytest
from kit import relay
from kit.peers import HistoryMissing, Peers
from sqlalchemy import text
from stage import TYPE, Stage

OLDER = "UPDATE outbox SET occurred_at = now() - $1 * interval '1 day' WHERE seq <= $2"
PRUNE = "SELECT prune_outbox(now() - interval '90 days', 1000)"


async def aged(stage: Stage, days: int, upto: int) -> None:
    owner = await asyncpg.connect(stage.producer.superuser_url)
    await owner.execute(OLDER, days, upto)
    await owner.close()


async def kept(stage: Stage) -> list[Any]:
    async with stage.producer.writer() as session:
        return list(await session.scalars(text("SELECT seq FROM outbox ORDER BY id")))


async def prune(stage: Stage) -> int:
    async with stage.producer.writer() as session:
        return int(await session.scalar(text(PRUNE)) or 0)


@pytest.fixture
async def said(stage: Stage) -> Stage:
    """Six messages, published and heard; the first four are 91 days old."""
    await stage.say(*range(6))
    async with stage.relaying(), stage.hearing():
        await stage.caught_up()
    await aged(stage, 91, 4)
    return stage


async def test_the_relay_removes_what_was_published_long_ago_in_small_steps(
    said: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PRUNE_AT_ONCE", 2)
    async with said.relaying(), said.hearing():
        await said.say(6)
        await said.caught_up()
        while await kept(said) != [5, 6, 7]:
            pass
    assert await said.effects() == said.said


async def test_who_missed_what_is_gone_is_told(said: Stage) -> None:
    assert await prune(said) == 4
    lane = next(iter(await said.heads()))
    address = said.settings.peers["probe"]
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        answer = await client.get(f"/outbox/{TYPE}/{lane}", params={"after": 3})
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/outbox-pruned")
        answer = await client.get(f"/outbox/{TYPE}/{lane}", params={"after": 4})
        assert [row["seq"] for row in answer.json()] == [5, 6]
    peers = Peers({"probe": address}, None)
    with pytest.raises(HistoryMissing, match="no longer keeps"):
        await peers.after("probe", TYPE, lane, 0)
    await peers.close()


async def test_what_the_bus_has_not_and_what_a_reader_here_has_not_passed_stays(said: Stage) -> None:
    lane = next(iter(await said.heads()))
    owner = await asyncpg.connect(said.producer.superuser_url)
    await owner.execute("UPDATE outbox_heads SET published_seq = 3")
    await owner.execute(
        "INSERT INTO cursors (consumer, event, lane, seq) VALUES ('l', $1, $2, 2)", TYPE, lane
    )
    assert await prune(said) == 2
    await owner.execute("UPDATE cursors SET seq = 6 WHERE consumer = 'l'")
    assert await prune(said) == 1
    await owner.close()
    assert await kept(said) == [4, 5, 6]


async def test_nobody_may_remove_more_than_that(said: Stage) -> None:
    await aged(said, 6, 6)
    async with said.producer.writer() as session:
        everything = text("SELECT prune_outbox(now() + interval '1 day', 1000)")
        assert await session.scalar(everything) == 0, "the bus may still have to be filled from here"
    for url, statement in (
        (said.producer.writer_url, "DELETE FROM outbox"),
        (said.producer.reader_url, PRUNE),
    ):
        login = await asyncpg.connect(url)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.execute(statement)
        await login.close()
