"""The table of figures: what was measured, beside which limit or peer of the same run, against which target.

Promises: zh and en in every row; a target is met or missed by so many percent; a figure of a former run is
never mixed in. Writes `.artefacts/bench.md` and `.artefacts/bench.json`, and the READMEs only when told.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stage import ROOT

MARK = re.compile(r"(<!-- measured: [^>]*-->\n).*?(<!-- end of measured -->)", re.DOTALL)
UNITS_ZH = {
    "observations/s": "条/s",
    "frames/s": "帧/s",
    "rows/s": "行/s",
    "leaves/s": "叶/s",
    "messages/s": "条消息/s",
    " connections": " 个连接",
    " alarms": " 条告警",
    " late": " 条未到",
    " loggers ran out of frames": " 台数采仪的帧已用完",
}
HEAD = {
    "en": ("what", "figure", "beside it, in the same run", "ratio", "target", "met?"),
    "zh": ("测什么", "数值", "同一次运行中的参照", "比值", "目标", "是否达到"),
}


@dataclass(frozen=True)
class Target:
    """`got` must be at least (`is_floor`) or at most `wanted`."""

    zh: str
    en: str
    wanted: float
    got: float
    is_floor: bool = True

    @property
    def is_met(self) -> bool:
        return self.got >= self.wanted if self.is_floor else self.got <= self.wanted

    @property
    def by(self) -> float:
        """Percent beyond (+) or short of (-) the target."""
        change = (self.got / self.wanted - 1) * 100
        return change if self.is_floor else -change

    def said(self, language: str) -> str:
        verdict = {"en": ("met", "missed"), "zh": ("达到", "未达到")}[language][not self.is_met]
        return f"{verdict} ({self.by:+.0f} %)"


@dataclass(frozen=True)
class Row:
    """One line. `beside` is (zh, en), or one text for both; `in_readme` marks the main ones."""

    zh: str
    en: str
    figure: str
    beside: tuple[str, str] | str = ""
    ratio: float | None = None
    targets: tuple[Target, ...] = ()
    in_readme: bool = False
    raw: dict[str, Any] = field(default_factory=dict)

    def cells(self, language: str) -> list[str]:
        what = self.zh if language == "zh" else self.en
        beside = self.beside if isinstance(self.beside, str) else self.beside[language == "en"]
        targets = [t.zh if language == "zh" else t.en for t in self.targets]
        said = [t.said(language) for t in self.targets]
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        figure = self.figure
        if language == "zh":
            for unit, known in UNITS_ZH.items():
                figure, beside = figure.replace(unit, known), beside.replace(unit, known)
        return [what, figure, beside, ratio, "<br>".join(targets), "<br>".join(said)]


def table(rows: Sequence[Row], language: str) -> str:
    """The rows as Markdown."""
    head = HEAD[language]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row.cells(language))} |" for row in rows)]) + "\n"


def preface(machine: dict[str, str], language: str) -> str:
    """On what, how busy, with which servers."""
    m = machine
    if language == "zh":
        return (
            f"{m['cpu']}，{m['cores']} 核，{m['memory']}，{m['system']}；Python {m['python']}，"
            f"PostgreSQL {m['postgres']}，NATS {m['nats']}；平均负载 {m['load_before']} → "
            f"{m['load_after']}；{m['at']}。"
            "服务器、客户端、PostgreSQL 与 NATS 共用这些核；每行单独运行，其余服务暂停。\n"
        )
    return (
        f"{m['cpu']}, {m['cores']} cores, {m['memory']}, {m['system']}; Python {m['python']}, PostgreSQL "
        f"{m['postgres']}, NATS {m['nats']}; load average {m['load_before']} → {m['load_after']}; "
        f"{m['at']}. "
        "Servers, clients, PostgreSQL and NATS share the cores; each row runs alone, the others stopped.\n"
    )


def write(rows: Sequence[Row], machine: dict[str, str], more: dict[str, str], *, into_readme: bool) -> str:
    """Both tables, kept in `.artefacts`; `more` is what goes below, per language. Returns what to print."""
    parts = [f"{preface(machine, lang)}\n{table(rows, lang)}\n{more[lang]}" for lang in ("zh", "en")]
    text = "\n".join(parts)
    target = ROOT / ".artefacts"
    target.mkdir(exist_ok=True)
    (target / "bench.md").write_text(text)
    kept = [asdict(row) | {"met": [t.is_met for t in row.targets]} for row in rows]
    (target / "bench.json").write_text(
        json.dumps({"machine": machine, "rows": kept}, indent=2, ensure_ascii=False)
    )
    if into_readme:
        fill_readmes(rows, machine)
    return text


def fill_readmes(rows: Sequence[Row], machine: dict[str, str]) -> None:
    """The main rows between the comment markers of both READMEs."""
    main = [row for row in rows if row.in_readme]
    for name, language in (("README.md", "en"), ("README.zh-CN.md", "zh")):
        path: Path = ROOT / name
        made = f"\\1\n{preface(machine, language)}\n{table(main, language)}\n\\2"
        text, count = MARK.subn(made, path.read_text())
        assert count == 1, f"{name} has no place for the figures"
        path.write_text(text)
