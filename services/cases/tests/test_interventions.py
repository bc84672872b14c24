"""LF-17 干预留痕 and masked reporters, as the departments over HTTP and as the roles of the database."""

from datetime import date
from typing import Any

import httpx
import policy
import pytest
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from policy import Reach
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

RECORDER = "water/intervention.recorder@131000"
DISCIPLINE = "discipline/discipline.receiver@131000"
GROUND = {"ground": "监察法第十八条"}
SAID = {
    "category": "instigation",
    "form": "oral",
    "region": "131000",
    "intervener": "gov@131000",
    "intervener_name": "某副市长",
    "happened_at": "2026-11-20T09:00:00+08:00",
    "content": "要求将超标数据改为达标",
    "medium": "录音笔 LY-2026-07，档案室 3 柜",
    "extraction": "两名工作人员现场提取，出具提取笔录",
    "addressed_to": "ee@131000",
    "attachments": [{"kind": "recording", "title": "录音", "sha256": "a" * 64}],
}
NAME, CONTACT = "举报人王某", "13800001111"
REPORT = {
    "origin": "report",
    "origin_id": "12369-2026-0007",
    "region": "131000",
    "site": "131000-A01",
    "summary": "夜间有人进入站房",
    "reporter": {"name": NAME, "contact": CONTACT},
}
TABLES = ("interventions", "intervention_recorders", "intervention_reads", "reporters")


async def recorded(client: httpx.AsyncClient, tokens: Tokens, **more: Any) -> str:
    answer = await client.post("/interventions", json=SAID | more, headers=tokens.bearer(RECORDER))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def ask(
    client: httpx.AsyncClient, tokens: Tokens, path: str, who: str, params: dict[str, str] | None = None
) -> httpx.Response:
    return await client.get(path, headers=tokens.bearer(who), params=GROUND if params is None else params)


