"""Every route × every role through the authorizer with real tokens: the status is the one written by hand.

Principals: each role in departments that hold much with it and in some that hold nothing; nobody; and tokens
that are expired, for another audience, forged, unsigned or key-confused.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from gateway.main import build
from gateway.settings import Settings
from joserfc.jwk import RSAKey

TABLE: dict[str, Any] = yaml.load(
    (Path(__file__).parent / "policy_matrix.yaml").read_text(), Loader=yaml.CSafeLoader
)
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
ROUTES = [
    (route, section == "matrix", entry)
    for section in ("matrix", "inside")
    for entry in TABLE[section]
    for route in entry["routes"]
]


def may(entry: dict[str, Any], dept: str, role: str) -> bool:
    """Whether the hand-written line names this department and role, whatever the reach."""
    for word in TABLE["reach"]:
        found = entry.get(word, [])
        for line in [found] if isinstance(found, str) else found:
            if line == "everybody":
                return True
            left, _, right = line.partition("/")
            departments = {d for name in left.split() for d in TABLE.get(name, [name])}
            if role in right.split() and (dept in departments or "*" in departments):
                return True
    return False


def address_of(route: str) -> tuple[str, str]:
    service, method, path = route.split(" ")
    values = {"{id}": "7", "{code}": "131000-A01", "{lane}": "00", "{name}": "cases.json"}
    for name, value in values.items():
        path = path.replace(name, value)
    return method, f"/api/{service}{path}"


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
        nats_password="none",
        **rates,
        **tokens.settings,
    )
    async with client_for(build(settings)) as client:
        yield client


async def status(
    edge: httpx.AsyncClient, route: str, headers: dict[str, str], method: str | None = None
) -> int:
    known, uri = address_of(route)
    method = method or known
    forwarded = {"X-Forwarded-Method": method, "X-Forwarded-Uri": uri, "X-Forwarded-For": "10.0.0.1"}
    forwarded["X-Purpose"] = "supervision"
    return (await edge.get("/authorize", headers=forwarded | headers)).status_code


async def test_every_route_for_every_role_has_the_status_written_by_hand(edge, tokens) -> None:
    headers = {who: tokens.bearer(f"{who[0]}/{who[1]}@131000") for who in PRINCIPALS}
    wrong = []
    for route, through_edge, entry in ROUTES:
        # Side by side: what is on record then shares its commits.
        found = await asyncio.gather(*(status(edge, route, headers[who]) for who in PRINCIPALS))
        for (dept, role), seen in zip(PRINCIPALS, found, strict=True):
            expected = (200 if may(entry, dept, role) else 403) if through_edge else 404
            if seen != expected:
                wrong.append((route, dept, role, seen, expected))
    assert not wrong


async def test_without_a_token_only_public_routes_answer(edge) -> None:
    for route, through_edge, entry in ROUTES:
        expected = (200 if "published" in entry else 401) if through_edge else 404
        assert await status(edge, route, {}) == expected, route


async def test_head_is_let_through_exactly_where_get_is(edge, tokens) -> None:
    callers = [{}] + [tokens.bearer(f"{who}@131000") for who in ("ee/data.read", "ndrc/credit.editor")]
    reading = [route for route, _, _ in ROUTES if " GET " in route]
    assert len(reading) > 100
    for route, headers in product(reading, callers):
        assert await status(edge, route, headers, "HEAD") == await status(edge, route, headers), route


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def bad_tokens(tokens: Any) -> dict[str, str]:
    officer = "ee.enf/case.officer@131000"
    good = tokens.mint(officer)
    payload = good.split(".")[1]
    head = {"alg": "HS256", "typ": "JWT", "kid": tokens.key.kid}
    body = f"{part(head)}.{payload}"
    secret = tokens.key.as_pem(private=False)
    confused = base64.urlsafe_b64encode(hmac.new(secret, body.encode(), hashlib.sha256).digest())
    genuine, tokens.key = (
        tokens.key,
        RSAKey.import_key(RSAKey.generate_key(2048).as_dict(private=True) | {"kid": tokens.key.kid}),
    )
    forged = tokens.mint(officer)
    tokens.key = genuine
    return {
        "expired": tokens.mint(officer, exp=1_700_000_000),
        "not yet valid": tokens.mint(officer, nbf=4_000_000_000),
        "wrong audience": tokens.mint(officer, aud=["account"]),
        "wrong issuer": tokens.mint(officer, iss="http://127.0.0.1:8080/realms/other"),
        "identity token": tokens.mint(officer, typ="ID"),
        "unsigned": f"{part(head | {'alg': 'none'})}.{payload}.",
        "key confusion": f"{body}.{confused.rstrip(b'=').decode()}",
        "forged": forged,
        "truncated": good[:-4],
        "no token": "x",
    }


async def test_a_bad_token_opens_no_route_not_even_a_public_one(edge, tokens) -> None:
    for kind, token in bad_tokens(tokens).items():
        headers = {"Authorization": f"Bearer {token}"}
        for route, through_edge, _ in ROUTES:
            assert await status(edge, route, headers) == (401 if through_edge else 404), (kind, route)
