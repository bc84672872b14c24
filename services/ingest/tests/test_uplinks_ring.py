"""Two real platforms that point at each other, and a process that is killed in the middle."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from ingest.main import build
from ingest.settings import Settings
from ingest_scene import AIR, MON, batch, count, fetch, register, row, send
from kit.processes import free_port
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ServiceDatabase
from kit.testing.tokens import Tokens
from stub_platform import HttpStub
from uplink_scene import BASE, http_link, put_link, reconcile, send_hours, settled

VALUES = "SELECT o.ts, o.value FROM observations o ORDER BY 1"


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[tuple[httpx.AsyncClient, int]]:
    """The application behind a real socket."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.05)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as made:
        yield made, port
    server.should_exit = True
    await task


async def test_LN_14_two_platforms_that_point_at_each_other_hold_every_value_once(
    settings: Settings, database: FreshDatabase, service_database: ServiceDatabase, tokens: Tokens
) -> None:
    other = await service_database("ingest")
    urls = {"writer_url": other.writer_url, "reader_url": other.reader_url}
    city = build(settings)
    province = build(Settings.model_validate(settings.model_dump() | urls | {"platform": "hebei"}))
    async with served(city) as (below, below_port), served(province) as (above, above_port):
        token = tokens.mint(MON)
        for one in (below, above):
            await register(one, tokens)
        await put_link(below, tokens, "up", http_link(above_port, bearer=token))
        await put_link(above, tokens, "down", http_link(below_port, bearer=token, peer="langfang"))
        await send_hours(below, tokens, range(6))
        foreign = batch(row(site="131000-A02", time=BASE.isoformat()))
        assert (await send(above, tokens, foreign)).status_code == 202
        await settled(database, 6)
        await settled(other, 1)
        await asyncio.sleep(3)
        assert await fetch(database, VALUES) == await fetch(other, VALUES)
        assert await count(database, "observations") == await count(other, "observations") == 7
        assert await count(database, "submissions") == await count(other, "submissions") == 2
        for base, path in ((other, ["langfang"]), (database, ["hebei"])):
            ((found,),) = await fetch(base, "SELECT path FROM submission_hops")
            assert found == path
            assert [tuple(one) for one in await fetch(base, "SELECT looped FROM uplink_states")] == [
                (6 if path == ["langfang"] else 1,)
            ]
        assert (await reconcile(below, tokens, "up", BASE.date().isoformat()))["state"] == "agrees"
        # The last guard: a third that does not know the ring sends a value back to where it began.
        headers = {"Uplink-Path": "langfang, somebody", "Idempotency-Key": "back"}
        answer = await send(below, tokens, foreign, **headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/values-returned")
    await other.close()


async def test_LN_14_a_value_goes_no_further_than_the_hops_allowed(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    province = await HttpStub().up()
    await put_link(client, tokens, "province", http_link(province.port))
    for hops in (7, 8):
        body = batch(row(time=(BASE + timedelta(hours=hops)).isoformat()))
        path = {"Uplink-Path": ",".join(f"p{at}" for at in range(hops))}
        assert (await send(client, tokens, body, **path)).status_code == 202
    await settled(database, 1)
    await asyncio.sleep(1)
    assert [key[-1][11:13] for key in province.holds] == ["07"]
    assert province.headers[0]["uplink-path"].split(", ")[-2:] == ["p6", "langfang"]
    await province.down()


async def test_LN_14_a_source_that_is_a_platform_is_not_sent_back_to_it(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    province = await HttpStub().up()
    series = [{"site": AIR, "factor": "a34004", "source": "via:hebei"}]
    assert (
        await client.put("/series", json={"series": series}, headers=tokens.bearer(MON))
    ).status_code == 200
    await put_link(client, tokens, "province", http_link(province.port))
    await put_link(client, tokens, "nation", http_link(province.port, peer="cnemc"))
    assert (await send(client, tokens, batch(row(), source="via:hebei"))).status_code == 202
    await settled(database, 1)
    await asyncio.sleep(1)
    assert [tuple(one) for one in await fetch(database, "SELECT link FROM uplink_parcels")] == [("nation",)]
    assert province.headers[0]["uplink-path"] == "hebei, langfang"
    await province.down()


@pytest.mark.slow
@pytest.mark.timeout(500)
async def test_LF_06_an_ingest_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    settings: Settings, database: FreshDatabase, tokens: Tokens
) -> None:
    province = await HttpStub().up()
    port = free_port()
    told = settings.model_dump(mode="json") | {"port": port, "receiver_port": free_port()}
    told |= {name: getattr(settings, name).get_secret_value() for name in ("writer_url", "reader_url")}
    told |= {"client_secret": "x", "nats_seed": "", "peers": "{}", "uplink_allows": '["127.0.0.0/8"]'}
    environment = os.environ | {
        f"INGEST_{name.upper()}": str(value) for name, value in told.items() if value is not None
    }

    async def start() -> asyncio.subprocess.Process:
        made = await asyncio.create_subprocess_exec(sys.executable, "-m", "ingest.main", env=environment)
        async with httpx.AsyncClient(trust_env=False) as asking:
            for _ in range(1200):
                try:
                    if (await asking.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        return made
                except httpx.HTTPError:
                    pass
                assert made.returncode is None
                await asyncio.sleep(0.1)
        made.kill()
        await made.wait()
        raise AssertionError("ingest did not start")

    process = await start()
    sent = 0
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20
        ) as client:
            await register(client, tokens)
            await put_link(client, tokens, "province", http_link(province.port))
            province.late_seconds = 0.3
            for kill in range(3):
                province.late = 10
                for hour in range(8):
                    await send_hours(client, tokens, range(24 * kill + hour, 24 * kill + hour + 1))
                    sent += 1
                await asyncio.sleep(0.6 + kill * 0.4)
                process.send_signal(signal.SIGKILL)
                await process.wait()
                process = await start()
            await settled(database, sent, seconds=90)
            assert len(province.holds) == sent and not province.revisions and not province.repeats
            ((queued,),) = await fetch(database, "SELECT sum(size) FROM uplink_parcels")
            assert queued == sent, "from the outbox into the queue exactly once"
            for kill in range(3):
                day = (BASE + timedelta(days=kill)).date().isoformat()
                assert (await reconcile(client, tokens, "province", day))["state"] == "agrees"
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        await province.down()
