"""Rows about people and departments, over HTTP: certificates, separation by person, the court, channels."""

from typing import Any

import httpx
import pytest
from case_scene import CONFIRM, DECIDE, FILE, NOW, REVIEW, papers, suspicion
from cases.flows import officers, signals
from contracts.credit import PersonBanLifted, PersonBanned
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from test_interventions import SAID

OFFICER = "ee.enf/case.officer@131000"
REVIEWER = "ee.enf/case.legal_reviewer@131000"
APPROVER = "ee/case.approver@131000"
HOST = "ee.enf/case.hearing_host@131000"
COURT = "court/data.read@131000"
HEARING = {"reason": "当事人陈述：未改动参数", "documents": papers("hearing_record")}


async def a_lead(database: FreshDatabase, client: httpx.AsyncClient, officer: dict[str, str]) -> str:
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(), NOW)
    return str((await client.get("/leads", headers=officer)).json()["items"][0]["id"])


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any], who: dict[str, str]) -> Any:
    return await client.post(path, json=body, headers=who)


@pytest.mark.parametrize(
    ("claims", "slug"),
    [
        ({"officer_cert_no": None}, "certificate-missing"),
        ({"officer_cert_expiry": None}, "certificate-missing"),
        ({"officer_cert_expiry": "soon"}, "certificate-missing"),
        ({"officer_cert_expiry": "2020-01-01"}, "certificate-expired"),
    ],
)
async def test_SLe_06_without_a_valid_certificate_nobody_signs(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens, claims: dict[str, Any], slug: str
) -> None:
    lead = await a_lead(database, client, tokens.bearer(OFFICER))
    without = tokens.bearer(OFFICER, **claims)
    refused = await post(client, f"/leads/{lead}/file", FILE, without)
    assert (refused.status_code, refused.json()["type"]) == (403, f"/problems/{slug}")
    [fault] = refused.json()["errors"]
    assert "第42条" in fault["rule"]
    assert "·" in fault["what"]
    assert "名册" in fault["mend"]
    assert "roster" in fault["mend"]
    # Looking is no signature.
    assert (await client.get(f"/leads/{lead}", headers=without)).status_code == 200
    assert (await post(client, f"/leads/{lead}/file", FILE, tokens.bearer(OFFICER))).status_code == 201


