"""Load for the bench: bodies made beforehand, and a client lean enough not to be what is measured.

Promises: every batch is new rows of 1,000 series, in the columns form; a request counts when its 202 has
arrived. Leaves where it goes to the caller.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

SITES, FACTORS = 50, ("a34004", "a34002", "a21026", "a21004", "a05024")
REGIONS = ("131002", "131003", "131081", "131082", "131022")
STATISTICS = ("avg", "min", "max", "rtd")
SOURCE = "sys-ee-mon-131000"
BATCH = SITES * len(FACTORS) * len(STATISTICS)
FIRST = 1_262_304_000
VARIANTS = 32
CLERK = "ee.mon/data.submit@131000"


def site(n: int) -> str:
    return f"131000-B{n:02d}"


def keys() -> list[tuple[str, str, str]]:
    return [(site(n), factor, stat) for n in range(SITES) for factor in FACTORS for stat in STATISTICS]


def register(edge: str, token: str) -> None:
    """The 1,000 series of the bench, through the public interface."""
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
            {
                "site": place,
                "factor": factor,
                "statistic": stat,
                "basis": "raw",
                "period": "rtd" if stat == "rtd" else "hour",
                "source": SOURCE,
                "unit": "ug/m3",
                "decimals": 1,
                "low": 0,
                "high": 2000,
                "detection_limit": 2,
                "resolution": 0.1,
            }
            for place, factor, stat in keys()
        ]
        for at in range(0, len(series), 200):
            answer = client.put("/api/ingest/series", json={"series": series[at : at + 200]})
            answer.raise_for_status()


def _value(series: int, variant: int) -> float:
    return round(40 + 30 * ((series * 7919 + variant * 104729) % 1000) / 1000, 1)


def templates() -> list[bytes]:
    """`VARIANTS` bodies whose times are still `@TIME@`."""
    made = []
    for variant in range(VARIANTS):
        data = [
            [place, factor, stat, "raw", "rtd" if stat == "rtd" else "hour", "@TIME@", _value(n, variant)]
            for n, (place, factor, stat) in enumerate(keys())
        ]
        columns = ["site", "factor", "statistic", "basis", "period", "time", "value"]
        body = {"source": SOURCE, "historical": True, "columns": columns, "data": data}
        made.append(json.dumps(body, separators=(",", ":")).encode())
    return made


@dataclass
class Load:
    """Sends batches over `connections` keep-alive connections until `seconds` have passed."""

    url: str
    token: str
    templates: list[bytes]
    next_hour: int = 0
    delays: list[float] = field(default_factory=list)
    sent_at: dict[int, float] = field(default_factory=dict)
    refused: int = 0

    def _request(self) -> tuple[int, bytes]:
        hour, self.next_hour = FIRST + self.next_hour * 3600, self.next_hour + 1
        stamp = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(hour)).encode()
        body = self.templates[self.next_hour % len(self.templates)].replace(b"@TIME@", stamp)
        parts = urlsplit(self.url)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return hour, head.encode() + body

    async def _connection(self, until: float, pause: float) -> int:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**20)
        done = 0
        try:
            while time.perf_counter() < until:
                hour, request = self._request()
                begun = time.perf_counter()
                self.sent_at[hour] = time.time()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head.split(b" ", 2)[1])
                lines = head.lower().split(b"\r\n")
                length = next((int(li[15:]) for li in lines if li.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                self.delays.append(time.perf_counter() - begun)
                if status == 202:
                    done += 1
                else:
                    self.refused += 1
                    if self.refused == 1:
                        print(f"  first refusal: {status} {body[:300]!r}")
                if pause:
                    await asyncio.sleep(max(0.0, pause - (time.perf_counter() - begun)))
        finally:
            writer.close()
        return done

    async def run(self, connections: int, seconds: float, rate: float = 0) -> dict[str, float]:
        """Acknowledged observations a second and the delays in ms; `rate` in observations/s, 0 = as fast
        as it goes."""
        self.delays.clear()
        pause = connections * BATCH / rate if rate else 0
        begun = time.perf_counter()
        tasks = [self._connection(begun + seconds, pause) for _ in range(connections)]
        batches = sum(await asyncio.gather(*tasks))
        spent = time.perf_counter() - begun
        return {"rate": batches * BATCH / spent, "batches": batches, **percentiles(self.delays)}


def percentiles(seconds: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return {
        "p50_ms": 1e3 * ordered[len(ordered) // 2],
        "p99_ms": 1e3 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }
