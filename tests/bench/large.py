"""`make bench-large`: does anything grow with the number of observations? Up to ROWS (100 million).

Promises: the disk is asked first; rows have the platform's own form and go into its own tables by COPY as
their owner, by month; at 1, 3, 10, 30 … million the platform itself is asked: batches over HTTP, and latest
value, one-day range and count through the API. The plot is an SVG, in Chinese and in English. Leaves the
limits of the machine to `run`.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import asyncpg
import httpx
import numpy as np
import plot
from ingest.queries import binary
from load import BATCH, CLERK, SOURCE, Load, percentiles, register, templates
from stage import ROOT, Stage, described, end_cleanly, per_thousand, platform_up

# With its key (the report prints what was found); WAL and the load over HTTP come on top.
BYTES_A_ROW, SPARE_GB = 150, 6
SIZE = """
SELECT sum(pg_total_relation_size(c.oid))::float8 / greatest(1, sum(c.reltuples))::float8
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'observations'::regclass
"""
MARKS = (1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000)
READER = "ee.mon/qc.analyst@131000"
HOUR = 3_600_000_000
# The loaded hours end where the load over HTTP begins.
END = 1_262_304_000 * 1_000_000
CONNECTIONS = 2


def check_disk(rows: int, home: Path) -> None:
    """Says what is needed; exits when it is not there."""
    need = rows * BYTES_A_ROW / 1e9 + SPARE_GB
    free = shutil.disk_usage(home).free / 1e9
    print(
        f"bench-large: {rows:,} observations need {need:.0f} GB at {home}, {free:.0f} GB are free",
        file=sys.stderr,
    )
    if free < need:
        raise SystemExit("bench-large: free some space, choose another place with TMPDIR, or say ROWS=…")


class Filler:
    """Hours of all series, newest first, so that the newest value stays where the API looks for it."""

    def __init__(self, url: str, ids: np.ndarray) -> None:
        self._url, self._ids, self._hours = url, np.sort(ids), 0
        self.rows = 0

    async def fill(self, until: int) -> float:
        """COPY until the table holds so many rows; rows a second."""
        begun, before = time.perf_counter(), self.rows
        lock = asyncio.Lock()

        async def one() -> None:
            connection = await asyncpg.connect(self._url)
            while True:
                async with lock:
                    if self.rows >= until:
                        break
                    hours = min(100, max(1, (until - self.rows) // len(self._ids)))
                    last, self._hours = self._hours, self._hours + hours
                    self.rows += hours * len(self._ids)
                await self._copy(connection, last, hours)
            await connection.close()

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
        return (self.rows - before) / max(1e-9, time.perf_counter() - begun)

    async def _copy(self, connection: asyncpg.Connection, last: int, hours: int) -> None:
        size = len(self._ids) * hours
        ts = np.tile(END - (last + 1 + np.arange(hours, dtype=np.int64)[::-1]) * HOUR, len(self._ids))
        submission = np.frombuffer(uuid.uuid4().bytes, dtype="V16")
        columns: dict[str, Any] = {
            "series_id": np.repeat(self._ids, hours),
            "ts": ts,
            "value": 40 + (ts // HOUR * 7919 % 300) / 10,
            "decimals": np.ones(size, dtype=np.int16),
            "flag": np.zeros(size, dtype="S4"),
            "mode": np.full(size, 3, dtype=np.int16),
            "submission": np.repeat(submission, size),
            "row_no": np.arange(size, dtype=np.int32),
        }
        for month in np.unique(ts.astype("datetime64[us]").astype("datetime64[M]")):
            first = month.astype("datetime64[s]").astype(np.int64).item()
            await connection.execute("SELECT ensure_month(to_timestamp($1))", float(first))
        data = binary.pack(columns)

        async def once() -> AsyncIterator[bytes]:
            yield data

        names = list(binary.COLUMNS)
        await connection.copy_to_table("observations", source=once(), columns=names, format="binary")


async def series_ids(url: str) -> np.ndarray:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT id FROM series WHERE source = $1 AND period <> 'min'", SOURCE)
    await connection.close()
    return np.array([row[0] for row in rows], dtype=np.int64)


def asked(client: httpx.Client, paths: list[str], check: Callable[[Any], bool]) -> dict[str, float]:
    """p50 and p99 in ms of these requests, one after the other; each answer is checked."""
    delays = []
    for path in paths:
        begun = time.perf_counter()
        answer = client.get(path)
        delays.append(time.perf_counter() - begun)
        assert answer.status_code == 200 and check(answer.json()), (
            f"{path}: {answer.status_code} {answer.text[:300]}"
        )
    return percentiles(delays)


def questions(stage: Stage, ids: np.ndarray, hours: int, times: int) -> dict[str, dict[str, float]]:
    """What a reader asks, of many series and at many times, so that nothing answers from one warm page."""
    head = {"Authorization": f"Bearer {stage.token(READER)}"}
    rng = np.random.default_rng(hours)
    which = rng.choice(ids, times)
    day = [END // 1_000_000 - int(back) * 3600 for back in rng.integers(25, max(26, hours), times)]

    def utc(seconds: int) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    ranges = [
        f"/series/{one}/observations?from={utc(at)}&to={utc(at + 86_400)}&limit=100"
        for one, at in zip(which, day, strict=True)
    ]
    latest = [f"/series/{one}/observations?from=2099-01-01T00:00:00Z&limit=1" for one in which]
    month = f"from={utc(END // 1_000_000 - 86_400 * 28)}&to={utc(END // 1_000_000)}"
    counts = [f"/series/{one}/monthly?{month}&limit=10" for one in which]
    with httpx.Client(base_url=stage.plan.inside("ingest"), headers=head, timeout=120) as client:
        return {
            "latest": asked(client, latest, lambda body: body["latest"] is not None),
            "day": asked(client, ranges, lambda body: len(body["items"]) > 0),
            "count": asked(client, counts, lambda body: sum(one["rows"] for one in body["items"]) > 0),
        }


async def bytes_a_row(url: str) -> float:
    """What a row takes on the disk, with its share of the indexes."""
    connection = await asyncpg.connect(url)
    await connection.execute("ANALYZE observations")
    size = await connection.fetchval(SIZE)
    await connection.close()
    return float(size)


async def at_mark(stage: Stage, load: Load, filler: Filler, ids: np.ndarray, args: argparse.Namespace) -> Any:
    """All measurements with the table as full as it is now."""
    with stage.alone("ingest"):
        load.token = stage.token(SOURCE)
        await load.run(4, 1)
        cpu = stage.cpu()
        sent = await load.run(16, args.seconds)
        spent = per_thousand(cpu, stage.cpu(), sent["batches"] * BATCH)
        await asyncio.sleep(1.5)
        found = await asyncio.to_thread(questions, stage, ids, filler.rows // len(ids), args.times)
    return {
        "rows": filler.rows + load.next_hour * BATCH,
        "us_each": 1e6 / sent["rate"],
        "cpu_us_each": sum(spent.values()),
        "bytes_a_row": await bytes_a_row(stage.superuser()),
        **found,
    }


async def measure(args: argparse.Namespace) -> list[Any]:
    marks = [*(mark for mark in MARKS if mark < args.rows), args.rows]
    found = []
    with platform_up() as stage:
        register(stage.plan.edge, stage.token(CLERK))
        url = stage.superuser()
        ids = await series_ids(url)
        load = Load(f"{stage.plan.inside('ingest')}/observations", "", templates())
        filler = Filler(url, ids)
        for mark in marks:
            rate = await filler.fill(mark - load.next_hour * BATCH)
            found.append(await at_mark(stage, load, filler, ids, args))
            print(
                f"bench-large: filled at {rate:,.0f} rows/s; {line(found[-1])}", file=sys.stderr, flush=True
            )
    return found


def line(one: Any) -> str:
    parts = [f"{one['rows']:,} rows of {one['bytes_a_row']:.0f} bytes"]
    parts += [f"{one['us_each']:.1f} µs each ({one['cpu_us_each']:.1f} µs of CPU)"]
    parts += [
        f"{k} p50 {one[k]['p50_ms']:.1f} p99 {one[k]['p99_ms']:.1f} ms" for k in ("latest", "day", "count")
    ]
    return ", ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=MARKS[-1])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--pictures", type=Path, default=ROOT / ".artefacts", help="where the plots go")
    args = parser.parse_args()
    end_cleanly()
    check_disk(args.rows, Path(os.environ.get("TMPDIR", "/tmp")))
    found = asyncio.run(measure(args))
    machine = described() | {"load": f"{os.getloadavg()[0]:.1f}"}
    (ROOT / ".artefacts").mkdir(exist_ok=True)
    (ROOT / ".artefacts/bench-large.json").write_text(
        json.dumps({"machine": machine, "marks": found}, indent=2)
    )
    args.pictures.mkdir(exist_ok=True)
    for language, name in (("en", "bench-large.svg"), ("zh", "bench-large-zh.svg")):
        (args.pictures / name).write_text(plot.drawn(found, machine, language))
    for one in found:
        print(line(one))
    worst = max(found[-1][key]["p99_ms"] for key in ("latest", "day", "count"))
    growth = found[-1]["us_each"] / found[0]["us_each"]
    print(f"slowest p99 {worst:.1f} ms (target ≤ 50 ms); an observation costs {growth:.2f} × the first")


if __name__ == "__main__":
    main()
