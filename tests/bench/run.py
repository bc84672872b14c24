"""`make bench`: what the platform carries, beside what the machine carries, in the same run.

Promises: a platform of its own in a temporary place; every figure is printed with the machine and the load
and as a ratio; the report goes to .artefacts/bench.json and .artefacts/bench.md.
"""

import argparse
import asyncio
import json
import os
import platform as machine
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import nats
from contracts.qc import Assessed
from jianzhen import accounts, lifecycle
from jianzhen.plan import Plan
from jianzhen.platform import Platform
from jianzhen.state import State, is_free

sys.path.insert(0, str(Path(__file__).parent))
import limits
from load import BATCH, CLERK, SOURCE, Load, percentiles, register, templates

ROOT = Path(__file__).resolve().parents[2]
RATED = 10_000.0


def free_ports() -> dict[str, str]:
    base = next(p for p in range(24000, 30000, 10) if all(is_free(p + k) for k in range(3)))
    names = ("JIANZHEN_EDGE_PORT", "JIANZHEN_EDGE_HTTPS_PORT", "JIANZHEN_HJ212_PORT")
    return {name: str(base + k) for k, name in enumerate(names)}


async def caught_up(plan: Plan, seconds: float) -> float:
    """Seconds until qc has handled what ingest has said, by cursor against outbox."""
    ingest = await asyncpg.connect(plan.postgres.superuser_url("ingest"))
    qc = await asyncpg.connect(plan.postgres.superuser_url("qc"))
    begun = time.perf_counter()
    try:
        while time.perf_counter() - begun < seconds:
            unnumbered = await ingest.fetchval("SELECT count(*) FROM outbox WHERE seq IS NULL")
            said = await ingest.fetchval("SELECT sum(seq) FROM outbox_heads WHERE event LIKE '%recorded%'")
            heard = await qc.fetchval("SELECT sum(seq) FROM cursors WHERE event LIKE '%recorded%'")
            if not unnumbered and said is not None and said == heard:
                return time.perf_counter() - begun
            await asyncio.sleep(0.2)
    finally:
        await ingest.close()
        await qc.close()
    raise SystemExit(f"qc did not catch up within {seconds} s: {heard} of {said}")


