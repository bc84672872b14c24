"""The edge, with the real Caddy before stand-ins: limits, closed doors, and problems that say what to do."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from kit.processes import accepts, free_port
from kit.servers import binary
from policy import load as load_policy

CADDYFILE = Path(__file__).resolve().parents[3] / "gateway/Caddyfile"
BEHIND = ("issuer", "ingest", "qc", "cases", "credit", "publish", "evidence", "gateway", "portal")
AWAY = "credit"


@dataclass
class Edge:
    url: str
    port: int
    seen: list[tuple[str, str, str]] = field(default_factory=list)


class Behind(BaseHTTPRequestHandler):
    """Everything behind the edge: the gateway refuses what has no token, the others say who they are."""

    edge: Edge
    name: str

    def answer(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
        else:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.edge.seen.append((self.name, self.command, self.path))
        status = 200
        if self.path == "/authorize":
            is_known = self.headers.get("Authorization") == "Bearer good"
            status = 200 if is_known or "/public/" in self.headers["X-Forwarded-Uri"] else 401
        body = json.dumps({"by": self.name, "padding": "x" * 2000}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    home = tmp_path_factory.mktemp("edge")
    port = free_port()
    edge = Edge(f"http://127.0.0.1:{port}", port)
    servers = []
    environ = dict(os.environ)
    for name in BEHIND:
        handler = type(name, (Behind,), {"edge": edge, "name": name})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        environ[f"EDGE_{name.upper()}"] = f"127.0.0.1:{server.server_port}"
        if name == AWAY:
            server.server_close()
            continue
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
    environ |= {"EDGE_HTTP_PORT": str(port), "EDGE_HTTPS_PORT": str(free_port()), "EDGE_BIND": "127.0.0.1"}
    environ |= {"EDGE_DATA": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    log = (home / "caddy.log").open("wb")
    caddy = subprocess.Popen(
        [binary("caddy"), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)],
        env=environ, stdout=log, stderr=log,
    )  # fmt: skip
    while not accepts(port):
        assert caddy.poll() is None, (home / "caddy.log").read_text()
        time.sleep(0.05)
    yield edge
    caddy.terminate()
    caddy.wait()
    log.close()
    for server in servers:
        server.shutdown()
        server.server_close()


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"].startswith("application/problem+json")
    found = answer.json()
    assert found["status"] == answer.status_code
    return dict(found)


GOOD = {"Authorization": "Bearer good"}


def test_a_service_sees_its_own_paths_after_the_gateway_agreed(edge: Edge) -> None:
    edge.seen.clear()
    answer = httpx.post(f"{edge.url}/api/ingest/observations?x=1", content=b"{}", headers=GOOD)
    assert answer.json()["by"] == "ingest"
    assert edge.seen == [("gateway", "GET", "/authorize?x=1"), ("ingest", "POST", "/observations?x=1")]


def test_what_the_gateway_refuses_never_reaches_a_service(edge: Edge) -> None:
    edge.seen.clear()
    assert httpx.get(f"{edge.url}/api/qc/alarms").status_code == 401
    assert [name for name, _, _ in edge.seen] == ["gateway"]
    assert httpx.get(f"{edge.url}/api/publish/public/stations").status_code == 200


READING = [route for route in load_policy().routes if route.method == "GET" and route.through_edge]


@pytest.mark.parametrize("service", [name for name in BEHIND if name not in (AWAY, "issuer", "portal")])
def test_head_is_answered_like_get_without_the_body_on_every_route_that_is_read(
    edge: Edge, service: str
) -> None:
    paths = [f"/api/{service}{route.path}" for route in READING if route.service == service]
    assert paths
    with httpx.Client(base_url=edge.url, headers=GOOD | {"Accept-Encoding": "identity"}) as client:
        for path in [*paths, "/log/checkpoint"]:
            got = client.get(path)
            edge.seen.clear()
            told = client.head(path)
            assert (told.status_code, told.content) == (200, b""), path
            assert {**told.headers, "date": ""} == {**got.headers, "date": ""}
            assert {method for _, method, _ in edge.seen} == {"GET"}
        assert client.head(f"/api/{service}/x", headers={"Authorization": "no"}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/readyz", "/metrics", "/livez", "/outbox/heads", "/outbox/ingest.recorded.v1/07"]
)
@pytest.mark.parametrize("prefix", ["", "/api/ingest", "/api/qc"])
def test_what_is_inside_stays_inside(edge: Edge, prefix: str, path: str) -> None:
    edge.seen.clear()
    assert problem(httpx.get(edge.url + prefix + path, headers=GOOD))["status"] == 404
    assert not edge.seen


DISGUISED = ["/api/ingest/%6Futbox/heads", "/api/ingest//outbox/heads", "/api/ingest/x/../outbox/heads"]


@pytest.mark.parametrize("path", DISGUISED)
def test_a_disguised_path_stays_inside_too(edge: Edge, path: str) -> None:
    edge.seen.clear()
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as raw:
        raw.sendall(request.encode())
        raw.recv(65536)
    reached = [path.strip("/") for name, _, path in edge.seen if name == "ingest"]
    assert not [path for path in reached if path.startswith("outbox")]


def test_the_authorizer_itself_cannot_be_asked_from_outside(edge: Edge) -> None:
    assert problem(httpx.get(f"{edge.url}/authorize"))["status"] == 404


def test_other_paths_go_to_issuer_docs_and_portal(edge: Edge) -> None:
    for path, by in (
        ("/realms/jianzhen/x", "issuer"),
        ("/docs", "gateway"),
        ("/", "portal"),
        ("/zh/x", "portal"),
    ):
        assert httpx.get(edge.url + path).json()["by"] == by
    assert problem(httpx.get(f"{edge.url}/api/unheard-of/x", headers=GOOD))["status"] == 404


def test_a_body_beyond_20_mb_is_refused_before_it_is_read(edge: Edge) -> None:
    edge.seen.clear()
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as raw:
        raw.sendall(b"POST /api/ingest/observations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n")
        raw.sendall(b"Content-Length: 50000000\r\n\r\n")
        assert b"413" in raw.recv(4096).split(b"\r\n")[0]
    assert not edge.seen


def test_a_body_of_unknown_length_is_cut_at_20_mb(edge: Edge) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(50):
            yield b"0" * 1_000_000

    try:
        answer = httpx.post(
            f"{edge.url}/api/ingest/observations", content=endless(), headers=GOOD, timeout=30
        )
        assert problem(answer)["type"] == "/problems/too-large"
    except (httpx.WriteError, httpx.ReadError):
        pass  # the edge closed the connection while we were still sending, which is its right


def test_a_body_just_below_the_limit_passes(edge: Edge) -> None:
    answer = httpx.post(
        f"{edge.url}/api/ingest/observations", content=b"0" * 19_900_000, headers=GOOD, timeout=30
    )
    assert answer.status_code == 200


def test_a_service_that_is_away_is_a_503_with_retry_after(edge: Edge) -> None:
    begun = time.monotonic()
    answer = httpx.get(f"{edge.url}/api/{AWAY}/listings", headers=GOOD, timeout=30)
    assert time.monotonic() - begun > 3, "a restarting service is waited for"
    assert problem(answer)["status"] == 503
    assert answer.headers["retry-after"] == "5"


def test_answers_are_compressed_and_carry_the_security_headers(edge: Edge) -> None:
    answer = httpx.get(f"{edge.url}/api/qc/x", headers=GOOD)
    assert answer.headers["content-encoding"] in ("gzip", "zstd")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers or "Caddy" not in answer.headers["server"]


@pytest.mark.slow
def test_a_slow_loris_loses_its_connections_and_others_do_not_notice(edge: Edge) -> None:
    dribblers = [socket.create_connection(("127.0.0.1", edge.port)) for _ in range(50)]
    for one in dribblers:
        one.sendall(b"POST /api/ingest/observations HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    deadline = time.monotonic() + 25
    open_ones = set(dribblers)
    while open_ones and time.monotonic() < deadline:
        begun = time.monotonic()
        assert httpx.get(f"{edge.url}/").status_code == 200
        assert time.monotonic() - begun < 2
        for one in list(open_ones):
            try:
                one.sendall(b"a")
                one.setblocking(False)
                if one.recv(100) is not None:
                    open_ones.discard(one)
            except BlockingIOError:
                one.setblocking(True)
            except OSError:
                open_ones.discard(one)
        time.sleep(0.5)
    for one in dribblers:
        one.close()
    assert not open_ones


def test_the_evidence_log_is_read_without_asking_anybody(edge: Edge) -> None:
    edge.seen.clear()
    for path in ("/log/checkpoint", "/log/tile/0/x001/234.p/7"):
        answer = httpx.get(f"{edge.url}{path}")
        assert (answer.status_code, answer.json()["by"]) == (200, "evidence")
        assert "no-store" not in answer.headers.get("cache-control", "")
    assert edge.seen == [
        ("evidence", "GET", "/log/checkpoint"),
        ("evidence", "GET", "/log/tile/0/x001/234.p/7"),
    ]
    assert httpx.get(f"{edge.url}/api/evidence/leaves").status_code == 401
    for path in ("/log/../outbox/heads", "/log/%2e%2e/metrics", "/api/evidence/outbox/heads"):
        assert httpx.get(f"{edge.url}{path}", headers=GOOD).status_code == 404
    assert ("evidence", "GET", "/outbox/heads") not in edge.seen
