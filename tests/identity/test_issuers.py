"""What a client sees of the realm is the same from the embedded issuer and from a real Keycloak."""

import base64
import hashlib
import html
import json
import re
import time
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from issuers import KEYED, Issuer
from jianzhen.identity import proof
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from kit.auth import Verifier
from kit.problems import Problem
from kit.settings import ServiceSettings

OIDC = "/realms/jianzhen/protocol/openid-connect"
OFFICER = "ee.enf/case.officer@131000"
OTHER = "ee/case.approver@131000"
LOCKED = "ee.mon/qc.analyst@131000"
CALLBACK = "http://127.0.0.1:8080/desk/callback"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASK = {
    "client_id": "desk",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
# What differs from token to token, and what each issuer adds of its own.
OWN = {"exp", "iat", "nbf", "jti", "iss", "sid", "acr", "auth_time", "at_hash", "client_id"}


def form(issuer: Issuer, username: str = OFFICER, **more: str) -> dict[str, str]:
    asked = {"grant_type": "password", "client_id": "jianzhen-cli", "username": username}
    return asked | {"password": issuer.password(username)} | more


def ask(http: httpx.Client, body: dict[str, str], **more: Any) -> httpx.Response:
    return http.post(f"{OIDC}/token", data=body, **more)


def claims_of(http: httpx.Client, token: str) -> dict[str, Any]:
    keys = [key for key in http.get(f"{OIDC}/certs").json()["keys"] if key["use"] == "sig"]
    return jwt.decode(token, KeySet.import_key_set({"keys": keys}), algorithms=["RS256"]).claims


def told(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in OWN}


def test_discovery_names_the_same_doors(issuer: Issuer, http: httpx.Client) -> None:
    found = http.get("/realms/jianzhen/.well-known/openid-configuration").json()
    assert found["issuer"] == issuer.issuer
    for name, path in {
        "authorization_endpoint": "/auth",
        "token_endpoint": "/token",
        "introspection_endpoint": "/token/introspect",
        "userinfo_endpoint": "/userinfo",
        "end_session_endpoint": "/logout",
        "jwks_uri": "/certs",
    }.items():
        assert found[name] == f"{issuer.issuer}/protocol/openid-connect{path}"
    grants = {"authorization_code", "refresh_token", "password", "client_credentials"}
    assert grants <= set(found["grant_types_supported"])
    assert "S256" in found["code_challenge_methods_supported"]
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert http.get("/realms/nobody/.well-known/openid-configuration").status_code == 404


def test_an_officer_gets_these_claims_and_no_others(issuer: Issuer, http: httpx.Client) -> None:
    answer = ask(http, form(issuer, scope="openid"))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert body["token_type"] == "Bearer"
    # Whole seconds until the end, counted when the answer is written.
    assert 890 <= body["expires_in"] <= 900
    claims = claims_of(http, body["access_token"])
    assert claims["iss"] == issuer.issuer
    assert claims["exp"] - claims["iat"] == 900
    subject = claims["sub"]
    assert told(claims) == {
        "sub": subject,
        "aud": "jianzhen",
        "typ": "Bearer",
        "azp": "jianzhen-cli",
        "scope": "openid profile",
        "preferred_username": OFFICER,
        "realm_access": {"roles": ["case.officer"]},
        "dept": "ee.enf",
        "region": "131000",
        "level": "city",
        "org_type": "gov",
        "officer_cert_no": "ZF-131000-0001",
        "officer_cert_expiry": "2029-06-30",
    }
    identity = claims_of(http, body["id_token"])
    assert (identity["typ"], identity["aud"], identity["sub"]) == ("ID", "jianzhen-cli", subject)
    assert identity["name"] == "办案人员 Case officer"


def test_a_department_system_gets_its_own_claims(issuer: Issuer, http: httpx.Client) -> None:
    client = "sys-ee-mon-131000"
    auth = (client, issuer.secrets["clients"][client])
    body = ask(http, {"grant_type": "client_credentials"}, auth=auth).json()
    assert "refresh_token" not in body
    claims = told(claims_of(http, body["access_token"]))
    assert claims.pop("sub")
    assert claims == {
        "aud": "jianzhen",
        "typ": "Bearer",
        "azp": client,
        "scope": "profile",
        "preferred_username": f"service-account-{client}",
        "realm_access": {"roles": ["data.submit"]},
        "dept": "ee.mon",
        "region": "131000",
        "level": "city",
        "org_type": "gov",
    }
    wrong = ask(http, {"grant_type": "client_credentials"}, auth=(client, "wrong"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "unauthorized_client")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"username": "nobody"}, 401, "invalid_grant"),
        ({"client_id": "nothing"}, 401, "invalid_client"),
        ({"client_id": "svc-qc"}, 401, "unauthorized_client"),
        ({"client_id": "desk"}, 400, "unauthorized_client"),
        ({"grant_type": "client_credentials"}, 401, "unauthorized_client"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_grant"),
    ],
)
def test_a_wrong_request_gets_the_same_refusal(
    issuer: Issuer, http: httpx.Client, change: dict[str, str], status: int, error: str
) -> None:
    answer = ask(http, form(issuer) | change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_wrong_passwords_lock_a_user_out_without_saying_so(issuer: Issuer, http: httpx.Client) -> None:
    right = form(issuer, LOCKED)
    assert ask(http, right).status_code == 200
    for _ in range(5):
        wrong = ask(http, right | {"password": "wrong"})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_grant")
    locked = ask(http, right)
    assert (locked.status_code, locked.json()) == (wrong.status_code, wrong.json())
    assert ask(http, form(issuer, OTHER)).status_code == 200
    issuer.unlock(LOCKED)


def log_in(issuer: Issuer, http: httpx.Client) -> str:
    """The code that a browser brings back from the login page."""
    page = http.get(f"{OIDC}/auth", params=ASK)
    # A browser takes a loopback address for a secure one, httpx does not.
    for cookie in http.cookies.jar:
        cookie.secure = False
    action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    assert action is not None, page.text
    given = {"username": OFFICER, "password": issuer.password(OFFICER), "credentialId": ""}
    answer = http.post(html.unescape(action.group(1)), data=given)
    assert answer.is_redirect, answer.text
    target = urlsplit(answer.headers["location"])
    query = parse_qs(target.query)
    assert (f"{target.scheme}://{target.netloc}{target.path}", query["state"]) == (CALLBACK, ["s"])
    assert query["iss"] == [issuer.issuer]
    return query["code"][0]


def exchange(code: str, **change: str) -> dict[str, str]:
    asked = {"grant_type": "authorization_code", "client_id": "desk", "redirect_uri": CALLBACK}
    return asked | {"code": code, "code_verifier": VERIFIER} | change


def test_the_login_page_gives_a_code_that_works_once(issuer: Issuer, http: httpx.Client) -> None:
    code = log_in(issuer, http)
    body = ask(http, exchange(code)).json()
    assert claims_of(http, body["id_token"])["nonce"] == "n"
    assert ask(http, exchange(code)).json()["error"] == "invalid_grant"
    # The second use ends what the first began: one of the two was a thief.
    again = {"grant_type": "refresh_token", "client_id": "desk", "refresh_token": body["refresh_token"]}
    assert ask(http, again).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("change", [{"code_verifier": "w" * 50}, {"redirect_uri": CALLBACK + "/"}])
def test_a_code_without_its_proof_gives_nothing(
    issuer: Issuer, http: httpx.Client, change: dict[str, str]
) -> None:
    answer = ask(http, exchange(log_in(issuer, http), **change))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("change", "error"),
    [({"code_challenge": ""}, "invalid_request"), ({"code_challenge_method": "plain"}, "invalid_request")],
)
def test_a_login_without_pkce_is_refused(
    issuer: Issuer, http: httpx.Client, change: dict[str, str], error: str
) -> None:
    answer = http.get(f"{OIDC}/auth", params=ASK | change)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == [error]


