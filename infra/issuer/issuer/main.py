"""Starts the embedded issuer on loopback, or rotates its signing key: `python -m issuer.main [rotate]`."""

import sys
import time
from collections.abc import Awaitable, Callable

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


def create_app(settings: Settings, now: Callable[[], float] = time.time) -> FastAPI:
    """The issuer of one realm. Raises RealmError when the realm file cannot be used."""
    realm = realms.load(settings.realm)
    keyring, sessions = Keyring(settings.state), Sessions(realm.lifetimes, now)
    credentials = Credentials(realm, ensure(settings.secrets, realm), now)
    mint = Mint(settings.issuer, realm, keyring, sessions, now)
    app = FastAPI(title="Identity issuer 身份服务", docs_url=None, redoc_url=None, openapi_url=None)
    audiences = frozenset({settings.issuer, f"{settings.issuer}/protocol/openid-connect/token"})
    assertions = Assertions(audiences, now)
    app.state.issuer = State(settings.issuer, realm, credentials, keyring, sessions, mint, assertions)

    @app.middleware("http")
    async def one_realm_small_bodies(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        length = request.headers.get("content-length", "")
        if request.method == "POST" and (not length.isdigit() or int(length) > LARGEST_BODY):
            return JSONResponse({"error": "invalid_request"}, status_code=413)
        parts = request.url.path.split("/")
        if parts[1] == "realms" and (len(parts) < 3 or parts[2] != realm.name):
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
