"""A route without a policy entry or without its guard fails the build; so does an entry without a route."""

import importlib
from typing import Any

import policy
import pytest
from fastapi import Depends, FastAPI
from kit.auth import allow
from kit.testing.routes import routes_of, unguarded_routes

POLICY = policy.load()
SERVICES = ("ingest", "qc", "cases", "credit", "publish", "evidence", "gateway")
SETTINGS = {
    "environment": "local",
    "port": 1,
    "writer_url": "postgresql://writer@127.0.0.1:1/none",
    "reader_url": "postgresql://reader@127.0.0.1:1/none",
    "nats_url": "nats://127.0.0.1:1",
    "nats_user": "none",
    "nats_password": "none",
    "issuer": "http://127.0.0.1:8080/realms/jianzhen",
    "jwks_url": "http://127.0.0.1:1/certs",
    "token_url": "http://127.0.0.1:1/token",
    "client_id": "none",
    "client_secret": "none",
}
OWN = {"evidence": {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "store": "/nowhere"}}


def application(service: str) -> FastAPI:
    """The service as its `main` wires it; nothing is opened before it is started."""
    main: Any = importlib.import_module(f"{service}.main")
    settings = importlib.import_module(f"{service}.settings").Settings(**SETTINGS, **OWN.get(service, {}))
    makers = [getattr(main, name) for name in ("build", "make", "application") if hasattr(main, name)]
    made: FastAPI = makers[0](settings)
    return made


def shape(path: str) -> tuple[str, ...]:
    return tuple("{}" if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_asks_for_what_the_policy_says(service) -> None:
    app = application(service)
    assert len(list(routes_of(app))) > 4
    assert unguarded_routes(app, POLICY, service) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_of_the_policy_exists(service) -> None:
    present = {(found.method, shape(found.path)) for found in routes_of(application(service))}
    listens = ("GET", ("", "parked")) in present
    missing = [
        f"{route.method} {route.path}"
        for route in POLICY.routes
        if route.service == service and (route.method, shape(route.path)) not in present
    ]
    assert [line for line in missing if listens or "/parked" not in line] == []


def test_an_unguarded_an_unlisted_and_a_wrongly_guarded_route_are_found() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.get("/leads")(lambda: None)
    app.get("/new", dependencies=[Depends(allow("leads", "read"))])(lambda: None)
    app.get("/cases", dependencies=[Depends(allow("leads", "read"))])(lambda: None)
    app.get("/livez")(lambda: None)
    wrong = unguarded_routes(app, POLICY, "cases")
    assert [line.split(":")[0] for line in wrong] == [
        "cases GET /leads",
        "cases GET /new",
        "cases GET /cases",
    ]
