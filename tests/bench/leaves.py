"""The evidence log as it runs: leaves through outbox, bus, database, tiles and signature, and their proofs.

Promises: the load is open (`rate` leaves a second by the clock), every leaf is committed in ingest's outbox
like any other; behind is the time from that commit until the published checkpoint covers it, as a reader who
polls `GET /log/checkpoint` sees it; a proof is `GET /leaves/{entry}`. Leaves the library alone to `cores`.
"""

import asyncio
import secrets
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import httpx
from contracts.ingest import LeafRequested
from kit.outbox import put_many
from load import percentiles
from stage import Stage

A_GROUP = 50
POLL_SECONDS = 0.02
READER = "ee.mon/qc.analyst@131000"
CATCH_UP_SECONDS = 60


@dataclass
class Watched:
    """Sizes of the published checkpoint, and when each was first seen."""

    sizes: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def poll(self, client: httpx.AsyncClient) -> None:
        while True:
            answer = await client.get("/log/checkpoint")
            if answer.status_code == 200 and (size := int(answer.text.split("\n")[1])) > self.size:
                self.sizes.append(size)
                self.at.append(time.perf_counter())
            await asyncio.sleep(POLL_SECONDS)

    @property
    def size(self) -> int:
        return self.sizes[-1] if self.sizes else 0

    async def stands_at(self, size: int) -> None:
        until = time.perf_counter() + CATCH_UP_SECONDS
        while self.size < size:
            if time.perf_counter() > until:
                raise SystemExit(f"bench: the checkpoint stayed at {self.size} of {size} leaves")
            await asyncio.sleep(POLL_SECONDS)


def _group() -> LeafRequested:
    now = int(time.time() * 1000)
    return LeafRequested(
        subject="submission",
        submissions=[str(uuid4()) for _ in range(A_GROUP)],
        leaves=[secrets.token_hex(32) for _ in range(A_GROUP)],
        received_at_ms=[now] * A_GROUP,
    )


async def measure(stage: Stage, rate: float, seconds: float, proofs: int) -> dict[str, float]:
    """Leaves a second, how far the checkpoint is behind and what a proof takes (ms)."""
    connection = await asyncpg.connect(stage.superuser("ingest"))
    head = {"Authorization": f"Bearer {stage.token(READER)}"}
    seen = Watched()
    async with httpx.AsyncClient(base_url=stage.plan.inside("evidence"), headers=head, timeout=30) as client:
        watching = asyncio.create_task(seen.poll(client))
        first = await _settled(seen)
        entries, committed, begun = list[str](), list[float](), time.perf_counter()
        for number in range(int(rate * seconds / A_GROUP)):
            await asyncio.sleep(max(0.0, begun + number * A_GROUP / rate - time.perf_counter()))
            event = _group()
            await put_many(connection, [(event, event.submissions[0], [])])
            committed.append(time.perf_counter())
            entries.append(event.leaves[-1])
        await seen.stands_at(first + len(committed) * A_GROUP)
        spent = seen.at[-1] - begun
        watching.cancel()
        taken = [await _proof(client, entry) for entry in entries[:: max(1, len(entries) // proofs)]]
    await connection.close()
    ends = [first + (k + 1) * A_GROUP for k in range(len(committed))]
    behind = [seen.at[bisect_left(seen.sizes, size)] - at for size, at in zip(ends, committed, strict=True)]
    return {
        "rate": len(committed) * A_GROUP / spent,
        "offered": rate,
        **{f"behind_{key}": ms for key, ms in percentiles(behind).items()},
        "behind_most_ms": max(behind) * 1e3,
        **{f"proof_{key}": ms for key, ms in percentiles(taken).items()},
    }


async def _settled(seen: Watched) -> int:
    """The size of the log when nothing has come for a second."""
    size = -1
    while size != seen.size:
        size = seen.size
        await asyncio.sleep(1)
    return size


async def _proof(client: httpx.AsyncClient, entry: str) -> float:
    begun = time.perf_counter()
    answer = await client.get(f"/leaves/{entry}")
    taken = time.perf_counter() - begun
    assert answer.status_code == 200 and answer.json()["proof"], answer.text
    return taken
