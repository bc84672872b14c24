"""`make bench`: what the platform carries, beside what the machine and the peers carry, in the same run.

Promises: platforms of its own in temporary places; every row runs alone and stands beside a limit measured in
the same run. `--only stage,…` runs some stages, `--seconds` sets the length of a row, `--write` fills the
READMEs. Leaves the figures' meaning to `rows`.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import below
import cores
import door
import frames
import idle
import leaves
import limits
import network
import peers
import profiles
import report
import rows
import rules
import stream
import whole
from load import BATCH, CLERK, CONNECTIONS, SOURCE, Load, ceiling, null_server, register, templates
from stage import Stage, described, end_cleanly, per_thousand, platform_up, versions

RATED = 25_000.0
GROUP = 500
LEAF_RATE = 12_000
RECEIVING = ("http", "edge", "door", "hj212", "idle", "leaves")
STAGES = ("cores", "rules", "network", *RECEIVING, "stream", "whole", "cost", "peers")
Found = dict[str, Any]


def say(text: str) -> None:
    print(f"bench: {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def load_for(stage: Stage, url: str, made: list[bytes]) -> Load:
    return Load(url, stage.token(SOURCE), made)


async def http(stage: Stage, made: list[bytes], seconds: float, found: Found) -> None:
    """COPY, HTTP direct, COPY again: the limit is the mean of before and after."""
    load = load_for(stage, f"{stage.plan.inside('ingest')}/observations", made)
    url, short = stage.superuser(), max(2.0, seconds / 6)
    with stage.alone("ingest"):
        await load.run(CONNECTIONS, min(3.0, seconds))
        found["copy_1"] = await limits.copy(url, 1, short, BATCH)
        found["copy_8"] = [await limits.copy(url, 8, short, BATCH)]
        before, cpu = time.perf_counter(), stage.cpu()
        found["http"] = await load.run(CONNECTIONS, seconds)
        found["http_cpu"] = per_thousand(cpu, stage.cpu(), found["http"]["batches"] * BATCH)
        found["copy_8"].append(await limits.copy(url, 8, short, BATCH))
        found["jetstream"] = await limits.jetstream(stage.bus(), 1024, short)
        found["ceiling"] = await ceiling(load, CONNECTIONS, short)
        say(f"http {found['http']['rate']:,.0f} observations/s ({time.perf_counter() - before:.0f} s)")
    found["hour"] = load.next_hour


async def edge(stage: Stage, made: list[bytes], seconds: float, found: Found) -> None:
    """The same through Caddy and the authorizer, beside COPY of its own."""
    load = load_for(stage, f"{stage.plan.edge}/api/ingest/observations", made)
    load.next_hour = found.get("hour", 0)
    short = max(2.0, seconds / 6)
    with stage.alone("ingest", "gateway", "edge"):
        await load.run(CONNECTIONS, min(2.0, seconds))
        copies = [await limits.copy(stage.superuser(), 8, short, BATCH)]
        found["edge"] = await load.run(CONNECTIONS, seconds)
        copies.append(await limits.copy(stage.superuser(), 8, short, BATCH))
    found["edge_copy_8"], found["hour"] = copies, load.next_hour


async def hj212(stage: Stage, seconds: float, found: Found, devices: int) -> None:
    """Frames of a thousand loggers, then COPY of the same rows with as many frames in a transaction."""
    short = max(2.0, seconds / 4)
    most = int(15_000 * seconds / devices) + 10
    made = frames.prepared(devices, most)
    with stage.alone("ingest"):
        await asyncio.to_thread(frames.run, stage.people.hj212, [own[:3] for own in made], 5)
        cpu = stage.cpu()
        done = await asyncio.to_thread(frames.run, stage.people.hj212, [own[3:] for own in made], seconds)
        used = per_thousand(cpu, stage.cpu(), len(done.delays))
        found["hj212"] = done.figures | {"ran_dry": done.ran_dry}
        found["hj212_cpu"] = used | {"loggers": round(done.used * 1e6 / done.figures["rate"], 3)}
        kept = await limits.kept_submissions(stage.superuser(), min(GROUP, devices))
        rate = await limits.copy(stage.superuser(), 8, short, len(kept) * 12, step=limits.SECOND, frames=kept)
        found["copy_frames"] = rate / 12
        # Within the row: whoever goes on afterwards catches up, and would slow the ceiling.
        with null_server("hj212") as port:
            null = await asyncio.to_thread(frames.run, ("127.0.0.1", port), [own[3:] for own in made], short)
            found["hj212_ceiling"] = null.figures


async def receiving(stages: set[str], args: argparse.Namespace, found: Found) -> None:
    """The rows of ingest alone, on one platform."""
    with platform_up() as stage:
        found["versions"] = await versions(stage)
        token, made = stage.token(CLERK), templates()
        register(stage.plan.edge, token)
        if stages & {"hj212", "idle"}:
            say(f"registering {args.devices:,} loggers")
            frames.register_loggers(stage.plan.edge, token, args.devices)
            await asyncio.sleep(3)  # the registry is read every 2 s
        if "http" in stages:
            say("http: COPY, columns of 1,000 direct, COPY again")
            await http(stage, made, args.seconds, found)
        if "edge" in stages:
            say("edge: the same through Caddy and the authorizer")
            await edge(stage, made, args.seconds / 2, found)
        if "door" in stages:
            say("door: small reads, a thousand tokens, new keys, megabytes, at the edge and direct")
            found["door"] = await door.measure(stage, args.seconds / 6, found.get("hour", 0))
        if "hj212" in stages:
            say("hj212: frames of 12 factors")
            await hj212(stage, args.seconds / 2, found, args.devices)
        if "idle" in stages:
            say(f"idle: {args.idle:,} connections")
            with stage.alone("ingest"):
                found["idle"] = await asyncio.to_thread(idle.measure, stage, args.idle)
        if "leaves" in stages:
            say(f"leaves: {LEAF_RATE:,} a second through outbox and bus into the signed log")
            with stage.alone("ingest", "evidence"):
                found["leaves"] = await leaves.measure(stage, LEAF_RATE, args.seconds / 3, 300)


async def streaming(args: argparse.Namespace, found: Found) -> None:
    """qc alone, on a platform that has no backlog."""
    with platform_up() as stage:
        found.setdefault("versions", await versions(stage))
        register(stage.plan.edge, stage.token(CLERK))
        load = load_for(stage, f"{stage.plan.inside('ingest')}/observations", templates())
        seconds = args.seconds / 4
        found["stream"] = await stream.measure(stage, load, args.stream_batches, RATED, seconds)


async def judging(stages: set[str], args: argparse.Namespace, found: Found) -> None:
    """The whole path on a platform that has no backlog."""
    with platform_up() as stage:
        found.setdefault("versions", await versions(stage))
        register(stage.plan.edge, stage.token(CLERK))
        load = load_for(stage, f"{stage.plan.inside('ingest')}/observations", templates())
        with stage.alone("ingest", "qc"):
            if "cost" in stages:
                say("cost: processor time of each program for a fixed number of observations")
                found["cost"] = await whole.cost(stage, load, args.cost_batches, args.cost_rate)
            if "whole" in stages:
                say("whole: rising load, then the rated load")
                steps, at_rated = await whole.knee(stage, load, args.seconds / 6, RATED, args.seconds / 2)
                found["steps"], found["rated"] = steps, at_rated


async def measure(stages: set[str], args: argparse.Namespace) -> Found:
    found: Found = {"load_before": os.getloadavg()[0], "seconds": args.seconds}
    if "cores" in stages:
        say("cores: parsing, log, hash and CRC")
        found["parsing"] = cores.parsing(args.seconds / 20)
        found["log"] = cores.log(args.leaves, 200)
        found["hash"] = limits.hashes(templates(1)[0], 0.5)
        found["crc"] = limits.checks(frames.frame(1, 1)[6:-6], 0.5)
    if "rules" in stages:
        say("rules: range, spike and constant value on a million points, here and by SaQC, ioos_qc, tsod")
        found["rules"] = await asyncio.to_thread(rules.measure)
        say("rules: a million hours and minutes of each profile through all its rules and its validity")
        found["profiles"] = await asyncio.to_thread(profiles.measure)
    if "network" in stages:
        say("network: two years of hours of a hundred stations through every rule and falsification test")
        found["network"] = await asyncio.to_thread(network.measure)
    if stages & set(RECEIVING):
        await receiving(stages, args, found)
    if "stream" in stages:
        say("stream: what ingest recorded, published again, until qc has said every verdict")
        await streaming(args, found)
    if stages & {"whole", "cost"}:
        await judging(stages, args, found)
    if "peers" in stages:
        say("peers: the same rows at django-ogc-sensorthings and here")
        found["peers"] = await asyncio.to_thread(peers.measure, args.seconds / 6)
    found["load_after"] = os.getloadavg()[0]
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60, help="length of the HTTP row; others follow")
    parser.add_argument("--only", default=",".join(STAGES), help=f"of {','.join(STAGES)}")
    parser.add_argument("--devices", type=int, default=frames.DEVICES)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--cost-batches", type=int, default=200)
    parser.add_argument("--stream-batches", type=int, default=1000, help="of 1,000 values, drained")
    parser.add_argument("--cost-rate", type=float, default=10_000, help="observations/s while cost is taken")
    parser.add_argument("--write", action="store_true", help="fill the READMEs")
    return parser.parse_args()


def main() -> None:
    end_cleanly()
    args = arguments()
    stages = set(args.only.split(","))
    if unknown := stages - set(STAGES):
        raise SystemExit(f"bench: no such stage: {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    if args.write and stages != set(STAGES):
        raise SystemExit("bench: the READMEs show one whole run: --write goes without --only")
    begun = time.perf_counter()
    found = asyncio.run(measure(stages, args))
    machine = described() | found.get("versions", {"postgres": "-", "nats": "-"})
    machine |= {
        "load_before": f"{found['load_before']:.1f}",
        "load_after": f"{found['load_after']:.1f}",
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
    text = report.write(rows.rows(found), machine, below.below(found), into_readme=args.write)
    print(text)
    say(f"done in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
