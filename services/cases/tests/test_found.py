"""What the registry finds opens a lead, once, where it is a matter of enforcement."""

from typing import Any

import httpx
from case_scene import NOW
from cases.flows.found import raise_finding
from contracts.ingest import FindingRaised
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens


def entry(**cells: Any) -> FindingRaised:
    told = {
        "finding": "unauthorised-entry",
        "id": "f-1",
        "message_zh": "未经批准进入站房",
        "message_en": "Unauthorised entry into a station room",
        "found_at_ms": 1795219200000,
        "region": "131002",
        "site": "131000-A01",
        "record": "access-log/L1",
    }
    return FindingRaised(**(told | cells))


async def test_LF_64_an_unauthorised_entry_opens_one_lead(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    for event in (entry(), entry(), entry(id="f-2", finding="run-late"), entry(id="f-3", site=None)):
        async with database.writer() as session:
            await raise_finding(session, event, NOW, ["ab" * 16])
    who = tokens.bearer("ee.enf/case.officer@131000")
    (lead,) = (await client.get("/leads", headers=who)).json()["items"]
    assert (lead["origin"], lead["site"], lead["region"]) == ("inspection", "131000-A01", "131002")
    assert "未经批准进入站房" in lead["summary"]
    elsewhere = await client.get("/leads", headers=tokens.bearer("ee.enf/case.officer@131100"))
    assert elsewhere.json()["items"] == []
