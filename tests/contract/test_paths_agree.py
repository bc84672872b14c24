"""The policy at the edge and the service read a path alike: a route of the one is that of the other."""

import asyncio
from functools import cache

import policy
from asgi import Answer, ask
from fastapi import FastAPI
from hand_table import LINES, shape
from hypothesis import given
from hypothesis import strategies as st
from wiring import application

POLICY = policy.load()
ODD = (
    "..",
    ".",
    "",
    "%2e%2e",
    "%2f",
    "..;",
    "x;y",
    "%00",
    "%5c",
    "\\",
    "%3f",
    "%23",
    "%c0%ae",
    "%zz",
    "+",
    "%252e",
)
PLAIN = st.sampled_from(("7", "131000-A01", "outbox", "leads", "heads", "livez", *ODD))


@cache
def app_of(service: str) -> FastAPI:
    return application(service)


def disguised(segment: str, at: int) -> str:
    """One character written as its percent code."""
    if not segment or "%" in segment:
        return segment
    at %= len(segment)
    return f"{segment[:at]}%{ord(segment[at]):02x}{segment[at + 1 :]}"


@st.composite
def paths(draw: st.DrawFn) -> tuple[str, str, str]:
    line = draw(st.sampled_from(LINES))
    parts = line.sample.strip("/").split("/")
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(parts)))
        how = draw(st.sampled_from(("put", "replace", "spell", "cut")))
        if how == "put":
            parts.insert(at, draw(PLAIN))
        elif parts and how == "replace":
            parts[at % len(parts)] = draw(PLAIN)
        elif parts and how == "spell":
            parts[at % len(parts)] = disguised(parts[at % len(parts)], draw(st.integers(0, 40)))
        elif parts:
            del parts[at % len(parts)]
    ending = draw(st.sampled_from(("", "", "", "/", "//", "%00", ";", "%2f")))
    return line.service, draw(st.sampled_from((line.method, "GET", "POST"))), "/" + "/".join(parts) + ending


def asked(service: str, method: str, path: str) -> Answer:
    return asyncio.run(ask(app_of(service), method, path))


@given(paths())
def test_what_the_policy_takes_for_a_route_is_that_route_of_the_service(
    asked_for: tuple[str, str, str],
) -> None:
    service, method, path = asked_for
    route = POLICY.route(service, method, path)
    if route is None or route.permission is None:
        return
    answer = asked(service, method, path)
    if answer.route is None:
        assert answer.status in {404, 405}
        return
    assert shape(answer.route) == shape(route.path)


def test_every_route_as_it_is_written_is_found_by_both() -> None:
    for line in LINES:
        found = POLICY.route(line.service, line.method, line.sample)
        assert found is not None and found.path == line.path
        answer = asked(line.service, line.method, line.sample)
        assert answer.route is None or shape(answer.route) == line.shape
