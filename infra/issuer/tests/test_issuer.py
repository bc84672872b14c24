"""The embedded issuer over HTTP: grants, refusals, PKCE, lockout, refresh reuse, rotation."""

import base64
import hashlib
import json
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from issuer.keys import Keyring
from issuer.main import create_app, main
from issuer.settings import Settings
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import ValidationError

REALM = Path(__file__).parents[2] / "keycloak" / "realm.json"
ISSUER = "http://127.0.0.1:8080/realms/jianzhen"
OIDC = "/realms/jianzhen/protocol/openid-connect"
OFFICER = "ee.enf/case.officer@131000"
CALLBACK = "http://127.0.0.1:8080/desk/callback"


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(port=1, issuer=ISSUER, state=tmp_path, realm=REALM, secrets=tmp_path / "secrets.json")


@pytest.fixture
async def http(settings: Settings, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, clock)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
def secrets(settings: Settings, http: httpx.AsyncClient) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(settings.secrets.read_text())
    return found


def password_form(username: str, password: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "password",
        "client_id": "jianzhen-cli",
        "username": username,
        "password": password,
    } | more


async def token(http: httpx.AsyncClient, form: dict[str, str]) -> httpx.Response:
    return await http.post(f"{OIDC}/token", data=form)


async def claims_of(http: httpx.AsyncClient, access: str) -> dict[str, object]:
    keys = KeySet.import_key_set((await http.get(f"{OIDC}/certs")).json())
    return jwt.decode(access, keys, algorithms=["RS256"]).claims


async def test_an_officer_gets_the_claims_of_the_realm(http, secrets, clock) -> None:
    answer = await token(http, password_form(OFFICER, secrets["users"][OFFICER], scope="openid"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    claims = await claims_of(http, answer.json()["access_token"])
    assert claims["iss"] == ISSUER
    assert claims["aud"] == "jianzhen"
    assert claims["typ"] == "Bearer"
    assert claims["azp"] == "jianzhen-cli"
    assert claims["preferred_username"] == OFFICER
    assert claims["realm_access"] == {"roles": ["case.officer"]}
    assert (claims["dept"], claims["region"], claims["org_type"]) == ("ee.enf", "131000", "gov")
    assert claims["iat"] == claims["nbf"] == int(clock.at)
    assert claims["exp"] == int(clock.at) + answer.json()["expires_in"]
    assert {"jti", "sid", "sub"} <= claims.keys()
    identity = await claims_of(http, answer.json()["id_token"])
    assert (identity["typ"], identity["aud"]) == ("ID", "jianzhen-cli")


async def test_every_demo_principal_can_get_a_token(http, secrets) -> None:
    for username, password in secrets["users"].items():
        answer = await token(http, password_form(username, password))
        assert answer.status_code == 200, username
        claims = await claims_of(http, answer.json()["access_token"])
        if "/" in username:
            assert username.startswith(f"{claims['dept']}/")
            assert username.endswith(f"@{claims['region']}")


async def test_a_service_and_a_department_system_get_tokens_of_their_own(http, secrets) -> None:
    for client, role, dept in [
        ("svc-qc", "platform.service", None),
        ("sys-ee-mon-131000", "data.submit", "ee.mon"),
    ]:
        auth = (client, secrets["clients"][client])
        form = {"grant_type": "client_credentials"}
        answer = await http.post(f"{OIDC}/token", data=form, auth=auth)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
        claims = await claims_of(http, answer.json()["access_token"])
        assert claims["realm_access"] == {"roles": [role]}
        assert claims.get("dept") == dept
        assert claims["client_id"] == client


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"password": "wrong"}, 401, "invalid_grant"),
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
async def test_a_request_that_is_wrong_is_refused(http, secrets, change, status, error) -> None:
    answer = await token(http, password_form(OFFICER, secrets["users"][OFFICER]) | change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_parameter_given_twice_is_refused(http) -> None:
    body = "grant_type=password&grant_type=client_credentials&client_id=jianzhen-cli"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await http.post(f"{OIDC}/token", content=body, headers=headers)
    assert answer.json()["error"] == "invalid_request"


async def test_a_large_body_and_another_realm_are_refused(http) -> None:
    assert (await http.post(f"{OIDC}/token", content=b"x" * 70_000)).status_code == 413
    assert (await http.get("/realms/master/.well-known/openid-configuration")).status_code == 404


async def test_five_wrong_passwords_lock_a_user_and_time_unlocks(http, secrets, clock) -> None:
    right = password_form(OFFICER, secrets["users"][OFFICER])
    for _ in range(5):
        assert (await token(http, right | {"password": "wrong"})).status_code == 401
    locked = await token(http, right)
    assert (locked.status_code, locked.json()["error_description"]) == (401, "Invalid user credentials")
    other = "ee/case.approver@131000"
    assert (await token(http, password_form(other, secrets["users"][other]))).status_code == 200
    clock.at += 61
    assert (await token(http, right)).status_code == 200


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_session(http, secrets) -> None:
    first = (await token(http, password_form(OFFICER, secrets["users"][OFFICER]))).json()
    form = {"grant_type": "refresh_token", "client_id": "jianzhen-cli"}
    second = (await token(http, form | {"refresh_token": first["refresh_token"]})).json()
    assert second["session_state"] == first["session_state"]
    stolen = await token(http, form | {"refresh_token": first["refresh_token"]})
    assert stolen.json()["error"] == "invalid_grant"
    after = await token(http, form | {"refresh_token": second["refresh_token"]})
    assert after.json()["error"] == "invalid_grant"


async def test_introspection_and_userinfo_follow_logout(http, secrets) -> None:
    form = password_form(OFFICER, secrets["users"][OFFICER], scope="openid")
    body = (await token(http, form)).json()
    auth = ("svc-gateway", secrets["clients"]["svc-gateway"])
    asked = {"token": body["access_token"]}
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await http.post(f"{OIDC}/token/introspect", data=asked, auth=auth)).json()["active"] is True
    assert (await http.get(f"{OIDC}/userinfo", headers=bearer)).json()["dept"] == "ee.enf"
    leave = {"client_id": "jianzhen-cli", "refresh_token": body["refresh_token"]}
    assert (await http.post(f"{OIDC}/logout", data=leave)).status_code == 204
    assert (await http.post(f"{OIDC}/token/introspect", data=asked, auth=auth)).json() == {"active": False}
    assert (await http.get(f"{OIDC}/userinfo", headers=bearer)).status_code == 401
    public = await http.post(f"{OIDC}/token/introspect", data=asked | {"client_id": "jianzhen-cli"})
    assert public.status_code == 401


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


