"""Links over HJ 212 to a national host that behaves badly, and to a real receiver of ours."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from ingest.main import build
from ingest.rules.hj212_build import data_frame
from ingest.settings import Settings
from ingest_scene import AIR, MN, MON, PASSWORD, batch, fetch, register, row, send
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase
from kit.testing.tokens import Tokens
from stub_platform import Hj212Stub
from uplink_scene import (
    BASE,
    CHINA,
    UP_MN,
    UP_PW,
    ask,
    hj212_link,
    put_link,
    reconcile,
    send_hours,
    settled,
    until,
)

DAY = BASE.date().isoformat()


@pytest.fixture
async def nation() -> AsyncIterator[Hj212Stub]:
    stub = await Hj212Stub().up()
    yield stub
    await stub.down()


def times(stub: Hj212Stub) -> list[str]:
    return [key[2] for key in stub.order]


async def test_LN_13_a_host_that_was_down_misses_nothing_and_agrees_afterwards(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, nation: Hj212Stub
) -> None:
    await put_link(client, tokens, "nation", hj212_link(nation.port, sources=["cnemc"]))
    await send_hours(client, tokens, range(2))
    await settled(database, 2)
    await nation.down()
    await send_hours(client, tokens, range(2, 8))
    await asyncio.sleep(2)
    assert (await ask(client, tokens, "/uplinks/nation"))["state"]["circuit"] == "open"
    await nation.up()
    await settled(database, 8)
    assert times(nation) == sorted(times(nation)) and len(set(times(nation))) == 8
    assert set(nation.holds) == {
        (UP_MN, "2061", f"{BASE + timedelta(hours=hour):%Y%m%d%H%M%S}", "a34004", "Avg") for hour in range(8)
    }
    assert set(nation.holds.values()) == {"35"} and not nation.revisions
    frame = nation.frames[0]
    assert (frame["ST"], frame["PW"], frame["Flag"]) == ("22", UP_PW, "5") and "RF" not in frame
    report = await reconcile(client, tokens, "nation", DAY)
    assert report["state"] == "agrees" and report["totals"]["acknowledged"] == 8
    assert "receipts" in report["note"]
    receipts = (await ask(client, tokens, "/uplinks/nation/receipts"))["items"]
    assert {one["answer"][:4] for one in receipts} == {"9014"} and len(receipts) == 8


async def test_LN_13_cut_silent_and_late_answers_are_the_same_frame_again(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, nation: Hj212Stub
) -> None:
    nation.cuts, nation.silent, nation.late, nation.late_seconds = 1, 2, 1, 1.5
    await put_link(client, tokens, "nation", hj212_link(nation.port, sources=["cnemc"]))
    await send_hours(client, tokens, range(3))
    await settled(database, 3)
    assert len(nation.raw) > 3, "it was sent again"
    assert len(set(nation.raw)) == 3, "with the same bytes"
    assert len(nation.holds) == 3 and not nation.repeats


async def test_LN_13_what_the_host_refuses_is_parked_and_sent_again_on_request(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, nation: Hj212Stub
) -> None:
    nation.refuses = 1
    await put_link(client, tokens, "nation", hj212_link(nation.port, sources=["cnemc"], dialect="2025"))
    await send_hours(client, tokens, range(2))
    await settled(database, 1, "parked")
    await settled(database, 1)
    ((reason,),) = await fetch(database, "SELECT reason FROM uplink_parcels WHERE state = 'parked'")
    assert reason == "9011 8 CN wrong"
    first = nation.frames[0]["QN"]
    answer = await client.post("/uplinks/nation/resend", json={}, headers=tokens.bearer(MON))
    assert answer.json() == {"resent": 1}
    await settled(database, 2)
    last = nation.frames[-1]
    assert last["QN"] != first and last["RF"] == "1" and last["Flag"] == "9"


async def test_LN_13_late_values_are_marked_in_2025_and_revisions_are_reported(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, nation: Hj212Stub
) -> None:
    await put_link(client, tokens, "nation", hj212_link(nation.port, sources=["cnemc"], dialect="2025"))
    now = datetime.now(CHINA).replace(minute=0, second=0, microsecond=0)
    fresh = batch(row(time=(now - timedelta(hours=1)).isoformat()))
    assert (await send(client, tokens, fresh)).status_code == 202
    await send_hours(client, tokens, range(1))
    await settled(database, 2)
    marks = {frame["QN"]: frame.get("RF") for frame in nation.frames}
    assert sorted(marks.values(), key=str) == ["1", None]
    await send_hours(client, tokens, range(1), value=99)
    await settled(database, 1, "reported")
    report = await reconcile(client, tokens, "nation", DAY)
    assert (report["state"], report["totals"]["reported"]) == ("agrees", 1)
    assert not nation.revisions


async def test_LN_13_only_our_own_requests_are_answered_and_then_refused(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, nation: Hj212Stub
) -> None:
    await put_link(client, tokens, "nation", hj212_link(nation.port, sources=["cnemc"]))
    await send_hours(client, tokens, range(1))
    await settled(database, 1)
    nation.ask("2012", UP_MN, UP_PW)
    nation.ask("2061", UP_MN, "wrong")
    nation.ask("2061", "X" * 24, UP_PW)
    nation.ask("9013", UP_MN, UP_PW)
    nation.ask("2061", UP_MN, UP_PW, qn="20261121080000999")
    await until(lambda: nation.replies)
    await asyncio.sleep(0.3)
    (reply,) = nation.replies
    assert (reply["CN"], reply["QN"], reply["QnRtn"], reply["Flag"]) == (
        "9011",
        "20261121080000999",
        "2",
        "4",
    )


async def test_LN_13_a_logger_is_passed_on_frame_by_frame_in_every_dialect(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, nation: Hj212Stub, app: FastAPI
) -> None:
    stubs = {"2017": nation, "2005": await Hj212Stub().up()}
    for dialect, stub in stubs.items():
        body = hj212_link(stub.port, sources=["hj212"], dialect=dialect, peer=f"host-{dialect}")
        await put_link(client, tokens, f"nation-{dialect}", body)
    device = {"ST": 22, "PW": PASSWORD, "MN": MN, "Flag": 5}
    readings = [(code, {"Avg": value, "Flag": "D"}) for code, value in (("a34004", "35.0"), ("a34002", "92"))]
    frame = data_frame(device, 2061, f"{BASE:%Y%m%d%H%M%S}", readings, qn="20260301080000001")
    reader, writer = await asyncio.open_connection("127.0.0.1", app.state.receiver.port)
    writer.write(frame)
    assert b"CN=9014" in await reader.readuntil(b"\r\n")
    writer.close()
    await settled(database, 4)
    sent = nation.raw[0].decode()
    assert "a34004-Avg=35.0,a34004-Flag=D;a34002-Avg=92,a34002-Flag=D&&" in sent
    assert stubs["2005"].frames[0]["Flag"] == "1"
    await stubs["2005"].down()


async def test_SLm_17_cnemc_receives_what_was_chosen_for_it_value_by_value(
    client: httpx.AsyncClient,
    tokens: Tokens,
    database: FreshDatabase,
    settings: Settings,
    service_database: ServiceDatabase,
    client_for: ClientFor,
) -> None:
    """Also a real receiver: a second `ingest` takes the part of the national centre."""
    above = await service_database("ingest")
    urls = {"writer_url": above.writer_url, "reader_url": above.reader_url}
    cnemc = build(Settings.model_validate(settings.model_dump() | urls | {"platform": "cnemc"}))
    async with client_for(cnemc) as centre:
        await register(centre, tokens)
        body = {"site": AIR, "password": UP_PW, "source": "hj212"}
        answer = await centre.put(f"/devices/{UP_MN}", json=body, headers=tokens.bearer(MON))
        assert answer.status_code == 200
        link = hj212_link(
            cnemc.state.receiver.port, sources=["cnemc"], factors=["a34004", "a05024"], dialect="2025"
        )
        await put_link(client, tokens, "cnemc", link)
        rows = [
            row(factor=factor, time=(BASE + timedelta(hours=hour)).isoformat(), value=f"{hour}.{hour}5")
            for factor in ("a34004", "a05024", "a34002")
            for hour in range(12)
        ]
        assert (await send(client, tokens, batch(*rows))).json()["accepted"] == 36
        await settled(database, 24)
        query = (
            "SELECT s.factor, o.ts, o.value, o.decimals, o.mode FROM observations o "
            "JOIN series s ON s.id = o.series_id ORDER BY 1, 2"
        )
        there = [tuple(one) for one in await fetch(above, query)]
        here = [tuple(one)[:4] for one in await fetch(database, query) if one[0] != "a34002"]
        assert [one[:4] for one in there] == here and len(here) == 24
        assert {one[4] for one in there} == {2}, "RF=1: back-fill on the other side"
    await above.close()


async def test_LN_13_a_site_that_lost_its_mn_is_parked_and_holds_nobody_up(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, nation: Hj212Stub, app: FastAPI
) -> None:
    other = "131000-A02"
    places = {AIR: {"mn": UP_MN, "password": UP_PW}, other: {"mn": "N" * 24, "password": UP_PW}}
    body = hj212_link(nation.port, sources=["cnemc"], places=places)
    await nation.down()
    await put_link(client, tokens, "nation", body)
    rows = [row(site=site, time=BASE.isoformat()) for site in (AIR, other)]
    assert (await send(client, tokens, batch(*rows))).status_code == 202
    await settled(database, 2, "waiting")
    await put_link(client, tokens, "nation", body | {"places": {other: places[other]}})
    senders = app.state.uplinks.senders
    await until(lambda: "nation" in senders and set(senders["nation"].ready.link.places) == {other})
    await nation.up()
    await settled(database, 1, "parked")
    await settled(database, 1)
    assert {key[0] for key in nation.holds} == {"N" * 24}
