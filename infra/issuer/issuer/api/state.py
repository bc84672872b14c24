"""What a request needs: the realm, its credentials, its sessions and its mint; and the OAuth error."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fastapi import Request
from fastapi.responses import JSONResponse

from issuer.assertions import TYPE, Assertions, claimed
from issuer.credentials import Credentials
from issuer.keys import Keyring
from issuer.realm import Client, Realm
from issuer.sessions import Sessions
from issuer.tokens import Mint

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """RFC 6749 §5.2. Worked example: `raise OAuthError("invalid_grant", "Code not valid")`."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True)
class State:
    issuer: str
    realm: Realm
    credentials: Credentials
    keyring: Keyring
    sessions: Sessions
    mint: Mint
    assertions: Assertions


def state_of(request: Request) -> State:
    state: State = request.app.state.issuer
    return state


async def on_oauth_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OAuthError)
    headers = dict(NO_STORE)
    if error.status == 401:
        headers["WWW-Authenticate"] = f'Basic realm="{state_of(request).realm.name}"'
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, status_code=error.status, headers=headers)


async def form_of(request: Request) -> dict[str, str]:
    """The form of a request; a parameter given twice is refused (RFC 6749 §3.2)."""
    form = await request.form(max_files=0, max_fields=30, max_part_size=16_384)
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if name in found or not isinstance(value, str):
            raise OAuthError("invalid_request", f"Parameter {name} is given twice")
        found[name] = value
    return found


def client_of(request: Request, form: dict[str, str]) -> Client:
    """The client that speaks, authenticated if it is confidential. Raises OAuthError."""
    asserted = form.get("client_assertion", "") if form.get("client_assertion_type") == TYPE else ""
    named = form.get("client_id", "") or claimed(asserted)
    client_id, secret = _basic(request) or (named, form.get("client_secret", ""))
    state = state_of(request)
    client = state.realm.clients.get(client_id)
    if client is None or not client.is_enabled:
        raise OAuthError("invalid_client", "Invalid client or Invalid client credentials", 401)
    if client.jwks is not None:
        if not state.assertions.is_good(client, asserted):
            raise OAuthError("invalid_client", "Client authentication with signed JWT failed", 401)
    elif not client.is_public and not state.credentials.is_client(client, secret):
        raise OAuthError("unauthorized_client", "Invalid client or Invalid client credentials", 401)
    return client


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = b64decode(value, validate=True).decode().partition(":")
    except ValueError as error:
        raise OAuthError("invalid_client", "Malformed Basic credentials", 401) from error
    return unquote(name), unquote(secret)


def json_answer(body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(body, headers=NO_STORE)