VERIFIER = "v" * 50
ASK = {
    "client_id": "desk",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid",
    "state": "s",
    "nonce": "n",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}


async def log_in(http: httpx.AsyncClient, password: str) -> httpx.Response:
    page = await http.get(f"{OIDC}/auth", params=ASK)
    assert page.status_code == 200
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    form = {"username": OFFICER, "password": password}
    return await http.post(action.group(1).replace("&amp;", "&"), data=form)


async def test_the_login_page_leads_to_a_code_that_works_once_with_its_proof(http, secrets) -> None:
    answer = await log_in(http, secrets["users"][OFFICER])
    assert answer.status_code == 303
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["s"]
    form = {
        "grant_type": "authorization_code",
        "client_id": "desk",
        "redirect_uri": CALLBACK,
        "code": query["code"][0],
        "code_verifier": VERIFIER,
    }
    body = (await token(http, form)).json()
    assert (await claims_of(http, body["id_token"]))["nonce"] == "n"
    assert (await token(http, form)).json()["error"] == "invalid_grant"
    refresh = {
        "grant_type": "refresh_token",
        "client_id": "desk",
        "refresh_token": body["refresh_token"],
    }
    assert (await token(http, refresh)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("change", [{"code_verifier": "w" * 50}, {"redirect_uri": CALLBACK + "/"}])
async def test_a_code_without_its_proof_gives_nothing(http, secrets, change) -> None:
    answer = await log_in(http, secrets["users"][OFFICER])
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "client_id": "desk",
        "redirect_uri": CALLBACK,
        "code": code,
        "code_verifier": VERIFIER,
    }
    assert (await token(http, form | change)).json()["error"] == "invalid_grant"


async def test_a_wrong_password_shows_the_page_again_in_the_readers_language(http, secrets) -> None:
    http.headers["accept-language"] = "en"
    answer = await log_in(http, "wrong")
    assert answer.status_code == 200
    assert "not correct" in answer.text
    assert 'lang="en"' in answer.text
    http.headers["accept-language"] = "zh-CN"
    assert "用户名或密码不正确" in (await log_in(http, "wrong")).text