@pytest.mark.parametrize("uri", ["https://evil.example/", CALLBACK + "/", CALLBACK + "?x=1"])
def test_an_address_that_is_not_registered_gets_nothing(issuer: Issuer, http: httpx.Client, uri: str) -> None:
    answer = http.get(f"{OIDC}/auth", params=ASK | {"redirect_uri": uri})
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_refresh_token_works_once_and_its_reuse_ends_the_session(
    issuer: Issuer, http: httpx.Client
) -> None:
    first = ask(http, form(issuer)).json()
    again = {"grant_type": "refresh_token", "client_id": "jianzhen-cli"}
    second = ask(http, again | {"refresh_token": first["refresh_token"]}).json()
    assert second["session_state"] == first["session_state"]
    for used in (first, second):
        stolen = ask(http, again | {"refresh_token": used["refresh_token"]})
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


def test_introspection_and_userinfo_follow_a_logout(issuer: Issuer, http: httpx.Client) -> None:
    body = ask(http, form(issuer, scope="openid")).json()
    auth = ("svc-publish", issuer.secrets["clients"]["svc-publish"])
    asked = {"token": body["access_token"]}
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert http.post(f"{OIDC}/token/introspect", data=asked, auth=auth).json()["active"] is True
    assert http.get(f"{OIDC}/userinfo", headers=bearer).json()["dept"] == "ee.enf"
    leave = {"client_id": "jianzhen-cli", "refresh_token": body["refresh_token"]}
    assert http.post(f"{OIDC}/logout", data=leave).status_code == 204
    assert http.post(f"{OIDC}/token/introspect", data=asked, auth=auth).json() == {"active": False}
    assert http.get(f"{OIDC}/userinfo", headers=bearer).status_code == 401


