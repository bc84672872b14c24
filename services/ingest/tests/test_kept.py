"""What fails on its way in is kept too, with its reason: a frame no commit takes, a value that came back."""

import asyncio

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from ingest.receiver.committer import FRAMES
from ingest_scene import MN, MON, batch, count, fetch, row, send
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from test_receiver import hour_frame, logger, until
from uplink_scene import until as it_is_so


async def as_superuser(database: FreshDatabase, *statements: str) -> None:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_frame_that_no_commit_takes_is_kept_with_its_reason_and_not_answered(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase, tokens: Tokens
) -> None:
    await as_superuser(database, "ALTER TABLE observations ADD CONSTRAINT odd CHECK (value <> 66.5)")
    odd, sound = hour_frame(1, a34004="66.5"), hour_frame(2, a34002="35.0")
    async with logger(app) as device:
        await device.send(odd + sound)
        assert (await device.answer())["QN"].endswith("002"), "its neighbour is answered"
        assert await device.silence()
        await until(database, "refused_rows", 1)
        ((kept, rule, found, who),) = await fetch(
            database,
            "SELECT s.id, r.rule, r.found, s.device FROM submissions s"
            " JOIN refused_rows r ON r.submission = s.id",
        )
        assert (rule, found, who) == ("frame-failed", "CheckViolationError", MN)
        raw = await client.get(f"/submissions/{kept}/raw", headers=tokens.bearer(MON))
        assert raw.content == odd
        await as_superuser(database, "ALTER TABLE observations DROP CONSTRAINT odd")
        await device.send(odd)
        assert (await device.answer())["QN"].endswith("001"), "sent again, it is taken"
    assert await count(database, "observations") == 2


async def test_of_frames_that_fail_all_day_the_first_are_kept_and_the_rest_counted(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase
) -> None:
    await as_superuser(database, "ALTER TABLE observations ADD CONSTRAINT odd CHECK (value <> 66.5)")
    failed = FRAMES.labels("failed")
    before = failed._value.get()
    async with logger(app) as device:
        for at in range(23):
            await device.send(hour_frame(at, a34004="66.5"))
        for _ in range(100):
            if failed._value.get() - before == 23:
                break
            await asyncio.sleep(0.1)
    assert failed._value.get() - before == 23
    assert await count(database, "refused_rows") == 20
    assert app.state.flood.counts[(MN, "frame-failed")].counted == 3


async def test_a_frame_that_cannot_even_be_kept_costs_nobody_else_a_receipt(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase
) -> None:
    await as_superuser(
        database,
        "ALTER TABLE observations ADD CONSTRAINT odd CHECK (value <> 66.5)",
        "ALTER TABLE refused_rows ADD CONSTRAINT none CHECK (rule <> 'frame-failed')",
    )
    async with logger(app) as device:
        before = FRAMES.labels("lost")._value.get()
        await device.send(hour_frame(1, a34004="66.5"))
        assert await device.silence()
        await it_is_so(lambda: FRAMES.labels("lost")._value.get() == before + 1)
        await device.send(hour_frame(2))
        assert (await device.answer())["QN"].endswith("002")


@pytest.mark.parametrize("key", [None, "back"])
async def test_values_that_came_back_are_kept_as_refused(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, key: str | None
) -> None:
    headers = {"Uplink-Path": "langfang, somebody"} | ({"Idempotency-Key": key} if key else {})
    answer = await send(client, tokens, batch(row()), **headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/values-returned")
    told = answer.json()["errors"][0]
    assert (told["where"], told["rule"]) == ("Uplink-Path", "values-returned") and told["mend_zh"]
    ((kept, rule),) = await fetch(
        database,
        "SELECT s.id, r.rule FROM submissions s JOIN refused_rows r ON r.submission = s.id",
    )
    assert (str(kept), rule) == (answer.json()["submission"], "values-returned")
    assert await count(database, "observations") == 0
    raw = await client.get(f"/submissions/{kept}/raw", headers=tokens.bearer(MON))
    assert raw.json() == batch(row())
    ((path,),) = await fetch(database, "SELECT path FROM submission_hops")
    assert path == ["langfang", "somebody"]


async def test_LF_63_a_malformed_frame_is_refused_with_its_reason_and_kept(
    client: httpx.AsyncClient, app: FastAPI, tokens: Tokens, database: FreshDatabase
) -> None:
    sound = hour_frame(1)
    wrong = {
        "crc-wrong": sound[:-6] + (b"0000" if sound[-6:-2] != b"0000" else b"1111") + sound[-2:],
        "frame-broken": sound[:2] + b"0001" + sound[6:],
    }
    async with logger(app) as device:
        for number, frame in enumerate(wrong.values(), start=1):
            await device.send(frame)
            await until(database, "submissions", number)
        assert await device.silence(), "what is not taken is not acknowledged"
    head = tokens.bearer(MON)
    told = (await client.get("/refusals", headers=head)).json()["items"]
    assert {one["rule"] for one in told} == set(wrong)
    assert all(one["mend_zh"] and one["mend"] for one in told)
    for one in told:
        raw = await client.get(f"/submissions/{one['submission']}/raw", headers=head)
        assert raw.content == wrong[one["rule"]]
    assert await count(database, "observations") == 0
