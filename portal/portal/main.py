"""`python -m portal.main`: the public site. It reads the public HTTP API and holds no data of its own."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from portal import pages, render
from portal.client import Away, PublicApi, Refused, Unknown
from portal.settings import Settings

FOR_GOOD = "public, max-age=31536000, immutable"


class Static(StaticFiles):
    """Static files; an address with a digest may be kept for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.update(render.SECURITY)
        if scope.get("query_string", b"").startswith(b"v="):
            answer.headers["Cache-Control"] = FOR_GOOD
        return answer


class HeadAsGet:
    """Answers HEAD with the headers of GET; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self.app({**scope, "method": "GET"} if is_head else scope, receive, send)


def _install_problems(app: FastAPI) -> None:
    async def away(request: Request, error: Exception) -> Response:
        return render.problem_page(request, 503, "away.html")

    async def missing(request: Request, error: Exception) -> Response:
        return render.problem_page(request, 404, "missing.html")

    async def refused(request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 500)
        if status in {404, 405}:
            return render.problem_page(request, 404, "missing.html")
        return render.problem_page(request, 503, "away.html")

    app.add_exception_handler(Away, away)
    app.add_exception_handler(Unknown, missing)
    app.add_exception_handler(Refused, missing)
    app.add_exception_handler(RequestValidationError, missing)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(Exception, away)


def application(settings: Settings) -> FastAPI:
    """The site, wired."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await app.state.api.close()

    app = FastAPI(title="Jianzhen portal", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.settings = settings
    app.state.api = PublicApi(settings.api_base, settings.timeout_seconds)
    _install_problems(app)
    app.add_middleware(HeadAsGet)

    @app.get("/livez", include_in_schema=False)
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        """Ready without the API: its absence is told on a page of our own."""
        return JSONResponse({"ready": True, "checks": {"api": await app.state.api.is_reachable()}})

    app.mount("/static", Static(directory=render.STATIC), name="static")
    app.include_router(pages.router)
    return app


def main() -> None:
    """Runs the site; with `--check` only validates the settings."""
    try:
        settings = Settings()
    except ValidationError as error:
        lines = [f"PORTAL_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        sys.stderr.write("configuration refused:\n  " + "\n  ".join(lines) + "\n")
        raise SystemExit(2) from None
    if "--check" in sys.argv[1:]:
        sys.stdout.write("configuration accepted\n")
        raise SystemExit(0)
    uvicorn.run(
        application(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        # Longer than the edge keeps a connection idle (60 s), for the reason given in kit's `serve`.
        timeout_keep_alive=90,
    )


if __name__ == "__main__":
    main()
