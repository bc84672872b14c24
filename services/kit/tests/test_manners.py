"""Nobody is told what is wrong with a body before they may send one."""

from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from kit import manners, problems
from kit.auth import Grant, allow, authorization_of, refuse
from policy import ANONYMOUS, Decision, Policy, Principal, load
from pydantic import BaseModel

BROKEN = [b"{", b"\xff", b'{"a":' + b"9" * 5000 + b"}", b"[" * 100_000 + b"]" * 100_000, b'{"a": 1}']


class Lead(BaseModel):
    a: str


class Verifier:
    """Who they are stands in the token itself."""

    async def principal(self, authorization: str | None) -> Principal:
        if authorization is None:
            return ANONYMOUS
        if authorization == "Bearer bad":
            raise refuse("token-signature")
        role = authorization.removeprefix("Bearer ")
        return Principal("7", dept="ee.enf", region="131000", roles=frozenset({role}), token_id="t")

    def holding(self, policy: Policy, permission: str, who: Principal, decision: Decision) -> Decision:
        return decision


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.state.verifier, app.state.policy = Verifier(), load()
    app.state.within = lambda child, ancestor: child == ancestor
    problems.install(app)
    manners.install(app)

    @app.post("/leads")
    async def opened(lead: Lead, grant: Annotated[Grant, Depends(allow("leads", "open"))]) -> str:
        return "opened"

    @app.post("/open")
    async def guarded_by_nobody(lead: Lead) -> str:
        return "open"

    return app


async def sent(app: FastAPI, path: str, content: bytes, *tokens: str) -> httpx.Response:
    headers = [("Authorization", f"Bearer {token}") for token in tokens]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        kind = ("Content-Type", "application/json")
        return await client.post(path, content=content, headers=[*headers, kind])


@pytest.mark.parametrize("content", BROKEN, ids=["cut", "bytes", "digits", "deep", "form"])
async def test_a_broken_body_is_told_to_whom_may_send_it_alone(app, content) -> None:
    """Fails without `manners.install`: FastAPI answers 422 or 400 before it asks a guard."""
    assert (await sent(app, "/leads", content)).status_code == 401
    assert (await sent(app, "/leads", content, "bad")).status_code == 401
    assert (await sent(app, "/leads", content, "auditor")).status_code == 403
    for path, tokens in (("/leads", ["case.officer"]), ("/open", [])):
        told = await sent(app, path, content, *tokens)
        assert told.status_code in {400, 422}
        assert told.headers["content-type"] == "application/problem+json"


async def test_two_tokens_are_none(app) -> None:
    good = b'{"a": "b"}'
    assert (await sent(app, "/leads", good, "case.officer")).json() == "opened"
    told = await sent(app, "/leads", good, "case.officer", "case.officer")
    assert (told.status_code, told.json()["type"]) == (401, "/problems/token-malformed")


async def test_an_address_that_is_none_asks_for_no_token(app) -> None:
    assert (await sent(app, "/nowhere", b"{}")).status_code == 404


def test_one_header_is_taken_as_it_is() -> None:
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer a")]}
    assert authorization_of(Request(scope)) == "Bearer a"
    assert authorization_of(Request({"type": "http", "headers": []})) is None
