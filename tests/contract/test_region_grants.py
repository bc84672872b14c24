"""A cross-region grant through the real gateway and a real service: found, honoured to the second, ended."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from cases.main import build as build_cases
from cases.settings import Settings as CasesSettings
from fastapi import FastAPI
from gateway.main import build as build_gateway
from gateway.settings import Settings as GatewaySettings
from kit.revocation import FOLLOW_SECONDS

APPROVER, OFFICER = "ee/case.approver@131000", "ee.enf/case.officer@131100"
REPORT = {"origin": "report", "origin_id": "r-1", "site": "A01", "summary": "群众反映站房夜间有人进入"}
SOON = 0.1


class Hand:
    """A clock of unix seconds that a test can set ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@asynccontextmanager
async def on_a_port(app: FastAPI) -> AsyncIterator[str]:
    """The app with its lifespan, as a peer reaches it."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
        assert not task.done()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@dataclass
class Both:
    """The gateway and `cases`, each behind its own door, and the clock by which they judge."""

    edge: httpx.AsyncClient
    cases: httpx.AsyncClient
    hand: Hand
    tokens: Any
    told: CasesSettings

    @property
    def officer(self) -> dict[str, str]:
        return self.tokens.bearer(OFFICER, sub="officer-of-131100")

    async def regions(self) -> set[str]:
        answer = await self.cases.get("/leads", headers=self.officer)
        return {one["region"] for one in answer.json()["items"]}

    async def until(self, regions: set[str]) -> float:
        """Seconds until exactly these regions are seen; at most 30."""
        begun = time.monotonic()
        while await self.regions() != regions:
            assert time.monotonic() - begun < 30, await self.regions()
            await asyncio.sleep(SOON)
        return time.monotonic() - begun

    async def give(self, permissions: list[str], hours: float = 24) -> dict[str, Any]:
        now = datetime.now(UTC)
        body = {
            "subject": "officer-of-131100",
            "person": "李四",
            "regions": ["131000"],
            "permissions": permissions,
            "purpose": "supervision",
            "order_no": "冀环执法〔2026〕7号",
            "legal_ground": "区域联合执法方案",
            "valid_from": now.isoformat(),
            "valid_to": (now + timedelta(hours=hours)).isoformat(),
        }
        answer = await self.edge.post("/grants", json=body, headers=self.tokens.bearer(APPROVER))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def passes(self, path: str) -> None:
        """The officer asks the edge for a list of `cases`."""
        forwarded = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": f"/api/cases{path}"}
        assert (await self.edge.get("/authorize", headers=forwarded | self.officer)).status_code == 200

    async def noted(self, grant: str) -> list[str]:
        found = await self.edge.get(
            "/audit", params={"grant": grant}, headers=self.tokens.bearer("-/auditor@-")
        )
        return [row["path"] for row in found.json()["items"]]


@pytest.fixture
def pace() -> float:
    """Seconds between two questions to the gateway."""
    return SOON


@pytest.fixture
async def both(
    service_database, service_settings, client_for, tokens, monkeypatch, pace: float
) -> AsyncIterator[Both]:
    monkeypatch.setattr("kit.app.FOLLOW_SECONDS", pace)
    hand = Hand()
    gateway = build_gateway(
        GatewaySettings.model_validate(
            service_settings(await service_database("gateway")) | {"environment": "local"}
        )
    )
    gateway.state.verifier._clock = hand
    async with on_a_port(gateway) as address, httpx.AsyncClient(base_url=address) as edge:
        database = await service_database("cases")
        told = CasesSettings.model_validate(service_settings(database) | {"peers": {"gateway": address}})
        cases = build_cases(told)
        cases.state.verifier._clock = hand
        async with client_for(cases) as door:
            for region in ("131000", "131002", "131100"):
                body = REPORT | {"region": region}
                opened = await door.post(
                    "/leads", json=body, headers=tokens.bearer(f"ee.enf/case.officer@{region}")
                )
                assert opened.status_code == 201, opened.text
            yield Both(edge, door, hand, tokens, told)


async def test_SLe_23_a_grant_shows_its_region_its_rights_and_its_end(both: Both) -> None:
    assert await both.regions() == {"131100"}
    grant = await both.give(["leads:read"], hours=1)
    await both.until({"131000", "131002", "131100"})
    # Only the rights that were granted, in the list and one by one.
    one = (await both.cases.get("/leads", headers=both.officer)).json()["items"]
    foreign = next(lead["id"] for lead in one if lead["region"] == "131000")
    assert (await both.cases.get(f"/leads/{foreign}", headers=both.officer)).status_code == 200
    acted = await both.cases.post(f"/leads/{foreign}/reject", json={"reason": "-"}, headers=both.officer)
    assert (acted.status_code, acted.json()["type"]) == (403, "/problems/out-of-scope")
    neighbour = await both.cases.get("/leads", headers=both.tokens.bearer(OFFICER, sub="another"))
    assert {lead["region"] for lead in neighbour.json()["items"]} == {"131100"}
    await both.passes("/leads")
    await both.passes("/cases")
    assert await both.noted(grant["id"]) == ["/leads"]
    # To the second, without a word from anybody: tokens live on, the list still holds the grant.
    end = datetime.fromisoformat(grant["valid_to"]).timestamp()
    bearer = both.tokens.bearer(OFFICER, sub="officer-of-131100", exp=int(end) + 600)
    both.hand.ahead = end - time.time() - 30
    before = await both.cases.get(f"/leads/{foreign}", headers=bearer)
    both.hand.ahead = end - time.time()
    after = await both.cases.get(f"/leads/{foreign}", headers=bearer)
    assert (before.status_code, after.status_code) == (200, 404)
    assert after.json()["type"] == "/problems/no-such-lead"


@pytest.mark.parametrize("pace", [SOON, pytest.param(FOLLOW_SECONDS, marks=pytest.mark.slow)])
async def test_SLe_23_ended_early_it_is_refused_by_the_service_and_forgotten_by_the_edge(both: Both) -> None:
    grant = await both.give(["leads:read", "cases:read"])
    seconds = await both.until({"131000", "131002", "131100"})
    path = f"/grants/{grant['id']}"
    ended = await both.edge.delete(path, params={"reason": "任务完成"}, headers=both.tokens.bearer(APPROVER))
    assert ended.status_code == 200
    refused = await both.until({"131100"})
    print(f"honoured after {seconds:.1f} s, refused after {refused:.1f} s")
    await both.passes("/leads")
    assert await both.noted(grant["id"]) == []


async def test_a_service_started_later_learns_the_live_grants_and_only_those(both: Both, client_for) -> None:
    ended = await both.give(["cases:read"])
    await both.edge.delete(
        f"/grants/{ended['id']}", params={"reason": "任务完成"}, headers=both.tokens.bearer(APPROVER)
    )
    live = await both.give(["leads:read"])
    later = build_cases(both.told)
    async with client_for(later):
        begun = time.monotonic()
        while not (held := later.state.verifier.grants.of("officer-of-131100")):
            assert time.monotonic() - begun < 30
            await asyncio.sleep(SOON)
    assert [one.id for one in held] == [live["id"]]
