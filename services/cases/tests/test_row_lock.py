"""A route that forgets its clause, over HTTP: row security still shows the caller's own region only."""

import httpx
import pytest
from case_scene import NOW, suspicion
from cases.flows import signals
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from sqlalchemy import true


async def test_a_list_that_forgets_its_clause_shows_no_row_of_another_region(
    client: httpx.AsyncClient,
    database: FreshDatabase,
    tokens: Tokens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with database.writer() as session:
        for name, region in (("s-1", "131000"), ("s-2", "131002"), ("s-3", "131100")):
            await signals.raise_suspicion(session, suspicion(suspicion_id=name, region=region), NOW)
    monkeypatch.setattr("cases.api.leads.visible", lambda *_, **__: true())
    seen = {}
    for region in ("131000", "131002", "131100", "130000"):
        answer = await client.get("/leads", headers=tokens.bearer(f"ee.enf/case.officer@{region}"))
        seen[region] = sorted(item["origin_id"] for item in answer.json()["items"])
    assert seen == {
        "131000": ["s-1", "s-2"],
        "131002": ["s-2"],
        "131100": ["s-3"],
        "130000": ["s-1", "s-2", "s-3"],
    }
