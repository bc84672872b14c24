"""Load over HTTP: bodies made beforehand, and a client lean enough not to be what is measured.

Promises: every batch is new rows of 1,000 series, in the columns form; a request counts when its 202 has
arrived; `used` says how much of one core the client itself took. Leaves where it goes to the caller.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from kit.processes import free_port

SITES, FACTORS = 50, ("a34004", "a34002", "a21026", "a21004", "a05024")
REGIONS = ("131002", "131003", "131081", "131082", "131022")
STATISTICS = ("avg", "min", "max", "rtd")
SOURCE = "sys-ee-mon-131000"
# As many senders as keep both cores at work: while one batch waits for the disk, others are read.
CONNECTIONS = 32
BATCH = SITES * len(FACTORS) * len(STATISTICS)
FIRST = 1_262_304_000
VARIANTS = 32
CLERK = "ee.mon/data.submit@131000"
COLUMNS = ["site", "factor", "statistic", "basis", "period", "time", "value"]


def site(n: int) -> str:
    return f"131000-B{n:02d}"


def keys() -> list[tuple[str, str, str, str]]:
    """(site, factor, statistic, period) of every series of a batch."""
    return [
        (site(n), factor, stat, "rtd" if stat == "rtd" else "hour")
        for n in range(SITES)
        for factor in FACTORS
        for stat in STATISTICS
    ]


def probes() -> list[tuple[str, str, str, str]]:
    """Series of the same stations that only alarm: their minutes."""
    return [
        (site(n), factor, stat, "min") for stat in STATISTICS[:3] for factor in FACTORS for n in range(SITES)
    ]


def register(edge: str, token: str) -> None:
    """The series of the bench, through the public interface."""
    limits = {"unit": "ug/m3", "decimals": 1, "low": 0, "high": 2000}
    fine = {"detection_limit": 2, "resolution": 0.1}
    with httpx.Client(base_url=edge, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for n in range(SITES):
            body = {
                "kind": "station",
                "element": "air",
                "region": REGIONS[n % len(REGIONS)],
                "name_zh": f"压测站{n}",
                "name_en": f"Bench {n}",
            }
            client.put(f"/api/ingest/sites/{site(n)}", json=body).raise_for_status()
        series = [
            dict(zip(("site", "factor", "statistic", "period"), key, strict=True))
            | {"basis": "raw", "source": SOURCE}
            | limits
            | fine
            for key in [*keys(), *probes()]
        ]
        for at in range(0, len(series), 250):
            answer = client.put("/api/ingest/series", json={"series": series[at : at + 250]})
            answer.raise_for_status()


def _value(series: int, variant: int) -> float:
    return round(40 + 30 * ((series * 7919 + variant * 104729) % 1000) / 1000, 1)


def templates(variants: int = VARIANTS) -> list[bytes]:
    """Bodies whose times are still `@TIME@`."""
    made = []
    for variant in range(variants):
        data = [
            [place, factor, stat, "raw", period, "@TIME@", _value(n, variant)]
            for n, (place, factor, stat, period) in enumerate(keys())
        ]
        body = {"source": SOURCE, "historical": True, "columns": COLUMNS, "data": data}
        made.append(json.dumps(body, separators=(",", ":")).encode())
    return made


@dataclass
class Load:
    """Sends batches over keep-alive connections."""

    url: str
    token: str
    templates: list[bytes]
    next_hour: int = 0
    delays: list[float] = field(default_factory=list)
    refused: int = 0
    answer: int = 0

    def request(self) -> bytes:
        """The next hour of every series."""
        hour, self.next_hour = FIRST + self.next_hour * 3600, self.next_hour + 1
        stamp = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(hour)).encode()
        return self.post(self.templates[self.next_hour % len(self.templates)].replace(b"@TIME@", stamp))

    def post(self, body: bytes) -> bytes:
        parts = urlsplit(self.url)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _connection(self, until: float, paces: Iterator[int] | None, begun: float, every: float) -> int:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**20)
        done = 0
        try:
            while time.perf_counter() < until:
                if paces is not None:  # an open load: whoever is free takes the next place in time
                    due = begun + next(paces) * every
                    if due >= until:  # before the sleep: it would count as time in which nothing was sent
                        break
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                asked = time.perf_counter()
                done += await self.exchange(reader, writer, self.request())
                self.delays.append(time.perf_counter() - asked)
        finally:
            writer.close()
        return done

    async def exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> bool:
        """One request and its answer; True for a 202."""
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(li[15:]) for li in lines if li.startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        self.answer = len(body)
        if lines[0].split(b" ", 2)[1] == b"202":
            return True
        self.refused += 1
        if self.refused == 1:
            print(f"  first refusal: {head[:60]!r} {body[:300]!r}", file=sys.stderr)
        return False

    async def run(self, connections: int, seconds: float, rate: float = 0) -> dict[str, float]:
        """Acknowledged observations a second and the delays in ms; `rate` in observations/s, 0 = as fast
        as it goes. Never faster than `rate`, and without catching up for what a full server missed."""
        self.delays.clear()
        every = BATCH / rate if rate else 0.0
        own, begun = time.process_time(), time.perf_counter()
        paces = iter(range(10**9)) if rate else None
        tasks = [self._connection(begun + seconds, paces, begun, every) for _ in range(connections)]
        batches = sum(await asyncio.gather(*tasks))
        spent = time.perf_counter() - begun
        used = (time.process_time() - own) / spent
        return {"rate": batches * BATCH / spent, "batches": batches, "used": used, **percentiles(self.delays)}


def percentiles(seconds: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return {
        "p50_ms": 1e3 * ordered[len(ordered) // 2],
        "p99_ms": 1e3 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }


@contextmanager
def null_server(kind: str, size: int = 0) -> Iterator[int]:
    """The port of a server that only answers (see `null.py`)."""
    port = free_port()
    argv = [sys.executable, str(Path(__file__).with_name("null.py")), str(port), kind, str(size)]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        yield port
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait(10)


async def ceiling(load: Load, connections: int, seconds: float) -> dict[str, float]:
    """The same client against a server that does nothing."""
    with null_server("http", load.answer) as port:
        null = Load(f"http://127.0.0.1:{port}/observations", load.token, load.templates)
        return await null.run(connections, seconds)
