"""Who may not is refused, at the edge and by the service itself, and nothing is written.

The edge is not the only lock: every case is asked once through Caddy and the authorizer, and once of the
service on its own port.
"""

import base64
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stations
from issuer.keys import Keyring
from joserfc import jwt
from joserfc.jwk import RSAKey
from stations import batch, past_hour, row
from whole_platform import WholePlatform

pytestmark = pytest.mark.slow
# An attempt to send for a station out of reach is kept, like every refused row.
KEPT = {"ingest.submissions": 1, "ingest.raw_bytes": 1, "ingest.refused_rows": 1}


@dataclass(frozen=True)
class Door:
    """`post` and `get` of ingest, through the edge or without it."""

    base: str

    def post(self, authorization: str | None, code: str) -> httpx.Response:
        sent = batch(row(code, past_hour(0)))
        return httpx.post(
            f"{self.base}/observations", json=sent, headers=_headers(authorization), trust_env=False
        )

    def get(self, authorization: str | None, path: str) -> httpx.Response:
        return httpx.get(self.base + path, headers=_headers(authorization), trust_env=False)


def _headers(authorization: str | None) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}


@pytest.fixture(params=["through the edge", "directly at the service"])
def door(request: pytest.FixtureRequest, platform: WholePlatform) -> Door:
    if request.param == "through the edge":
        return Door(f"{platform.edge}/api/ingest")
    return Door(platform.inside("ingest"))


@pytest.fixture
def mint(platform: WholePlatform) -> Callable[..., str]:
    """A bearer header for the department's system with other claims or another key; None drops a claim."""
    ring = Keyring(platform.home / "issuer")

    def make(key: RSAKey | None = None, kid: str | None = None, **claims: Any) -> str:
        now = int(time.time())
        full = {
            **{"iss": platform.plan.realm, "aud": ["jianzhen"], "sub": str(uuid.uuid4()), "typ": "Bearer"},
            **{"iat": now, "nbf": now, "exp": now + 300, "jti": str(uuid.uuid4()), "azp": stations.SYSTEM},
            **{"dept": "ee.mon", "region": stations.REGION, "org_type": "gov"},
            **{"realm_access": {"roles": ["data.submit"]}, "preferred_username": stations.SYSTEM},
            **claims,
        }
        kept = {name: value for name, value in full.items() if value is not None}
        header = {"alg": "RS256", "typ": "JWT", "kid": kid or ring.signing.kid}
        return "Bearer " + jwt.encode(header, kept, key or ring.signing, algorithms=["RS256"])

    return make


def unauthorized(
    platform: WholePlatform, door: Door, code: str, authorization: str | None, slug: str
) -> None:
    """401, neither to write nor to read; nothing changes."""
    with platform.changes({}):
        answers = [door.post(authorization, code), door.get(authorization, f"/sites/{code}")]
    for answer in answers:
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["type"] == f"/problems/{slug}"


def test_the_token_these_tests_change_is_good_as_it_is(
    platform: WholePlatform, station: str, door: Door, mint: Callable[..., str]
) -> None:
    assert door.get(mint(), f"/sites/{station}").status_code == 200


def test_no_token_is_refused(platform: WholePlatform, station: str, door: Door) -> None:
    unauthorized(platform, door, station, None, "token-missing")


def test_an_expired_token_is_refused(
    platform: WholePlatform, station: str, door: Door, mint: Callable[..., str]
) -> None:
    unauthorized(platform, door, station, mint(exp=int(time.time()) - 60), "token-expired")


@pytest.mark.parametrize("claims", [
    {"aud": ["another"]}, {"aud": None}, {"iss": "http://127.0.0.1:1/realms/jianzhen"}, {"iss": None},
    {"exp": None}, {"typ": "ID"}, {"nbf": 4102444800},
], ids=["audience", "no-audience", "issuer", "no-issuer", "no-expiry", "id-token", "not-yet"])  # fmt: skip
def test_a_token_for_somebody_or_something_else_is_refused(
    platform: WholePlatform, station: str, door: Door, mint: Callable[..., str], claims: dict[str, Any]
) -> None:
    authorization = mint(**claims)
    with platform.changes({}):
        answer = door.post(authorization, station)
    assert answer.status_code == 401, answer.text


def test_a_forged_signature_is_refused(
    platform: WholePlatform, station: str, door: Door, mint: Callable[..., str]
) -> None:
    own = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    unauthorized(platform, door, station, mint(key=own), "token-signature")
    unauthorized(platform, door, station, mint(key=own, kid=own.kid), "token-key-unknown")


def test_a_changed_payload_is_refused(
    platform: WholePlatform, station: str, door: Door, mint: Callable[..., str]
) -> None:
    head, payload, signature = mint().removeprefix("Bearer ").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["realm_access"]["roles"] = ["platform.admin"]
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    unauthorized(platform, door, station, f"Bearer {head}.{changed}.{signature}", "token-signature")


def test_an_unsigned_token_is_refused(
    platform: WholePlatform, station: str, door: Door, mint: Callable[..., str]
) -> None:
    payload = mint().split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT","kid":"x"}').rstrip(b"=").decode()
    unauthorized(platform, door, station, f"Bearer {head}.{payload}.", "token-algorithm")


def test_another_department_may_not_send_for_the_station(
    platform: WholePlatform, station: str, door: Door
) -> None:
    _out_of_scope(platform, station, door, "sys-water-131000")


def test_another_region_may_not_send_for_the_station(
    platform: WholePlatform, station: str, door: Door
) -> None:
    _out_of_scope(platform, station, door, "sys-ee-mon-131100")


def _out_of_scope(platform: WholePlatform, station: str, door: Door, who: str) -> None:
    authorization = f"Bearer {platform.client.token(who)}"
    with platform.changes(KEPT):
        answer = door.post(authorization, station)
    assert answer.status_code == 403, answer.text
    assert answer.json()["type"] == "/problems/out-of-scope"


def test_another_region_may_not_read_the_station(platform: WholePlatform, station: str, door: Door) -> None:
    series = platform.value("ingest", "SELECT min(id) FROM series WHERE site = $1", station)
    authorization = f"Bearer {platform.client.token('sys-ee-mon-131100')}"
    with platform.changes({}):
        for path in (f"/sites/{station}", f"/series/{series}/observations", f"/series/{series}/monthly"):
            assert door.get(authorization, path).status_code in (403, 404), path
        listed = door.get(authorization, "/sites?limit=1000")
    assert station not in listed.text


def test_a_role_without_the_permission_may_not_send(
    platform: WholePlatform, station: str, door: Door
) -> None:
    for who in ("ee.enf/case.officer@131000", "finance/procurement@131000", "platform.admin"):
        authorization = f"Bearer {platform.client.token(who)}"
        with platform.changes({}):
            answer = door.post(authorization, station)
        assert answer.status_code == 403, f"{who}: {answer.text}"
        assert answer.json()["type"].startswith("/problems/")
