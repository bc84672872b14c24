"""The TLS listener with real certificates: who the client certificate names is part of the identity."""

import asyncio
import os
import ssl
from pathlib import Path

import httpx
import pytest
from certificates import Authority
from devices import Desk, digits, hours_ago, machine, on_line, past
from fastapi import FastAPI
from ingest.receiver.server import Door
from ingest.receiver.tls import Keeper, Papers, subject_of
from ingest.settings import Settings
from ingest_scene import AIR, MN, MON, fetch
from jianzhen.demo.logger import Logger
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def settings(settings: Settings, authority: Authority) -> Settings:
    certificate, key = authority.issue("server", "localhost")
    return settings.model_copy(
        update={
            "receiver_tls_port": 0,
            "receiver_tls_certificate": certificate,
            "receiver_tls_key": key,
            "receiver_tls_client_ca": authority.certificate,
        }
    )


def client_context(authority: Authority, papers: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.check_hostname = False
    if papers is not None:
        context.load_cert_chain(*papers)
    return context


async def test_a_logger_talks_over_tls_and_is_known_by_its_certificate(
    client: httpx.AsyncClient, tokens: Tokens, app: FastAPI, database: FreshDatabase, authority: Authority
) -> None:
    desk, device = Desk(client, tokens), machine()
    await desk.manners()
    body = {"site": AIR, "certificate": f"CN={MN}"}
    assert (await client.put(f"/devices/{MN}", json=body, headers=tokens.bearer(MON))).status_code == 200
    await app.state.catalog.refresh()
    port = app.state.receiver.tls_port
    async with on_line(app, device, port=port, tls=client_context(authority, authority.issue(MN))):
        assert (await desk.run("read-time"))["state"] == "done"
        history = await desk.run(
            "recall-minutes", BeginTime=digits(hours_ago(50)), EndTime=digits(hours_ago(48))
        )
        assert (history["state"], history["packets"]) == ("done", 121)
    frame = device.data("2061", digits(hours_ago(3)), past("2061", digits(hours_ago(3))))
    for papers in (None, authority.issue("somebody-else")):
        line = Logger("127.0.0.1", port, tls=client_context(authority, papers))
        await line._connect()
        await line.say(frame)
        for _ in range(50):
            refused = await fetch(database, "SELECT found FROM refused_rows WHERE rule = 'wrong-certificate'")
            if len(refused) == (1 if papers is None else 2):
                break
            await asyncio.sleep(0.05)
        await line._close()
    assert [one["found"] for one in refused] == [f"{MN}: None", f"{MN}: CN=somebody-else"]


async def test_a_certificate_of_a_foreign_authority_does_not_get_in(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase, authority: Authority, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path, "Foreign")
    line = Logger("127.0.0.1", app.state.receiver.tls_port, tls=client_context(authority, foreign.issue(MN)))
    with pytest.raises(ConnectionError):
        await line.send([machine().data("2061", digits(hours_ago(3)), past("2061", digits(hours_ago(3))))])
    assert await fetch(database, "SELECT FROM submissions") == []
    plain = Logger("127.0.0.1", app.state.receiver.port)
    assert (
        await plain.send([machine().data("2061", digits(hours_ago(3)), past("2061", digits(hours_ago(3))))])
        == 1
    )


def test_renewed_files_are_read_and_missing_ones_are_named(authority: Authority) -> None:
    papers = Papers(*authority.issue("server"), client_ca=authority.certificate, client_required=True)
    keeper = Keeper(papers)
    assert keeper.context.verify_mode == ssl.CERT_REQUIRED and not keeper.renew()
    authority.issue("server")
    os.utime(papers.certificate, (2e9, 2e9))
    assert keeper.renew() and not keeper.renew()
    with pytest.raises(ValueError, match="receiver_tls_certificate"):
        Door("127.0.0.1", 1, 1, 1, 1, 1, tls_port=1).papers()
    assert subject_of({"subject": ((("commonName", "a"),), (("organizationName", "b"),))}) == "CN=a,O=b"
    assert subject_of(None) is None
