"""The authorizer as the edge asks it, on a real database: who passes, what is noted, what is shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from gateway.flows import ledger as ledgers
from gateway.flows.ledger import Entry, Ledger
from gateway.main import build
from gateway.settings import Settings
from gateway.tables import Audit
from kit import migrate
from kit.problems import Unavailable
from policy import EVERYTHING
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

OFFICER = "ee.enf/case.officer@131000"


@pytest.fixture
async def database(service_database):
    return await service_database("gateway")


@pytest.fixture
def settings(database, tokens) -> Settings:
    return Settings(
        environment="local",
        port=1,
        writer_url=database.writer_url,
        reader_url=database.reader_url,
        nats_url="nats://127.0.0.1:1",
        nats_user="gateway",
        nats_seed="x",
        services={"cases": "http://127.0.0.1:1"},
        **tokens.settings,
    )


@pytest.fixture
async def client(settings, client_for) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(build(settings)) as made:
        yield made


async def ask(client, method: str, uri: str, headers=None, address: str = "10.0.0.1") -> httpx.Response:
    forwarded = {"X-Forwarded-Method": method, "X-Forwarded-Uri": uri, "X-Forwarded-For": address}
    return await client.get("/authorize", headers=forwarded | (headers or {}))


async def audited(database, client) -> list[Audit]:
    await client._transport.app.state.gate._ledger.flush()
    async with database.reader(reach=EVERYTHING) as session:
        return list(await session.scalars(select(Audit).order_by(Audit.id)))


@pytest.mark.parametrize(
    ("method", "uri", "as_", "status"),
    [
        ("GET", "/api/cases/leads", OFFICER, 200),
        ("GET", "/api/cases/leads?limit=1", OFFICER, 200),
        ("POST", "/api/cases/leads/7/file", OFFICER, 200),
        ("POST", "/api/cases/cases/7/decide", OFFICER, 403),
        ("GET", "/api/cases/leads", "water/case.officer@131000", 403),
        ("GET", "/api/cases/leads", "ee.enf/data.submit@131000", 403),
        ("GET", "/api/cases/leads", None, 401),
        ("GET", "/api/credit/listings", None, 200),
        ("GET", "/api/credit/listings", OFFICER, 200),
        ("DELETE", "/api/cases/leads/7", OFFICER, 404),
        ("GET", "/api/cases/nothing", OFFICER, 404),
        ("GET", "/api/nothing/leads", OFFICER, 404),
        ("GET", "/api/cases/outbox/heads", "-/platform.service@-", 404),
        ("GET", "/api/cases/livez", None, 404),
        ("GET", "/api/gateway/authorize", OFFICER, 404),
        ("GET", "/api/cases/../cases/leads", OFFICER, 404),
        ("GET", "/api/cases/leads/%2e%2e/cases", OFFICER, 404),
        ("GET", "", None, 404),
    ],
)
async def test_only_what_the_policy_grants_passes(client, tokens, method, uri, as_, status) -> None:
    answer = await ask(client, method, uri, tokens.bearer(as_) if as_ else None)
    assert answer.status_code == status
    if status == 200:
        assert len(answer.headers["x-request-id"]) == 36
        assert answer.headers["ratelimit"]
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["instance"] == uri
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("claims", "slug"),
    [
        ({"aud": ["other"]}, "token-wrong-aud"),
        ({"iss": "http://else/realms/jianzhen"}, "token-wrong-iss"),
        ({"exp": 1_700_000_000}, "token-expired"),
        ({"nbf": 4_000_000_000}, "token-wrong-nbf"),
        ({"typ": "ID"}, "token-wrong-typ"),
    ],
)
async def test_a_bad_token_is_refused_even_where_none_is_needed(client, tokens, claims, slug) -> None:
    answer = await ask(client, "GET", "/api/credit/listings", tokens.bearer(OFFICER, **claims))
    assert (answer.status_code, answer.json()["type"]) == (401, f"/problems/{slug}")


async def test_two_tokens_at_once_are_refused(client, tokens) -> None:
    good = tokens.bearer(OFFICER)["Authorization"]
    headers = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/api/cases/leads"),
        ("Authorization", good),
        ("Authorization", "Bearer x"),
    ]
    assert (await client.get("/authorize", headers=headers)).status_code == 401


async def test_a_remembered_decision_still_ends_with_the_token(client, tokens) -> None:
    gate = client._transport.app.state.gate
    token = tokens.bearer(OFFICER)
    assert (await ask(client, "GET", "/api/cases/leads", token)).status_code == 200
    assert len(gate._known) == 1
    later = gate._clock() + 306
    gate._clock = lambda: later
    gate._verifier._clock = gate._clock
    assert (await ask(client, "GET", "/api/cases/leads", token)).status_code == 401


async def test_too_many_requests_are_told_when_to_come_back(settings, client_for, tokens) -> None:
    slow = {"client_rate": 1, "client_burst": 3, "anonymous_rate": 0.1, "anonymous_burst": 2}
    async with client_for(build(settings.model_copy(update=slow))) as client:
        mine, other = tokens.bearer(OFFICER), tokens.bearer("ee/case.approver@131000")
        found = [(await ask(client, "GET", "/api/cases/leads", mine)).status_code for _ in range(4)]
        assert found == [200, 200, 200, 429]
        assert (await ask(client, "GET", "/api/cases/leads", other)).status_code == 200
        for address, statuses in (("10.0.0.1", [200, 200, 429]), ("10.0.0.2", [200, 200, 429])):
            uri = "/api/credit/listings"
            answers = [await ask(client, "GET", uri, address=address) for _ in statuses]
            assert [answer.status_code for answer in answers] == statuses
        refused = answers[-1]
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["ratelimit-policy"] == '"anonymous";q=2;w=20'
        assert refused.headers["ratelimit"].startswith('"anonymous";r=0')
        bad = {"Authorization": "Bearer x"}
        found = [(await ask(client, "GET", "/api/x/y", bad, "10.0.0.3")).status_code for _ in range(3)]
        assert found == [404, 404, 429]
        uri = "/api/cases/leads"
        found = [(await ask(client, "GET", uri, bad, "10.0.0.4")).status_code for _ in range(3)]
        assert found == [401, 401, 429]


async def test_refusals_and_writes_are_noted_and_ordinary_reads_are_not(client, database, tokens) -> None:
    officer = tokens.bearer(OFFICER)
    await ask(client, "GET", "/api/ingest/sites", officer)
    await ask(client, "POST", "/api/cases/leads/7/file?secret=1", officer)
    for _ in range(5):
        await ask(client, "POST", "/api/cases/cases/7/decide", officer)
    await ask(client, "GET", "/api/cases/leads")
    rows = await audited(database, client)
    assert [(row.status, row.path, row.reason, row.times) for row in rows] == [
        (200, "/leads/7/file", "granted", 1),
        (403, "/cases/7/decide", "not-permitted", 5),
        (401, "/leads", "token-missing", 1),
    ]
    assert rows[0].principal == OFFICER
    assert rows[0].permission == "leads:decide"
    assert rows[2].subject == "anonymous"
    assert {row.address for row in rows} == {"10.0.0.1"}


async def test_what_waits_is_written_before_a_stop(settings, database, client_for, tokens) -> None:
    async with client_for(build(settings)) as client:
        for number in range(300):
            await ask(client, "POST", f"/api/cases/leads/{number}/file", tokens.bearer(OFFICER))
    async with database.reader(reach=EVERYTHING) as session:
        assert len(list(await session.scalars(select(Audit.id)))) == 300


def entry(number: int, status: int = 200, **more) -> Entry:
    from datetime import UTC, datetime
    from uuid import uuid4

    fields = {
        "at": datetime.now(UTC),
        "request_id": uuid4(),
        "subject": str(number),
        "principal": "p",
        "client": None,
        "address": "a",
        "service": "s",
        "method": "POST",
        "path": "/",
        "permission": None,
        "status": status,
        "reason": "r",
        "policy_version": "v",
    }
    return Entry(**fields | more)


async def test_rows_wait_while_the_database_is_away_and_then_all_arrive(database, monkeypatch) -> None:
    ledger = Ledger(database)
    for number in range(3):
        ledger.allow(entry(number))
        ledger.refuse(entry(1, 403))
    real = database.writer

    @asynccontextmanager
    async def away():
        raise Unavailable("store-unavailable", "away")
        yield

    monkeypatch.setattr(database, "writer", away)
    with pytest.raises(Unavailable):
        await ledger.flush()
    ledger.refuse(entry(1, 403))
    monkeypatch.setattr(database, "writer", real)
    await ledger.flush()
    async with database.reader(reach=EVERYTHING) as session:
        rows = list(await session.scalars(select(Audit).order_by(Audit.id)))
    # What was once given its place in the chain keeps it; the refusal that came later is a row of its own.
    assert [(row.status, row.times) for row in rows] == [(200, 1)] * 3 + [(403, 3), (403, 1)]
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]


async def test_a_write_that_cannot_be_noted_is_not_let_through(client, tokens, monkeypatch) -> None:
    monkeypatch.setattr(ledgers, "LONGEST_LIST", 0)
    headers = tokens.bearer(OFFICER)
    answer = await ask(client, "POST", "/api/cases/leads/7/file", headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await ask(client, "GET", "/api/cases/leads", headers)).status_code == 503
    assert (await ask(client, "GET", "/api/ingest/sites", headers)).status_code == 200


async def test_a_flood_of_different_refusals_stays_small_and_counted(database, monkeypatch) -> None:
    monkeypatch.setattr(ledgers, "KINDS_OF_REFUSAL", 10)
    ledger = Ledger(database)
    for number in range(1000):
        ledger.refuse(entry(number, 404))
    await ledger.flush()
    async with database.reader(reach=EVERYTHING) as session:
        rows = list(await session.scalars(select(Audit)))
    assert len(rows) == 11
    assert sum(row.times for row in rows) == 1000


async def test_no_runtime_role_can_change_or_remove_the_audit(database) -> None:
    ledger = Ledger(database)
    ledger.allow(entry(1))
    await ledger.flush()
    for statement in ("UPDATE audit SET status = 1", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(statement))
    with pytest.raises(DBAPIError):
        async with database.reader(reach=EVERYTHING) as session:
            await session.execute(insert(Audit), [{"status": 1}])


async def test_only_an_auditor_reads_the_audit(client, database, tokens) -> None:
    for _ in range(2):
        await ask(client, "POST", "/api/cases/leads/7/file", tokens.bearer(OFFICER))
    await ask(client, "GET", "/api/cases/leads")
    await audited(database, client)
    assert (await client.get("/audit")).status_code == 401
    for as_ in (OFFICER, "-/platform.admin@-", "-/platform.service@-"):
        assert (await client.get("/audit", headers=tokens.bearer(as_))).status_code == 403
    auditor = tokens.bearer("ee/auditor@131000")
    first = (await client.get("/audit", headers=auditor, params={"limit": 2})).json()
    assert [row["status"] for row in first["items"]] == [401, 200]
    second = (await client.get("/audit", headers=auditor, params={"cursor": first["next"]})).json()
    assert [row["status"] for row in second["items"]] == [200]
    assert second["next"] is None
    refused = (await client.get("/audit", headers=auditor, params={"refused": "true"})).json()
    assert [row["reason"] for row in refused["items"]] == ["token-missing"]


async def test_the_documentation_shows_every_public_route_even_while_a_service_is_away(client) -> None:
    page = await client.get("/docs", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "/api/cases/leads/{id}/file" in page.text
    assert "<b>region</b> Case officer" in page.text
    assert "does not answer" in page.text
    assert "outbox" not in page.text
    assert page.text.count("<script nonce=") == page.text.count("<script") == 1
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
    assert "办案人员" in (await client.get("/docs?lang=zh")).text
    assert (await client.get("/docs/openapi/cases.json")).status_code == 503
    assert (await client.get("/docs/openapi/other.json")).status_code == 404
    own = (await client.get("/docs/openapi/gateway.json")).json()
    assert {"/audit", "/revocations", "/docs"} <= set(own["paths"])
    assert "/authorize" not in own["paths"]


async def test_the_documents_of_services_are_shown_as_the_edge_reaches_them(client) -> None:
    library = client._transport.app.state.library
    document = {
        "info": {"title": "Cases"},
        "paths": {
            "/leads/{lead_id}": {"get": {"summary": "One lead"}},
            "/livez": {"get": {}},
            "/outbox/heads": {"get": {}},
        },
    }

    async def served(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=document)

    await library._client.aclose()
    library._client = httpx.AsyncClient(transport=httpx.MockTransport(served))
    seen = (await client.get("/docs/openapi/cases.json")).json()
    assert seen["servers"] == [{"url": "/api/cases"}]
    assert list(seen["paths"]) == ["/leads/{lead_id}"]
    assert seen["paths"]["/leads/{lead_id}"]["get"]["x-permission"] == "leads:read"
    assert "OpenAPI" in (await client.get("/docs")).text


async def test_the_migrated_database_is_what_the_tables_say(database) -> None:
    assert await migrate.differences("gateway", database.migrator_url) == []


async def test_many_at_once_all_pass(client, tokens) -> None:
    headers = [tokens.bearer(OFFICER, jti=str(number)) for number in range(100)]
    answers = await asyncio.gather(*(ask(client, "GET", "/api/cases/leads", one) for one in headers))
    assert {answer.status_code for answer in answers} == {200}
