"""`jianzhen logs`: what a program said."""

import sys
import time
from collections import deque
from pathlib import Path
from typing import Annotated

import typer

from jianzhen.screen import AsJson, put
from jianzhen.state import Refused, State


def logs(
    name: Annotated[str, typer.Argument(help="ingest, qc, postgres, edge … · 进程名")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on as it grows · 持续输出")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="how many of the last lines · 行数")
    ] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the log of one program; without a name, which there are. 查看日志。

    \b
    Examples:
      jianzhen logs
      jianzhen logs ingest -f
      jianzhen logs qc -n 500 | grep warning
    """
    state = State.here()
    known = {path.stem: path for path in sorted(state.logs.glob("*.log"))}
    if not name:
        found = [{"name": key, "path": path, "bytes": path.stat().st_size} for key, path in known.items()]
        put(found, as_json, "\n".join(f"{key:<12} {path}" for key, path in known.items()))
        return
    if name not in known:
        raise Refused(f"there is no log '{name}'; there are: {', '.join(known) or 'none yet'}")
    with known[name].open(errors="replace") as file:
        tail = [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    put({"name": name, "path": known[name], "lines": tail}, as_json, "\n".join(tail))
    if follow and not as_json:
        _follow(known[name])


def _follow(path: Path) -> None:
    with path.open(errors="replace") as file:
        file.seek(0, 2)
        while True:
            if line := file.readline():
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                if path.stat().st_size < file.tell():
                    file.seek(0)
                time.sleep(0.2)
