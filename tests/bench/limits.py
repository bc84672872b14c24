"""The physical limits beside which the bench's figures stand: raw COPY and raw JetStream, in the same run."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import nats
import numpy as np
from nats.js.api import StreamConfig

TABLE = """
CREATE TABLE bench_raw (series_id bigint, ts timestamptz, value float8, decimals int2,
    submission bigint, row_no int4, received_at timestamptz, PRIMARY KEY (series_id, ts))"""
FIELDS = [("series", ">i8"), ("ts", ">i8"), ("value", ">f8"), ("dec", ">i2"), ("sub", ">i8"), ("row", ">i4")]
HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"


def packed(batch: int, rows: int) -> bytes:
    """A binary COPY of `rows` new rows, like a batch of the load: one instant, many series."""
    layout: list[tuple[str, str]] = [("count", ">i2")]
    for name, kind in [*FIELDS, ("received", ">i8")]:
        layout += [(f"{name}_n", ">i4"), (name, kind)]
    table = np.zeros(rows, dtype=layout)
    table["count"] = len(FIELDS) + 1
    for name, kind in [*FIELDS, ("received", ">i8")]:
        table[f"{name}_n"] = np.dtype(kind).itemsize
    table["series"] = np.arange(rows)
    table["ts"] = batch * 3_600_000_000
    table["value"] = 42.5
    table["sub"] = batch
    table["row"] = np.arange(rows)
    return HEADER + table.tobytes() + TRAILER


async def copy(url: str, connections: int, seconds: float, rows: int) -> float:
    """Rows a second of COPY in transactions of `rows` rows, over so many connections."""
    owner = await asyncpg.connect(url)
    await owner.execute("DROP TABLE IF EXISTS bench_raw")
    await owner.execute(TABLE)
    number = iter(range(10**9))
    until = time.perf_counter() + seconds

    async def one() -> int:
        connection = await asyncpg.connect(url)
        done = 0
        while time.perf_counter() < until:
            text = packed(next(number), rows)

            async def source(text: bytes = text) -> AsyncIterator[bytes]:
                yield text

            async with connection.transaction():
                await connection.copy_to_table("bench_raw", source=source(), format="binary")
            done += rows
        await connection.close()
        return done

    begun = time.perf_counter()
    total = sum(await asyncio.gather(*(one() for _ in range(connections))))
    spent = time.perf_counter() - begun
    await owner.execute("DROP TABLE bench_raw")
    await owner.close()
    return total / spent


async def jetstream(url: str, user: str, password: str, size: int, seconds: float) -> float:
    """Messages of `size` bytes a second into a file stream, 256 in flight."""
    client = await nats.connect(url, user=user, password=password, inbox_prefix=f"_INBOX_{user}")
    stream = client.jetstream()
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
