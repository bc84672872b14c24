"""`jianzhen status`: what runs, since when, how often it was started again, is it ready."""

import time
from pathlib import Path
from typing import Any

import typer

from jianzhen import lifecycle
from jianzhen.plan import Plan
from jianzhen.screen import AsJson, put, say, table
from jianzhen.state import Refused, State


def status(as_json: AsJson = False) -> None:
    """Show every program of this run. 查看各进程状态。

    Exit code 0: all ready; 1: something is not; 3: nothing runs.

    \b
    Examples:
      jianzhen status
      jianzhen status --json | jq '.programs[] | select(.ready | not)'
    """
    state = State.here()
    if not state.ports() or not lifecycle.alive(state):
        raise Refused("nothing runs here: `jianzhen up` starts it", code=3)
    plan = Plan(state)
    rows = _rows(plan)
    if as_json:
        put({"home": str(state.home), "edge": plan.edge, "programs": rows}, as_json)
    else:
        table(rows, ["name", "pid", "port", "ready", "up", "restarts", "last_exit", "memory_mb"])
    if not all(row["ready"] for row in rows):
        say("not everything is ready: `jianzhen logs NAME` shows why")
        raise typer.Exit(1)


def _rows(plan: Plan) -> list[dict[str, Any]]:
    stories = lifecycle.stories(plan.state)
    programs = plan.programs()
    answers = lifecycle.readiness(programs)
    answers["postgres"], answers["nats"] = plan.postgres.is_running(), plan.nats.is_running()
    names = [lifecycle.SUPERVISOR, "postgres", "nats", *(one.name for one in programs)]
    rows = []
    for name in names:
        pid = plan.state.pidfile(name).pid()
        story = stories.get(name, {})
        rows.append(
            {
                "name": name,
                "pid": pid or "",
                "port": plan.ports.get(name, ""),
                "ready": answers.get(name, bool(pid)),
                "up": _since(pid),
                "restarts": story.get("restarts", 0),
                "last_exit": story.get("last_exit", ""),
                "memory_mb": _memory(pid),
            }
        )
    return rows


def _since(pid: int | None) -> str:
    if pid is None:
        return ""
    seconds = int(time.time() - Path(f"/proc/{pid}").stat().st_ctime)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _memory(pid: int | None) -> int | str:
    """Resident megabytes of the process itself."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 // 2**20
    except OSError:
        return ""
