"""Every route of every service × every way to come without a right: 401 at the edge's authorizer and, asked
directly, at the service itself.

Services get no database here: whoever is refused is refused before anything is read.
"""

import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from functools import cache

import pytest
from asgi import Answer, ask
from attacks import WHO, Attack, lasting, with_token, without_token
from fastapi import FastAPI
from gateway.main import build
from gateway.settings import Settings
from hand_table import LINES, OPEN, SERVICES, Line, shape
from kit.testing.routes import routes_of
from kit.testing.tokens import Tokens
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp
from wiring import application

# Each attack on every route takes minutes; in `make test` a route meets one in so many, each route others.
SHARES = [
    pytest.param(24, id="a share"),
    pytest.param(1, id="all", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
]


@pytest.fixture(scope="session")
def other() -> Iterator[Tokens]:
    """An issuer of somebody else."""
    made = Tokens()
    yield made
    made.close()


@pytest.fixture(scope="session")
def bait() -> Iterator[str]:
    """An address that tokens name for their key; whoever asks there fails the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/certs"
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.fixture(scope="session")
def bad(tokens: Tokens, other: Tokens, bait: str) -> list[Attack]:
    return with_token(tokens, other, bait)


@pytest.fixture(scope="session")
def nobody(tokens: Tokens) -> list[Attack]:
    return without_token(tokens)


def fault_of(answer: Answer, path: str) -> str | None:
    """What is wrong with an answer that has to be a 401."""
    if answer.status != 401:
        return str(answer.status)
    told = answer.json()
    is_problem = answer.headers["content-type"] == "application/problem+json"
    if not is_problem or (told["status"], told["instance"]) != (401, path):
        return f"no problem document: {answer.content!r}"
    if not answer.headers.get("www-authenticate", "").startswith('Bearer realm="jianzhen"'):
        return "no WWW-Authenticate"
    return None if told["type"].startswith("/problems/token-") else told["type"]


def share_of(attacks: list[Attack], number: int, share: int) -> list[Attack]:
    return [attack for at, attack in enumerate(attacks) if (at - number) % share == 0]


async def at_service(app: FastAPI, line: Line, attack: Attack) -> str | None:
    answer = await ask(app, line.method, line.sample, attack.headers, attack.query)
    if "401" not in declared(app)[line.method, line.shape]:
        return "401 is not declared"
    return fault_of(answer, line.sample)


@cache
def declared(app: FastAPI) -> dict[tuple[str, tuple[str, ...]], set[str]]:
    """The statuses that the OpenAPI document of a service declares for each route."""
    return {
        (method.upper(), shape(path)): set(operation["responses"])
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_asked_directly_refuses_every_attack_on_every_route(
    service, share, tokens, bad, nobody
) -> None:
    app = application(service, **tokens.settings)
    mine = [line for line in LINES if line.service == service]
    good = (("Authorization", f"Bearer {lasting(tokens, '-/nobody.knows@131000')}"),)
    wrong = []
    for number, line in enumerate(mine):
        control = await ask(app, line.method, line.sample, good)
        if control.status == 403 and "403" not in declared(app)[line.method, line.shape]:
            wrong.append((line.name, "a good token without rights", "403 is not declared"))
        if control.status == 401 or (not line.is_public and control.status != 403):
            wrong.append((line.name, "a good token without rights", str(control.status)))
        for attack in share_of(bad, number, share) + nobody[: None if share == 1 else 3] * (
            not line.is_public
        ):
            if fault := await at_service(app, line, attack):
                wrong.append((line.name, attack.name, fault))
    assert len(mine) > 4
    assert not wrong, f"{len(wrong)} wrong, the first: {wrong[:20]}"


@pytest.fixture
async def edge(service_database, client_for, tokens) -> AsyncIterator[ASGIApp]:
    database = await service_database("gateway")
    rates = dict.fromkeys(("client_rate", "client_burst", "anonymous_rate", "anonymous_burst"), 1_000_000)
    settings = Settings(
        environment="local",
        port=1,
        writer_url=database.writer_url,
        reader_url=database.reader_url,
        nats_url="nats://127.0.0.1:1",
        nats_user="none",
        nats_seed="none",
        **rates,
        **tokens.settings,
    )
    app = build(settings)
    async with client_for(app):
        yield app


async def at_edge(app: ASGIApp, line: Line, attack: Attack) -> Answer:
    uri = f"/api/{line.service}{line.sample}" + f"?{attack.query}" * bool(attack.query)
    forwarded = (
        *(("X-Forwarded-Method", line.method), ("X-Forwarded-Uri", uri)),
        *(pair for pair in attack.headers if pair[0] != "X-Forwarded-For"),
    )
    return await ask(app, "GET", "/authorize", forwarded)


@pytest.mark.parametrize("share", SHARES)
async def test_the_authorizer_refuses_every_attack_on_every_route(edge, share, tokens, bad, nobody) -> None:
    good = Attack("good", (("Authorization", f"Bearer {lasting(tokens, WHO)}"),))
    wrong = []
    for number, line in enumerate(LINES):
        path = f"/api/{line.service}{line.sample}"
        if (control := await at_edge(edge, line, good)).status == 401:
            wrong.append((line.name, good.name, str(control.status)))
        for attack in share_of(bad, number, share) + nobody[: None if share == 1 else 3]:
            answer = await at_edge(edge, line, attack)
            if line.is_inside:
                fault = None if answer.status == 404 else str(answer.status)
            elif line.is_public and attack in nobody:
                # A token that is none by its form is refused even where none is needed.
                has_header = any(name == "Authorization" for name, _ in attack.headers)
                fault = fault_of(answer, path) if has_header else None if answer.status == 200 else "refused"
            else:
                fault = fault_of(answer, path)
            if fault:
                wrong.append((line.name, attack.name, fault))
    assert not wrong, f"{len(wrong)} wrong, the first: {wrong[:20]}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_table_written_by_hand_names_exactly_the_routes_of_the_application(service) -> None:
    app = application(service)
    assert not [route for route in app.routes if isinstance(route, Mount | WebSocketRoute)]
    present = {(found.method, shape(found.path)) for found in routes_of(app)}
    written = {(line.method, line.shape) for line in LINES if line.service == service}
    written |= {(method, shape(path)) for name, method, path in OPEN if name == service}
    assert sorted(present - written) == [], "in the application, but not in policy_matrix.yaml"
    assert sorted(written - present) == [], "in policy_matrix.yaml, but not in the application"
    document = app.openapi()
    shown = {
        (method.upper(), shape(path)) for path, methods in document["paths"].items() for method in methods
    }
    assert shown <= present
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))) <= known
