"""Calling tokens back: who may, what is kept, and that the gate forgets whom it let through."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from gateway.flows import revoking
from gateway.main import build
from gateway.settings import Settings
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

ADMIN, AUDITOR, SERVICE = "-/platform.admin@-", "ee/auditor@131000", "-/platform.service@-"
OFFICER = "ee.enf/case.officer@131000"
BODY = {"reason": "证件遗失 lost card"}


@pytest.fixture
async def database(service_database):
    return await service_database("gateway")


@pytest.fixture
def settings(database, tokens) -> Settings:
    urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
    broker = {"nats_url": "nats://127.0.0.1:1", "nats_user": "gateway", "nats_seed": "x"}
    return Settings(environment="local", port=1, **urls, **broker, **tokens.settings)


@pytest.fixture
def app(settings) -> FastAPI:
    return build(settings)


@pytest.fixture
async def client(app, client_for):
    async with client_for(app) as made:
        yield made


async def passes(client: httpx.AsyncClient, bearer: dict[str, str]) -> httpx.Response:
    forwarded = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/api/cases/leads"}
    return await client.get("/authorize", headers=forwarded | bearer)


async def test_a_revoked_token_is_refused_at_once_also_by_a_remembered_decision(client, tokens) -> None:
    old = tokens.bearer(OFFICER, sub="7", iat=int(time.time()) - 30)
    assert (await passes(client, old)).status_code == 200
    answer = await client.put("/revocations/subject/7", json=BODY, headers=tokens.bearer(ADMIN))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["reason"], answer.json()["said_by"]) == (
        BODY["reason"],
        "jianzhen-cli/platform.admin@-",
    )
    refused = await passes(client, old)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/token-revoked")
    fresh = tokens.bearer(OFFICER, sub="7", iat=int(time.time()) + 2)
    assert (await passes(client, fresh)).status_code == 200
    assert (await passes(client, tokens.bearer(OFFICER, sub="8"))).status_code == 200


async def test_a_list_read_before_a_revocation_does_not_take_it_back(
    app, client, tokens, monkeypatch
) -> None:
    old, read = tokens.bearer(OFFICER, sub="7", iat=int(time.time()) - 30), revoking.current
    said: list[int] = []
    mine = asyncio.current_task()  # the gateway looks by itself, too

    async def meanwhile(session: Any, now: datetime) -> Any:
        found = await read(session, now)
        if asyncio.current_task() is mine and not said:
            answer = await client.put("/revocations/subject/7", json=BODY, headers=tokens.bearer(ADMIN))
            said.append(answer.status_code)
        return found

    monkeypatch.setattr(revoking, "current", meanwhile)
    await revoking.follow(app)
    assert said == [200]
    assert (await passes(client, old)).status_code == 401


async def test_the_same_again_changes_nothing_and_what_was_said_stays(client, tokens, database) -> None:
    moment = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for reason in ("first", "second"):
        body = {"reason": reason, "not_before": moment}
        answer = await client.put("/revocations/client/desk", json=body, headers=tokens.bearer(ADMIN))
        assert answer.status_code == 200
    listed = (await client.get("/revocations", headers=tokens.bearer(AUDITOR))).json()["items"]
    assert [row["reason"] for row in listed] == ["first"]
    for change in ("UPDATE revocations SET reason = ''", "DELETE FROM revocations"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(change))


async def test_services_follow_what_a_living_token_could_meet(client, tokens) -> None:
    now = datetime.now(UTC)
    for hours, value in ((23, "a"), (1, "b")):
        body = BODY | {"not_before": (now - timedelta(hours=hours)).isoformat()}
        await client.put(f"/revocations/session/{value}", json=body, headers=tokens.bearer(ADMIN))
    found = (await client.get("/revocations/current", headers=tokens.bearer(SERVICE))).json()
    assert {row["value"]: round(row["not_before"]) for row in found} == {
        value: round((now - timedelta(hours=hours)).timestamp()) for hours, value in ((23, "a"), (1, "b"))
    }


async def test_the_list_is_paged_newest_first(client, tokens) -> None:
    now = datetime.now(UTC)
    for minute in range(5):
        body = BODY | {"not_before": (now - timedelta(minutes=minute)).isoformat()}
        await client.put(f"/revocations/subject/{minute}", json=body, headers=tokens.bearer(ADMIN))
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/revocations", params=query, headers=tokens.bearer(AUDITOR))).json()
        seen += [row["value"] for row in page["items"]]
        cursor = page["next"]
    assert (seen, cursor) == (list("01234"), None)


@pytest.mark.parametrize(
    ("path", "body", "slug"),
    [
        ("subject/7", BODY | {"not_before": "2020-01-01T00:00:00Z"}, "revocation-moment"),
        ("subject/7", BODY | {"not_before": "2999-01-01T00:00:00Z"}, "revocation-moment"),
        ("all/everybody", BODY, "revocation-value"),
        ("subject/-", BODY, "revocation-value"),
        ("department/ee", BODY, "input-invalid"),
        ("subject/7", {}, "input-invalid"),
        ("subject/7", BODY | {"not_before": "2026-11-27T10:00:00"}, "input-invalid"),
    ],
)
async def test_what_makes_no_sense_is_refused(client, tokens, path, body, slug) -> None:
    answer = await client.put(f"/revocations/{path}", json=body, headers=tokens.bearer(ADMIN))
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")
    assert (await client.get("/revocations", headers=tokens.bearer(AUDITOR))).json()["items"] == []


@pytest.mark.parametrize("as_", [OFFICER, AUDITOR, SERVICE, None])
async def test_nobody_but_the_administrator_calls_back(client, tokens, as_) -> None:
    headers = tokens.bearer(as_) if as_ else {}
    answer = await client.put("/revocations/subject/7", json=BODY, headers=headers)
    assert answer.status_code == (403 if as_ else 401)


async def test_a_cursor_nobody_gave_is_refused(client, tokens) -> None:
    answer = await client.get("/revocations", params={"cursor": "x"}, headers=tokens.bearer(AUDITOR))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/cursor-unknown")
