"""Releases of a region lent by a cross-region grant, over HTTP and behind the reader's own lock."""

import time

import httpx
from fastapi import FastAPI
from kit.db import Database
from kit.testing.tokens import Tokens
from policy import RegionGrant
from publish_scene import EDITOR, WANTED, city

LENT = "ee/publish.approver+publish.editor@131100"


async def test_SLe_23_who_is_lent_to_a_region_reads_its_drafts_until_the_end_and_drafts_or_approves_none(
    app: FastAPI, client: httpx.AsyncClient, database: Database, tokens: Tokens
) -> None:
    await city(database)
    who = tokens.bearer(LENT, sub="officer-1")
    draft = (await client.post("/releases", json=WANTED, headers=tokens.bearer(EDITOR))).json()["id"]

    def lend(*permissions: str, seconds: float = 600) -> None:
        now = time.time()
        given = RegionGrant("g", "officer-1", ("131000",), frozenset(permissions), now - 9, now + seconds)
        app.state.verifier.grants.replace([given])

    async def seen() -> tuple[list[str], int]:
        listed = await client.get("/releases", headers=who)
        one = await client.get(f"/releases/{draft}", headers=who)
        return [release["id"] for release in listed.json()["items"]], one.status_code

    assert await seen() == ([], 404)
    lend("releases:read")
    assert await seen() == ([draft], 200)
    other = await client.get(f"/releases/{draft}", headers=tokens.bearer(LENT, sub="officer-2"))
    assert other.status_code == 404
    # Even a list that names the right to write lends no act.
    lend("releases:read", "releases:draft", "releases:approve", "releases:publish")
    for path, body in (("", WANTED), (f"/{draft}/approve", None), (f"/{draft}/publish", None)):
        refused = await client.post(f"/releases{path}", json=body, headers=who)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/out-of-scope"), path
    assert (await client.get(f"/releases/{draft}", headers=who)).json()["status"] == "draft"
    lend("releases:read", seconds=-0.1)
    assert await seen() == ([], 404)