async def test_the_form_of_another_browser_is_refused(http, secrets) -> None:
    page = await http.get(f"{OIDC}/auth", params=ASK)
    http.cookies.clear()
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    form = {"username": OFFICER, "password": secrets["users"][OFFICER]}
    answer = await http.post(action.group(1).replace("&amp;", "&"), data=form)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "uri", [CALLBACK + "/", CALLBACK + "?x=1", "http://127.0.0.1:8080/desk", "https://evil.example/"]
)
async def test_nothing_is_sent_to_an_address_that_is_not_registered(http, uri) -> None:
    answer = await http.get(f"{OIDC}/auth", params=ASK | {"redirect_uri": uri})
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_a_faulty_authorization_request_is_answered_to_the_client(http, change, error) -> None:
    answer = await http.get(f"{OIDC}/auth", params=ASK | change)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == [error]


async def test_after_a_rotation_old_and_new_tokens_verify(http, secrets, settings) -> None:
    form = password_form(OFFICER, secrets["users"][OFFICER])
    before = (await token(http, form)).json()["access_token"]
    kid = Keyring(settings.state).rotate()
    after = (await token(http, form)).json()["access_token"]
    assert json.loads(base64.urlsafe_b64decode(after.split(".")[0] + "=="))["kid"] == kid
    for access in (before, after):
        assert (await claims_of(http, access))["preferred_username"] == OFFICER
    published = (await http.get(f"{OIDC}/certs")).json()["keys"]
    assert len(published) == 2
    assert not any({"d", "p", "q"} & key.keys() for key in published)


def test_keys_and_secrets_survive_a_restart_and_belong_to_the_owner_alone(settings) -> None:
    create_app(settings)
    before = settings.secrets.read_text(), (settings.state / "keys.json").read_text()
    create_app(settings)
    assert before == (settings.secrets.read_text(), (settings.state / "keys.json").read_text())
    for path in (settings.secrets, settings.state / "keys.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_refuses_to_run_in_production_or_for_another_host(tmp_path, monkeypatch, capsys) -> None:
    paths = {"state": tmp_path, "realm": REALM, "secrets": tmp_path / "s"}
    with pytest.raises(ValidationError, match="local runs"):
        Settings(port=1, issuer=ISSUER, environment="production", **paths)
    with pytest.raises(ValidationError, match="loopback"):
        Settings(port=1, issuer="https://jianzhen.example/realms/jianzhen", **paths)
    for name, value in {"PORT": "1", "ISSUER": ISSUER, "ENVIRONMENT": "production"}.items():
        monkeypatch.setenv(f"ISSUER_{name}", value)
    assert main([]) == 2
    assert "Keycloak" in capsys.readouterr().err


def test_the_realm_file_holds_no_secret() -> None:
    text = REALM.read_text()
    assert not re.search(r'"(secret|credentials|privateKey|certificate)"', text)


async def test_a_realm_that_changes_is_read_anew_and_nobody_loses_a_session(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    realm = json.loads(REALM.read_text(encoding="utf-8"))
    file = tmp_path / "realm.json"
    file.write_text(json.dumps(realm), encoding="utf-8")
    app = create_app(settings.model_copy(update={"realm": file}), clock)
    base = "http://127.0.0.1:8080"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as http:
        known = json.loads(settings.secrets.read_text())
        held = (await token(http, password_form(OFFICER, known["users"][OFFICER]))).json()["refresh_token"]
        for _ in range(realm["failureFactor"]):
            await token(http, password_form("platform.admin", "wrong"))
        like = next(one for one in realm["clients"] if one["clientId"] == "sys-water-131000")
        realm["clients"].append(like | {"id": "new", "clientId": "sys-new"})
        account = next(one for one in realm["users"] if one.get("serviceAccountClientId") == like["clientId"])
        named = {"username": "service-account-sys-new", "serviceAccountClientId": "sys-new"}
        realm["users"].append(account | {"id": "new"} | named)
        file.write_text(json.dumps(realm), encoding="utf-8")
        # Its secret is made when it is read, which any request brings about.
        await http.get(f"{OIDC}/certs")
        secret = json.loads(settings.secrets.read_text())["clients"]["sys-new"]
        form = {"grant_type": "client_credentials", "client_id": "sys-new", "client_secret": secret}
        assert (await token(http, form)).status_code == 200
        renewed = {"grant_type": "refresh_token", "client_id": "jianzhen-cli", "refresh_token": held}
        assert (await token(http, renewed)).status_code == 200
        locked = await token(http, password_form("platform.admin", known["users"]["platform.admin"]))
        assert locked.status_code != 200

        file.write_text("{", encoding="utf-8")
        assert (await token(http, form)).status_code == 200
        file.unlink()
        assert (await token(http, form)).status_code == 200
