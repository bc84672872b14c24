"""Clients that dribble their request: the edge lets them go, and nobody else waits for them."""

import itertools
import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack

import pytest
import stations
from whole_platform import WholePlatform

pytestmark = pytest.mark.slow
CLIENTS = 200
# gateway/Caddyfile: read_header 10s, read_body 30s.
HEADER_SECONDS, BODY_SECONDS = 10, 30


def p99(platform: WholePlatform, code: str, seconds: float) -> float:
    """Of ordinary requests, one after the other."""
    taken = list[float]()
    ending = time.monotonic() + seconds
    with platform.client.client(stations.SYSTEM) as client:
        while time.monotonic() < ending:
            begun = time.perf_counter()
            answer = client.get(f"/api/ingest/sites/{code}")
            taken.append(time.perf_counter() - begun)
            assert answer.status_code == 200, answer.text
            time.sleep(0.01)
    return statistics.quantiles(taken, n=100)[98]


def dribble(
    platform: WholePlatform, code: str, openings: Sequence[bytes], more: bytes, within: float
) -> tuple[float, float, float]:
    """(ordinary p99 before, during, seconds until every dribbling client was cut off)."""
    port = platform.plan.ports["edge"]
    quiet = p99(platform, code, 3)
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=within))
            for _ in range(CLIENTS)
        ]
        for line, opening in zip(lines, itertools.cycle(openings), strict=False):
            line.sendall(opening)
        begun = time.monotonic()
        during = p99(platform, code, 5)
        open_lines = set(lines)
        while open_lines and time.monotonic() - begun < within:
            for line in list(open_lines):
                if _is_cut(line, more):
                    open_lines.discard(line)
            time.sleep(0.5)
        seconds = time.monotonic() - begun
    assert not open_lines, f"{len(open_lines)} of {CLIENTS} still open after {seconds:.0f} s"
    return quiet, during, seconds


def _is_cut(line: socket.socket, more: bytes) -> bool:
    """Sends one byte more; True once the edge has ended the conversation."""
    try:
        line.sendall(more)
        line.setblocking(False)
        told = line.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        line.setblocking(True)
    # What it may still say before it hangs up is a refusal.
    assert not told.startswith(b"HTTP/1.1 2"), told[:200]
    return not told


def told(quiet: float, during: float, seconds: float, what: str) -> str:
    return (
        f"\n{CLIENTS} clients that dribble {what}: cut off within {seconds:.0f} s; "
        f"ordinary p99 {quiet * 1000:.1f} ms before, {during * 1000:.1f} ms during"
    )


def test_clients_that_dribble_headers_are_cut_off_and_delay_nobody(
    platform: WholePlatform, station: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with platform.changes({}):
        opening = b"POST /api/ingest/observations HTTP/1.1\r\nHost: x\r\nX-Slow: "
        quiet, during, seconds = dribble(platform, station, [opening], b"a", HEADER_SECONDS + 15)
    with capsys.disabled():
        print(told(quiet, during, seconds, "headers"))
    assert during <= max(5 * quiet, 0.25)


def test_clients_that_dribble_bodies_are_cut_off_and_delay_nobody(
    platform: WholePlatform, station: str, capsys: pytest.CaptureFixture[str]
) -> None:
    token = platform.client.token(stations.SYSTEM)
    with platform.changes({}):
        openings = [
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {bearer}\r\nContent-Length: 100000\r\n\r\n{{".encode()
            for path, bearer in [
                ("/api/ingest/observations", token),
                # Refused before the body is there: by the service, the gateway, the edge.
                ("/api/ingest/sites", token),
                ("/api/ingest/observations", "nobody"),
                ("/api/nowhere", token),
            ]
        ]
        quiet, during, seconds = dribble(platform, station, openings, b" ", BODY_SECONDS + 15)
    with capsys.disabled():
        print(told(quiet, during, seconds, "bodies"))
    assert during <= max(5 * quiet, 0.25)
