"""Requests made from each service's OpenAPI document, on the real service: only what is declared comes back,
and nobody else's words.

Every table holds rows of a unit of 131000, of another unit there, and of 131100; every text in them tells
whose it is. Four callers ask: an officer of 131000, a unit of 131000, an auditor, and nobody.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from exploring import Explorer, Found
from fastapi import FastAPI, Response
from hand_table import LINES, SERVICES
from kit import described, problems
from kit.servers import NatsServer
from kit.testing.databases import Databases, FreshDatabase, in_thread
from kit.testing.plugin import declare, stream_configs
from kit.testing.tokens import Tokens
from planting import Planted, plant, words
from pydantic import BaseModel
from served import served
from wiring import application

# schemathesis draws from `random`, which hypothesis seeds.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")
# (service, which of how many parts of its routes, requests for each route and caller)
WHOLE = [
    *((name, 0, 1) for name in ("gateway", "evidence", "publish", "credit", "cases")),
    *(("ingest", part, 4) for part in range(4)),
    *(("qc", part, 3) for part in range(3)),
]
EXAMPLES = 6
# Of the hostile values each place of a request meets one in so many, other places others.
STRIDE = 7
RATES = ("client_rate", "client_burst", "anonymous_rate", "anonymous_burst")
# Who is asked by whom.
PEERS = {"gateway": ("ingest", "evidence")}


@pytest.fixture
def streams(nats_server: NatsServer, pytestconfig: pytest.Config) -> NatsServer:
    in_thread(declare(nats_server.url, stream_configs(pytestconfig.rootpath)))
    return nats_server


def told(service: str, database: FreshDatabase, nats: NatsServer, tokens: Tokens) -> dict[str, Any]:
    """What every service is told on real servers, and what this one is told alone."""
    home = database.server.place.data.parent / f"of-{database.name}"
    own: dict[str, dict[str, Any]] = {
        "ingest": {"receiver_port": 0, "objects": (home / "objects").as_uri(), "forwards": False},
        "evidence": {"store": str(home / "log")},
        "gateway": dict.fromkeys(RATES, 10**6),
    }
    return {
        **tokens.settings,
        **{"writer_url": database.writer_url, "reader_url": database.reader_url, "log_level": "ERROR"},
        **{"nats_url": nats.url, "nats_user": "", "nats_seed": ""},
        **own.get(service, {}),
    }


@contextmanager
def explorer(service: str, databases: Databases, nats: NatsServer, tokens: Tokens) -> Iterator[Explorer]:
    """A service with its rows, beside those it asks itself."""
    with ExitStack() as stack:

        def opened(name: str, **more: Any) -> tuple[str, FastAPI, Planted]:
            database = in_thread(databases.copy(name))
            stack.callback(lambda: in_thread(databases.end(database)))
            rows = in_thread(plant(database.superuser_url, name))
            app = application(name, **told(name, database, nats, tokens), **more)
            return stack.enter_context(served(app)), app, rows

        peers = {name: opened(name)[0] for name in PEERS.get(service, ())}
        url, app, planted = opened(service, **({"services": peers} if peers else {}))
        lines = [line for line in LINES if line.service == service]
        public = frozenset(words(service).get("public", ()))
        yield Explorer(url, app.openapi(), lines, tokens, planted, public)


def is_read(found: Found, service: str) -> bool:
    """Whether what was planted is told to whom it may be told at all: else no leak could show."""
    who = {"gateway": "auditor"}.get(service, "officer")
    return service == "evidence" or any(told.startswith("home ") for told in found.shown[who])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("service", "part", "parts"), WHOLE)
def test_a_service_answers_as_declared_and_tells_nobody_the_words_of_others(
    service, part, parts, databases, streams, tokens
) -> None:
    with explorer(service, databases, streams, tokens) as exploring:
        found = exploring.run(EXAMPLES, part, parts)
    assert not found.faults, f"{len(found.faults)} wrong:\n{found}"
    assert is_read(found, service)
    assert {200, 401, 403, 422} <= set(found.statuses)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_refuses_hostile_values_as_declared(service, databases, streams, tokens) -> None:
    """NUL, half of a pair, numbers and days out of every range, depth: in each place of a request, alone."""
    with explorer(service, databases, streams, tokens) as exploring:
        found = exploring.hostile(STRIDE)
    assert not found.faults, f"{len(found.faults)} wrong:\n{found}"
    assert {200, 422} <= set(found.statuses)


@pytest.mark.parametrize("service", ["cases", "credit"])
def test_a_share_of_the_routes_answers_as_declared(service, databases, streams, tokens) -> None:
    with explorer(service, databases, streams, tokens) as exploring:
        found = exploring.run(2, 0, 3)
    assert not found.faults, f"{len(found.faults)} wrong:\n{found}"
    assert is_read(found, service)


class Lead(BaseModel):
    number: int


def faulty() -> FastAPI:
    """Six routes of `cases`, each wrong in its own way, and one that is right."""
    app = FastAPI()
    problems.install(app)

    @app.get("/leads")
    async def tells_of_another_region() -> dict[str, str]:
        return {"text": "canary-away-leads.summary"}

    @app.get("/leads/{id}")
    async def breaks(id: str) -> None:
        raise RuntimeError("broken")

    @app.get("/cases")
    async def answers_what_is_not_declared() -> Response:
        return Response(status_code=418)

    @app.get("/cases/{id}", response_model=Lead)
    async def answers_in_another_form(id: str) -> Response:
        return Response('{"number": "seven"}', media_type="application/json")

    @app.get("/cases/{id}/eligibility")
    async def answers_in_another_kind(id: str) -> Response:
        return Response("<p>", media_type="text/html")

    @app.post("/leads/{id}/file")
    async def tells_in_a_header(id: str) -> Response:
        return Response("{}", media_type="application/json", headers={"X-A": "canary-away-leads.site"})

    @app.get("/parked")
    async def is_right() -> dict[str, str]:
        return {"text": "canary-home-leads.summary"}

    described.describe(app)
    return app


def test_each_fault_is_found_where_it_is(tokens) -> None:
    """The checks themselves: what leaks, breaks or answers otherwise fails them, a right one does not."""
    app = faulty()
    lines = [line for line in LINES if line.service == "cases"]
    with served(app) as url:
        found = Explorer(url, app.openapi(), lines, tokens, Planted(keys=["7"])).run(1)
    of_officer = {(route, kind) for route, caller, kind in found.faults if caller == "officer"}
    assert of_officer == {
        ("cases GET /leads", "tells away leads.summary"),
        ("cases GET /leads/{id}", "500"),
        ("cases GET /leads/{id}", "UndefinedStatusCode"),
        ("cases GET /cases", "UndefinedStatusCode"),
        ("cases GET /cases/{id}", "JsonSchemaError"),
        ("cases GET /cases/{id}/eligibility", "UndefinedContentType"),
        ("cases POST /leads/{id}/file", "tells away leads.site"),
    }
    # Nobody is told anything of anybody.
    assert ("cases GET /parked", "nobody", "tells home leads.summary") in found.faults
    assert ("cases GET /parked", "unit", "tells home leads.summary") not in found.faults
