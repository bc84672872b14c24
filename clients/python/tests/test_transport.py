"""The client against a real server on loopback that answers as it is told: waits, repeats, tokens, pages."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from jianzhen_client import Client, Key, Problem, Secret, Token
from jianzhen_client.transport import Call
from joserfc import jwt
from joserfc.jwk import ECKey

TOKENS = "/realms/jianzhen/protocol/openid-connect/token"
ROWS = {"source": "met", "rows": []}


@dataclass
class Told:
    """One answer of the server; status 0 ends the connection without one."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


class Scripted(ThreadingHTTPServer):
    """Gives its answers in order; the token endpoint gives the next token, good for `lasts` seconds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Told] = []
        self.seen: list[Seen] = []
        self.tokens, self.lasts = 0, 900

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self) -> list[Seen]:
        return [one for one in self.seen if one.path != TOKENS]

    def granted(self) -> list[Seen]:
        return [one for one in self.seen if one.path == TOKENS]


class Handler(BaseHTTPRequestHandler):
    server: Scripted
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, parts.path, parse_qs(parts.query), headers, body))
        if parts.path == TOKENS:
            self.server.tokens += 1
            granted = {"access_token": f"t{self.server.tokens}", "expires_in": self.server.lasts}
            self._send(Told(body=granted))
            return
        self._send(self.server.answers.pop(0))

    def _send(self, told: Told) -> None:
        if told.status == 0:
            self.close_connection = True
            return
        raw = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
        self.send_response(told.status)
        for name, value in {
            "Content-Type": told.media,
            "Content-Length": str(len(raw)),
            **told.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(server: Scripted, waits: list[float]) -> Iterator[Client]:
    with Client(server.url, Secret("sys-met", "secret"), timeout=5) as made:
        made.ingest._transport._sleep = waits.append
        yield made


def problem(status: int, slug: str, **headers: str) -> Told:
    body = {"type": f"/problems/{slug}", "title": "T", "detail": "D", "errors": [{"where": "row 0"}]}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Told(status, body, named, "application/problem+json")


def test_a_refusal_is_one_exception_with_everything_that_was_said(server: Scripted, client: Client) -> None:
    server.answers = [problem(422, "batch-not-acceptable")]
    with pytest.raises(Problem) as caught:
        client.ingest.send_observations(ROWS)
    found = caught.value
    assert (found.status, found.slug, found.title, found.detail) == (422, "batch-not-acceptable", "T", "D")
    assert found.type == "/problems/batch-not-acceptable"
    assert found.errors == [{"where": "row 0"}]
    assert len(server.asked()) == 1


def test_what_is_too_fast_is_sent_again_after_the_time_that_was_told(
    server: Scripted, client: Client, waits: list[float]
) -> None:
    server.answers = [
        problem(429, "rate-limited", Retry_After="7"),
        problem(429, "x", Retry_After="2"),
        Told(),
    ]
    assert client.ingest.list_sites() == {}
    assert waits == [7.0, 2.0]


@pytest.mark.parametrize("first", [problem(503, "unavailable", Retry_After="3"), Told(0)], ids=["503", "cut"])
def test_a_batch_is_sent_again_under_the_same_key(server: Scripted, client: Client, first: Told) -> None:
    server.answers = [first, Told(202, {"accepted": 1})]
    assert client.ingest.send_observations(ROWS) == {"accepted": 1}
    keys = [one.headers["idempotency-key"] for one in server.asked()]
    assert len(keys) == 2 and len(set(keys)) == 1 and keys[0]


def test_each_batch_has_a_key_of_its_own_unless_one_is_given(server: Scripted, client: Client) -> None:
    server.answers = [Told(202)] * 3
    client.ingest.send_observations(ROWS)
    client.ingest.send_observations(ROWS)
    client.ingest.send_observations(ROWS, idempotency_key="mine")
    keys = [one.headers["idempotency-key"] for one in server.asked()]
    assert len(set(keys)) == 3 and keys[2] == "mine"


@pytest.mark.parametrize(("first", "status"), [(problem(503, "unavailable"), 503), (Told(0), 0)])
def test_what_would_be_done_twice_is_not_sent_twice(
    server: Scripted, client: Client, first: Told, status: int
) -> None:
    server.answers = [first]
    with pytest.raises(Problem) as caught:
        client.ingest._transport.send(Call[Any]("POST", "/api/cases/leads", body={}))
    assert caught.value.status == status
    assert len(server.asked()) == 1


def test_patience_ends(server: Scripted, waits: list[float]) -> None:
    server.answers = [problem(503, "unavailable", Retry_After="30")] * 9
    with Client(server.url, timeout=5, patience=20) as client:
        client.ingest._transport._sleep = waits.append
        with pytest.raises(Problem, match="503 unavailable"):
            client.ingest.list_sites()
    assert waits == [] and len(server.asked()) == 1


def test_nobody_there_is_a_problem_too(server: Scripted) -> None:
    url = server.url
    server.server_close()
    with Client(url, patience=0) as client, pytest.raises(Problem) as caught:
        client.ingest.list_sites()
    assert (caught.value.status, caught.value.slug) == (0, "unreachable")


def test_what_is_not_there_yet_is_asked_for_again(
    server: Scripted, client: Client, waits: list[float]
) -> None:
    server.answers = [problem(202, "receipt-not-yet", Retry_After="1"), Told(body={"leaf": 4})]
    assert client.ingest._transport.send(Call[Any]("GET", "/receipt")) == {"leaf": 4}
    assert waits == [1.0]


def test_a_token_serves_many_calls_and_a_refused_one_is_renewed_once(
    server: Scripted, client: Client
) -> None:
    expired = problem(401, "token-expired")
    server.answers = [Told(), Told(), expired, Told(), expired, expired]
    for _ in range(3):
        client.ingest.list_sites()
    with pytest.raises(Problem, match="401 token-expired"):
        client.ingest.list_sites()
    shown = [one.headers["authorization"] for one in server.asked()]
    assert shown == [f"Bearer t{number}" for number in (1, 1, 1, 2, 2, 3)]


def test_a_token_is_renewed_before_its_end(server: Scripted, client: Client) -> None:
    server.answers, server.lasts = [Told(), Told()], 0
    client.ingest.list_sites()
    client.ingest.list_sites()
    assert len(server.granted()) == 2


def test_a_system_with_a_key_signs_who_it_is(server: Scripted, tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256")
    (tmp_path / "met.pem").write_bytes(key.as_pem(private=True))
    server.answers = [Told()]
    with Client(server.url, Key("sys-met", tmp_path / "met.pem")) as client:
        client.ingest.list_sites()
    form = {name: value[0] for name, value in parse_qs(server.granted()[0].body.decode()).items()}
    claims = jwt.decode(form["client_assertion"], key, algorithms=["ES256"]).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (
        "sys-met",
        "sys-met",
        f"{server.url}/realms/jianzhen",
    )
    assert 0 < claims["exp"] - claims["iat"] <= 60 and claims["jti"]
    assert "client_secret" not in form and "PRIVATE" not in server.granted()[0].body.decode()


def test_a_token_at_hand_and_nobody_at_all(server: Scripted) -> None:
    server.answers = [Told(), Told()]
    with Client(server.url, Token(lambda: "mine")) as client:
        client.ingest.list_sites()
    with Client(server.url) as client:
        client.ingest.list_sites()
    assert [one.headers.get("authorization") for one in server.asked()] == ["Bearer mine", None]


def test_what_it_is_read_for_goes_with_every_call(server: Scripted) -> None:
    server.answers = [Told(), Told()]
    with Client(server.url, purpose="case", case="冀廊环立〔2026〕1号") as client:
        client.ingest.list_sites()
    with Client(server.url) as client:
        client.ingest.list_sites()
    said = [(one.headers.get("x-purpose"), one.headers.get("x-case")) for one in server.asked()]
    assert said == [("case", quote("冀廊环立〔2026〕1号")), (None, None)]


def test_pages_are_walked_to_the_end(server: Scripted, client: Client) -> None:
    pages = [{"items": [1, 2], "next": "b"}, {"items": [3], "next": "c"}, {"items": [], "next": None}]
    server.answers = [Told(body=page) for page in pages]
    assert list(client.ingest.all_sites(limit=2)) == [1, 2, 3]
    assert [one.query.get("cursor") for one in server.asked()] == [None, ["b"], ["c"]]
    assert {one.query["limit"][0] for one in server.asked()} == {"2"}


def test_an_argument_cannot_leave_its_place_in_the_address(server: Scripted, client: Client) -> None:
    server.answers = [Told()]
    client.ingest.show_site("../devices/x?y")
    assert server.asked()[0].path == "/api/ingest/sites/..%2Fdevices%2Fx%3Fy"


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (Told(body=b"x,y\n", media="text/csv; charset=utf-8"), "x,y\n"),
        (Told(body=b"\x00\x01", media="application/octet-stream"), b"\x00\x01"),
        (Told(204, b""), None),
    ],
)
def test_an_answer_is_what_its_media_type_says(
    server: Scripted, client: Client, told: Told, found: object
) -> None:
    server.answers = [told]
    assert client.ingest._transport.send(Call[Any]("GET", "/x")) == found


def test_bytes_go_as_they_are(server: Scripted, client: Client) -> None:
    server.answers = [Told(202)]
    client.ingest.send_observations("监测时间,a34004\n".encode(), media="text/csv")
    asked = server.asked()[0]
    assert asked.headers["content-type"] == "text/csv"
    assert asked.body.decode() == "监测时间,a34004\n"
