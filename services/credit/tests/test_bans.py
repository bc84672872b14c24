"""Bans of persons over HTTP: entered on a decision by the law of its day, said once, lifted when annulled."""

import httpx
import msgspec
from contracts.credit import PersonBanLifted, PersonBanned
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from sqlalchemy import text

APPROVER = "ee/credit.approver@131000"
ASKED = {
    "person": "subject-6",
    "name": "己",
    "region": "131000",
    "ground": "falsified",
    "decision_no": "廊环罚〔2026〕9号",
    "decided_on": "2026-11-21",
}


async def said(database: FreshDatabase) -> list[str]:
    async with database.writer() as session:
        rows = await session.execute(text("SELECT event, data FROM outbox ORDER BY id"))
        kinds = {"credit.person_banned.v1": PersonBanned, "credit.person_ban_lifted.v1": PersonBanLifted}
        return [f"{type(msgspec.json.decode(row.data, type=kinds[row.event])).__name__}" for row in rows]


async def test_LF_61_a_person_is_banned_for_five_years_ten_years_or_life_and_it_is_said_once(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    who = tokens.bearer(APPROVER)
    ends = []
    for at, ground in enumerate(("falsified", "falsified_seriously", "convicted")):
        body = ASKED | {"ground": ground, "decision_no": f"D-{at}"}
        for _ in range(2):
            answer = await client.post("/bans", json=body, headers=who)
            assert answer.status_code == 201, answer.text
        ends.append(answer.json()["valid_to"])
    assert ends == ["2031-11-20", "2036-11-20", None]
    assert await said(database) == ["PersonBanned"] * 3
    items = (await client.get("/bans", params={"person": "subject-6", "limit": 2}, headers=who)).json()
    assert [one["ground"] for one in items["items"]] == ["convicted", "falsified_seriously"]
    for _ in range(2):
        lifted = await client.post(
            f"/bans/{items['items'][0]['id']}/lift", json={"reason": "撤销"}, headers=who
        )
        assert lifted.status_code == 200 and lifted.json()["lifted_reason"] == "撤销"
    assert await said(database) == ["PersonBanned"] * 3 + ["PersonBanLifted"]


async def test_a_ban_without_ground_in_law_out_of_reach_or_contradicted_is_refused(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    who = tokens.bearer(APPROVER)
    for more in ({"ground": "rude"}, {"decided_on": "2025-12-31"}, {"decided_on": "2099-01-01"}):
        answer = await client.post("/bans", json=ASKED | more, headers=who)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/no-ground-for-ban")
    assert (await client.post("/bans", json=ASKED, headers=who)).status_code == 201
    other = await client.post("/bans", json=ASKED | {"ground": "convicted"}, headers=who)
    assert other.status_code == 409
    for outside in ("ee/credit.approver@131100", "ee/credit.editor@131000", "finance/credit.approver@131000"):
        refused = await client.post("/bans", json=ASKED, headers=tokens.bearer(outside))
        assert refused.status_code == 403
    assert (await client.get("/bans")).status_code == 401
