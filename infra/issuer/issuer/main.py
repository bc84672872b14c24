"""Starts the embedded issuer on loopback, or rotates its signing key: `python -m issuer.main [rotate]`."""

import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from issuer import realm as realms
from issuer.api import browser, endpoints
from issuer.api.state import OAuthError, State, on_oauth_error
from issuer.assertions import Assertions
from issuer.credentials import Credentials, ensure
from issuer.keys import Keyring
from issuer.sessions import Sessions
from issuer.settings import Settings
from issuer.tokens import Mint

LARGEST_BODY = 64 * 1024


def opened(settings: Settings, now: Callable[[], float], before: State | None = None) -> State:
    """The realm as its file has it now; keys, sessions and what was used up stay. Raises RealmError."""
    realm = realms.load(settings.realm)
    if before is None:
        keyring, sessions = Keyring(settings.state), Sessions(realm.lifetimes, now)
        audiences = frozenset({settings.issuer, f"{settings.issuer}/protocol/openid-connect/token"})
        assertions, failures = Assertions(audiences, now), None
    else:
        keyring, sessions, assertions = before.keyring, before.sessions, before.assertions
        failures = before.credentials.failures
    credentials = Credentials(realm, ensure(settings.secrets, realm), now, failures)
    mint = Mint(settings.issuer, realm, keyring, sessions, now)
    return State(settings.issuer, realm, credentials, keyring, sessions, mint, assertions)


def _changed_at(path: Path) -> int:
    """0 while there is no such file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _opened_again(settings: Settings, now: Callable[[], float], before: State) -> State:
    """A department that joins need not wait for a restart; what cannot be used changes nothing."""
    try:
        return opened(settings, now, before)
    except realms.RealmError as error:
        sys.stderr.write(f"the realm stays as it was: {error}\n")
        return before


def create_app(settings: Settings, now: Callable[[], float] = time.time) -> FastAPI:
    """The issuer of one realm. Raises RealmError when the realm file cannot be used."""
    app = FastAPI(title="Identity issuer 身份服务", docs_url=None, redoc_url=None, openapi_url=None)
    changed_at = _changed_at(settings.realm)
    app.state.issuer = opened(settings, now)

    @app.middleware("http")
    async def one_realm_small_bodies(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        nonlocal changed_at
        if (seen := _changed_at(settings.realm) or changed_at) != changed_at:
            changed_at = seen
            app.state.issuer = _opened_again(settings, now, app.state.issuer)
        length = request.headers.get("content-length", "")
        if request.method == "POST" and (not length.isdigit() or int(length) > LARGEST_BODY):
            return JSONResponse({"error": "invalid_request"}, status_code=413)
        parts = request.url.path.split("/")
        if parts[1] == "realms" and (len(parts) < 3 or parts[2] != app.state.issuer.realm.name):
            return JSONResponse({"error": "Realm does not exist"}, status_code=404)
        return await call_next(request)

    app.add_exception_handler(OAuthError, on_oauth_error)
    app.include_router(endpoints.router)
    app.include_router(browser.router)
    return app


def main(arguments: list[str]) -> int:
    try:
        settings = Settings()
        if arguments == ["rotate"]:
            sys.stdout.write(Keyring(settings.state).rotate() + "\n")
            return 0
        app = create_app(settings)
    except (ValidationError, realms.RealmError) as error:
        sys.stderr.write(f"the issuer does not start: {error}\n")
        return 2
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.port,
        log_level="warning",
        access_log=False,
        # Longer than the edge keeps a connection idle (60 s), for the reason given in kit's `serve`.
        timeout_keep_alive=90,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
