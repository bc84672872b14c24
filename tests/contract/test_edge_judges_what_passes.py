"""What the authorizer is asked about is, byte by byte, what the service then gets: with the real Caddy."""

from collections.abc import Iterator

import policy
import pytest
from gateway.flows.gate import forwarded
from hostile import DISGUISES, SMUGGLING, SPLITTING
from recording_edge import REQUEST_ID, RecordingEdge, Seen, recording_edge

POLICY = policy.load()
INSIDE = ("outbox/heads", "leads", "metrics", "leads/7/file")
ASIDE = {"issuer", "portal"}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingEdge]:
    with recording_edge(tmp_path_factory.mktemp("edge")) as running:
        yield running


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Authorization: Bearer good", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8")


def differences(edge: RecordingEdge) -> list[str]:
    """Where what was judged is not what passed on. What is public by its address is judged by nobody."""
    found = []
    for one in edge.reached():
        if one.by in ASIDE or (one.by == "evidence" and one.path.startswith("/log/")):
            continue
        if one.by == "gateway" and one.path.startswith("/docs"):
            continue
        asked = [
            (judged.headers["X-Forwarded-Method"], judged.headers["X-Forwarded-Uri"])
            for judged in edge.judged()
        ]
        if len(asked) != 1:
            found.append(f"{one.by} got {one.path!r}, judged: {asked}")
            continue
        [(method, uri)] = asked
        service, path = forwarded(uri) or ("-", "-")
        passed = one.path.partition("?")[0]
        if POLICY.route(service, method, path) and (service, method, path) != (one.by, one.method, passed):
            found.append(f"{one.by} got {one.method} {one.path!r}, judged was {method} {uri!r}")
        if edge.judged()[0].headers.get_all("Authorization") != one.headers.get_all("Authorization"):
            found.append(f"{one.by} got another token than was judged for {one.path!r}")
    return found


def test_a_disguised_path_is_judged_as_it_passes(edge) -> None:
    wrong, reached = [], 0
    for inside in INSIDE:
        for disguise in DISGUISES:
            path = disguise.replace("{inside}", inside)
            told = edge.send(request(path, "Connection: close"))
            reached += bool(edge.reached())
            wrong += [(path, found) for found in differences(edge)]
            wrong += [(path, "injected") for one in edge.seen if one.headers.get("X-Injected")]
            wrong += [(path, told[:80])] * (not told.startswith(b"HTTP/1.1 "))
    assert not wrong, f"{len(wrong)} wrong, the first: {wrong[:10]}"
    assert reached > 40, "the edge hands most of them on: it is the authorizer that says no"


def test_a_disguised_path_is_no_route_of_the_policy_as_the_edge_tells_it(edge) -> None:
    """With the real policy in the authorizer none of them would pass, however it is spelt."""
    let_in = []
    for inside in INSIDE[:2]:
        for disguise in DISGUISES:
            path = disguise.replace("{inside}", inside)
            edge.send(request(path, "Connection: close"))
            for judged in edge.judged():
                service, asked = forwarded(judged.headers["X-Forwarded-Uri"]) or ("-", "-")
                route = POLICY.route(service, "GET", asked)
                if route is not None and route.through_edge and inside == "outbox/heads":
                    let_in.append((path, route.path))
    assert let_in == []


def unjudged(edge: RecordingEdge) -> list[tuple[str, str, list[str] | None]]:
    """What came to a service otherwise, or more often, than the authorizer was asked about it."""

    def told(one: Seen) -> tuple[str, str, list[str] | None]:
        method, uri = one.headers["X-Forwarded-Method"], one.headers["X-Forwarded-Uri"]
        return method, uri, one.headers.get_all("Authorization")

    judged = [told(one) for one in edge.judged()]
    passed = [
        (one.method, f"/api/{one.by}{one.path}", one.headers.get_all("Authorization"))
        for one in edge.reached()
        if one.by not in ASIDE
    ]
    return [one for one in passed if passed.count(one) > judged.count(one)]


def test_what_is_smuggled_in_a_body_is_judged_like_any_request_or_is_none(edge) -> None:
    """Whatever follows a complete request is the next one of the same sender."""
    wrong, whole = [], 0
    for name, content in SMUGGLING.items():
        edge.send(content, seconds=0.3)
        edge.settled()
        whole += bool(edge.reached())
        wrong += [(name, found) for found in unjudged(edge)]
    assert wrong == []
    assert whole > 5