async def test_an_officer_who_took_part_is_known_again_by_the_certificate(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    officer = tokens.bearer(OFFICER)
    lead = await a_lead(database, client, officer)
    case = (await post(client, f"/leads/{lead}/file", FILE, officer)).json()["id"]
    await post(client, f"/cases/{case}/confirm-fraud", CONFIRM, officer)
    second = FILE["officers"][1]["certificate"]  # type: ignore[index]
    same = await post(
        client, f"/cases/{case}/review", REVIEW, tokens.bearer(REVIEWER, officer_cert_no=second)
    )
    assert (same.status_code, same.json()["type"]) == (403, "/problems/separation-of-duties")
    [fault] = same.json()["errors"]
    assert "第58条" in fault["rule"]
    assert "file（ee.enf/case.officer@131000" in fault["what"]
    assert "confirm_fraud（" in fault["what"]
    other = tokens.bearer(REVIEWER, officer_cert_no="HB-0099")
    assert (await post(client, f"/cases/{case}/review", REVIEW, other)).status_code == 200


async def test_who_investigated_hosts_no_hearing_and_the_host_decides_nothing(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    officer = tokens.bearer(OFFICER)
    lead = await a_lead(database, client, officer)
    case = (await post(client, f"/leads/{lead}/file", FILE, officer)).json()["id"]
    await post(client, f"/cases/{case}/confirm-fraud", CONFIRM, officer)
    both = tokens.bearer(OFFICER, realm_access={"roles": ["case.officer", "case.hearing_host"]})
    refused = await post(client, f"/cases/{case}/hearing", HEARING, both)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/separation-of-duties")
    assert "第64条" in refused.json()["errors"][0]["rule"]
    host = tokens.bearer(HOST)
    empty = await post(client, f"/cases/{case}/hearing", {"reason": "听证"}, host)
    assert (empty.status_code, empty.json()["type"]) == (422, "/problems/act-incomplete")
    heard = await post(client, f"/cases/{case}/hearing", HEARING, host)
    assert (heard.status_code, heard.json()["state"]) == (200, "FRAUD_CONFIRMED")
    also = tokens.bearer(HOST, realm_access={"roles": ["case.hearing_host", "case.legal_reviewer"]})
    refused = await post(client, f"/cases/{case}/review", REVIEW, also)
    assert refused.json()["type"] == "/problems/separation-of-duties"
    assert (await post(client, f"/cases/{case}/review", REVIEW, tokens.bearer(REVIEWER))).status_code == 200


async def test_SLe_06_a_second_officer_with_an_expired_certificate_or_a_ban_takes_no_part(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    """What the second officer's own token said is known; a ban comes from credit, by the person."""
    first = tokens.bearer(OFFICER, sub="officer-1", officer_cert_no="HB-0001")
    second = {"sub": "officer-2", "officer_cert_no": "HB-0002"}
    others = [{"name": "张三", "certificate": "HB-0001"}, {"name": "王五", "certificate": "HB-0003"}]

    async def file(number: int, who: dict[str, str], **more: Any) -> httpx.Response:
        about = {"region": "131000", "site": "131000-A01", "summary": "站房有人进入"}
        lead = await post(client, "/leads", {"origin": "inspection", "origin_id": f"{number}"} | about, first)
        answer: httpx.Response = await post(client, f"/leads/{lead.json()['id']}/file", FILE | more, who)
        return answer

    def refused(answer: httpx.Response) -> dict[str, str]:
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/officer-not-qualified")
        [fault] = answer.json()["errors"]
        return dict(fault)

    lead = await a_lead(database, client, first)
    case = (await post(client, f"/leads/{lead}/file", FILE | {"officers": others}, first)).json()["id"]
    await post(client, f"/cases/{case}/confirm-fraud", CONFIRM | {"officers": others}, first)
    # The one with HB-0002 reviews, which needs no certificate; the token tells that it ended.
    old = tokens.bearer(REVIEWER, officer_cert_expiry="2020-01-01", **second)
    assert (await post(client, f"/cases/{case}/review", REVIEW, old)).status_code == 200
    fault = refused(await file(2, first))
    assert "第42条" in fault["rule"]
    assert "HB-0002 已于 2020-01-01 到期" in fault["what"]
    # Renewed, it counts from the next act of its holder.
    assert (await file(3, tokens.bearer(OFFICER, **second))).status_code == 201
    assert (await file(2, first)).status_code == 201
    ban = {"ban_id": "b-1", "person": "officer-2", "name": "李四", "region": "131000", "ground": "falsified",
           "decision_no": "D-9", "legal_basis": "生态环境监测条例第45条", "valid_from": "2026-01-01",
           "banned_at_ms": 1}  # fmt: skip
    async with database.writer() as session:
        await officers.know_ban(session, PersonBanned(**ban))
    fault = refused(await file(4, first))
    assert (fault["rule"], "HB-0002" in fault["what"], "D-9" in fault["what"]) == (
        ban["legal_basis"],
        True,
        True,
    )
    refused(await file(4, tokens.bearer(OFFICER, **second), officers=others))
    assert (await file(5, first, officers=others)).status_code == 201
    lifted = PersonBanLifted(ban_id="b-1", person="officer-2", region="131000", reason="撤销", lifted_at_ms=2)
    async with database.writer() as session:
        await officers.know_ban_lifted(session, lifted)
    assert (await file(4, first)).status_code == 201


async def test_CC_08_the_court_reads_confirmed_cases_only(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    officer, court = tokens.bearer(OFFICER), tokens.bearer(COURT)
    lead = await a_lead(database, client, officer)
    case = (await post(client, f"/leads/{lead}/file", FILE, officer)).json()["id"]

    async def seen(who: dict[str, str]) -> list[str]:
        answer = await client.get("/confirmed-cases", headers=who)
        return [one["id"] for one in answer.json()["items"]]

    assert await seen(court) == []
    assert (await client.get(f"/confirmed-cases/{case}", headers=court)).status_code == 404
    for path in ("/leads", "/cases", f"/cases/{case}"):
        assert (await client.get(path, headers=court)).status_code == 403
    await post(client, f"/cases/{case}/confirm-fraud", CONFIRM, officer)
    assert await seen(court) == [case]
    assert await seen(tokens.bearer("court/data.read@131100")) == []
    shown = (await client.get(f"/confirmed-cases/{case}", headers=court)).json()
    assert (shown["typology"], shown["organisation_zh"]) == ("T08", "甲运维公司")
    assert {"steps", "findings", "series_ids", "lead_id", "investigation_report"}.isdisjoint(shown)
    far = await client.get(f"/confirmed-cases/{case}", headers=tokens.bearer("court/data.read@131100"))
    assert far.status_code == 404  # that it exists is not told beyond its region
    await post(client, f"/cases/{case}/review", REVIEW, tokens.bearer(REVIEWER))
    await post(client, f"/cases/{case}/decide", DECIDE, tokens.bearer(APPROVER))
    assert (await client.get("/confirmed-cases", headers=court)).json()["items"][0]["amount_yuan"] == 200_000
    assert (await client.get("/confirmed-cases", headers=officer)).status_code == 403
    await post(client, f"/cases/{case}/annul", {"reason": "依据有误"}, tokens.bearer(APPROVER))
    assert await seen(court) == []


@pytest.mark.parametrize(
    ("channel", "name"), [("web", ("网络", "Web")), ("wechat", ("微信", "WeChat")), (None, ("", ""))]
)
async def test_LN_26_a_report_says_by_which_channel_it_came(
    client: httpx.AsyncClient, tokens: Tokens, channel: str | None, name: tuple[str, str]
) -> None:
    triage = tokens.bearer("ee/report.triage@131000")
    report = {"origin": "report", "origin_id": "12369-1", "region": "131000", "site": "131000-A01"}
    body = report | {"summary": "群众反映", "channel": channel}
    opened = await post(client, "/leads", body, triage)
    assert opened.status_code == 201, opened.text
    shown = (await client.get(f"/leads/{opened.json()['id']}", headers=triage)).json()
    assert (shown["channel"], shown["channel_zh"], shown["channel_en"]) == (channel, *name)


@pytest.mark.parametrize(("origin", "channel"), [("report", "telegraph"), ("inspection", "web")])
async def test_LN_26_no_other_channel_and_none_for_what_is_no_report(
    client: httpx.AsyncClient, tokens: Tokens, origin: str, channel: str
) -> None:
    body = {"origin": origin, "origin_id": "1", "region": "131000", "site": "131000-A01", "summary": "x"}
    refused = await post(client, "/leads", body | {"channel": channel}, tokens.bearer(OFFICER))
    assert refused.status_code == 422


async def test_SLm_19_a_sub_bureau_supervises_its_own_county_for_the_city_that_decides(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    counties = ("131002", "131003")
    async with database.writer() as session:
        for number, region in enumerate(counties):
            about = {"site": f"{region}-A01", "region": region, "series_id": number}
            await signals.raise_suspicion(session, suspicion(suspicion_id=f"s-{region}", **about), NOW)

    async def leads(who: dict[str, str]) -> dict[str, str]:
        return {one["region"]: one["id"] for one in (await client.get("/leads", headers=who)).json()["items"]}

    own, city = tokens.bearer("ee.enf/case.officer@131002"), tokens.bearer(OFFICER, sub="of-the-city")
    all_leads = await leads(city)
    assert set(all_leads) == set(counties)
    assert await leads(own) == {"131002": all_leads["131002"]}
    beside = all_leads["131003"]
    assert (await client.get(f"/leads/{beside}", headers=own)).status_code == 404
    assert (await post(client, f"/leads/{beside}/file", FILE, own)).status_code == 403
    # It investigates in its county; whether data are false is the city authority's to find.
    filed = await post(client, f"/leads/{all_leads['131002']}/file", FILE, own)
    assert filed.status_code == 201, filed.text
    confirm = f"/cases/{filed.json()['id']}/confirm-fraud"
    refused = await post(client, confirm, CONFIRM, own)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/authority-not-competent")
    assert (await post(client, confirm, CONFIRM, city)).status_code == 200


async def test_SLm_19_an_intervention_in_a_sub_bureau_is_on_record_with_the_city_and_not_shown_in_the_county(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    said = SAID | {"region": "131002", "intervener": "gov@131002"}
    recorder = tokens.bearer("ee/intervention.recorder@131002")
    answer = await post(client, "/interventions", said, recorder)
    assert answer.status_code == 201, answer.text
    seen = {}
    for who in ("ee/case.approver@131000", "discipline/discipline.receiver@131000", "ee/case.approver@131003",
                "gov/intervention.recorder@131002"):  # fmt: skip
        params = {"ground": "监察法第十八条"}
        listed = await client.get("/interventions", params=params, headers=tokens.bearer(who))
        seen[who] = [one["id"] for one in listed.json()["items"]]
    assert list(seen.values()) == [[answer.json()["id"]]] * 2 + [[]] * 2
