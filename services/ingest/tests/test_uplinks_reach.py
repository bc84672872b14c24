"""Where links may not go: inside, by address or name, when registered and when connecting."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from ingest.main import build
from ingest.rules.uplinks.reach import barred, reach_of
from ingest.settings import Settings
from ingest_scene import MON, fetch, register
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor
from kit.testing.tokens import Tokens
from stub_platform import Hj212Stub, HttpStub
from uplink_scene import ask, hj212_link, http_link, put_link, send_hours, until

NAME = "province.example.org"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"), ("10.1.2.3", "10.1.2.3"), ("192.168.0.1", "192.168.0.1"),
        ("169.254.169.254", "169.254.169.254"), ("0.0.0.0", "0.0.0.0"), ("224.0.0.1", "224.0.0.1"),
        ("100.64.0.1", "100.64.0.1"), ("::1", "::1"), ("fe80::1", "fe80::1%eth0"), ("fd00::1", "fd00::1"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("64:ff9b::a00:1", "64:ff9b::a00:1"),
        ("2002:7f00:1::", "2002:7f00:1::"), (NAME, "172.16.0.9"), ("ingest", "8.8.8.8"),
        ("nats.jianzhen.svc.cluster.local", "8.8.8.8"), ("LOCALHOST.", "8.8.8.8"), ("db.own.cn", "8.8.8.8"),
    ],
)  # fmt: skip
def test_what_is_inside_is_barred_however_it_is_written(host: str, address: str) -> None:
    reach = reach_of([], ["db.own.cn"])
    wrong = barred(reach, host, [address], "address", is_clear=False)
    assert wrong is not None and wrong.rule == "uplink-host"
    assert barred(reach_of([host], ["db.own.cn"]), host, [address], "address", is_clear=True) is None


def test_what_the_settings_allow_is_allowed_and_no_more() -> None:
    reach = reach_of(["10.1.0.0/16", "hub.moe"])
    assert barred(reach, "10.1.9.9", ["10.1.9.9"], "address", is_clear=True) is None
    assert barred(reach, NAME, ["10.1.9.9"], "address", is_clear=True) is None
    for addresses in (["10.2.0.1"], ["10.1.0.1", "10.2.0.1"], ["8.8.8.8", "10.2.0.1"]):
        assert barred(reach, NAME, addresses, "address", is_clear=False) is not None, addresses
    assert barred(reach, NAME, ["8.8.8.8"], "address", is_clear=False) is None
    clear = barred(reach, NAME, ["8.8.8.8"], "token_url", is_clear=True)
    assert clear is not None and (clear.where, clear.rule) == ("token_url", "uplink-clear")
    with pytest.raises(ValueError, match="10"):
        reach_of(["10.0.0.0/99"])


@pytest.fixture
async def closed(
    settings: Settings, client_for: ClientFor, tokens: Tokens
) -> AsyncIterator[httpx.AsyncClient]:
    """A platform whose settings allow nothing inside."""
    app = build(Settings.model_validate(settings.model_dump() | {"uplink_allows": []}))
    async with client_for(app) as made:
        await register(made, tokens)
        yield made


@pytest.mark.parametrize(
    ("body", "where", "rule"),
    [
        (http_link(80), "address", "uplink-host"),
        (http_link(80, address="https://127.1"), "address", "uplink-host"),
        (http_link(80, address="https://2130706433/x"), "address", "uplink-host"),
        (http_link(80, address="https://[::1]:8443"), "address", "uplink-host"),
        (http_link(80, address="https://ingest:8000"), "address", "uplink-host"),
        (http_link(80, address="https://a@169.254.169.254"), "address", "uplink-host"),
        (http_link(80, address="http://8.8.8.8"), "address", "uplink-clear"),
        (http_link(80, address="https://"), "address", "uplink-target"),
        (http_link(80, address="https://8.8.8.8", token_url="http://10.0.0.1"), "token_url", "uplink-host"),
        (hj212_link(80), "address", "uplink-host"),
        (hj212_link(80, address="[fe80::1]:80"), "address", "uplink-host"),
    ],
)
async def test_a_link_inside_is_not_registered(
    closed: httpx.AsyncClient, tokens: Tokens, body: dict[str, Any], where: str, rule: str
) -> None:
    answer = await closed.put("/uplinks/x", json=body, headers=tokens.bearer(MON))
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{rule}")
    (told,) = answer.json()["errors"]
    assert (told["where"], told["rule"]) == (where, rule)
    assert all(told[name] for name in ("what", "what_zh", "mend", "mend_zh"))
    assert (await closed.get("/uplinks/x", headers=tokens.bearer(MON))).status_code == 404


async def test_a_public_link_is_registered(closed: httpx.AsyncClient, tokens: Tokens) -> None:
    await put_link(closed, tokens, "x", http_link(1, address="https://8.8.8.8/api", is_on=False))
    await put_link(closed, tokens, "y", hj212_link(1, address="8.8.8.8:9000", is_on=False))


@pytest.mark.parametrize("kind", ["http", "hj212"])
async def test_a_name_that_turns_inside_later_is_not_connected_to(
    client: httpx.AsyncClient,
    app: FastAPI,
    tokens: Tokens,
    database: FreshDatabase,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """DNS rebinding: public when it is registered, loopback when the link connects."""
    stub = await (HttpStub() if kind == "http" else Hj212Stub()).up()
    leads, asked = ["8.8.8.8"], asyncio.get_running_loop().getaddrinfo

    async def lookup(host: Any, port: Any, **more: Any) -> Any:
        if host != NAME:
            return await asked(host, port, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads[0], port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    app.state.uplinks.reach = reach_of([])
    body = (
        http_link(1, address=f"https://{NAME}:{stub.port}")
        if kind == "http"
        else hj212_link(1, address=f"{NAME}:{stub.port}")
    )
    await put_link(client, tokens, "x", body | {"is_on": False})
    leads[0] = "127.0.0.1"
    app.state.uplinks.reach = reach_of(["203.0.113.0/24"])
    await fetch(database, "UPDATE uplinks SET is_on = true, address = replace(address, 'https:', 'http:')")
    await send_hours(client, tokens, range(1))
    for _ in range(200):
        state = (await ask(client, tokens, "/uplinks/x"))["state"]
        if state["last_error"]:
            break
        await asyncio.sleep(0.05)
    assert "uplink-host" in state["last_error"] and "127.0.0.1" in state["last_error"]
    assert not stub.holds
    # Once the settings allow it, the same link goes through, to the very address that was checked.
    for sender in list(app.state.uplinks.senders.values()):
        await sender.stop()
    app.state.uplinks.senders.clear()
    app.state.uplinks.reach = reach_of([NAME])
    await until(lambda: stub.holds)
    await stub.down()
