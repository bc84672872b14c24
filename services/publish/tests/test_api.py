"""The doors of `publish`: who may do what, and what everybody reads."""

import asyncio
from hashlib import sha256
from typing import Any

import httpx
import pytest
from contracts.qc import Assessed
from kit.db import Database
from kit.testing.tokens import Tokens
from publish import consumers
from publish.api import examples
from publish.api.answers import in_language
from publish_scene import (
    APPROVER,
    EDITOR,
    HOUR,
    ITEM,
    META,
    NOW,
    TRACE,
    WANTED,
    assessed,
    city,
    fraud,
    ms,
)


async def published(client: httpx.AsyncClient, tokens: Tokens) -> dict[str, Any]:
    drafted = (await client.post("/releases", json=WANTED, headers=tokens.bearer(EDITOR))).json()
    path = f"/releases/{drafted['id']}"
    await client.post(f"{path}/approve", json={"sha256": drafted["sha256"]}, headers=tokens.bearer(APPROVER))
    answer = await client.post(f"{path}/publish", headers=tokens.bearer(EDITOR))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_release_is_published_by_two_officers(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    told = await published(client, tokens)
    assert (told["status"], told["version"]) == ("published", 1)
    (latest,) = (await client.get("/public/latest?lang=zh")).json()["items"]
    assert latest["figure"]["aqi"] == 120
    assert latest["figure"]["level"]["category"] == "轻度污染"
    assert latest["region_name"] == "廊坊市"
    detail = (await client.get(f"/public/releases/{told['id']}")).json()
    followed = await client.get(f"/traces/{TRACE}", headers=tokens.bearer(EDITOR))
    assert "publish.release_published.v1" in followed.text
    exact = await client.get(f"/public/releases/{told['id']}?format=snapshot")
    assert sha256(exact.content).hexdigest() == detail["sha256"] == detail["versions"][0]["sha256"]
    assert exact.json() == detail["snapshot"]


async def test_the_service_itself_corrects_a_published_release(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    told = await published(client, tokens)
    async with database.writer() as session:
        await consumers.on_fraud_confirmed(session, fraud(), META)
    for _ in range(100):
        detail = (await client.get(f"/public/releases/{told['id']}?lang=en")).json()
        if detail["version"] == 2:
            break
        await asyncio.sleep(0.1)
    followed = await client.get(f"/traces/{TRACE}", headers=tokens.bearer(EDITOR))
    assert "publish.release_corrected.v1" in followed.text
    assert detail["reason"].startswith("Station A01 PM2.5: left out, confirmed as falsified")
    assert [version["version"] for version in detail["versions"]] == [2, 1]
    old = (await client.get(f"/public/releases/{told['id']}?version=1")).json()
    assert old["snapshot"]["left_out"] == []


@pytest.mark.parametrize(
    ("as_", "status"),
    [
        (None, 401),
        ("ee/publish.approver@131000", 403),
        ("ee.mon/data.submit@131000", 403),
        ("finance/publish.editor@131000", 403),
        ("ee/publish.editor@131100", 403),
        ("ee/publish.editor@131002", 403),
        ("ee/publish.editor@131000", 201),
        ("ee.mon/publish.editor@131000", 201),
        ("ee/publish.editor@130000", 201),
    ],
)
async def test_only_the_editors_of_the_region_draft(
    client: httpx.AsyncClient, database: Database, tokens: Tokens, as_: str | None, status: int
) -> None:
    await city(database)
    headers = tokens.bearer(as_) if as_ else {}
    answer = await client.post("/releases", json=WANTED, headers=headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("claims", "status"),
    [({"exp": 1}, 401), ({"aud": ["other"]}, 401), ({"iss": "https://elsewhere"}, 401)],
)
async def test_a_token_must_be_ours_and_fresh(
    client: httpx.AsyncClient, tokens: Tokens, claims: dict[str, Any], status: int
) -> None:
    answer = await client.post("/releases", json=WANTED, headers=tokens.bearer(EDITOR, **claims))
    assert answer.status_code == status


async def test_another_city_sees_no_drafts(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    drafted = (await client.post("/releases", json=WANTED, headers=tokens.bearer(EDITOR))).json()
    mine = (await client.get("/releases?status=draft", headers=tokens.bearer(EDITOR))).json()
    assert [release["id"] for release in mine["items"]] == [drafted["id"]]
    other = tokens.bearer("ee/publish.editor@131100")
    assert (await client.get("/releases", headers=other)).json()["items"] == []
    assert (await client.get(f"/releases/{drafted['id']}", headers=other)).status_code == 404
    seen = (await client.get(f"/releases/{drafted['id']}", headers=tokens.bearer(APPROVER))).json()
    assert seen["draft"]["figure"]["aqi"] == 120
    assert (await client.get("/public/releases")).json()["items"] == []
    assert (await client.get(f"/public/releases/{drafted['id']}")).status_code == 404


async def test_only_what_is_in_the_catalogue_is_drafted(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    editor = tokens.bearer(EDITOR)
    answer = await client.post("/releases", json=WANTED | {"item_code": "air.secret"}, headers=editor)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-in-catalogue")
    (item,) = (await client.get("/catalogue?lang=en")).json()["items"]
    assert item["title"] == "Hourly air quality index"
    mine = {
        key: value
        for key, value in (await client.get("/catalogue")).json()["items"][0].items()
        if key != "item_code"
    }
    assert (await client.put(f"/catalogue/{ITEM}", json=mine, headers=editor)).status_code == 403
    mine |= {"region": "131000"}
    assert (await client.put(f"/catalogue/{ITEM}", json=mine, headers=editor)).status_code == 403
    assert (await client.put("/catalogue/air.city", json=mine, headers=editor)).status_code == 200
    assert (
        await client.put("/catalogue/air.city", json=mine | {"level": "moon"}, headers=editor)
    ).status_code == 422
    drafted = await client.post("/releases", json=WANTED | {"item_code": "air.city"}, headers=editor)
    assert drafted.status_code == 201


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:00:00-12:00"])
async def test_the_ends_of_the_calendar_are_no_hours(
    client: httpx.AsyncClient, database: Database, tokens: Tokens, at: str
) -> None:
    await city(database)
    drafted = await client.post("/releases", json=WANTED | {"from": at}, headers=tokens.bearer(EDITOR))
    path = "/public/stations/A01/curve"
    asked = await client.get(path, params={"factor": "a34004", "from": at})
    for answer in (drafted, asked):
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-an-instant")


async def test_the_curve_marks_what_is_left_out(client: httpx.AsyncClient, database: Database) -> None:
    await city(database)
    async with database.writer() as session:
        await consumers.on_assessed(session, later(), META)
        await consumers.on_fraud_confirmed(session, fraud(), META)
    told = (await client.get("/public/stations/A01/curve?factor=a34004&lang=en")).json()
    assert [(point["value"], point["left_out"]) for point in told["items"]] == [
        (80, "falsified"),
        (70, "suspect"),
    ]
    assert told["items"][0]["reason"] == "confirmed as falsified (C7, T03)"
    one = (
        await client.get("/public/stations/A01/curve?factor=a34004&from=2026-11-21T08:00&limit=1&hours=2")
    ).json()
    assert len(one["items"]) == 1
    assert one["next"] == "2026-11-21T09:00:00+08:00"
    assert (await client.get("/public/stations/A01/curve?factor=w01018")).status_code == 404
    assert (await client.get("/public/stations/none/curve?factor=a34004")).status_code == 404
    backwards = "/public/stations/A01/curve?factor=a34004&from=2026-11-21T09:00&to=2026-11-21T08:00"
    assert (await client.get(backwards)).json()["type"] == "/problems/empty-range"


def later() -> Assessed:
    return assessed("A01", {"a34004": 70}, at=HOUR.replace(hour=1), verdict=3)


async def test_stations_are_listed_in_pages_with_their_newest_hour(
    client: httpx.AsyncClient, database: Database
) -> None:
    await city(database)
    first = (await client.get("/public/stations?limit=1")).json()
    assert [item["code"] for item in first["items"]] == ["A01"]
    assert first["items"][0]["aqi"] == 119
    assert first["items"][0]["hour"] == "2026-11-21T08:00:00+08:00"
    second = (await client.get(f"/public/stations?limit=1&cursor={first['next']}")).json()
    assert ([item["code"] for item in second["items"]], second["next"]) == (["A02"], None)
    one = (await client.get("/public/stations?code=A02")).json()
    assert [item["code"] for item in one["items"]] == ["A02"]


async def test_releases_are_listed_in_pages(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    async with database.writer() as session:
        await consumers.on_assessed(session, later(), META)
    await published(client, tokens)
    first = (await client.get("/public/releases?limit=1")).json()
    assert (len(first["items"]), first["next"]) == (1, None)
    assert (await client.get("/public/releases?cursor=nonsense!")).status_code == 422


async def test_an_answer_that_is_known_is_not_sent_twice(
    client: httpx.AsyncClient, database: Database
) -> None:
    await city(database)
    for path in (
        "/public/latest",
        "/public/stations",
        "/catalogue",
        "/public/stations/A01/curve?factor=a34004",
    ):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["cache-control"]
        again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_examples_of_the_interface_page_look_like_the_answers(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    async with database.writer() as session:
        await consumers.on_fraud_confirmed(session, fraud(), META)
    told = await published(client, tokens)
    for path, example in {
        "/public/latest?lang=en": examples.LATEST,
        "/public/releases?lang=en": examples.RELEASES,
        f"/public/releases/{told['id']}?lang=en": examples.RELEASE,
        "/public/stations?lang=en": examples.STATIONS,
        "/public/stations/A01/curve?factor=a34004&lang=en": examples.CURVE,
    }.items():
        answer = (await client.get(path)).json()
        assert answer.keys() == example.keys(), path
        for key in ("items", "versions", "snapshot"):
            first, wanted = answer.get(key), example.get(key)
            if isinstance(first, list) and isinstance(wanted, list):
                first, wanted = first[0], wanted[0]
            if isinstance(first, dict) and isinstance(wanted, dict):
                assert first.keys() == wanted.keys(), (path, key)
    schema = (await client.get("/openapi.json")).json()
    told_routes = [route for route in schema["paths"] if route.startswith("/public")]
    assert all("example" in str(schema["paths"][route]["get"]["responses"]["200"]) for route in told_routes)


def test_one_language_makes_plain_texts() -> None:
    content = {"a": [{"name": {"zh": "优", "en": "Excellent"}}], "n": 1, "none": None}
    assert in_language(content, "en") == {"a": [{"name": "Excellent"}], "n": 1, "none": None}
    assert in_language(content, None) is content


def test_the_scene_is_in_the_past() -> None:
    assert ms(HOUR) < ms(NOW)


async def test_a_release_waits_while_the_log_has_lost_its_quorum(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    from contracts.evidence import QuorumLost, QuorumRegained
    from publish.flows import evidence

    told: dict[str, Any] = {"log": "jianzhen.local/log", "region": "131000", "needed": 2}
    async with database.writer() as session:
        lost = QuorumLost(**told, since_ms=0, source_clause="x", lost_at_ms=1000)
        await evidence.lose_quorum(session, lost)
    await city(database)
    drafted = (await client.post("/releases", json=WANTED, headers=tokens.bearer(EDITOR))).json()
    path = f"/releases/{drafted['id']}"
    await client.post(f"{path}/approve", json={"sha256": drafted["sha256"]}, headers=tokens.bearer(APPROVER))
    refused = await client.post(f"{path}/publish", headers=tokens.bearer(EDITOR))
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/log-quorum-lost")
    assert int(refused.headers["retry-after"]) > 0
    async with database.writer() as session:
        await evidence.regain_quorum(session, QuorumRegained(**told, size=1, regained_at_ms=2000))
    answer = await client.post(f"{path}/publish", headers=tokens.bearer(EDITOR))
    assert answer.status_code == 200, answer.text