@contextmanager
def paused(plan: Plan, *names: str) -> Iterator[None]:
    """The stage before them runs alone; they are stopped, not ended, and catch up afterwards."""
    pids = [pid for name in names if (pid := plan.state.pidfile(name).pid())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def verdict_delays(plan: Plan, load: Load, seconds: float) -> dict[str, float]:
    """From sending a batch to the first `qc.assessed` that carries its hour, at the rated load."""
    seen: dict[int, float] = {}
    user = accounts.OPERATOR
    client = await nats.connect(
        plan.nats.url, user=user, password=plan.state.secret(f"nats_{user}"), inbox_prefix=f"_INBOX_{user}"
    )

    async def on(message: Any) -> None:
        now = time.time()
        for ts in set(msgspec.json.decode(message.data, type=Assessed).ts_ms):
            seen.setdefault(ts // 1000, now)

    await client.subscribe("qc.assessed.v1.*", cb=on)
    await client.flush()
    sent = await load.run(4, seconds, RATED)
    await caught_up(plan, 120)
    await asyncio.sleep(1)
    await client.close()
    delays = [seen[hour] - at for hour, at in load.sent_at.items() if hour in seen]
    return {"rate": sent["rate"], "batches": float(len(delays)), **percentiles(delays)}


async def measure(plan: Plan, seconds: float) -> dict[str, Any]:
    people = Platform.here()
    register(plan.edge, people.token(CLERK))
    load = Load(f"{plan.inside('ingest')}/observations", people.token(SOURCE), templates())
    url = plan.postgres.superuser_url("ingest")
    operator = accounts.OPERATOR
    secret = plan.state.secret(f"nats_{operator}")
    found: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    await load.run(4, 3)
    found["copy_1"] = await limits.copy(url, 1, seconds / 2, BATCH)
    found["copy_8"] = await limits.copy(url, 8, seconds / 2, BATCH)
    found["jetstream_1k"] = await limits.jetstream(plan.nats.url, operator, secret, 1024, seconds / 2)
    with paused(plan, "qc", "publish"):
        found["alone_4"] = await load.run(4, seconds)
        found["alone_16"] = await load.run(16, seconds)
    await caught_up(plan, 600)
    found["direct_16"] = await load.run(16, seconds)
    await caught_up(plan, 600)
    load.url = f"{plan.edge}/api/ingest/observations"
    found["edge_16"] = await load.run(16, seconds)
    await caught_up(plan, 600)
    load.url = f"{plan.inside('ingest')}/observations"
    begun = time.perf_counter()
    sent = await load.run(4, seconds)
    await caught_up(plan, 600)
    found["whole_path"] = {"rate": sent["batches"] * BATCH / (time.perf_counter() - begun)}
    load.sent_at.clear()
    found["verdict"] = await verdict_delays(plan, load, seconds)
    found["copy_8_after"] = await limits.copy(url, 8, seconds / 2, BATCH)
    found["load_after"] = os.getloadavg()[0]
    return found


def cpu() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else machine.processor()


def report(found: dict[str, Any]) -> str:
    """The figures as Markdown, each with its ratio to the limit of the same run."""
    limit = found["copy_8"]
    rows = [
        ("raw COPY, 1 connection", f"{found['copy_1']:,.0f} rows/s", found["copy_1"] / limit),
        ("raw COPY, 8 connections (the limit)", f"{limit:,.0f} rows/s", 1.0),
        ("raw JetStream publish, 1 KB, 256 in flight", f"{found['jetstream_1k']:,.0f} messages/s", None),
    ]
    for key, name in (
        ("alone_4", "HTTP direct, 4 connections, qc and publish paused"),
        ("alone_16", "HTTP direct, 16 connections, qc and publish paused"),
        ("direct_16", "HTTP direct, 16 connections, qc and publish at work"),
        ("edge_16", "HTTP through the edge, 16 connections, qc and publish at work"),
    ):
        one = found[key]
        text = f"{one['rate']:,.0f} observations/s, p50 {one['p50_ms']:.0f} ms, p99 {one['p99_ms']:.0f} ms"
        rows.append((f"{name}, batches of {BATCH}, committed and acknowledged", text, one["rate"] / limit))
    whole = found["whole_path"]["rate"]
    rows.append(("whole path: ingest, relay, qc, verdicts", f"{whole:,.0f} observations/s", whole / limit))
    said = found["verdict"]
    text = f"p50 {said['p50_ms']:.0f} ms, p99 {said['p99_ms']:.0f} ms at {said['rate']:,.0f} observations/s"
    rows.append(("from send to `qc.assessed`", text, None))
    head = (
        f"{cpu()}, {os.cpu_count()} cores, Python {machine.python_version()}; load average "
        f"{found['load_before']:.1f} before, {found['load_after']:.1f} after; "
        f"{found['seconds']:.0f} s a row; server, clients, PostgreSQL and NATS share the cores.\n"
    )
    lines = ["| what | figure | of 8-connection COPY |", "|---|---|---|"]
    lines += [f"| {n} | {t} | {'' if r is None else f'{r:.2f}'} |" for n, t, r in rows]
    return head + "\n" + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="jz-bench-") as home:
        os.environ |= {"JIANZHEN_HOME": home, **free_ports()}
        command = [str(ROOT / ".venv/bin/jianzhen"), "up", "--no-demo"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        state = State.here()
        try:
            found = asyncio.run(measure(Plan(state), seconds)) | {"seconds": seconds}
        finally:
            lifecycle.stop(state, lambda _: None)
    target = ROOT / ".artefacts"
    target.mkdir(exist_ok=True)
    (target / "bench.json").write_text(json.dumps(found, indent=2))
    (target / "bench.md").write_text(report(found))
    print(report(found))


if __name__ == "__main__":
    main()
