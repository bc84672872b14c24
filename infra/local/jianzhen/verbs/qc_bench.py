"""`jianzhen qc bench`: plants falsifications into real series and counts who finds them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from jianzhen.screen import AsJson, console, put, say
from jianzhen.state import Refused

if TYPE_CHECKING:
    from jianzhen.planting.trial import Ground, Tell, Trial, Wish

COLUMNS = (
    TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(),
    TimeRemainingColumn(),
)  # fmt: skip
STAGES = {"plant": "planting 植入", "ours": "Jianzhen 鉴真", "peers": "peers 同类工具"}


def bench(  # noqa: PLR0913 each argument is an option of the command
    data: Annotated[
        list[Path], typer.Option(help="folder of a known set, folder of such folders, or a CSV · 数据")
    ],
    profile: Annotated[str, typer.Option(help="what a file of your own is · 数据类型")] = "",
    mapping: Annotated[
        Path | None, typer.Option(help="YAML, as of qc run, for such a file · 映射文件")
    ] = None,
    seeds: Annotated[str, typer.Option(help="e.g. 101-120 or 7,9; 1-10 are for tuning · 种子")] = "101-120",
    kinds: Annotated[str, typer.Option(help="e.g. freeze,cap; default: all twenty · 造假种类")] = "",
    each: Annotated[int, typer.Option(min=1, help="plantings per kind and seed · 每类处数")] = 2,
    peers: Annotated[bool, typer.Option(help="SaQC, ioos_qc, tsod, isolation forest · 同类工具")] = True,
    peer_seeds: Annotated[int, typer.Option(min=1, help="how many of the seeds they get · 种子数")] = 5,
    learned: Annotated[
        bool, typer.Option("--learned", help="also with the learned detector · 另计学习模型")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="an HTML with pictures · 报告")] = None,
    curve: Annotated[Path | None, typer.Option(help="recall over false alarms, SVG · 曲线图")] = None,
    as_json: AsJson = False,
) -> None:
    """Plant twenty kinds of falsification into real series, and see who finds them. 造假检验基准。

    Prints recall per kind (the worst first), precision, false suspicions per station-month on untouched data
    and median delays, ours beside the peers'. Planters share no figure with the tests, and thresholds were
    looked at with seeds 1-10 only. Exit code 1 when a kind is found in less than 0.90 or more than 0.1 false
    suspicions come per station-month.

    \b
    Examples:
      jianzhen qc bench --data ../shared/data/beijing_prsa --report bench.html
      jianzhen qc bench --data ../shared/data/beijing_prsa --learned --no-peers
      jianzhen qc bench --data mine.csv --profile waste-water --kinds freeze,copy-day --seeds 101-105
      sh tests/bench/qc_peers/setup.sh    (the peers, into an environment of their own)
    """
    from jianzhen.planting import pictures
    from jianzhen.planting.grounds import grounds
    from jianzhen.planting.page import html
    from jianzhen.planting.told import WANTED_FALSE, document, missed, text
    from jianzhen.planting.trial import WANTED_RECALL, Wish

    wish = Wish(_kinds(kinds), _seeds(seeds), each, peer_seeds if peers else 0, learned)
    trials: list[tuple[Trial, dict[str, Any]]] = []
    for path in data:
        for ground in grounds(path, profile, mapping):
            trial = _run(ground, wish)
            trials.append((trial, document(trial)))
            if not as_json:
                put({}, as_json, text(trials[-1][1]))
    if report is not None:
        _write(report, html(trials))
    if curve is not None:
        # One picture: of the first source.
        _write(curve, pictures.curve(trials[0][1]["tools"], (WANTED_RECALL, WANTED_FALSE)))
    found = [one for _, one in trials]
    put({"trials": found, "report": report}, as_json)
    if any(missed(one) for one in found):
        raise typer.Exit(1)


def _run(ground: "Ground", wish: "Wish") -> "Trial":
    from jianzhen.planting.trial import run

    stations, (series, periods) = len(ground.panel.of_station), ground.panel.shape
    say(f"{ground.name}: {stations} stations, {series} series, {periods:,} periods each")
    with _progress() as tell:
        return run(ground, wish, tell)


@contextmanager
def _progress() -> "Iterator[Tell]":
    with Progress(*COLUMNS, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(STAGES[stage], total=of)
            bar.update(tasks[stage], completed=done)

        yield tell


def _kinds(text: str) -> tuple[Any, ...]:
    from jianzhen.planting.plant import KINDS

    wanted = tuple(filter(None, (name.strip() for name in text.split(",")))) or KINDS
    unknown = [name for name in wanted if name not in KINDS]
    if unknown:
        raise Refused(f"--kinds {', '.join(unknown)}: there are {', '.join(KINDS)}")
    return wanted


def _seeds(text: str) -> tuple[int, ...]:
    """Worked example: "101-103,7" → 101, 102, 103, 7."""
    made: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise Refused(f"--seeds {text}: numbers and ranges, e.g. 101-120 or 7,9")
        made += range(int(first), int(last or first) + 1)
    if not made:
        raise Refused(f"--seeds {text}: not one seed")
    return tuple(made)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as wrong:
        raise Refused(f"{path} cannot be written: {wrong.strerror}") from None
    say(f"→ {path}")
