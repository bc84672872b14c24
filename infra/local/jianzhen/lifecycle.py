"""Starting and stopping the whole run, step by step; `verbs.up` and `verbs.down` show it.

Promises: every step may be repeated; a stop leaves no process of this run, found by pid and start time or
by the mark in its environment, and never touches another's. Leaves keeping programs alive to `supervisor`.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from kit.processes import PidFile
from kit.servers import PostgresServer, ServerError

from jianzhen import accounts, external
from jianzhen.plan import MARK, Plan, Program
from jianzhen.state import DATABASES, DOORS, INSIDE, Refused, State

Say = Callable[[str], None]
SUPERVISOR, DEMO = "supervisor", "demo"
READY_SECONDS = 180.0
# A program that ended this often while we waited will not come.
HOPELESS_RESTARTS = 6
# Programs that are asked to stop get this long before kill -9 (services finish their transactions in hand).
PATIENCE = 25.0


def alive(state: State) -> set[str]:
    """The names of this run's processes that live."""
    return {path.stem for path in (state.home / "pids").glob("*.pid") if PidFile(path).pid() is not None}


def running_ports(state: State) -> set[str]:
    """The ports that this run's own processes hold."""
    names = alive(state)
    doors = {"edge": "edge", "edge_https": "edge", "hj212": "ingest"}
    return {port for port in (*DOORS, *INSIDE) if doors.get(port, port) in names}


def start(state: State, say: Say) -> Plan:
    """Everything up to the supervisor; Refused when a step fails. The programs become ready afterwards."""
    state.choose_ports(running_ports(state))
    if state.pidfile(SUPERVISOR).pid() is None:
        external.remember(state)
    plan = Plan(state)
    # SQLAlchemy, Alembic and nats-py take a second to import; only this step needs them.
    from issuer.credentials import ensure
    from issuer.realm import load

    from jianzhen import databases, handing
    from jianzhen.identity import files

    handing.write_nats_conf(plan)
    for service in DATABASES:
        handing.hand_out(plan, service)
    say("PostgreSQL, NATS")
    with ThreadPoolExecutor(max_workers=4) as pool:
        try:
            for done in [pool.submit(server.start) for server in (plan.postgres, plan.nats)]:
                done.result()
        except ServerError as error:
            raise Refused(str(error), code=3) from None
        ensure(plan.identity, load(files.renew(state, keys=handing.service_keys(state))))
        say("databases, streams")
        declared = pool.submit(declare_streams, plan)
        databases.prepare(plan)
        declared.result()
    supervise(plan)
    return plan


def declare_streams(plan: Plan) -> None:
    from jianzhen import handing, streams

    asyncio.run(streams.declare(plan.nats.url, handing.nats_seed(plan.state, accounts.OPERATOR), replicas=1))


def supervise(plan: Plan) -> None:
    """Start the supervisor unless it runs; it outlives us."""
    if plan.state.pidfile(SUPERVISOR).pid() is None:
        (plan.state.home / "supervisor.json").unlink(missing_ok=True)
        _detach(plan, SUPERVISOR, "-m", "jianzhen.supervisor")


def go_live(plan: Plan) -> None:
    """Leave the demonstration's loggers and officers at work, unless they are; `down` stops them."""
    if plan.state.pidfile(DEMO).pid() is None:
        _detach(plan, DEMO, "-m", "jianzhen.main", "demo", "--live")


def _detach(plan: Plan, name: str, *arguments: str) -> None:
    with plan.state.log(name).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, *arguments], env=plan.mark, cwd=plan.state.home,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    plan.state.pidfile(name).write(child.pid)
    child.returncode = 0


def is_ready(program: Program, client: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return client.get(program.ready).status_code < 400
    return False


def readiness(programs: list[Program]) -> dict[str, bool]:
    """Which programs are of use now, asked all at once."""
    client = httpx.Client(timeout=3, trust_env=False, verify=False)  # noqa: S501 loopback, plain HTTP
    with client, ThreadPoolExecutor(max_workers=len(programs)) as pool:
        answers = pool.map(lambda program: is_ready(program, client), programs)
        return dict(zip([program.name for program in programs], answers, strict=True))


def wait_ready(plan: Plan, waiting: Callable[[list[str]], None]) -> None:
    """Until every program is ready; calls `waiting` with those that are not; Refused when it takes long."""
    missing = plan.programs()
    deadline = time.monotonic() + READY_SECONDS
    while missing:
        waiting([program.name for program in missing])
        hopeless = [program.name for program in missing if _is_hopeless(plan.state, program.name)]
        if hopeless or plan.state.pidfile(SUPERVISOR).pid() is None or time.monotonic() > deadline:
            raise Refused(_why_not(plan.state, hopeless or [program.name for program in missing]), code=3)
        ready = readiness(missing)
        missing = [program for program in missing if not ready[program.name]]
        time.sleep(0.2 if missing else 0)
    waiting([])


def stories(state: State) -> dict[str, dict[str, Any]]:
    """What the supervisor tells of each program."""
    with suppress(OSError, ValueError):
        return dict(json.loads((state.home / "supervisor.json").read_text()))
    return {}


def _is_hopeless(state: State, name: str) -> bool:
    return int(stories(state).get(name, {}).get("restarts", 0)) >= HOPELESS_RESTARTS


def _why_not(state: State, names: list[str]) -> str:
    parts = [f"these do not become ready: {', '.join(names)}"]
    for name in names[:3]:
        log = state.log(name)
        tail = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
        parts += [f"-- {log}", *tail]
    return "\n".join(parts)


def stop(state: State, say: Say) -> list[str]:
    """Stop everything: supervisor, edge, services, then the servers; returns the names of what ran."""
    stopped = sorted(alive(state))
    servers = ("postgres", "nats")
    say("supervisor")
    _end(state, [DEMO, SUPERVISOR])
    say("edge and services")
    _end(state, [name for name in alive(state) if name not in (*servers, DEMO, SUPERVISOR)])
    say("PostgreSQL, NATS")
    _end(state, ["nats"])
    _end(state, ["postgres"], signal.SIGINT)
    if (state.home / "postgres").is_dir():
        PostgresServer(state.home / "postgres", port=1).stop()  # it has ended; this clears its sockets
    _sweep(state)
    for path in (state.home / "pids").glob("*.pid"):
        path.unlink(missing_ok=True)
    return stopped


def _end(state: State, names: list[str], number: int = signal.SIGTERM) -> None:
    pidfiles = [state.pidfile(name) for name in names]
    for pidfile in pidfiles:
        pidfile.signal(number)
    deadline = time.monotonic() + PATIENCE
    for pidfile in pidfiles:
        if not pidfile.wait(max(0.1, deadline - time.monotonic())):
            pidfile.signal(signal.SIGKILL)
            pidfile.wait(5)


def marked(state: State) -> Iterator[int]:
    """Every process that was started with this run's mark, our own caller excepted."""
    wanted = f"{MARK}={state.home}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            pid = int(environ.parent.name)
            if wanted in environ.read_bytes().split(b"\0") and pid != os.getpid():
                yield pid


def _sweep(state: State) -> None:
    deadline = time.monotonic() + 5
    while (left := list(marked(state))) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
