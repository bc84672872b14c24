"""The physical limits beside which the bench's figures stand, in the same run: COPY, JetStream, hash, CRC.

Promises: COPY writes rows of the platform's own form into a table of the same shape (by month, the same key
and index), in transactions of the same size, with bytes packed beforehand: what is left is PostgreSQL.
"""

import asyncio
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
import numpy as np
from ingest.queries import binary
from ingest.queries.telemetry import SUBMISSION
from ingest.rules import crc
from jianzhen.streams import connected
from nats.js.api import StreamConfig

HOUR = 3_600_000_000
SECOND = 1_000_000
MONTHS = 60
FIRST = 1_262_304_000 * SECOND
TABLES = ("bench_observations", "bench_submissions")
Batch = dict[str, bytes]


def observations(series: int, step: int, submissions: int = 1) -> Iterator[Callable[[], bytes]]:
    """Endless batches: one instant, `series` series, from `submissions` senders; each makes its bytes."""
    columns = {
        "series_id": np.arange(1, series + 1, dtype=np.int64),
        "ts": np.full(series, FIRST),
        "value": np.full(series, 42.5),
        "decimals": np.ones(series, dtype=np.int16),
        "flag": np.zeros(series, dtype="S4"),
        "mode": np.zeros(series, dtype=np.int16),
        "submission": np.frombuffer(bytes(16 * series), dtype="V16"),
        "row_no": np.arange(series, dtype=np.int32),
    }
    packed = binary.pack(columns)
    body = packed[len(binary.HEADER) : -len(binary.TRAILER)]
    template = np.frombuffer(body, dtype=binary._layout(0))
    each = series // submissions
    for number in range(10**9):

        def make(number: int = number) -> bytes:
            rows = template.copy()
            rows["ts"] = FIRST + number * step - binary.PG_EPOCH
            ids = np.frombuffer(b"".join(uuid.uuid4().bytes for _ in range(submissions)), dtype="V16")
            rows["submission"] = np.repeat(ids, each)
            return binary.HEADER + rows.tobytes() + binary.TRAILER

        yield make


class Submissions:
    """Rows of `submissions` as this platform wrote them, again and again with new ids."""

    def __init__(self, copied: bytes) -> None:
        self._bytes = bytearray(copied)
        self._ids: list[int] = []
        at = len(binary.HEADER)
        while (fields := int.from_bytes(copied[at : at + 2], "big", signed=True)) >= 0:
            self._ids.append(at + 6)
            at += 2
            for _ in range(fields):
                size = int.from_bytes(copied[at : at + 4], "big", signed=True)
                at += 4 + max(size, 0)

    def __len__(self) -> int:
        return len(self._ids)

    def fresh(self) -> bytes:
        """The rows with ids of their own."""
        fresh, noise = bytearray(self._bytes), os.urandom(16 * len(self._ids))
        for number, at in enumerate(self._ids):
            fresh[at : at + 16] = noise[16 * number : 16 * number + 16]
        return bytes(fresh)


async def kept_submissions(url: str, count: int) -> Submissions:
    """`count` frames as they stand in the platform's own table."""
    connection = await asyncpg.connect(url)
    parts: list[bytes] = []

    async def collect(data: bytes) -> None:
        parts.append(data)

    names = ", ".join(SUBMISSION)
    query = f"SELECT {names} FROM submissions WHERE channel = 'hj212' LIMIT {count}"
    await connection.copy_from_query(query, output=collect, format="binary")
    await connection.close()
    return Submissions(b"".join(parts))


async def _tables(owner: asyncpg.Connection) -> None:
    for table in TABLES:
        await owner.execute(f"DROP TABLE IF EXISTS {table} CASCADE")
    await owner.execute(
        "CREATE TABLE bench_observations (LIKE observations INCLUDING ALL) PARTITION BY RANGE (ts);"
        "CREATE TABLE bench_submissions (LIKE submissions INCLUDING ALL)"
    )
    first = datetime.fromtimestamp(FIRST / SECOND, UTC)
    for month in range(MONTHS):
        at = [
            first.replace(year=first.year + (month + k) // 12, month=(month + k) % 12 + 1) for k in range(2)
        ]
        await owner.execute(
            f"CREATE TABLE bench_observations_{month} PARTITION OF bench_observations "
            f"FOR VALUES FROM ('{at[0]}') TO ('{at[1]}')"
        )


async def copy(
    url: str,
    connections: int,
    seconds: float,
    rows: int,
    *,
    step: int = HOUR,
    frames: Submissions | None = None,
) -> float:
    """Observations a second; with `frames`, each transaction also writes these submissions."""
    owner = await asyncpg.connect(url)
    await _tables(owner)
    batches = observations(rows, step, 1 if frames is None else len(frames))
    until = time.perf_counter() + seconds

    async def once(data: bytes) -> AsyncIterator[bytes]:
        yield data

    async def one() -> int:
        connection = await asyncpg.connect(url)
        done = 0
        while time.perf_counter() < until:
            text = next(batches)()
            async with connection.transaction():
                names = list(binary.COLUMNS)
                await connection.copy_to_table(TABLES[0], source=once(text), columns=names, format="binary")
                if frames is not None:
                    names, text = list(SUBMISSION), frames.fresh()
                    await connection.copy_to_table(
                        TABLES[1], source=once(text), columns=names, format="binary"
                    )
            done += rows
        await connection.close()
        return done

    begun = time.perf_counter()
    total = sum(await asyncio.gather(*(one() for _ in range(connections))))
    spent = time.perf_counter() - begun
    for table in TABLES:
        await owner.execute(f"DROP TABLE {table} CASCADE")
    await owner.close()
    return total / spent


async def jetstream(bus: tuple[str, str, str], size: int, seconds: float) -> float:
    """Messages of `size` bytes a second into a file stream, 256 in flight."""
    client = await connected(*bus)
    stream = client.jetstream()
    with suppress(Exception):
        await stream.delete_stream("BENCH")
    await stream.add_stream(StreamConfig(name="BENCH", subjects=["bench.>"], max_bytes=256 * 1024**2))
    body, done, until = b"x" * size, 0, time.perf_counter() + seconds
    begun = time.perf_counter()
    while time.perf_counter() < until:
        await asyncio.gather(*(stream.publish("bench.raw", body, timeout=20) for _ in range(256)))
        done += 256
    spent = time.perf_counter() - begun
    await stream.delete_stream("BENCH")
    await client.close()
    return done / spent


def per_cpu_second(work: Callable[[], object], seconds: float, each: int = 1) -> float:
    """How often `work`, which does `each` things, is done in a second of processor time."""
    done, begun = 0, time.process_time()
    while (spent := time.process_time() - begun) < seconds:
        for _ in range(20):
            work()
        done += 20 * each
    return done / spent


def hashes(body: bytes, seconds: float) -> float:
    """SHA-256 of a body of a batch, MB per second of one core."""
    return per_cpu_second(lambda: hashlib.sha256(body).digest(), seconds) * len(body) / 1e6


def checks(segment: bytes, seconds: float) -> float:
    """CRC of the annex of a data segment, per second of one core."""
    return per_cpu_second(lambda: crc.annex(segment), seconds)
