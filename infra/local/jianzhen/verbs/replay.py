"""`jianzhen replay`: a CSV sent through the HTTP API as a department system would, resumable."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from jianzhen import report
from jianzhen.mapping import Batch, Mapping, batches, digest, header_of
from jianzhen.platform import Platform
from jianzhen.screen import AsJson, console, put, say
from jianzhen.sender import Journal, Sender
from jianzhen.state import Refused, State

SYSTEM = "sys-ee-mon-131000"


def replay(  # noqa: PLR0913 each argument is an option of the command
    file: Annotated[Path, typer.Argument(help="a CSV, also .gz · CSV 文件")],
    station: Annotated[str, typer.Option(help="site code; default: the mapping's own · 站点编码")] = "",
    mapping_file: Annotated[
        Path | None, typer.Option("--map", help="YAML; default: the one that fits · 映射")
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="rows a second; 0 = as fast as it goes · 限速")] = 0,
    who: Annotated[str, typer.Option("--as", help="the sending system · 报送身份")] = SYSTEM,
    concurrency: Annotated[int, typer.Option(min=1, max=16, help="batches in flight · 并发")] = 4,
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait for the verdicts · 等待判定")] = 120,
    as_json: AsJson = False,
) -> None:
    """Send a file of readings, declared historical, with a progress bar. 以部门系统身份重放历史数据。

    Interrupt it at any time: the same command goes on where it stopped and doubles nothing. Every answer is
    a line of the sender's log in .state/replay. Exit code 1 when rows were not accepted.

    \b
    Examples:
      jianzhen replay ../shared/data/beijing_prsa/Dongsi.csv.gz
      jianzhen replay mine.csv --map mine.yaml --station 131000-A02 --rate 2000
    """
    if not file.is_file():
        raise Refused(f"{file} is not a file")
    mapping = Mapping.load(mapping_file, header_of(file))
    station = station or mapping.raw.get("station", "")
    if not station:
        raise Refused("which station? say --station CODE, or give the mapping a `station:`")
    platform = Platform.here()
    report.register(platform, who, mapping, station)
    name = digest(file, mapping, station)[:12]
    log = State.here().home / "replay" / f"{file.name.split('.')[0]}-{name}.jsonl"
    begun = time.monotonic()
    with Journal(log) as journal:
        rows = _send(Sender(platform, who, journal, rate, concurrency), list(batches(file, mapping, station)))
        seconds = time.monotonic() - begun
        found: dict[str, Any] = {
            "file": str(file), "station": station, "rows": rows, "seconds": round(seconds, 2),
            "rows_per_second": round(rows / seconds) if rows else 0,
            "all_rows": sum(one["rows"] for one in journal.answers.values()),
            **journal.totals(), "log": str(log),
        }  # fmt: skip
    found |= report.flags(platform, station, found["accepted"], wait)
    put(found, as_json, report.text(found))
    if found["refused"] or found["revised"]:
        raise typer.Exit(1)


def _send(sender: Sender, made: list[Batch]) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TextColumn("rows"),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    before = sum(batch.rows for batch in made if batch.key in sender.journal.answers)
    if before:
        say(f"going on after {before:,} rows that were answered before")
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("sending", total=sum(batch.rows for batch in made))
        return sender.send(iter(made), lambda batch: bar.advance(task, batch.rows))
