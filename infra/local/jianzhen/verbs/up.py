"""`jianzhen up`: everything in the background, the demo region loaded, and where to look."""

import importlib.util
import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jianzhen import lifecycle
from jianzhen.plan import Plan
from jianzhen.platform import Platform
from jianzhen.screen import AsJson, console, put, say
from jianzhen.state import Refused, State

PEOPLE = (
    ("ee.mon/qc.analyst@131000", "质控分析 sees verdicts, alarms, suspicions"),
    ("ee.enf/case.officer@131000", "办案人员 files leads, confirms fraud"),
    ("finance/procurement@131000", "采购人 asks whether a unit is barred"),
)


def up(
    demo: Annotated[
        bool, typer.Option(help="load the demo region and run the demo · 装入演示城市并演示")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Start the whole platform on this machine, in the background. 在本机后台启动整个平台。

    PostgreSQL, NATS, the identity issuer, every service, the gateway, the portal and the edge; then the
    demo region. Called again it starts only what is missing. All state is in .state (JIANZHEN_HOME).

    \b
    Examples:
      jianzhen up                               then open http://127.0.0.1:8080/
      jianzhen up --no-demo                     an empty platform
      JIANZHEN_EDGE_PORT=9080 jianzhen up       another port for the edge
      JIANZHEN_HJ212_PORT=21300 jianzhen up     another port for data loggers
      JIANZHEN_POSTGRES_URL=postgresql://admin:…@host/postgres jianzhen up
                                                a PostgreSQL of your own instead of the embedded one
    """
    state = State.here()
    begun = time.monotonic()
    with state.only_one("up"):
        state.prepare()
        was_running = state.pidfile(lifecycle.SUPERVISOR).pid() is not None
        plan = _start(state, was_running)
        seconds = round(time.monotonic() - begun, 1)
        say(f"ready in {seconds} s" + (" (it was running already)" if was_running else ""))
        found = _demo() if demo else {}
        if demo:
            lifecycle.go_live(plan)
    place = where(plan) | {"start_seconds": seconds, "demo": found}
    put(place, as_json, "" if as_json else _text(place))
    if "error" in found:
        raise typer.Exit(1)


def _start(state: State, was_running: bool) -> Plan:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("preparing", total=None)
            plan = lifecycle.start(state, lambda step: bar.update(task, description=step))
            total = len(plan.programs())

            def waiting(names: list[str]) -> None:
                text = f"waiting for {', '.join(names[:4])}" if names else "ready"
                bar.update(task, total=total, completed=total - len(names), description=text)

            lifecycle.wait_ready(plan, waiting)
            return plan
    except BaseException:
        if not was_running:
            say("the start failed or was interrupted: stopping what had been started")
            lifecycle.stop(state, lambda _: None)
        raise


def _demo() -> dict[str, Any]:
    if importlib.util.find_spec("jianzhen.demo.run") is None:
        return {}
    from jianzhen.demo.run import run_demo  # its data tables are wanted by two verbs only

    try:
        return dict(run_demo(Platform.here(), say=say))
    except Refused as refused:
        say(f"[yellow]the demo did not finish:[/] {refused}")
        return {"error": str(refused)}


def where(plan: Plan) -> dict[str, Any]:
    """The addresses of a running platform."""
    return {
        "portal": f"{plan.edge}/",
        "api_docs": f"{plan.edge}/docs",
        "https": f"https://localhost:{plan.ports['edge_https']}/",
        "hj212": f"127.0.0.1:{plan.ports['hj212']}",
        "realm": plan.realm,
        "logs": str(plan.state.logs),
        "principals": [name for name, _ in PEOPLE],
    }


def _text(place: dict[str, Any]) -> str:
    lines = [
        "",
        "鉴真 Jianzhen is running · 平台已启动",
        "",
        f"  portal 门户        {place['portal']}",
        f"  API docs 接口      {place['api_docs']}",
        f"  HJ 212 loggers     {place['hj212']}",
        f"  logs 日志          {place['logs']}",
        "",
        "  be somebody        .venv/bin/jianzhen token --as PRINCIPAL",
        *(f"    {name:<28} {what}" for name, what in PEOPLE),
        "",
        *_found(place["demo"]),
        "  what runs          .venv/bin/jianzhen status",
        "  stop it            make down",
    ]
    return "\n".join(lines)


def _found(demo: dict[str, Any]) -> list[str]:
    if not demo:
        return []
    lines = ["  the demo found 演示结果"]
    for name, found in demo.items():
        for one in found if isinstance(found, list) else [found]:
            lines.append(f"    {name:<12} {_line(one)}")
    return [*lines, ""]


def _line(found: Any) -> str:
    """`{"site": "131000-A02", "procurement": "barred"}` as `site 131000-A02 · procurement barred`."""
    if isinstance(found, dict):
        return " · ".join(f"{key} {value}" for key, value in found.items())
    return str(found)
