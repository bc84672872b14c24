"""The machine endpoints, on Keycloak's paths: discovery, keys, token, introspection, userinfo, logout.

Promises: answers and errors as OAuth 2.0 and OpenID Connect say, never cached. A wrong password, an unknown
user and a locked one get the same answer.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from issuer.api.state import NO_STORE, OAuthError, State, client_of, form_of, json_answer, state_of
from issuer.assertions import ALGORITHMS
from issuer.realm import Client, mapped_claims

router = APIRouter()
OIDC = "/realms/{realm}/protocol/openid-connect"
Body = dict[str, Any]


@router.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/realms/{realm}/.well-known/openid-configuration")
async def discovery(request: Request, realm: str) -> Body:
    issuer = state_of(request).issuer
    base = f"{issuer}/protocol/openid-connect"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/auth",
        "token_endpoint": f"{base}/token",
        "introspection_endpoint": f"{base}/token/introspect",
        "userinfo_endpoint": f"{base}/userinfo",
        "end_session_endpoint": f"{base}/logout",
        "jwks_uri": f"{base}/certs",
        "grant_types_supported": list(GRANTS),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "preferred_username", "dept", "region"],
        "ui_locales_supported": ["zh-CN", "en"],
    }


@router.get("/realms/{realm}")
async def realm_facts(request: Request, realm: str) -> Body:
    state = state_of(request)
    service = f"{state.issuer}/protocol/openid-connect"
    return {"realm": state.realm.name, "token-service": service, "account-service": f"{state.issuer}/account"}


@router.get(OIDC + "/certs")
async def certs(request: Request, realm: str) -> JSONResponse:
    return json_answer(state_of(request).keyring.published())


@router.post(OIDC + "/token")
async def token(request: Request, realm: str) -> JSONResponse:
    form = await form_of(request)
    grant = GRANTS.get(form.get("grant_type", ""))
    if grant is None:
        raise OAuthError("unsupported_grant_type", "Unsupported grant_type")
    return json_answer(await grant(state_of(request), client_of(request, form), form))


async def _by_password(state: State, client: Client, form: dict[str, str]) -> Body:
    if not client.has_password_grant:
        raise OAuthError("unauthorized_client", "Client not allowed for direct access grants")
    user = await state.credentials.check(form.get("username", ""), form.get("password", ""))
    if user is None:
        raise OAuthError("invalid_grant", "Invalid user credentials", 401)
    return state.mint.answer(state.sessions.open(user, client, _scope(client, form)))


async def _by_client(state: State, client: Client, form: dict[str, str]) -> Body:
    if client.service_account is None:
        raise OAuthError("unauthorized_client", "Client not enabled to retrieve service account", 401)
    return state.mint.service_answer(client, client.service_account)


async def _by_code(state: State, client: Client, form: dict[str, str]) -> Body:
    code = state.sessions.take_code(form.get("code", ""))
    if code is None or code.asked.client.id != client.id:
        raise OAuthError("invalid_grant", "Code not valid")
    if form.get("redirect_uri") != code.asked.redirect_uri:
        raise OAuthError("invalid_grant", "Incorrect redirect_uri")
    verifier = form.get("code_verifier", "")
    if code.asked.challenge is not None and not _is_proof(verifier, code.asked.challenge):
        raise OAuthError("invalid_grant", "PKCE verification failed: Code mismatch")
    return state.mint.answer(code.session, nonce=code.asked.nonce)


async def _by_refresh(state: State, client: Client, form: dict[str, str]) -> Body:
    session = state.sessions.take_refresh(form.get("refresh_token", ""), client)
    if session is None:
        raise OAuthError("invalid_grant", "Token is not active")
    return state.mint.answer(session)


GRANTS: dict[str, Callable[[State, Client, dict[str, str]], Awaitable[Body]]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh,
    "password": _by_password,
    "client_credentials": _by_client,
}


def _scope(client: Client, form: dict[str, str]) -> str:
    asked = ["openid"] if "openid" in form.get("scope", "").split() else []
    return " ".join([*asked, client.scope])


def _is_proof(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"="), challenge.encode())


@router.post(OIDC + "/token/introspect")
async def introspect(request: Request, realm: str) -> JSONResponse:
    form = await form_of(request)
    client = client_of(request, form)
    if client.is_public:
        raise OAuthError("invalid_client", "Client not allowed to introspect", 401)
    claims = state_of(request).mint.read(form.get("token", ""))
    if claims is None:
        return json_answer({"active": False})
    names = {"username": claims.get("preferred_username"), "client_id": claims["azp"]}
    return json_answer(claims | names | {"active": True, "token_type": "Bearer"})


@router.api_route(OIDC + "/userinfo", methods=["GET", "POST"])
async def userinfo(request: Request, realm: str) -> JSONResponse:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    state = state_of(request)
    claims = state.mint.read(value) if scheme.lower() == "bearer" else None
    username = (claims or {}).get("preferred_username", "")
    user, client = state.realm.users.get(username), state.realm.clients.get((claims or {}).get("azp", ""))
    if claims is None or user is None or client is None:
        headers = NO_STORE | {"WWW-Authenticate": 'Bearer realm="jianzhen", error="invalid_token"'}
        body = {"error": "invalid_token", "error_description": "Token verification failed"}
        return JSONResponse(body, status_code=401, headers=headers)
    return json_answer({"sub": user.id} | mapped_claims(client, user, "userinfo", {}))


@router.post(OIDC + "/logout")
async def logout(request: Request, realm: str) -> Response:
    form = await form_of(request)
    client = client_of(request, form)
    state = state_of(request)
    session = state.sessions.find_refresh(form.get("refresh_token", ""))
    if session is None or session.client.id != client.id:
        raise OAuthError("invalid_grant", "Invalid refresh token")
    state.sessions.end(session)
    return Response(status_code=204)