async def listed(client: httpx.AsyncClient, tokens: Tokens, who: str) -> list[str]:
    answer = await ask(client, tokens, "/interventions", who)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_LF_17_who_reads_an_intervention_and_who_not_even_learns_of_it(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    one = await recorded(client, tokens)
    seen = {
        who: await listed(client, tokens, who)
        for who in (
            RECORDER,
            DISCIPLINE,
            "discipline/discipline.receiver@130000",
            "ee/case.approver@131000",
            "gov/intervention.recorder@131000",
            "agri/intervention.recorder@131000",
            "ee/case.approver@131100",
            "discipline/discipline.receiver@131100",
        )
    }
    assert list(seen.values()) == [[one]] * 4 + [[]] * 4
    for who, found in seen.items():
        answer = await ask(client, tokens, f"/interventions/{one}", who)
        assert answer.status_code == (200 if found else 404), who
    for who in ("ee.enf/case.officer@131000", "gov/data.read@131000", "ee/platform.admin@131000"):
        assert (await ask(client, tokens, "/interventions", who)).status_code == 403


async def test_LF_17_the_department_reported_on_sees_nothing_even_where_it_could_read(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    """Addressed to the bureau, of the discipline body's own region: not to the one that intervened."""
    bureau = await recorded(client, tokens, intervener="ee@131000")
    body = await recorded(client, tokens, intervener="discipline@131000")
    own = await recorded(client, tokens, intervener="water@131000")
    assert await listed(client, tokens, "ee/case.approver@131000") == [own, body]
    assert await listed(client, tokens, DISCIPLINE) == [own, bureau]
    assert await listed(client, tokens, RECORDER) == [body, bureau]
    assert await listed(client, tokens, "discipline/discipline.receiver@130000") == [own, body, bureau]
    answer = await ask(client, tokens, f"/interventions/{body}/recorder", DISCIPLINE)
    assert answer.status_code == 404


async def test_LF_17_every_read_leaves_its_legal_ground_and_the_recorder_is_told_to_one_right(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    one = await recorded(client, tokens)
    async with database.writer() as session:
        (subject,) = (await session.execute(text("SELECT subject FROM intervention_recorders"))).scalars()
    for path in ("/interventions", f"/interventions/{one}"):
        assert (await ask(client, tokens, path, DISCIPLINE, {})).status_code == 422
        answer = await ask(client, tokens, path, DISCIPLINE)
        assert answer.status_code == 200
        for trace in (subject, "water", "recorder", "owner"):
            assert trace not in answer.text
    shown = (await ask(client, tokens, f"/interventions/{one}", DISCIPLINE)).json()
    assert (shown["category_zh"], shown["form_en"]) == ("指使弄虚作假", "Word of mouth")
    assert (shown["medium"], shown["attachments"]) == (SAID["medium"], SAID["attachments"])
    for who in (RECORDER, "ee/case.approver@131000", "gov/discipline.receiver@131000"):
        assert (await ask(client, tokens, f"/interventions/{one}/recorder", who)).status_code == 403
    assert (await ask(client, tokens, f"/interventions/{one}/recorder", DISCIPLINE, {})).status_code == 422
    told = (await ask(client, tokens, f"/interventions/{one}/recorder", DISCIPLINE)).json()
    assert told["recorder"]["subject"] == subject
    assert [read["ground"] for read in told["reads"]] == [GROUND["ground"]] * 4
    assert [read["is_of_recorder"] for read in told["reads"]] == [False, False, False, True]
    # A read that finds nothing is no read.
    await listed(client, tokens, "gov/intervention.recorder@131000")
    async with database.writer() as session:
        assert (await session.execute(text("SELECT count(*) FROM intervention_reads"))).scalar_one() == 4


@pytest.mark.parametrize("field", ["category", "form", "intervener", "addressed_to", "region"])
async def test_LF_15_an_unknown_category_department_or_region_is_refused(
    client: httpx.AsyncClient, tokens: Tokens, field: str
) -> None:
    said = SAID | {field: {"intervener": "nobody@131000", "addressed_to": "ee@999999"}.get(field, "999999")}
    answer = await client.post("/interventions", json=said, headers=tokens.bearer(RECORDER))
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["where"]


@pytest.mark.parametrize("table", TABLES)
async def test_LF_17_nobody_changes_or_removes_what_was_recorded(database: FreshDatabase, table: str) -> None:
    column = "lead_id" if table == "reporters" else "intervention_id"
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(statement))


async def rows(database: FreshDatabase, table: str, who: Any, reach: Reach) -> int:
    async with database.reader(who, reach=reach) as session:
        return len((await session.execute(text(f"SELECT * FROM {table}"))).all())


async def test_LF_17_in_the_database_names_are_shown_to_one_right_and_never_to_the_intervener(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    await recorded(client, tokens)
    made = await client.post("/leads", json=REPORT, headers=tokens.bearer("ee/report.triage@131000"))
    assert made.status_code == 201, made.text
    # The list routes' reads are on record, too: one row.
    await listed(client, tokens, DISCIPLINE)
    seen = {}
    for permission in ("interventions:read", "interventions:unmask", "leads:read", "reporters:read", ""):
        reach = Reach(regions="131000,131002", permission=permission)
        seen[permission] = [await rows(database, table, None, reach) for table in TABLES]
    assert seen == {
        "interventions:read": [1, 0, 0, 0],
        "interventions:unmask": [1, 1, 1, 0],
        "leads:read": [1, 0, 0, 0],
        "reporters:read": [1, 0, 0, 1],
        "": [1, 0, 0, 0],
    }
    government = policy.Principal("somebody", dept="gov", region="131000")
    for permission in seen:
        reach = Reach(all="yes", regions="131000", permission=permission)
        assert [await rows(database, table, government, reach) for table in TABLES[:3]] == [0, 0, 0]


async def test_a_reporter_is_masked_for_everybody_but_the_right_that_names_it(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    triage = tokens.bearer("ee/report.triage@131000")
    made = await client.post("/leads", json=REPORT, headers=triage | {"Idempotency-Key": "report-0007"})
    lead = made.json()["id"]
    path = f"/leads/{lead}/reporter"
    shown = [made]
    for who in ("ee/report.triage@131000", "ee.enf/case.officer@131000", "ee/case.approver@131000"):
        shown += [await client.get(at, headers=tokens.bearer(who)) for at in ("/leads", f"/leads/{lead}")]
        assert (await client.get(path, headers=tokens.bearer(who))).status_code == 403
    shown.append(
        await client.post("/leads", json=REPORT, headers=triage | {"Idempotency-Key": "report-0007"})
    )
    for answer in shown:
        assert answer.is_success and lead in answer.text
        assert NAME not in answer.text and CONTACT not in answer.text
    kept = "SELECT string_agg(t::text, '') FROM {} AS t"
    async with database.writer() as session:
        for table in ("leads", "case_steps", "answers"):
            told = (await session.execute(text(kept.format(table)))).scalar_one()
            assert NAME not in told and CONTACT not in told, table
        said = (await session.execute(text("SELECT data FROM outbox"))).scalars().all()
    assert said and not any(NAME.encode() in data or CONTACT.encode() in data for data in said)
    told = await client.get(path, headers=tokens.bearer("ee/reward.payer@131000"))
    assert (told.status_code, told.json()["name"], told.json()["contact"]) == (200, NAME, CONTACT)
    elsewhere = await client.get(path, headers=tokens.bearer("ee/reward.payer@131100"))
    assert elsewhere.status_code == 404


def test_unmasking_is_personal_data_on_record_with_its_purpose() -> None:
    records, day = policy.load().records, date(2026, 11, 28)
    for permission in ("reporters:read", "interventions:unmask"):
        assert (records.kind(permission, day), records.needs_purpose(permission, day)) == ("personal", True)
    assert records.kind("interventions:read", day) == "case"
