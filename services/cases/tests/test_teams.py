"""专案组: members of other departments see one case and nothing else, for a time, and no longer than that."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import policy
import pytest
from case_scene import FILE, NOW, suspicion
from cases.flows import signals
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from policy import Reach
from sqlalchemy import text

HEAD = "ee/case.approver@131000"
OFFICER = "ee.enf/case.officer@131000"
POLICE = "police/transfer.receiver@131100"


async def filed(client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens, name: str) -> str:
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(suspicion_id=name), NOW)
        (lead,) = (
            await session.execute(text("SELECT lead_id FROM leads WHERE origin_id = :o"), {"o": name})
        ).scalars()
    answer = await client.post(f"/leads/{lead}/file", json=FILE, headers=tokens.bearer(OFFICER))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def subject_of(tokens: Tokens, who: str) -> str:
    """The subject that the token of this principal names."""
    payload = tokens.bearer(who)["Authorization"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"])


async def named(
    client: httpx.AsyncClient, tokens: Tokens, case: str, who: str = POLICE, **more: Any
) -> httpx.Response:
    body = {
        "subject": subject_of(tokens, who),
        "dept": "police",
        "until": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        "reason": "联合办案",
    }
    return await client.post(f"/cases/{case}/team", json=body | more, headers=tokens.bearer(HEAD))


async def sees(client: httpx.AsyncClient, tokens: Tokens, who: str = POLICE) -> list[str]:
    answer = await client.get("/cases", headers=tokens.bearer(who))
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_SLe_24_a_member_of_another_department_sees_that_case_and_nothing_else(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    ours, other = [await filed(client, database, tokens, name) for name in ("s-1", "s-2")]
    police = tokens.bearer(POLICE)
    assert await sees(client, tokens) == []
    assert (await client.get(f"/cases/{ours}", headers=police)).status_code == 404
    made = await named(client, tokens, ours)
    assert (made.status_code, made.json()["is_on_team"]) == (201, True)
    assert await sees(client, tokens) == [ours]
    shown = await client.get(f"/cases/{ours}", headers=police)
    assert [step["act"] for step in shown.json()["steps"]] == ["open", "file", "team_named"]
    assert shown.json()["steps"][-1]["act_zh"] == "专案组成员加入"
    assert (await client.get(f"/cases/{other}", headers=police)).status_code == 404
    # Neither leads nor acts nor the team itself come with it, nor does anybody else of the department.
    for method, path in (
        ("GET", "/leads"),
        ("GET", f"/cases/{ours}/team"),
        ("POST", f"/cases/{ours}/decide"),
    ):
        assert (await client.request(method, path, headers=police, json={})).status_code == 403, path
    async with database.reader(reach=Reach(team="another-person")) as session:
        assert (await session.execute(text("SELECT * FROM cases"))).all() == []


async def test_SLe_24_leaving_the_team_ends_access_at_once(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    case = await filed(client, database, tokens, "s-1")
    member = (await named(client, tokens, case)).json()["id"]
    assert await sees(client, tokens) == [case]
    path = f"/cases/{case}/team/{member}/end"
    assert (await client.post(path, json={"reason": ""}, headers=tokens.bearer(HEAD))).status_code == 422
    ended = await client.post(path, json={"reason": "调离"}, headers=tokens.bearer(HEAD))
    assert (ended.status_code, ended.json()["is_on_team"]) == (200, False)
    assert await sees(client, tokens) == []
    assert (await client.get(f"/cases/{case}", headers=tokens.bearer(POLICE))).status_code == 404
    again = await client.post(path, json={"reason": "调离"}, headers=tokens.bearer(HEAD))
    assert again.status_code == 409
    (kept,) = (await client.get(f"/cases/{case}/team", headers=tokens.bearer(HEAD))).json()["items"]
    assert (kept["ended_reason"], kept["is_on_team"]) == ("调离", False)


async def test_SLe_24_a_membership_ends_by_itself(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    case = await filed(client, database, tokens, "s-1")
    soon = datetime.now(UTC) + timedelta(seconds=2)
    assert (await named(client, tokens, case, until=soon.isoformat())).status_code == 201
    await asyncio.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.2)
    assert await sees(client, tokens) == []
    reach = Reach(team=subject_of(tokens, POLICE))
    async with database.reader(reach=reach) as session:
        for table in ("cases", "leads", "case_steps"):
            assert (await session.execute(text(f"SELECT * FROM {table}"))).all() == []


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "2100-01-01T00:00:00Z"}, "until"),
        ({"dept": "unit"}, "dept"),
        ({"reason": " "}, "body/reason"),
    ],
)
async def test_a_membership_without_an_end_a_department_or_a_reason_is_refused(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens, more: dict[str, str], where: str
) -> None:
    case = await filed(client, database, tokens, "s-1")
    answer = await named(client, tokens, case, **more)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, where)


async def test_only_the_head_of_the_bureau_of_the_region_names_members(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    case = await filed(client, database, tokens, "s-1")
    body = {"subject": "x", "dept": "police", "until": "2026-12-31T00:00:00Z", "reason": "联合办案"}
    for who in (OFFICER, POLICE, "ee/case.approver@131100"):
        answer = await client.post(f"/cases/{case}/team", json=body, headers=tokens.bearer(who))
        assert answer.status_code == 403, who


async def test_in_the_database_a_member_sees_one_case_its_lead_and_its_history(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    ours, _ = [await filed(client, database, tokens, name) for name in ("s-1", "s-2")]
    await named(client, tokens, ours)
    who = policy.Principal(subject_of(tokens, POLICE), dept="police", region="131100")
    seen = {}
    async with database.reader(who, reach=Reach(team=who.subject)) as session:
        for table in ("cases", "leads", "case_steps", "case_team", "signals", "interventions"):
            seen[table] = len((await session.execute(text(f"SELECT * FROM {table}"))).all())
        found = (await session.execute(text("SELECT case_id FROM cases"))).scalars().all()
    assert seen == {
        "cases": 1,
        "leads": 1,
        "case_steps": 3,
        "case_team": 1,
        "signals": 0,
        "interventions": 0,
    }
    assert found == [UUID(ours)]
