"""The real Caddy before programs that only write down what reached them.

The one in the gateway's place knows nobody: it lets everything pass, so that only the edge itself is tested.
"""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kit.processes import accepts, free_port
from kit.servers import binary

CADDYFILE = Path(__file__).resolve().parents[1] / "gateway" / "Caddyfile"
BEHIND = ("issuer", "ingest", "qc", "cases", "credit", "publish", "evidence", "gateway", "portal")
# What is asked for at a service when a large answer is wanted.
LARGE = "/devices"
REQUEST_ID = "01932c07-ffff-7000-8000-000000000000"


@dataclass(frozen=True)
class Seen:
    """A request as a program behind the edge got it."""

    by: str
    method: str
    path: str
    headers: HTTPMessage


@dataclass
class RecordingEdge:
    port: int
    seen: list[Seen] = field(default_factory=list)
    case: int = 0
    large: int = 0

    def send(self, content: bytes, seconds: float = 10) -> bytes:
        """Sends the bytes as they are; what was answered until the edge hung up."""
        self.case += 1
        self.seen.clear()
        content = content.replace(b"Host: x\r\n", f"Host: x\r\nX-Case: {self.case}\r\n".encode(), 1)
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as line:
            line.sendall(content)
            told = b""
            # An open connection is one whose request was taken as complete, or waits for more of it.
            with suppress(ConnectionResetError, TimeoutError):
                while more := line.recv(65536):
                    told += more
        return told

    def settled(self, seconds: float = 2) -> None:
        """Waits for what was judged to arrive, or not."""
        until = time.monotonic() + seconds
        while len(self.judged()) > len(self.reached()) and time.monotonic() < until:
            time.sleep(0.05)

    def reached(self) -> list[Seen]:
        """What came to a service; the gateway's own judgement aside."""
        return [one for one in self.seen if one.path.partition("?")[0] != "/authorize"]

    def judged(self) -> list[Seen]:
        return [one for one in self.seen if one.path.partition("?")[0] == "/authorize"]


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    edge: RecordingEdge
    name: str

    def answer(self) -> None:
        # Written down before the body is read: that of a broken request may never come.
        if self.headers.get("X-Case", str(self.edge.case)) == str(self.edge.case):
            self.edge.seen.append(Seen(self.name, self.command, self.path, self.headers))
        if self.headers.get("Transfer-Encoding") == "chunked":
            # The edge cuts its own line off where a sender's chunks are broken.
            while size := int(self.rfile.readline() or b"0", 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        else:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        if self.name == "gateway":
            self.send_header("X-Request-Id", REQUEST_ID)
        content = b"x" * self.edge.large if self.path == LARGE and self.edge.large else b"ok"
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        # Whoever hung up had enough.
        with suppress(ConnectionError):
            self.wfile.write(content)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def recording_edge(
    home: Path, caddyfile: Path = CADDYFILE, gateway: str | None = None, large: int = 0
) -> Iterator[RecordingEdge]:
    """`gateway` is the address of a real one; answers to `LARGE` have `large` bytes."""
    edge = RecordingEdge(free_port(), large=large)
    environ, servers = dict(os.environ), []
    for name in BEHIND:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type(name, (Recorder,), {"edge": edge, "name": name}))
        server.daemon_threads = True
        environ[f"EDGE_{name.upper()}"] = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
    environ |= {"EDGE_GATEWAY": gateway} if gateway else {}
    environ |= {"EDGE_HTTP_PORT": str(edge.port), "EDGE_HTTPS_PORT": str(free_port())}
    environ |= {"EDGE_BIND": "127.0.0.1", "EDGE_DATA": str(home)}
    environ |= {"XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with (home / "caddy.log").open("wb") as log:
        caddy = subprocess.Popen(
            [binary("caddy"), "run", "--adapter", "caddyfile", "--config", str(caddyfile)],
            env=environ, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            while not accepts(edge.port):
                assert caddy.poll() is None, (home / "caddy.log").read_text()
                time.sleep(0.05)
            yield edge
        finally:
            caddy.terminate()
            caddy.wait()
            for server in servers:
                server.shutdown()
                server.server_close()
