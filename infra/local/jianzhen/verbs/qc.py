"""`jianzhen qc`: what the platform would say of a file, before it is sent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from jianzhen.screen import AsJson, console, put
from jianzhen.state import Refused
from jianzhen.verbs import qc_pack
from jianzhen.verbs.qc_bench import bench
from jianzhen.verbs.qc_pack import AtLeast, Keys

if TYPE_CHECKING:
    from qc.rules.offline.profile import Profile
    from qc.rules.source import Source

    from jianzhen.selfcheck.run import Checked

app = typer.Typer(no_args_is_help=True, help="Quality control of files, offline. 离线自查数据文件。")
Pack = Annotated[Path | None, typer.Option(help="a signed rule pack, with --key · 签名规则包")]
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
app.add_typer(qc_pack.app, name="pack")


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
    pack: Pack = None,
    key: Keys = None,
    at_least: AtLeast = "",
    learned: Annotated[
        bool, typer.Option("--learned", help="also the learned detector · 另用学习模型")
    ] = False,
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
      jianzhen qc run week.csv --profile flue-gas --pack rules.zip --key issuer.pub
    """
    from jianzhen.selfcheck.packfile import judging_with

    with judging_with(pack, key or [], at_least) as source:
        wanted = _Wanted(file, profile, mapping, out, summary, report, tz, learned)
        checked, document = _judged(wanted, source)
    put(document, as_json, _text(checked, document, [path for path in (out, summary, report) if path]))
    if document["suspicions"] or _numbers(checked)[3] or _numbers(checked)[4]:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The options of `run` that say what is to be made of what."""

    file: Path
    profile: str
    mapping: Path | None
    out: Path | None
    summary: Path | None
    report: Path | None
    tz: str
    learned: bool


def _judged(wanted: _Wanted, source: "Source") -> "tuple[Checked, dict[str, Any]]":
    """Judge the file and write what was asked for."""
    from jianzhen.selfcheck import writing  # its table library takes a while to load
    from jianzhen.selfcheck.filemap import load_map
    from jianzhen.selfcheck.run import check
    from jianzhen.selfcheck.times import zone_ms

    chosen, naive_ms = _profile(wanted.profile), zone_ms(wanted.tz)
    out, summary, report = wanted.out, wanted.summary, wanted.report
    with _progress() as tell:
        asked = frozenset({"learned"} if wanted.learned else ())
        checked = check(wanted.file, chosen, load_map(wanted.mapping), naive_ms, tell, asked)
        checked.notes.add(*_rules_told(source))
        document = writing.summary(checked.sheet, checked.judged, chosen, naive_ms, checked.notes.made)
        if out is not None:
            lines = checked.sheet.time.len()
            writing.write_flags(
                out, checked.sheet, checked.judged, chosen, lambda at: tell("writing", at, lines)
            )
        if summary is not None:
            writing.write_json(summary, document)
        if report is not None:
            _write_report(report, wanted.file, checked, chosen, naive_ms)
    return checked, document


def _rules_told(source: "Source") -> tuple[str, str]:
    """By which rules a file was judged, so that it can be said which the platform has."""
    by = ", ".join(source.signers)
    return (
        f"规则包 {source.version}，sha256 {source.sha256}，"
        f"{f'由 {by} 签名' if by else '随程序提供，未签名'}。",
        f"Rules {source.version}, sha256 {source.sha256}, "
        f"{f'signed by {by}' if by else 'as they came with the program, unsigned'}.",
    )


@app.command()
def rules(
    profile: Annotated[str, typer.Option(help=f"{PROFILES} · 规则包")] = "ambient-air",
    pack: Pack = None,
    key: Keys = None,
    at_least: AtLeast = "",
    as_json: AsJson = False,
) -> None:
    """Every test that may stand in `tests`, with severity, source clause and parameters. 列出全部检验。

    \b
    Examples:
      jianzhen qc rules
      jianzhen qc rules --profile flue-gas --json | jq '.tests[].id'
    """
    from qc.rules.offline.catalogue import entries

    from jianzhen.selfcheck.packfile import judging_with, today

    with judging_with(pack, key or [], at_least) as source:
        chosen = _profile(profile)
        listed, version = entries(chosen), chosen.pack.version
        told = source.told(today())
    document = {
        "profile": chosen.id,
        "version": version,
        "rules": told,
        "tests": [{name: getattr(entry, name) for name in entry.__slots__} for entry in listed],
    }
    lines = [f"{version}  {chosen.title_zh} {chosen.title_en}"]
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
