"""Slow and oversized requests at the real edge, judged by the real gateway: what their sender sees.

A neighbour is served meanwhile.

The edge's own file is used with its time limits cut to seconds; everything else of it stands as it is.
"""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gateway.main import build
from gateway.settings import Settings
from kit.testing.databases import Databases, in_thread
from kit.testing.tokens import Tokens
from recording_edge import CADDYFILE, RecordingEdge, recording_edge
from served import served

pytestmark = pytest.mark.slow
# gateway/Caddyfile says 10, 30 and 120 s.
SECONDS = {"read_header": 2, "read_body": 3, "write": 10}
MEGABYTE = 1024 * 1024
# More than the buffers of both ends of a line and of the edge hold.
LARGE = 32 * MEGABYTE
RATES = ("client_rate", "client_burst", "anonymous_rate", "anonymous_burst")


@dataclass(frozen=True)
class Scene:
    edge: RecordingEdge
    token: str

    def opening(self, method: str, *headers: str, path: str = "/api/ingest/observations") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.token}", *headers]
        return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture(scope="module")
def scene(databases: Databases, tokens: Tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    home: Path = tmp_path_factory.mktemp("edge")
    text = CADDYFILE.read_text()
    for name, seconds in SECONDS.items():
        text, count = re.subn(rf"(\t{name}) \d+s\n", rf"\1 {seconds}s\n", text)
        assert count == 1, name
    (home / "Caddyfile").write_text(text)
    database = in_thread(databases.copy("gateway"))
    settings = Settings.model_validate(
        {
            **tokens.settings,
            **{"environment": "local", "port": 1, "log_level": "ERROR"},
            **{"writer_url": database.writer_url, "reader_url": database.reader_url},
            **{"nats_url": "nats://127.0.0.1:1", "nats_user": "none", "nats_seed": "none"},
            **dict.fromkeys(RATES, 10**6),
        }
    )
    with served(build(settings)) as gateway, ExitStack() as stack:
        edge = stack.enter_context(
            recording_edge(home, home / "Caddyfile", gateway.removeprefix("http://"), large=LARGE)
        )
        yield Scene(edge, tokens.mint("ee.mon/data.submit+data.read@131000"))
    in_thread(databases.end(database))


@contextmanager
def neighbour(scene: Scene) -> Iterator[None]:
    """Somebody else is answered, before and while the body of the `with` runs up to its `yield`."""
    with httpx.Client(base_url=f"http://127.0.0.1:{scene.edge.port}", timeout=20) as client:

        def ask() -> None:
            headers = {"Authorization": f"Bearer {scene.token}"}
            assert client.get("/api/ingest/sites", headers=headers).status_code == 200

        ask()
        yield
        ask()


@contextmanager
def line(scene: Scene, opening: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", scene.edge.port), timeout=30) as made:
        made.sendall(opening)
        yield made


def heard(made: socket.socket) -> bytes:
    """Everything until the edge hangs up."""
    told = bytearray()
    with suppress(ConnectionResetError):
        while more := made.recv(65536):
            told += more
    return bytes(told)


def status(told: bytes) -> int:
    return int(told.split(b" ", 2)[1]) if told else 0


def dribbled(made: socket.socket, seconds: float) -> bytes:
    """A byte at a time until the edge has had enough; what it said."""
    made.setblocking(False)
    until, told = time.monotonic() + seconds, b""
    while time.monotonic() < until:
        try:
            made.send(b"a")
            more = made.recv(65536)
            if not more:
                return told
            told += more
        except BlockingIOError:
            pass
        except OSError:
            return told
        time.sleep(0.2)
    raise AssertionError(f"still open after {seconds} s, said {told[:100]!r}")


def test_a_slow_header_ends_in_silence_and_reaches_nobody(scene) -> None:
    with line(scene, b"GET /api/ingest/sites HTTP/1.1\r\nHost: x\r\nX-Slow: ") as made:
        with neighbour(scene):
            pass
        scene.edge.seen.clear()
        told = dribbled(made, SECONDS["read_header"] + 20)
    assert status(told) in {0, 408}, told[:200]
    assert scene.edge.seen == []


def test_a_slow_body_is_408_and_the_line_is_closed(scene) -> None:
    opening = scene.opening("POST", "Content-Type: application/json", "Content-Length: 100000")
    with line(scene, opening) as made:
        with neighbour(scene):
            pass
        told = dribbled(made, SECONDS["read_body"] + 20)
    assert status(told) == 408, told[:200]
    assert b"connection: close" in told.lower()
    assert b'"type":"/problems/body-too-slow"' in told


def test_a_slow_reader_is_hung_up_on(scene) -> None:
    """What it has not taken when its time is over it never gets; nobody waits for it."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(30)
        made.connect(("127.0.0.1", scene.edge.port))
        made.sendall(scene.opening("GET", path="/api/ingest/devices"))
        begun = time.monotonic()
        with neighbour(scene):
            while time.monotonic() - begun < SECONDS["write"] + 2:
                time.sleep(0.5)
        told = heard(made)
    assert status(told) == 200
    assert f"content-length: {LARGE}".encode() in told.lower()
    assert len(told) < LARGE // 2


def test_a_large_answer_is_whole_for_who_reads_it(scene) -> None:
    """The control: the same answer, taken as fast as it comes."""
    with line(scene, scene.opening("GET", "Connection: close", path="/api/ingest/devices")) as made:
        told = heard(made)
    assert status(told) == 200
    assert len(told.partition(b"\r\n\r\n")[2]) == LARGE


@pytest.mark.parametrize(
    "headers",
    [[f"X-Long: {'a' * 40_000}"], [f"X-{number}: {'b' * 90}" for number in range(500)]],
    ids=["an oversized header", "too many headers"],
)
def test_headers_beyond_the_limit_are_431_and_the_line_is_closed(scene, headers) -> None:
    with neighbour(scene):
        scene.edge.seen.clear()
        with line(scene, scene.opening("GET", *headers, path="/api/ingest/devices")) as made:
            told = heard(made)
        assert status(told) == 431, told[:200]
        assert b"connection: close" in told.lower()
        assert scene.edge.seen == []


def test_a_body_that_says_it_is_too_large_is_413_before_it_is_sent(scene) -> None:
    with neighbour(scene):
        with line(scene, scene.opening("POST", f"Content-Length: {50 * MEGABYTE}")) as made:
            told = heard(made)
        assert status(told) == 413, told[:200]
        assert b"connection: close" in told.lower()
        assert b'"type":"/problems/too-large"' in told


def test_a_body_that_turns_out_too_large_is_413_and_the_line_is_closed(scene) -> None:
    chunk = f"{MEGABYTE:x}\r\n".encode() + b" " * MEGABYTE + b"\r\n"
    with neighbour(scene):
        with line(scene, scene.opening("POST", "Transfer-Encoding: chunked")) as made:
            with suppress(OSError):
                for _ in range(50):
                    made.sendall(chunk)
            told = heard(made)
        assert status(told) == 413, told[:200]
        assert b"connection: close" in told.lower()
