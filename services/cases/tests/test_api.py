"""The HTTP door of `cases` with real tokens: who may do what, where, and how often."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from case_scene import ANNUL, CONFIRM, DECIDE, FILE, NOW, REVIEW, suspicion, suspicion_withdrawn
from cases.flows import signals
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from sqlalchemy import text

OFFICER = "ee.enf/case.officer@131000"
REVIEWER = "ee.enf/case.legal_reviewer@131000"
APPROVER = "ee/case.approver@131000"
REPORT = {
    "origin": "report",
    "origin_id": "12369-2026-0001",
    "region": "131000",
    "site": "131000-A01",
    "summary": "群众反映站房夜间有人进入",
}


async def suspect(database: FreshDatabase, suspicion_id: str = "s-1", region: str = "131000") -> None:
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(suspicion_id=suspicion_id, region=region), NOW)


async def lead_id(client: httpx.AsyncClient, tokens: Tokens) -> str:
    answer = await client.get("/leads", headers=tokens.bearer(OFFICER))
    return str(answer.json()["items"][0]["id"])


async def post(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    return await client.post(path, json=body, headers=headers)


async def test_a_lead_walks_to_its_decision_and_back(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    officer, reviewer, approver = (tokens.bearer(who) for who in (OFFICER, REVIEWER, APPROVER))
    await suspect(database)
    lead = (await client.get(f"/leads/{await lead_id(client, tokens)}", headers=officer)).json()
    assert (lead["state_zh"], lead["state_en"], lead["region_zh"]) == ("线索", "Lead", "廊坊市")
    assert {act["act"] for act in lead["next"]} == {"file", "reject"}
    filed = await post(client, f"/leads/{lead['id']}/file", FILE, officer)
    assert filed.status_code == 201
    case = filed.json()["id"]
    for path, body, who, state in (
        ("confirm-fraud", CONFIRM, officer, "FRAUD_CONFIRMED"),
        ("review", REVIEW, reviewer, "LEGAL_REVIEWED"),
        ("decide", DECIDE, approver, "DECIDED"),
    ):
        answer = await post(client, f"/cases/{case}/{path}", body, who)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
    shown = (await client.get(f"/cases/{case}", headers=officer)).json()
    assert (shown["typology_zh"], shown["amount_yuan"]) == (CONFIRM_NAME, 200_000)
    assert [step["act"] for step in shown["steps"]] == ["open", "file", "confirm_fraud", "review", "decide"]
    assert shown["steps"][1]["act_zh"] == "立案"
    async with database.writer() as session:
        await signals.withdraw_suspicion(session, suspicion_withdrawn(), NOW)
    shown = (await client.get(f"/cases/{case}", headers=officer)).json()
    assert shown["is_basis_withdrawn"]
    assert [act["act"] for act in shown["next"]] == ["annul"]
    annulled = await post(client, f"/cases/{case}/annul", ANNUL, approver)
    assert annulled.json()["state_en"] == "Annulled"


CONFIRM_NAME = "故意改动仪器设备的环境条件或者运行状态、参数、程序、数据"


async def test_another_city_sees_nothing_and_a_county_only_its_own(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await suspect(database, "s-1", "131000")
    await suspect(database, "s-2", "131002")
    seen = {}
    for region in ("131000", "131100", "131002", "131003"):
        answer = await client.get("/leads", headers=tokens.bearer(f"ee.enf/case.officer@{region}"))
        seen[region] = {lead["origin_id"] for lead in answer.json()["items"]}
    assert seen == {"131000": {"s-1", "s-2"}, "131100": set(), "131002": {"s-2"}, "131003": set()}
    lead = await client.get(
        f"/leads/{await lead_id(client, tokens)}", headers=tokens.bearer("ee.enf/case.officer@131100")
    )
    # Not even that there is such a lead.
    assert lead.status_code == 404
    assert lead.json()["type"] == "/problems/no-such-lead"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (OFFICER, 200),
        (REVIEWER, 200),
        (APPROVER, 200),
        ("water/case.officer@131000", 403),
        ("ee.mon/qc.analyst@131000", 403),
        ("ee.enf/platform.admin@131000", 403),
    ],
)
async def test_only_the_people_of_the_proceedings_read_leads(
    client: httpx.AsyncClient, tokens: Tokens, who: str, status: int
) -> None:
    assert (await client.get("/leads", headers=tokens.bearer(who))).status_code == status


async def test_without_a_valid_token_nothing_is_answered(client: httpx.AsyncClient, tokens: Tokens) -> None:
    wrong = [
        {},
        tokens.bearer(OFFICER, exp=1),
        tokens.bearer(OFFICER, aud=["other"]),
        tokens.bearer(OFFICER, iss="http://x"),
    ]
    for headers in wrong:
        for path in ("/leads", "/cases"):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"


async def test_the_wrong_role_is_refused_each_act(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await suspect(database)
    lead = await lead_id(client, tokens)
    officer, reviewer, approver = (tokens.bearer(who) for who in (OFFICER, REVIEWER, APPROVER))
    assert (await post(client, f"/leads/{lead}/file", FILE, reviewer)).status_code == 403
    case = (await post(client, f"/leads/{lead}/file", FILE, officer)).json()["id"]
    for path, body, who in (
        ("confirm-fraud", CONFIRM, approver),
        ("review", REVIEW, officer),
        ("decide", DECIDE, officer),
        ("annul", ANNUL, reviewer),
    ):
        answer = await post(client, f"/cases/{case}/{path}", body, who)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-permitted")


async def test_one_person_with_two_roles_is_still_one_person(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await suspect(database)
    both = tokens.bearer(OFFICER, realm_access={"roles": ["case.officer", "case.legal_reviewer"]})
    case = (await post(client, f"/leads/{await lead_id(client, tokens)}/file", FILE, both)).json()["id"]
    assert (await post(client, f"/cases/{case}/confirm-fraud", CONFIRM, both)).status_code == 200
    answer = await post(client, f"/cases/{case}/review", REVIEW, both)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/separation-of-duties")
    assert answer.json()["errors"][0]["mend"].startswith("由其他人员办理")


async def test_a_repeated_write_gets_the_answer_already_given(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await suspect(database)
    lead = await lead_id(client, tokens)
    keyed = {**tokens.bearer(OFFICER), "Idempotency-Key": "7d0e6a3c-file"}
    first = await post(client, f"/leads/{lead}/file", FILE, keyed)
    again = await post(client, f"/leads/{lead}/file", FILE, keyed)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await post(client, f"/leads/{lead}/file", {**FILE, "reason": "别的理由"}, keyed)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    without = await post(client, f"/leads/{lead}/file", FILE, tokens.bearer(OFFICER))
    assert (without.status_code, without.json()["type"]) == (409, "/problems/act-not-possible")
    async with database.writer() as session:
        assert (
            await session.scalar(text("SELECT count(*) FROM outbox WHERE event = 'cases.case_filed.v1'")) == 1
        )


async def test_two_writes_at_once_have_one_effect(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await suspect(database)
    path = f"/leads/{await lead_id(client, tokens)}/file"
    keyed = {**tokens.bearer(OFFICER), "Idempotency-Key": "7d0e6a3c-both"}
    first, second = await asyncio.gather(post(client, path, FILE, keyed), post(client, path, FILE, keyed))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    await suspect(database, "s-2")
    path = f"/leads/{await lead_id(client, tokens)}/file"
    both = await asyncio.gather(*(post(client, path, FILE, tokens.bearer(OFFICER)) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [201, 409]


async def test_a_report_sent_many_times_at_once_is_one_lead(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    sent = (post(client, "/leads", REPORT, tokens.bearer(OFFICER)) for _ in range(12))
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_refused_write_may_be_mended_under_the_same_key(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await suspect(database)
    path = f"/leads/{await lead_id(client, tokens)}/file"
    keyed = {**tokens.bearer(OFFICER), "Idempotency-Key": "7d0e6a3c-mend"}
    refused = await post(client, path, {**FILE, "documents": []}, keyed)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert set(fault) == {"where", "rule", "what", "mend"}
    assert (await post(client, path, FILE, keyed)).status_code == 201


async def test_lists_are_paged(client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens) -> None:
    for number in range(5):
        await suspect(database, f"s-{number}")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/leads", params=params, headers=tokens.bearer(OFFICER))).json()
        seen += [lead["origin_id"] for lead in page["items"]]
        cursor = page["next"]
    assert (seen, cursor) == (["s-4", "s-3", "s-2", "s-1", "s-0"], None)
    for limit in (0, 1001):
        answer = await client.get("/leads", params={"limit": limit}, headers=tokens.bearer(OFFICER))
        assert answer.status_code == 422


async def test_a_report_becomes_a_lead_and_a_mistyped_field_is_refused(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    triage = tokens.bearer("ee/report.triage@131000")
    made = await post(client, "/leads", REPORT, triage)
    assert (made.status_code, made.json()["origin_en"]) == (201, "Report from the public")
    again = await post(client, "/leads", REPORT, triage)
    assert again.json()["id"] == made.json()["id"]
    wrong = await post(client, "/leads", {**REPORT, "origin_id": "2", "usccc": "x"}, triage)
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "body/usccc")
    elsewhere = await post(client, "/leads", {**REPORT, "region": "131100"}, triage)
    assert elsewhere.status_code == 403


async def test_every_route_of_the_policy_exists_and_asks_for_its_permission(
    client: httpx.AsyncClient,
) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path in (
        "/leads",
        "/leads/{lead_id}/file",
        "/cases/{case_id}/confirm-fraud",
        "/cases/{case_id}/annul",
    ):
        for operation in paths[path].values():
            assert operation["security"]


@pytest.mark.parametrize(
    "more",
    [
        {"summary": "a\x00b"},
        {"summary": "\ud800"},
        {"summary": ""},
        {"summary": "x" * 20_001},
        {"site": ""},
        {"origin": "dream"},
        {"region": "131000'; --"},
        {"uscc": "1"},
        {"from_time": "2026-11-20T00:00:00", "to_time": "2026-11-21T00:00:00"},
        {"from_time": "0001-01-01T00:00:00+14:00", "to_time": "9999-12-31T23:59:59-14:00"},
        {"from_time": 1e300, "to_time": "never"},
    ],
)
async def test_unreasonable_input_is_refused_and_nothing_breaks(
    client: httpx.AsyncClient, tokens: Tokens, more: dict[str, Any]
) -> None:
    body = json.dumps({**REPORT, **more})
    headers = {**tokens.bearer(OFFICER), "Content-Type": "application/json"}
    answer = await client.post("/leads", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


@pytest.mark.parametrize("params", [{"site": "\x00"}, {"state": "x"}, {"uscc": "x"}, {"cursor": "x"}])
async def test_unreasonable_filters_are_refused(
    client: httpx.AsyncClient, tokens: Tokens, params: dict[str, str]
) -> None:
    for path in ("/leads", "/cases"):
        answer = await client.get(path, params=params, headers=tokens.bearer(OFFICER))
        assert answer.status_code == 422


async def test_a_series_number_beyond_the_database_is_refused(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await suspect(database)
    officer = tokens.bearer(OFFICER)
    case = (await post(client, f"/leads/{await lead_id(client, tokens)}/file", FILE, officer)).json()["id"]
    for number in (0, 2**63, 10**40):
        answer = await post(
            client, f"/cases/{case}/confirm-fraud", {**CONFIRM, "series_ids": [number]}, officer
        )
        assert answer.status_code == 422