def verifier(issuer: Issuer) -> Verifier:
    keys = f"{issuer.base}{OIDC}/certs"
    return Verifier(ServiceSettings.model_construct(issuer=issuer.issuer, jwks_url=keys, audience="jianzhen"))


async def test_a_service_takes_its_tokens_also_after_the_key_was_changed(
    issuer: Issuer, http: httpx.Client
) -> None:
    ours = verifier(issuer)
    before = ask(http, form(issuer)).json()["access_token"]
    assert (await ours.principal(f"Bearer {before}")).text == OFFICER
    issuer.rotate()
    after = ask(http, form(issuer)).json()["access_token"]
    kids = [
        json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"] for token in (before, after)
    ]
    assert kids[0] != kids[1]
    for token in (before, after):
        assert (await ours.principal(f"Bearer {token}")).text == OFFICER
    head, claims, _ = after.split(".")
    for forged in (f"{head}.{claims}.{'A' * 342}", f"{head}.{claims}."):
        with pytest.raises(Problem):
            await ours.principal(f"Bearer {forged}")
    await ours.close()
    assert time.time() < claims_of(http, after)["exp"]


def test_a_system_proves_itself_by_its_key_once(issuer: Issuer, http: httpx.Client) -> None:
    asked = proof.form(KEYED, issuer.key, issuer.issuer)
    answer = ask(http, asked)
    assert answer.status_code == 200, answer.text
    claims = claims_of(http, answer.json()["access_token"])
    assert (claims["azp"], claims["dept"]) == (KEYED, "water")
    assert claims["realm_access"] == {"roles": ["data.submit"]}
    again = ask(http, asked)
    assert again.status_code in {400, 401}
    assert "access_token" not in again.json()


def asserted(issuer: Issuer, http: httpx.Client, key: ECKey, **change: Any) -> httpx.Response:
    """A token request of the system with other claims or another key; None drops a claim."""
    now = int(time.time())
    claims = {"iss": KEYED, "sub": KEYED, "aud": issuer.issuer, "iat": now, "exp": now + 30}
    claims["jti"] = str(uuid.uuid4())
    kept = {name: value for name, value in (claims | change).items() if value is not None}
    header = {"alg": "ES256", "kid": own(issuer).thumbprint()}
    signed = jwt.encode(header, kept, key, algorithms=["ES256"])
    form = {"grant_type": "client_credentials", "client_id": KEYED}
    return ask(http, form | {"client_assertion_type": proof.TYPE, "client_assertion": signed})


def own(issuer: Issuer) -> ECKey:
    return ECKey.import_key(issuer.key.read_bytes())


def is_refused(answer: httpx.Response) -> bool:
    return answer.status_code in {400, 401} and "access_token" not in answer.json()


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://else.example/realms/jianzhen"},
        {"sub": "sys-water-131000"},
        {"iss": "sys-water-131000"},
        {"exp": 1_700_000_000},
        {"jti": None},
    ],
    ids=["other audience", "other subject", "other issuer", "past", "no name"],
)
def test_an_assertion_that_says_something_else_is_refused(
    issuer: Issuer, http: httpx.Client, change: dict[str, Any]
) -> None:
    assert is_refused(asserted(issuer, http, own(issuer), **change))


def test_an_assertion_for_years_is_refused_here_though_not_by_keycloak(embedded: Issuer) -> None:
    with httpx.Client(base_url=embedded.base) as http:
        assert is_refused(asserted(embedded, http, own(embedded), exp=4_000_000_000))


def test_an_assertion_by_another_key_or_a_secret_is_refused(issuer: Issuer, http: httpx.Client) -> None:
    assert is_refused(asserted(issuer, http, ECKey.generate_key("P-256")))
    nonsense = {"client_assertion_type": proof.TYPE, "client_assertion": "x.y.z"}
    for form in ({}, {"client_secret": "x"}, nonsense):
        assert is_refused(ask(http, {"grant_type": "client_credentials", "client_id": KEYED} | form))
