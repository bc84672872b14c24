"""`jianzhen qc`: what the platform would say of a file, before it is sent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from jianzhen.screen import AsJson, console, put
from jianzhen.state import Refused
from jianzhen.verbs.qc_bench import bench

if TYPE_CHECKING:
    from qc.rules.offline.profile import Profile

    from jianzhen.selfcheck.run import Checked

app = typer.Typer(no_args_is_help=True, help="Quality control of files, offline. 离线自查数据文件。")
PROFILES = "ambient-air | flue-gas | waste-water | surface-water"
COLUMNS = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
STAGES = {
    "reading": "reading 读取",
    "rules": "rules 规则",
    "falsification": "tests 造假检验",
    "writing": "writing 写出",
}
Tell = Callable[[str, int, int], None]

app.command()(bench)


@app.callback()
def qc() -> None:
    """Quality control of files, offline. 离线自查数据文件。"""


@app.command()
def run(  # noqa: PLR0913 each argument is an option of the command
    file: Annotated[Path, typer.Argument(help="CSV, .csv.gz or Parquet; long or wide · 数据文件")],
    profile: Annotated[str, typer.Option(help=f"{PROFILES} · 规则包")],
    mapping: Annotated[Path | None, typer.Option(help="YAML: columns, units, time · 映射文件")] = None,
    out: Annotated[Path | None, typer.Option(help="a CSV with one line per value · 逐值结果")] = None,
    summary: Annotated[Path | None, typer.Option(help="a JSON with counts and suspicions · 汇总")] = None,
    report: Annotated[Path | None, typer.Option(help="an HTML with pictures · 报告")] = None,
    tz: Annotated[str, typer.Option(help="zone of times without offset · 时区")] = "+08:00",
    as_json: AsJson = False,
) -> None:
    """Judge every value of a file by the platform's own rules, and look for falsification. 自查数据文件。

    Long: time,series,value[,flag][,station]. Wide: time, a column per factor, optional station, marks as
    NAME_flag. Nothing is sent. Exit code 1 when a value is suspect or bad, or a suspicion was found.

    \b
    Examples:
      jianzhen qc run week.csv --profile flue-gas --out flags.csv --report report.html
      jianzhen qc run stations.parquet --profile ambient-air --summary summary.json
      jianzhen qc run plant.csv --profile waste-water --mapping plant.yaml --json
    """
    from jianzhen.selfcheck import writing  # its table library takes a while to load
    from jianzhen.selfcheck.filemap import load_map
    from jianzhen.selfcheck.run import check
    from jianzhen.selfcheck.times import zone_ms

    chosen, naive_ms = _profile(profile), zone_ms(tz)
    with _progress() as tell:
        checked = check(file, chosen, load_map(mapping), naive_ms, tell)
        document = writing.summary(checked.sheet, checked.judged, chosen, naive_ms)
        if out is not None:
            lines = checked.sheet.time.len()
            writing.write_flags(
                out, checked.sheet, checked.judged, chosen, lambda at: tell("writing", at, lines)
            )
        if summary is not None:
            writing.write_json(summary, document)
        if report is not None:
            _write_report(report, file, checked, chosen, naive_ms)
    put(document, as_json, _text(checked, document, [path for path in (out, summary, report) if path]))
    if document["suspicions"] or _numbers(checked)[3] or _numbers(checked)[4]:
        raise typer.Exit(1)


@app.command()
def rules(
    profile: Annotated[str, typer.Option(help=f"{PROFILES} · 规则包")] = "ambient-air",
    as_json: AsJson = False,
) -> None:
    """Every test that may stand in `tests`, with severity, source clause and parameters. 列出全部检验。

    \b
    Examples:
      jianzhen qc rules
      jianzhen qc rules --profile flue-gas --json | jq '.tests[].id'
    """
    from qc.rules.offline.catalogue import entries

    chosen = _profile(profile)
    listed = entries(chosen)
    document = {
        "profile": chosen.id,
        "version": chosen.pack.version,
        "tests": [{name: getattr(entry, name) for name in entry.__slots__} for entry in listed],
    }
    lines = [f"{chosen.pack.version}  {chosen.title_zh} {chosen.title_en}"]
    for entry in listed:
        lines.append(f"{entry.id:<16} {entry.severity:<8} {entry.zh} {entry.en}  [{entry.source}]")
        lines += [f"{'':<26}{_figures(one)}" for one in entry.parameters if one.get("set") or len(one) == 1]
    put(document, as_json, "\n".join(lines))


def _profile(name: str) -> "Profile":
    from qc.rules.offline.profile import NAMES, load_profile

    if name not in NAMES:
        known = ", ".join(NAMES)
        raise Refused(f"没有规则包 {name}；有：{known}\nthere is no profile '{name}'; there are: {known}")
    return load_profile(name)


def _figures(one: Mapping[str, Any]) -> str:
    """Parameters on a line: for which series, then which figures."""
    series = one.get("when", one)
    whom = [str(name) for key, names in series.items() if key not in ("set", "weight") for name in names]
    said = one["set"].items() if "set" in one else one.items()
    figures = " ".join(f"{name}={'–' if number is None else f'{number:g}'}" for name, number in said)
    return f"{' '.join(whom) or '*'}: {figures}"


@contextmanager
def _progress() -> Iterator[Tell]:
    with Progress(*COLUMNS, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(STAGES[stage], total=of)
            bar.update(tasks[stage], completed=done, total=of)

        yield tell


def _write_report(path: Path, file: Path, checked: "Checked", profile: "Profile", naive_ms: int) -> None:
    from jianzhen.selfcheck.report import Written, html
    from jianzhen.selfcheck.writing import whole

    told = Written(
        file.name, checked.sheet, checked.judged, profile, naive_ms, checked.notes.made, checked.inputs
    )
    with whole(path) as opened:
        opened.write(html(told).encode("utf-8"))


def _numbers(checked: "Checked") -> list[int]:
    import numpy as np

    return [int(number) for number in np.bincount(checked.judged.code, minlength=10)]


def _text(checked: "Checked", document: dict[str, Any], written: list[Path]) -> str:
    for note in checked.notes.made:
        console.print(f"[dim]·[/] {escape(note.zh)}\n  [dim]{escape(note.en)}[/]", soft_wrap=True)
    number = _numbers(checked)
    lines = [
        f"{document['rows']:,} 个值 values: 合格 good {number[1]:,} · 未评价 not evaluated {number[2]:,} · "
        f"存疑 suspect {number[3]:,} · 无效 bad {number[4]:,} · 缺失 missing {number[9]:,}",
        *(f"  {name:<16} {count:>12,}" for name, count in document["counts"].items()),
        f"线索 suspicions: {len(document['suspicions'])}",
    ]
    for one in document["suspicions"][:10]:
        where = f"{one['station']} {one['series']}".strip()
        tests = "|".join(one["tests"])
        lines.append(f"  {one['score']:.2f} {one['kind']} {where} {one['from']} – {one['to']} ({tests})")
    if len(document["suspicions"]) > 10:
        lines.append(f"  … {len(document['suspicions']) - 10} more: --summary, --report")
    return "\n".join([*lines, *(f"→ {path}" for path in written)])
