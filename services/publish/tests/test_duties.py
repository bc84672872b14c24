"""Separation of duties on releases, over HTTP: persons are set apart, not roles."""

from typing import Any

import httpx
from kit.db import Database
from kit.testing.tokens import Tokens
from publish.flows import automation
from publish_scene import NOW, WANTED, city

BOTH = "ee/publish.approver+publish.editor@131000"


async def refused(client: httpx.AsyncClient, path: str, who: dict[str, str]) -> str:
    answer = await client.post(path, headers=who)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/separation-of-duties")
    [fault] = answer.json()["errors"]
    assert "permission table" in fault["rule"]
    return str(fault["what"])


async def passed(client: httpx.AsyncClient, path: str, who: dict[str, str]) -> Any:
    answer = await client.post(path, headers=who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_who_drafted_does_not_approve_under_whatever_role_and_a_colleague_of_the_same_roles_does(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    drafter, colleague = tokens.bearer(BOTH, sub="person-1"), tokens.bearer(BOTH, sub="person-2")
    draft = (await client.post("/releases", json=WANTED, headers=drafter)).json()
    path = f"/releases/{draft['id']}"
    assert "起草人不得审批" in await refused(client, f"{path}/approve", drafter)
    as_approver = tokens.bearer("ee/publish.approver@131000", sub="person-1")
    assert "draft（" in await refused(client, f"{path}/approve", as_approver)
    await passed(client, f"{path}/approve", colleague)
    # What was approved is what goes out, so it is no matter who sends it.
    assert (await passed(client, f"{path}/publish", drafter))["status"] == "published"


async def test_of_an_automatic_draft_the_approver_is_not_the_publisher(
    client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    async with database.writer() as session:
        assert await automation.draft_due(session, now=NOW) == 1
    approver, other = tokens.bearer(BOTH, sub="person-1"), tokens.bearer(BOTH, sub="person-2")
    [draft] = (await client.get("/releases", headers=other)).json()["items"]
    path = f"/releases/{draft['id']}"
    await passed(client, f"{path}/approve", approver)
    assert "自动生成" in await refused(client, f"{path}/publish", approver)
    assert (await passed(client, f"{path}/publish", other))["status"] == "published"
