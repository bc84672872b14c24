"""Authentication against a real JWKS over HTTP: what a token must be, and how far a grant reaches."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Annotated, Any

import httpx
import policy
import pytest
import uvicorn
from fastapi import Depends, FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from kit import auth, problems
from kit.settings import ServiceSettings
from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.dialects import postgresql

ISSUER = "http://127.0.0.1:8080/realms/jianzhen"
PARENTS = {"131002": "131000", "131000": "130000", "131100": "130000", "131102": "131100"}
OFFICER = {
    "realm_access": {"roles": ["case.officer"]},
    "dept": "ee.enf",
    "region": "131000",
    "org_type": "gov",
}


def within(child: str, ancestor: str) -> bool:
    return child == ancestor or (child in PARENTS and within(PARENTS[child], ancestor))


@cache
def rsa_key(number: int) -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


class Issuer:
    """A JWKS and token endpoint that counts its calls, can be away, and signs whatever a test asks for."""

    def __init__(self) -> None:
        self.keys: list[RSAKey | ECKey] = []
        self.made = 0
        self.fetches = 0
        self.tokens = 0
        self.is_away = False
        self.url = ""
        self.rotate()

    def rotate(self) -> None:
        self.keys.insert(0, rsa_key(self.made))
        self.made += 1

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.get("/certs")
        async def certs() -> dict[str, Any]:
            self.fetches += 1
            if self.is_away:
                raise RuntimeError("away")
            return dict(KeySet(list(self.keys)).as_dict(private=False))

        @app.post("/token")
        async def token() -> dict[str, Any]:
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "expires_in": 300}

        return app

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + 300}
        names = {"iss": ISSUER, "aud": ["jianzhen"], "sub": "7", "typ": "Bearer", "jti": f"j{now}"}
        return {
            name: value for name, value in {**times, **names, **OFFICER, **more}.items() if value is not None
        }

    def sign(self, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        key = key or self.keys[0]
        head = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "kid": key.kid} | (header or {})
        return jwt.encode(head, self.claims(**claims), key, algorithms=["RS256", "ES256", "RS512"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    port = free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    found = Issuer()
    async with listening(found.app()) as url:
        found.url = url
        yield found


def settings_for(issuer: Issuer) -> ServiceSettings:
    return ServiceSettings(
        port=1,
        writer_url="postgresql://x",
        reader_url="postgresql://x",
        nats_url="nats://x",
        nats_user="x",
        nats_seed="x",
        issuer=ISSUER,
        jwks_url=f"{issuer.url}/certs",
        token_url=f"{issuer.url}/token",
        client_id="svc-x",
        client_secret="x",
    )


@pytest.fixture
async def verifier(issuer: Issuer) -> AsyncIterator[auth.Verifier]:
    found = auth.Verifier(settings_for(issuer))
    yield found
    await found.close()


async def refusal(verifier: auth.Verifier, token: str) -> str:
    with pytest.raises(problems.Unauthorized) as caught:
        await verifier.principal(f"Bearer {token}")
    assert caught.value.slug in caught.value.headers["WWW-Authenticate"]
    return caught.value.slug


async def test_a_good_token_becomes_a_principal(issuer, verifier) -> None:
    who = await verifier.principal(f"bearer {issuer.sign(uscc='91131000MA0000000X', azp='desk')}")
    assert (who.dept, who.region, who.roles) == ("ee.enf", "131000", frozenset({"case.officer"}))
    assert (who.uscc, who.client, who.org_type) == ("91131000MA0000000X", "desk", "gov")
    assert who.text == "ee.enf/case.officer@131000"


async def test_without_a_token_one_is_the_public(verifier) -> None:
    assert await verifier.principal(None) == policy.ANONYMOUS


async def test_an_elliptic_key_is_accepted(issuer, verifier) -> None:
    issuer.keys.insert(0, ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True))
    assert (await verifier.principal(f"Bearer {issuer.sign()}")).dept == "ee.enf"


@pytest.mark.parametrize(
    ("claims", "slug"),
    [
        ({"iss": "http://127.0.0.1:8080/realms/other"}, "token-wrong-iss"),
        ({"iss": None}, "token-wrong-iss"),
        ({"aud": ["account"]}, "token-wrong-aud"),
        ({"aud": None}, "token-wrong-aud"),
        ({"exp": int(time.time()) - 3600}, "token-expired"),
        ({"exp": None}, "token-wrong-exp"),
        ({"exp": "soon"}, "token-wrong-exp"),
        ({"nbf": int(time.time()) + 3600}, "token-wrong-nbf"),
        ({"sub": None}, "token-wrong-sub"),
        ({"typ": "ID"}, "token-wrong-typ"),
        ({"typ": "Refresh"}, "token-wrong-typ"),
        ({"region": ["131000", "131100"]}, "token-signature"),
        ({"realm_access": {"roles": "case.officer"}}, "token-signature"),
        ({"realm_access": []}, "token-signature"),
    ],
)
async def test_a_claim_that_is_not_ours_is_refused(issuer, verifier, claims, slug) -> None:
    if claims == {"realm_access": []}:
        assert (await verifier.principal(f"Bearer {issuer.sign(**claims)}")).roles == frozenset()
    else:
        assert await refusal(verifier, issuer.sign(**claims)) == slug


async def test_a_token_signed_by_another_key_under_our_key_id_is_refused(issuer, verifier) -> None:
    forged = RSAKey.generate_key(2048)
    assert (
        await refusal(verifier, issuer.sign(key=forged, header={"kid": issuer.keys[0].kid}))
        == "token-signature"
    )


async def test_a_changed_payload_is_refused(issuer, verifier) -> None:
    head, _, signature = issuer.sign().split(".")
    claims = json.dumps(issuer.claims(region="131100")).encode()
    payload = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    assert await refusal(verifier, f"{head}.{payload}.{signature}") == "token-signature"


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_no_algorithm_and_a_public_key_used_as_a_secret_are_refused(issuer, verifier) -> None:
    kid, payload = issuer.keys[0].kid, part(issuer.claims())
    for alg in ("none", "None", "HS256", "RS512", "PS256"):
        body = f"{part({'alg': alg, 'kid': kid})}.{payload}"
        digest = hmac.new(issuer.keys[0].as_pem(private=False), body.encode(), hashlib.sha256).digest()
        for signature in ("", base64.urlsafe_b64encode(digest).rstrip(b"=").decode()):
            assert await refusal(verifier, f"{body}.{signature}") == "token-algorithm"


async def test_a_key_of_another_kind_than_the_algorithm_is_refused(issuer, verifier) -> None:
    body = f"{part({'alg': 'ES256', 'kid': issuer.keys[0].kid})}.{part(issuer.claims())}"
    assert await refusal(verifier, f"{body}.{'A' * 86}") == "token-signature"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "e30.e30.", "é.é.é", "x" * 9000, "a b c"])
async def test_what_is_no_token_is_refused(verifier, token) -> None:
    assert await refusal(verifier, token) in {"token-malformed", "token-algorithm"}


async def test_another_scheme_is_refused(verifier) -> None:
    with pytest.raises(problems.Unauthorized):
        await verifier.principal("Basic eDp4")


async def test_a_header_that_names_a_remote_key_is_not_followed(issuer, verifier) -> None:
    forged = RSAKey.generate_key(2048, auto_kid=True)
    header = {"kid": "else", "jku": f"{issuer.url}/other", "jwk": forged.as_dict(private=False)}
    body = f"{part({'alg': 'RS256', **header})}.{part(issuer.claims())}"
    assert await refusal(verifier, f"{body}.{'A' * 342}") in {"token-key-unknown", "token-malformed"}


async def test_a_rotated_key_is_picked_up_and_a_withdrawn_one_dropped(issuer, verifier) -> None:
    old = issuer.sign()
    await verifier.principal(f"Bearer {old}")
    issuer.rotate()
    await verifier.principal(f"Bearer {issuer.sign()}")
    await verifier.principal(f"Bearer {old}")
    del issuer.keys[1]
    issuer.rotate()
    await verifier.principal(f"Bearer {issuer.sign()}")
    assert await refusal(verifier, old) == "token-key-unknown"
    assert issuer.fetches <= 4


async def test_a_flood_of_unknown_key_ids_does_not_hammer_the_issuer(issuer, verifier) -> None:
    good = issuer.sign()
    await verifier.principal(f"Bearer {good}")
    forged = [issuer.sign(header={"kid": f"unknown-{n}"}) for n in range(200)]
    assert {await refusal(verifier, token) for token in forged} == {"token-key-unknown"}
    assert issuer.fetches <= 1 + auth.REFETCH_BURST
    assert (await verifier.principal(f"Bearer {good}")).dept == "ee.enf"


async def test_many_first_requests_share_one_fetch(issuer, verifier) -> None:
    tokens = [issuer.sign(jti=str(n)) for n in range(50)]
    await asyncio.gather(*(verifier.principal(f"Bearer {token}") for token in tokens))
    assert issuer.fetches == 1


async def test_an_issuer_away_stops_only_tokens_of_unknown_keys(issuer, verifier, monkeypatch) -> None:
    issuer.is_away = True
    with pytest.raises(problems.Unavailable):
        await verifier.principal(f"Bearer {issuer.sign()}")
    issuer.is_away = False
    await verifier.principal(f"Bearer {issuer.sign()}")
    issuer.is_away = True
    monkeypatch.setattr(auth, "KEYS_FRESH_SECONDS", 0)
    assert (await verifier.principal(f"Bearer {issuer.sign(jti='new')}")).dept == "ee.enf"


async def test_a_remembered_token_still_expires(issuer) -> None:
    now = time.time()
    verifier = auth.Verifier(settings_for(issuer), clock=lambda: now)
    token = issuer.sign()
    await verifier.principal(f"Bearer {token}")
    now += 306
    assert await refusal(verifier, token) == "token-expired"
    await verifier.close()


@pytest.fixture
async def client(issuer: Issuer, verifier: auth.Verifier) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.verifier, app.state.policy, app.state.within = verifier, policy.load(), within
    problems.install(app)

    @app.get("/leads/{region}")
    async def lead(region: str, grant: Annotated[auth.Grant, Depends(auth.allow("leads", "read"))]) -> str:
        grant.require(region=region)
        return grant.principal.text

    @app.get("/rule-pack")
    async def rules(grant: Annotated[auth.Grant, Depends(auth.allow("rule-pack", "read"))]) -> str:
        return str(grant.scope)

    @app.get("/nothing")
    async def nothing(grant: Annotated[auth.Grant, Depends(auth.allow("nothing", "read"))]) -> None: ...

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as found:
        yield found


@pytest.mark.parametrize(
    ("claims", "path", "status"),
    [
        ({}, "/leads/131000", 200),
        ({}, "/leads/131002", 200),
        ({}, "/leads/131100", 403),
        ({}, "/leads/130000", 403),
        ({"region": "131002"}, "/leads/131002", 200),
        ({"region": "131002"}, "/leads/131000", 403),
        ({"region": "131100"}, "/leads/131000", 403),
        ({"region": None}, "/leads/131000", 403),
        ({"dept": "water"}, "/leads/131000", 403),
        ({"dept": "ee"}, "/leads/131000", 403),
        ({"dept": None}, "/leads/131000", 403),
        ({"realm_access": {"roles": ["data.submit"]}}, "/leads/131000", 403),
        ({"realm_access": {"roles": ["platform.admin"]}}, "/leads/131000", 403),
        ({}, "/rule-pack", 200),
        ({"realm_access": {"roles": ["nobody.knows"]}}, "/leads/131000", 403),
        ({}, "/nothing", 403),
    ],
)
async def test_a_route_asks_for_role_department_and_region(issuer, client, claims, path, status) -> None:
    answer = await client.get(path, headers={"Authorization": f"Bearer {issuer.sign(**claims)}"})
    assert answer.status_code == status
    if status == 403:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_token_only_what_is_public_is_answered(client) -> None:
    assert (await client.get("/rule-pack")).json() == "published"
    answer = await client.get("/leads/131000")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.json()["type"] == "/problems/token-missing"
    assert (await client.get("/rule-pack", headers={"Authorization": "Bearer x"})).status_code == 401


ROWS = Table("rows", MetaData(), Column("region", String), Column("uscc", String), Column("dept", String))


def where(permission: str, **who: Any) -> str:
    principal = policy.Principal(subject="7", token_id="j", **who)
    decision = policy.load().decide(permission, principal)
    grant = auth.Grant(principal, permission, decision, within)
    known = ["131000", "131002", "131100"]
    clause = grant.clause(known, region=ROWS.c.region, owner_uscc=ROWS.c.uscc, owner_dept=ROWS.c.dept)
    sql = (
        select(ROWS)
        .where(clause)
        .compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    )
    return str(sql).partition("WHERE ")[2]


def test_the_clause_lets_through_what_require_lets_through() -> None:
    officer = where("verdicts:read", roles=frozenset({"case.officer"}), dept="ee.enf", region="131000")
    assert "131002" in officer
    assert "131100" not in officer
    unit = where("verdicts:read", roles=frozenset({"data.submit"}), dept="unit", region="131000", uscc="U")
    assert "rows.uscc = 'U'" in unit
    assert "rows.dept = 'unit'" in unit
    service = where("verdicts:read", roles=frozenset({"platform.service"}))
    assert service == "true"
    nobody = where("verdicts:read", roles=frozenset({"credit.reader"}), dept="ee", region="131000")
    assert nobody == "false"


async def test_a_service_asks_for_its_token_once(issuer) -> None:
    tokens = auth.ServiceTokens(settings_for(issuer))
    found = await asyncio.gather(*(tokens.headers() for _ in range(20)))
    assert {answer["Authorization"] for answer in found} == {"Bearer token-1"}
    await tokens.close()


async def test_a_service_without_an_issuer_is_told_to_wait(issuer) -> None:
    settings = settings_for(issuer).model_copy(update={"token_url": f"http://127.0.0.1:{free_port()}/token"})
    tokens = auth.ServiceTokens(settings)
    with pytest.raises(problems.Unavailable):
        await tokens.headers()
    await tokens.close()
