"""What a unit's self-proof does to leads and cases; and which hours of a case's data may be evidence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import qc.main as qc_main
import qc.settings as qc_settings
import uvicorn
from case_scene import FILE, HOUR, MS, NOW, doer_for, series, suspicion
from cases.flows import leads, signals
from cases.flows.asked import FileLead
from cases.flows.proofs import follow_self_proof
from cases.main import build
from cases.settings import Settings
from cases.tables import Lead
from contracts.qc import SelfProofMoved
from fastapi import FastAPI
from kit.problems import Unavailable
from kit.processes import free_port
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase, ServiceSettings
from kit.testing.tokens import Tokens
from sqlalchemy import select, text

OFFICER = "ee.enf/case.officer@131000"


def moved(step: str, suspicion_id: str | None = "s-1") -> SelfProofMoved:
    return SelfProofMoved(
        proof_id="p-1", suspicion_id=suspicion_id, step=step, site="131000-A01", region="131000",  # type: ignore[arg-type]
        uscc="9144030071526726XG", series_id=7, from_ms=MS - 12 * HOUR, to_ms=MS - 2 * HOUR, due_at_ms=MS,
        message_zh="排污单位逾期未举证", message_en="the unit gave no evidence in time", reason="-",
        source_clause="廊办字〔2018〕50号 二21", moved_at_ms=MS,
    )  # fmt: skip


async def feed(database: FreshDatabase, *steps: SelfProofMoved) -> None:
    for event in steps:
        async with database.writer() as session:
            await follow_self_proof(session, event, NOW)


async def lead_of(client: httpx.AsyncClient, tokens: Tokens) -> dict[str, Any]:
    (lead,) = (await client.get("/leads", headers=tokens.bearer(OFFICER))).json()["items"]
    return dict((await client.get(f"/leads/{lead['id']}", headers=tokens.bearer(OFFICER))).json())


async def test_LF_62_the_course_of_a_self_proof_is_in_the_history_of_its_lead(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    with pytest.raises(Unavailable):
        await feed(database, moved("requested"))
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(), NOW)
    await feed(database, moved("requested"), moved("answered"), moved("rejected"))
    shown = await lead_of(client, tokens)
    assert [(step["act"], step["act_zh"]) for step in shown["steps"]][1:] == [
        ("self_proof_requested", "要求自我举证"),
        ("self_proof_answered", "收到举证材料"),
        ("self_proof_rejected", "举证不予采信"),
    ]
    assert shown["state"] == "LEAD" and "二21" in shown["steps"][-1]["basis"]


async def test_LN_29_no_evidence_in_time_opens_one_lead_where_no_suspicion_stands(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await feed(database, moved("requested", None), moved("answered", None))
    assert (await client.get("/leads", headers=tokens.bearer(OFFICER))).json()["items"] == []
    await feed(database, moved("overdue", None), moved("rejected", None))
    shown = await lead_of(client, tokens)
    assert (shown["origin"], shown["findings"][0]["rule"]) == ("inspection", "self-proof-overdue")
    assert [step["act"] for step in shown["steps"]] == ["open", "self_proof_overdue", "self_proof_rejected"]


@asynccontextmanager
async def served(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), running
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await running


VALUES = """
    INSERT INTO known_series (series_id, site, region, uscc, period, descriptor) VALUES
        (7, '131000-A01', '131000', NULL, 'hour', cast(:told AS jsonb));
"""


async def test_LN_15_a_case_shows_which_hours_of_its_data_may_be_evidence(
    service_database: ServiceDatabase,
    service_settings: ServiceSettings,
    client_for: ClientFor,
    tokens: Tokens,
) -> None:
    port = free_port()
    mine, theirs = await service_database("cases"), await service_database("qc")
    told = service_settings(mine) | {"peers": {"qc": f"http://127.0.0.1:{port}"}}
    judge = qc_main.build(qc_settings.Settings.model_validate(service_settings(theirs)))
    async with theirs.writer() as session:
        await session.execute(text(VALUES), {"told": msgspec.json.encode(series()).decode()})
    async with mine.writer() as session:
        await signals.raise_suspicion(session, suspicion(), NOW)
    async with mine.writer() as session:
        lead = (await session.scalars(select(Lead))).one()
        case = await leads.file_lead(session, lead.lead_id, FileLead(**FILE), doer_for("leads:decide"))
    path = f"/cases/{case.case_id}/eligibility"
    async with client_for(build(Settings.model_validate(told))) as client:
        away = await client.get(path, headers=tokens.bearer(OFFICER))
        assert (away.status_code, away.json()["type"]) == (503, "/problems/qc-away")
        async with served(judge, port):
            answer = await client.get(path, params={"limit": 4}, headers=tokens.bearer(OFFICER))
            assert answer.status_code == 200, answer.text
            rest = await client.get(
                path, params={"cursor": answer.json()["next"]}, headers=tokens.bearer(OFFICER)
            )
            hours = answer.json()["items"] + rest.json()["items"]
            assert len(hours) == 10 and not any(hour["is_eligible"] for hour in hours)
            assert {reason["condition"] for reason in hours[0]["reasons"]} == {"calibrated", "normal"}
            assert all(reason["zh"] and reason["en"] and reason["source"] for reason in hours[0]["reasons"])
            elsewhere = await client.get(path, headers=tokens.bearer("ee.enf/case.officer@131100"))
            assert elsewhere.status_code == 404
