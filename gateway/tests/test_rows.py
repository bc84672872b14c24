"""Rows of the requirement matrix that the gateway answers for, through HTTP as the department concerned."""

import httpx
import policy
import pytest
from gateway.main import build
from gateway.settings import Settings

AUDITOR = "discipline/auditor@131000"


@pytest.fixture
async def settings(service_database, tokens) -> Settings:
    database = await service_database("gateway")
    urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
    broker = {"nats_url": "nats://127.0.0.1:1", "nats_user": "gateway", "nats_seed": "x"}
    return Settings(environment="local", port=1, **urls, **broker, **tokens.settings)


async def ask(client: httpx.AsyncClient, uri: str, *headers: dict[str, str], method="GET") -> httpx.Response:
    asked = {"X-Forwarded-Method": method, "X-Forwarded-Uri": uri, "X-Forwarded-For": "10.0.0.1"}
    for one in headers:
        asked |= one
    return await client.get("/authorize", headers=asked)


async def test_UN_05_anybody_reads_what_is_public_without_login_and_within_a_rate(
    settings, client_for
) -> None:
    """保障公众知情权: public API without login, open data; anonymous read works, rate limited."""
    slow = settings.model_copy(update={"anonymous_rate": 0.01, "anonymous_burst": 3})
    async with client_for(build(slow)) as client:
        for uri in ("/api/publish/public/latest", "/api/credit/listings", "/api/gateway/usage"):
            answer = await ask(client, uri)
            assert (answer.status_code, answer.headers["ratelimit-policy"]) == (200, '"anonymous";q=3;w=300')
        refused = await ask(client, "/api/publish/public/latest")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
    async with client_for(build(settings)) as client:
        for route in policy.load().routes:
            if route.permission == "figures:read":
                path = route.path.replace("{code}", "131000-A01").replace("{id}", "x")
                assert (await ask(client, f"/api/{route.service}{path}")).status_code == 200
            elif route.permission in {"cases:read", "raw:read", "audit:read"}:
                path = route.path.replace("{id}", "7").replace("{mn}", "A1")
                assert (await ask(client, f"/api/{route.service}{path}")).status_code == 401


async def test_CC_13_tax_reads_the_monthly_emissions_for_its_review_and_nobody_else(
    settings, client_for, tokens
) -> None:
    """环境保护税申报与征收: tax reads emission extracts, says what for, and the audit shows it."""
    uri = "/api/ingest/tax-extract?month=2026-10"
    tax, said = tokens.bearer("tax/data.read@131000"), {"X-Purpose": "tax"}
    async with client_for(build(settings)) as client:
        assert (await ask(client, uri, tax, said)).status_code == 200
        unsaid = await ask(client, uri, tax)
        assert (unsaid.status_code, unsaid.json()["type"]) == (422, "/problems/purpose-missing")
        for other in (
            "water/data.read@131000",
            "police/transfer.receiver@131000",
            "finance/data.read@131000",
        ):
            assert (await ask(client, uri, tokens.bearer(other), said)).status_code == 403
        assert (await ask(client, uri, said)).status_code == 401
        asked = {"dept": "tax", "refused": "false"}
        seen = (await client.get("/audit", params=asked, headers=tokens.bearer(AUDITOR))).json()["items"]
    assert [(row["permission"], row["purpose"], row["kind"]) for row in seen] == [
        ("tax-extract:read", "tax", "raw")
    ]


async def test_NT_20_data_is_classified_and_each_access_is_in_the_audit(settings, client_for, tokens) -> None:
    """生态环境监测条例 Art. 48, with the Data Security Law: classification, access audit."""
    reads = {
        "/api/ingest/submissions/7/raw": ("ee/data.read@131000", "raw"),
        "/api/cases/cases/9": ("ee.enf/case.officer@131000", "case"),
        "/api/credit/bans": ("samr/credit.editor@131000", "personal"),
        "/api/gateway/audit": ("ee/auditor@131000", "audit"),
    }
    async with client_for(build(settings)) as client:
        for uri, (who, _) in reads.items():
            answer = await ask(client, uri, tokens.bearer(who), {"X-Purpose": "supervision"})
            assert answer.status_code == 200
        # The figures of the public, and a read without a class, leave no event.
        assert (await ask(client, "/api/publish/public/latest")).status_code == 200
        assert (
            await ask(client, "/api/ingest/sites", tokens.bearer("ee/data.read@131000"))
        ).status_code == 200
        seen = (await client.get("/audit", headers=tokens.bearer(AUDITOR))).json()["items"]
    found = {(row["principal"], row["kind"]) for row in seen}
    assert found == {(who, kind) for who, kind in reads.values()}
    for row in seen:
        assert row["trace_id"] and row["chain"] and row["digest"] and row["dept"]
