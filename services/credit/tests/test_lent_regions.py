"""Bans of a region lent by a cross-region grant, over HTTP and behind the reader's own lock."""

import time

import httpx
from fastapi import FastAPI
from kit.testing.tokens import Tokens
from policy import RegionGrant

HERE, LENT = "ee/credit.approver@131000", "ee/credit.approver@131100"
BAN = {"person": "subject-6", "name": "己", "region": "131000", "ground": "falsified",
       "decision_no": "廊环罚〔2026〕9号", "decided_on": "2026-11-21"}  # fmt: skip


async def test_SLe_23_who_is_lent_to_a_region_reads_its_bans_until_the_end_and_enters_or_lifts_none(
    app: FastAPI, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    home, who = tokens.bearer(HERE), tokens.bearer(LENT, sub="officer-1")
    entered = await client.post("/bans", json=BAN, headers=home)
    assert entered.status_code == 201, entered.text

    def lend(*permissions: str, seconds: float = 600) -> None:
        now = time.time()
        given = RegionGrant("g", "officer-1", ("131000",), frozenset(permissions), now - 9, now + seconds)
        app.state.verifier.grants.replace([given])

    async def seen(headers: dict[str, str]) -> list[str]:
        answer = await client.get("/bans", headers=headers)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await seen(who) == []
    lend("bans:read")
    assert await seen(who) == [entered.json()["id"]]
    assert await seen(tokens.bearer(LENT, sub="officer-2")) == []
    lend("operator-scores:read")
    assert await seen(who) == [], "another right than the one lent"
    # Even a list that names the right to write lends no act.
    lend("bans:read", "bans:write")
    lift = f"/bans/{entered.json()['id']}/lift"
    for path, body in (("/bans", BAN | {"decision_no": "D-2"}), (lift, {"reason": "撤销"})):
        refused = await client.post(path, json=body, headers=who)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/out-of-scope")
    assert (await client.post(lift, json={"reason": "撤销"}, headers=home)).status_code == 200
    lend("bans:read", seconds=-0.1)
    assert await seen(who) == []
