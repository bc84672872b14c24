"""A route without a policy entry or without its guard fails the build; so does an entry without a route."""

import policy
import pytest
from fastapi import Depends, FastAPI
from hand_table import SERVICES, shape
from kit.auth import allow
from kit.testing.routes import routes_of, unguarded_routes
from wiring import application

POLICY = policy.load()


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