def test_a_request_that_is_split_reaches_nobody_twice(edge) -> None:
    wrong = []
    for name, content in SPLITTING.items():
        edge.send(content, seconds=0.3)
        if len(edge.reached()) > 1 or any(one.headers.get("X-Injected") for one in edge.seen):
            wrong.append((name, [(one.by, one.path) for one in edge.seen]))
        wrong += [(name, found) for found in differences(edge)]
    assert wrong == []


def test_what_a_sender_says_of_its_way_is_not_believed(edge) -> None:
    told = (
        *("X-Forwarded-Uri: /api/publish/public/stations", "X-Forwarded-Method: GET"),
        *("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https"),
        *("X-Request-Id: mine", "RateLimit: mine", "RateLimit-Policy: mine"),
        *("X-Original-URL: /api/publish/public/stations", "X-HTTP-Method-Override: GET"),
    )
    edge.send(
        request("/api/cases/leads/7/file", *told, "Content-Length: 0", "Connection: close", method="POST")
    )
    [judged], [got] = edge.judged(), edge.reached()
    assert judged.headers.get_all("X-Forwarded-Uri") == ["/api/cases/leads/7/file"]
    assert judged.headers.get_all("X-Forwarded-Method") == ["POST"]
    assert judged.headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert (got.by, got.method, got.path) == ("cases", "POST", "/leads/7/file")
    assert got.headers.get_all("X-Request-Id") == [REQUEST_ID]
    assert got.headers.get_all("RateLimit") in (None, [])
    assert got.headers.get_all("X-Forwarded-For") == ["127.0.0.1"]


HOP_BY_HOP = (
    *("authorization", "x-forwarded-uri", "x-forwarded-method", "x-forwarded-for", "x-request-id"),
    *(
        "close, authorization",
        "x-forwarded-uri, x-forwarded-method",
        "keep-alive, Authorization, X-Forwarded-Uri",
    ),
)


def test_a_header_named_as_hop_by_hop_is_missing_for_both_or_for_none(edge) -> None:
    wrong = []
    for names in HOP_BY_HOP:
        edge.send(
            request(
                "/api/cases/leads",
                f"Connection: {names}, close",
                "X-Forwarded-Uri: /api/publish/public/stations",
            )
        )
        wrong += [(names, found) for found in differences(edge)]
        for judged in edge.judged():
            if judged.headers.get_all("X-Forwarded-Uri") != ["/api/cases/leads"]:
                wrong.append((names, f"judged {judged.headers.get_all('X-Forwarded-Uri')}"))
            if judged.headers.get_all("X-Forwarded-For") != ["127.0.0.1"]:
                wrong.append((names, f"from {judged.headers.get_all('X-Forwarded-For')}"))
        if not edge.judged():
            wrong.append((names, "nobody was asked"))
    assert wrong == []


def test_two_tokens_at_once_are_both_seen_by_the_authorizer(edge) -> None:
    edge.send(request("/api/cases/leads", "Authorization: Bearer other", "Connection: close"))
    assert [one.headers.get_all("Authorization") for one in edge.judged()] == [
        ["Bearer good", "Bearer other"]
    ]


@pytest.mark.parametrize("method", ["get", "TRACE", "TRACK", "CONNECT", "PROPFIND", "G\u00c9T", "PRI"])
def test_a_strange_method_is_judged_as_it_passes(edge, method) -> None:
    edge.send(request("/api/cases/leads", "Connection: close", method=method))
    assert differences(edge) == []
    assert all(
        POLICY.route("cases", one.headers["X-Forwarded-Method"], "/leads") is None for one in edge.judged()
    )


def test_headers_beyond_the_limit_reach_nobody(edge) -> None:
    for headers in ([f"X-Long: {'a' * 40_000}"], [f"X-{number}: {'b' * 90}" for number in range(500)]):
        told = edge.send(request("/api/cases/leads", *headers, "Connection: close"))
        assert told.startswith(b"HTTP/1.1 431"), told[:100]
        assert edge.seen == []
