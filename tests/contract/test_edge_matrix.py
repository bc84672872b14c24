"""Every route × every role through the authorizer with real tokens: the status is the one written by hand.

Principals: each role in departments that hold much with it and in some that hold nothing; nobody.
Tokens that are none are test_attack_matrix's.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import product

import httpx
import pytest
from gateway.main import build
from gateway.settings import Settings
from hand_table import LINES, TABLE, Line, holders

HOMES = {
    "ee": "case.approver publish.editor publish.approver report.triage auditor data.read data.submit",
    "ee.mon": "data.submit qc.analyst qc.reviewer qc.signatory publish.editor publish.approver",
    "ee.enf": "case.officer case.legal_reviewer case.hearing_host data.read inspection.drawer",
    "ndrc": "credit.editor credit.approver",
    "finance": "credit.reader reward.payer",
    "police": "transfer.receiver case.officer case.approver intervention.recorder assess.editor",
    "proc": "procuratorate.supervisor",
    "discipline": "discipline.receiver auditor",
    "met": "publish.consultee publish.approver",
    "water": "data.submit data.read qc.analyst qc.reviewer case.officer case.legal_reviewer publish.editor",
    "unit": "data.submit case.officer publish.consultee credit.editor",
    "-": "platform.service platform.admin data.submit case.officer nobody.knows",
}
PRINCIPALS = [(dept, role) for dept, roles in HOMES.items() for role in roles.split()]


def may(line: Line, dept: str, role: str) -> bool:
    """Whether the hand-written line names this department and role, whatever the reach."""
    place = None if dept == "-" else dept
    found = [pair for word in TABLE["reach"] for pair in holders(line.entry, word)]
    return line.is_public or any(role in roles and place in departments for departments, roles in found)


@pytest.fixture
async def edge(service_database, client_for, tokens) -> AsyncIterator[httpx.AsyncClient]:
    database = await service_database("gateway")
    rates = dict.fromkeys(("client_rate", "client_burst", "anonymous_rate", "anonymous_burst"), 1_000_000)
    settings = Settings(
        environment="local",
        port=1,
        writer_url=database.writer_url,
        reader_url=database.reader_url,
        nats_url="nats://127.0.0.1:1",
        nats_user="none",
        nats_seed="none",
        **rates,
        **tokens.settings,
    )
    async with client_for(build(settings)) as client:
        yield client


async def status(edge: httpx.AsyncClient, line: Line, headers: dict[str, str], method: str = "") -> int:
    uri = f"/api/{line.service}{line.sample}"
    told = {
        "X-Forwarded-Method": method or line.method,
        "X-Forwarded-Uri": uri,
        "X-Forwarded-For": "10.0.0.1",
        "X-Purpose": "supervision",
    }
    return (await edge.get("/authorize", headers=told | headers)).status_code


async def test_every_route_for_every_role_has_the_status_written_by_hand(edge, tokens) -> None:
    headers = {who: tokens.bearer(f"{who[0]}/{who[1]}@131000") for who in PRINCIPALS}
    wrong = []
    for line in LINES:
        # Side by side: what is on record then shares its commits.
        found = await asyncio.gather(*(status(edge, line, headers[who]) for who in PRINCIPALS))
        for (dept, role), seen in zip(PRINCIPALS, found, strict=True):
            expected = 404 if line.is_inside else 200 if may(line, dept, role) else 403
            if seen != expected:
                wrong.append((line.name, dept, role, seen, expected))
    assert not wrong


async def test_without_a_token_only_public_routes_answer(edge) -> None:
    for line in LINES:
        expected = 404 if line.is_inside else 200 if line.is_public else 401
        assert await status(edge, line, {}) == expected, line.name


async def test_head_is_let_through_exactly_where_get_is(edge, tokens) -> None:
    callers = [{}] + [tokens.bearer(f"{who}@131000") for who in ("ee/data.read", "ndrc/credit.editor")]
    reading = [line for line in LINES if line.method == "GET"]
    assert len(reading) > 100
    for line, headers in product(reading, callers):
        assert await status(edge, line, headers, "HEAD") == await status(edge, line, headers), line.name
