"""Cross-region grants at the gateway: who gives what, its history, and what the gate notes of their use."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from gateway.flows import crossing
from gateway.main import build
from gateway.settings import Settings
from gateway.tables import GrantEnd
from kit.problems import Conflict
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

APPROVER, SERVICE, AUDITOR = "ee/case.approver@131000", "-/platform.service@-", "ee/auditor@131000"
OFFICER = "ee.enf/case.officer@131100"


@pytest.fixture
async def database(service_database):
    return await service_database("gateway")


@pytest.fixture
async def app(database, tokens):
    urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
    broker = {"nats_url": "nats://127.0.0.1:1", "nats_user": "gateway", "nats_seed": "x"}
    return build(Settings(environment="local", port=1, **urls, **broker, **tokens.settings))


@pytest.fixture
async def client(app, client_for):
    async with client_for(app) as made:
        yield made


def wish(**more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "subject": "officer-of-131100",
        "person": "李四",
        "regions": ["131000"],
        "permissions": ["leads:read", "raw:read"],
        "purpose": "case",
        "order_no": "冀环执法〔2026〕7号",
        "legal_ground": "生态环境行政处罚办法 第十三条 指定管辖",
        "valid_from": now.isoformat(),
        "valid_to": (now + timedelta(days=7)).isoformat(),
        **more,
    }


async def passes(client: httpx.AsyncClient, bearer: dict[str, str], uri: str) -> httpx.Response:
    forwarded = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": uri}
    return await client.get("/authorize", headers=forwarded | bearer)


async def test_SLe_23_a_grant_is_given_followed_used_on_record_and_ended(client, tokens, database) -> None:
    approver, officer = tokens.bearer(APPROVER), tokens.bearer(OFFICER, sub="officer-of-131100")
    given = await client.post("/grants", json=wish(), headers=approver)
    assert given.status_code == 201, given.text
    grant = given.json()["id"]
    assert (given.json()["state"], given.json()["state_zh"]) == ("live", "有效")
    followed = (await client.get("/grants/current", headers=tokens.bearer(SERVICE))).json()
    assert [(one["id"], one["regions"]) for one in followed] == [(grant, ["131000"])]
    assert (await passes(client, officer, "/api/cases/leads")).status_code == 200
    assert (await passes(client, officer, "/api/cases/cases")).status_code == 200
    asked = {"grant": grant, "limit": 10}
    noted = (await client.get("/audit", params=asked, headers=tokens.bearer(AUDITOR))).json()["items"]
    assert [(row["path"], row["subject"], row["beyond"]) for row in noted] == [
        ("/leads", "officer-of-131100", ["131000"])
    ]
    path = f"/grants/{grant}"
    assert (await client.delete(path, headers=approver)).status_code == 422
    ended = await client.delete(path, params={"reason": "任务完成 done"}, headers=approver)
    assert (ended.status_code, ended.json()["state"], ended.json()["ended_reason"]) == (
        200,
        "ended",
        "任务完成 done",
    )
    assert (await client.get("/grants/current", headers=tokens.bearer(SERVICE))).json() == []
    again = await client.delete(path, params={"reason": "once more"}, headers=approver)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/grant-over")
    await passes(client, officer, "/api/cases/leads?limit=1")
    noted = (await client.get("/audit", params=asked, headers=tokens.bearer(AUDITOR))).json()["items"]
    assert len(noted) == 1
    shown = (await client.get("/grants", headers=officer)).json()["items"]
    assert [(row["id"], row["ended_reason"]) for row in shown] == [(grant, "任务完成 done")]
    async with database.reader() as session:
        events = list(await session.scalars(text("SELECT event FROM outbox ORDER BY id")))
    told = [event for event in events if "region_grant" in event]
    assert told == ["gateway.region_grant_given.v1", "gateway.region_grant_ended.v1"]


async def test_of_two_ends_the_first_is_on_record_and_told(app, client, tokens, database) -> None:
    given = await client.post("/grants", json=wish(), headers=tokens.bearer(APPROVER))
    ends = [
        GrantEnd(grant_id=UUID(given.json()["id"]), ended_at=datetime.now(UTC), ended_by=name, reason=name)
        for name in ("first", "second")
    ]
    async with app.state.database.writer() as session:
        await crossing.end(session, ends[0])
    with pytest.raises(Conflict, match="over already"):
        async with app.state.database.writer() as session:
            await crossing.end(session, ends[1])
    async with database.reader() as session:
        told = "SELECT count(*) FROM outbox WHERE event = 'gateway.region_grant_ended.v1'"
        assert await session.scalar(text(told)) == 1
    shown = (await client.get("/grants", headers=tokens.bearer(APPROVER))).json()["items"]
    assert [row["ended_reason"] for row in shown] == ["first"]


@pytest.mark.parametrize(
    ("who", "more", "status", "slug"),
    [
        (APPROVER, {"regions": ["131100"]}, 403, "out-of-scope"),
        (APPROVER, {"regions": ["131002", "131100"]}, 403, "out-of-scope"),
        ("ee/case.approver@131002", {}, 403, "out-of-scope"),
        (APPROVER, {"subject": "the-approver"}, 403, "grant-to-oneself"),
        (APPROVER, {"permissions": ["cases:decide"]}, 422, "grant-not-possible"),
        (APPROVER, {"permissions": ["audit:read"]}, 422, "grant-not-possible"),
        (APPROVER, {"permissions": []}, 422, "input-invalid"),
        (APPROVER, {"purpose": "tax"}, 422, "grant-not-possible"),
        (APPROVER, {"regions": ["999999"]}, 422, "grant-not-possible"),
        (APPROVER, {"legal_ground": ""}, 422, "input-invalid"),
        (APPROVER, {"days": 90}, 201, None),
        (APPROVER, {"days": 91}, 422, "grant-not-possible"),
        (APPROVER, {"days": 0}, 422, "grant-not-possible"),
        (OFFICER, {}, 403, "not-permitted"),
        (AUDITOR, {}, 403, "not-permitted"),
        ("-/platform.admin@-", {}, 403, "not-permitted"),
    ],
)
async def test_who_may_give_what(client, tokens, who, more, status, slug) -> None:
    now = datetime.now(UTC)
    window = {
        "valid_from": now.isoformat(),
        "valid_to": (now + timedelta(days=more.get("days", 7))).isoformat(),
    }
    asked = wish(**window) | {name: value for name, value in more.items() if name != "days"}
    answer = await client.post("/grants", json=asked, headers=tokens.bearer(who, sub="the-approver"))
    assert (answer.status_code, answer.json().get("type")) == (status, slug and f"/problems/{slug}"), (
        answer.text
    )
    if slug == "grant-to-oneself":
        assert "不得给自己授权" in answer.json()["detail"]


async def test_another_region_neither_sees_nor_ends_it_and_history_stays(client, tokens, database) -> None:
    grant = (await client.post("/grants", json=wish(), headers=tokens.bearer(APPROVER))).json()["id"]
    other = tokens.bearer("ee/case.approver@131100")
    assert (await client.get("/grants", headers=other)).json()["items"] == []
    assert (await client.get(f"/grants/{grant}", headers=other)).status_code == 403
    ended = await client.delete(f"/grants/{grant}", params={"reason": "not ours"}, headers=other)
    assert ended.status_code == 403
    for change in ("UPDATE region_grants SET valid_to = now()", "DELETE FROM region_grant_ends"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(change))


async def test_a_gateway_started_later_knows_it(app, client_for, client, tokens, database) -> None:
    given = await client.post("/grants", json=wish(), headers=tokens.bearer(APPROVER))
    app.state.verifier.grants.replace([])
    await crossing.follow(app, datetime.now(UTC))
    held = app.state.verifier.grants.of("officer-of-131100")
    assert [one.id for one in held] == [given.json()["id"]]


async def test_a_list_read_before_an_end_does_not_bring_it_back(app, client, tokens, monkeypatch) -> None:
    given = await client.post("/grants", json=wish(), headers=tokens.bearer(APPROVER))
    said, read = [], crossing.current
    mine = asyncio.current_task()  # the gateway looks by itself, too

    async def meanwhile(session: Any, now: datetime) -> Any:
        found = await read(session, now)
        if asyncio.current_task() is mine and not said:
            path, why = f"/grants/{given.json()['id']}", {"reason": "done with"}
            said.append((await client.delete(path, params=why, headers=tokens.bearer(APPROVER))).status_code)
        return found

    monkeypatch.setattr(crossing, "current", meanwhile)
    await crossing.follow(app, datetime.now(UTC))
    assert said == [200]
    assert app.state.verifier.grants.of("officer-of-131100") == ()
