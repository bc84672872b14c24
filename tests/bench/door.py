"""The door: small reads, large writes, a thousand tokens and new keys, through Caddy and the authorizer.

Promises: everything is asked twice, at the edge and at the service itself, in turn and in the same run; an
answer counts when it is whole and 200 (202 for a write). Leaves columns through the edge to `run`.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from issuer.keys import Keyring
from load import CLERK, FIRST, SOURCE, Load, keys, percentiles, site
from stage import Stage, per_thousand

# Two of them share the rate one client may have (1,000 a second, `GATEWAY_CLIENT_RATE`).
READERS = (CLERK, "ee/publish.editor@131000", "ee.enf/case.officer@131000", SOURCE)
ASKING, WRITING = 16, 8
HOURS_OF_A_MEGABYTE = 18
TOKENS = 1_000


@dataclass
class Reads:
    """Small reads over kept connections; every request takes the next token."""

    url: str
    tokens: Sequence[str]
    delays: list[float] = field(default_factory=list)
    failed: int = 0
    _next: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._next = itertools.cycle(self.tokens)

    def renew(self, tokens: Sequence[str]) -> None:
        """From now on these tokens are shown."""
        self._next = itertools.cycle(tokens)

    async def _connection(self, number: int, until: float) -> int:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        done = 0
        try:
            while time.perf_counter() < until:
                asked = time.perf_counter()
                writer.write(
                    f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                    f"Authorization: Bearer {next(self._next)}\r\n\r\n".encode()
                )
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
                if head.split(b" ", 2)[1] == b"200":
                    done += 1
                    self.delays.append(time.perf_counter() - asked)
                else:
                    self.failed += 1
        finally:
            writer.close()
        return done

    async def run(self, connections: int, seconds: float) -> dict[str, float]:
        """Answers a second, delays in ms, and how many were not 200."""
        self.delays.clear()
        self.failed, own, begun = 0, time.process_time(), time.perf_counter()
        tasks = [self._connection(number, begun + seconds) for number in range(connections)]
        done = sum(await asyncio.gather(*tasks))
        spent = time.perf_counter() - begun
        used = (time.process_time() - own) / spent
        return {"rate": done / spent, "done": done, "failed": self.failed, "used": used} | percentiles(
            self.delays
        )


def megabyte(variant: int) -> bytes:
    """A body of a megabyte whose times are still `@0@` to `@17@`: hours of the bench's series."""
    data = [
        [place, factor, stat, "raw", period, f"@{hour}@", 40 + (n * 7919 + variant) % 300 / 10]
        for hour in range(HOURS_OF_A_MEGABYTE)
        for n, (place, factor, stat, period) in enumerate(keys())
    ]
    columns = ["site", "factor", "statistic", "basis", "period", "time", "value"]
    body = {"source": SOURCE, "historical": True, "columns": columns, "data": data}
    return json.dumps(body, separators=(",", ":")).encode()


class Megabytes(Load):
    """Sends a megabyte of fresh rows at a time."""

    def request(self) -> bytes:
        body = self.templates[self.next_hour % len(self.templates)]
        for hour in range(HOURS_OF_A_MEGABYTE):
            at = FIRST + (self.next_hour + hour) * 3600
            stamp = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(at)).encode()
            body = body.replace(b"@%d@" % hour, stamp)
        self.next_hour += HOURS_OF_A_MEGABYTE
        return self.post(body)


async def small(stage: Stage, seconds: float) -> dict[str, Any]:
    """The edge and the service in turn, twice; first one connection (what is added), then all."""
    tokens = [stage.token(who) for who in READERS]
    doors = {
        "edge": Reads(f"{stage.plan.edge}/api/ingest/sites/{site(0)}", tokens),
        "direct": Reads(f"{stage.plan.inside('ingest')}/sites/{site(0)}", tokens),
    }
    found: dict[str, Any] = {name: {"lone": [], "full": []} for name in doors}
    for name in ("edge", "direct") * 2:
        await doors[name].run(2, 0.5)
        found[name]["lone"].append(await doors[name].run(1, seconds / 4))
        cpu = stage.cpu()
        full = await doors[name].run(ASKING, seconds / 2)
        found[name]["full"].append(full | {"cpu": per_thousand(cpu, stage.cpu(), full["done"])})
    return found


async def large(stage: Stage, seconds: float, next_hour: int) -> dict[str, Any]:
    """Megabytes of fresh rows at the edge and at the service, in turn."""
    bodies = [megabyte(variant) for variant in range(3)]
    found: dict[str, Any] = {"edge": [], "direct": [], "bytes": len(bodies[0])}
    urls = {"edge": f"{stage.plan.edge}/api/ingest", "direct": stage.plan.inside("ingest")}
    for name in ("direct", "edge") * 2:
        load = Megabytes(f"{urls[name]}/observations", stage.token(SOURCE), bodies, next_hour)
        found[name].append(await load.run(WRITING, seconds / 2) | {"refused": load.refused})
        next_hour = load.next_hour
    return found | {"hour": next_hour}


def distinct(stage: Stage, count: int) -> list[str]:
    """So many different tokens of the same readers; each is asked of the issuer."""
    return [stage.fresh_token(READERS[number % len(READERS)]) for number in range(count)]


async def many_tokens(stage: Stage, seconds: float) -> dict[str, Any]:
    """A thousand tokens in turn: nothing that is remembered of the last one helps."""
    tokens = await asyncio.to_thread(distinct, stage, TOKENS)
    reads = Reads(f"{stage.plan.edge}/api/ingest/sites/{site(0)}", tokens)
    return await reads.run(ASKING, seconds) | {"tokens": len(set(tokens))}


async def new_keys(stage: Stage, seconds: float) -> dict[str, Any]:
    """The issuer's key is renewed three times under load, and what it signed last is shown at once."""
    reads = Reads(f"{stage.plan.edge}/api/ingest/sites/{site(0)}", [stage.token(who) for who in READERS])
    running = asyncio.create_task(reads.run(ASKING, seconds))
    ring, rotations = Keyring(stage.plan.state.home / "issuer"), 0
    for _ in range(3):
        await asyncio.sleep(seconds / 4)
        ring.rotate()
        rotations += 1
        reads.renew(await asyncio.to_thread(distinct, stage, len(READERS)))
    return await running | {"rotations": rotations}


async def measure(stage: Stage, seconds: float, next_hour: int) -> dict[str, Any]:
    """What the rows of the door need; `next_hour` is the first hour not yet written."""
    with stage.alone("ingest", "gateway", "edge"):
        found = {"small": await small(stage, seconds), "tokens": await many_tokens(stage, seconds / 2)}
        found["keys"] = await new_keys(stage, seconds / 2)
        return found | {"large": await large(stage, seconds, next_hour)}
