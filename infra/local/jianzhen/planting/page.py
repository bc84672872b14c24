"""The report of a benchmark: one HTML file with its pictures inside, Chinese and English side by side.

Promises: every suspicion on untouched data is there with its picture; so is one planting of each kind. Opens
without a network. Leaves figures to `told`.
"""

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
from qc.rules.falsify.finding import KIND_ZH
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats

from jianzhen.planting import pictures
from jianzhen.planting.plant import Planted, Truth
from jianzhen.planting.score import Claim, meets
from jianzhen.planting.told import WANTED_FALSE, Document, instant, missed, shown
from jianzhen.planting.trial import WANTED_RECALL, Trial

STYLE = """
body{font:14px/1.5 sans-serif;max-width:980px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0} h2{margin-top:2em} small{color:#555} svg{max-width:100%}
td,th{padding:2px 10px;border-bottom:1px solid #ddd;text-align:right} .bad{color:#b3261e}
td:first-child,th:first-child{text-align:left}
"""
# A stretch is drawn with as much before and after, at least so many days.
ASIDE_DAYS = 3
MOST_POINTS = 2000


def html(trials: Sequence[tuple[Trial, Document]]) -> str:
    """The whole page."""
    body = [part for trial, found in trials for part in _source(trial, found)]
    return "\n".join(
        [
            '<!doctype html><html lang="zh"><meta charset="utf-8"><title>鉴真 qc bench</title>',
            f"<style>{STYLE}</style>",
            "<h1>造假检验基准 Benchmark of falsification tests</h1>",
            "<p>在真实序列中植入造假，再看谁能发现。植入器与检验不共用任何常数；调参种子不用于报告。<br>"
            "Falsifications are planted into real series, then looked for. Planters and tests share no "
            "constants; seeds used for tuning are not reported on.</p>",
            *body,
            "</html>",
        ]
    )


def _source(trial: Trial, found: Document) -> Iterator[str]:
    yield f"<h2>{escape(found['source'])} · {found['profile']}</h2>"
    yield (
        f"<p>{found['stations']} 站 stations, {found['series']} 序列 series, {found['from'][:10]} – "
        f"{found['to'][:10]}; {found['station_months']} 站月 station-months; 种子 seeds "
        f"{_listed(found['seeds'])}; 每种子每类 {found['plantings_per_kind_and_seed']} 处 per kind and seed; "
        f"load average {found['load_average'][0]}.</p>"
    )
    for line in missed(found):
        yield f'<div class="bad">未达标 below target: {escape(line)}</div>'
    if found["assumed_limits"]:
        limits = (f"{one['station']} {one['series']} {one['limit']:g}" for one in found["assumed_limits"])
        yield f"<div>限值未知，假定为 no limit known, assumed: {escape(', '.join(limits))}</div>"
    for name, how in found["missing"].items():
        yield f'<div class="bad">{escape(name)}: {escape(how)}</div>'
    yield "<h3>召回与误报 Recall and false alarms</h3>"
    yield pictures.curve(found["tools"], (WANTED_RECALL, WANTED_FALSE))
    yield _tools(found)
    yield "<h3>各类召回率，最差在前 Recall per kind, the worst first</h3>"
    yield pictures.recalls(found["tools"], WANTED_RECALL)
    yield _kinds(found)
    yield _tests(found)
    yield "<h3>各类一例 One planting of each kind</h3><p><small>灰 grey: 真实 real; 橙 orange: 植入 planted; "
    yield "绿虚线 green: 邻站中位数 median of the neighbours; 条 bars: 橙 truth, 蓝 suspicion.</small></p>"
    yield from _examples(trial)
    yield f"<h3>未改动数据上的全部线索 All suspicions on untouched data ({len(found['untouched'])})</h3>"
    for claim, said in zip(trial.tools[0].untouched, found["untouched"], strict=True):
        where = f"{escape(said['station'])} {escape(said['series'])} · {named(said['kind'])} · "
        where += f"{said['score']:.2f}"
        tests = escape(", ".join(said["tests"]))
        yield f"<div>{where} · {said['from']} – {said['to']} · {tests}</div>"
        yield _drawn(trial.ground.panel, None, claim.row, claim.from_i, claim.to_i, (), (claim,))


def _tools(found: Document) -> str:
    rows = [
        [
            f"{tool['name']} {tool['version']}", shown(tool["recall"]), shown(tool["precision"]),
            f"{tool['false_per_station_month']:.3f}", str(tool["claims"]), f"{tool['seconds']:.0f} s",
        ]
        for tool in found["tools"]
    ]  # fmt: skip
    head = ["工具 tool", "召回 recall", "精确 precision", "误报/站月 false", "线索 claims", "用时 time"]
    return table(head, rows)


def _kinds(found: Document) -> str:
    rows = [
        [
            named(kind["kind"]), str(kind["planted"]), str(kind["found"]), str(kind["named"]),
            f"{kind['recall']:.2f}", "–" if kind["delay_h"] is None else f"{kind['delay_h']:.0f}",
        ]
        for kind in found["tools"][0]["kinds"]
    ]  # fmt: skip
    head = ["种类 kind", "植入 planted", "发现 found", "种类正确 named", "召回 recall", "中位时延 delay, h"]
    left_out = "、".join(map(named, found["unplaced"]))
    note = f"<p>无处可植 no place for: {left_out}</p>" if left_out else ""
    traced = ", ".join(
        f"{named(kind)} {some['found']}/{some['of']}" for kind, some in sorted(found["with_trace"].items())
    )
    aside = f"<p>有痕迹者中发现 found of those that leave a trace: {traced}</p>" if traced else ""
    return table(head, rows) + aside + note


def _tests(found: Document) -> str:
    rows = [[one["test"], str(one["right"]), str(one["claims"])] for one in found["tools"][0]["tests"]]
    note = "; ".join(f"{test} ({', '.join(lacks)})" for test, lacks in found["not_run"].items())
    lacking = f"<p>缺输入而未运行 not run, inputs missing: {escape(note)}</p>" if note else ""
    head = ["检验 test", "正确线索 in right claims", "全部线索 in all claims"]
    return "<h3>各检验 Per test</h3>" + table(head, rows) + lacking


def _examples(trial: Trial) -> Iterator[str]:
    """The first planting of each kind, and what was said of it."""
    step, seen = trial.ground.panel.step_ms, set[str]()
    for planted, claims in zip(trial.planted, trial.claims, strict=True):
        for truth in planted.truths:
            if truth.kind in seen:
                continue
            seen.add(truth.kind)
            hits = [claim for claim in claims if meets(claim, truth, step)]
            said = "; ".join(f"{named(one.kind)} {one.score:.2f} ({', '.join(one.tests)})" for one in hits)
            told = f"发现 found: {said}" if hits else '<span class="bad">未发现 missed</span>'
            ground = trial.ground
            when = f"{instant(ground, truth.from_i)} – {instant(ground, truth.to_i)}"
            yield f"<div><b>{named(truth.kind)}</b> · {escape(truth.station)} {escape(truth.factor)} · "
            yield f"{when} · {told}</div>"
            yield _drawn_planting(trial.ground.panel, planted, truth, hits)


def _drawn_planting(panel: Panel, planted: Planted, truth: Truth, hits: Sequence[Claim]) -> str:
    return _drawn(panel, planted.panel, truth.row, truth.from_i, truth.to_i, (truth,), hits)


def _drawn(  # noqa: PLR0913 a picture of a stretch needs the stretch
    panel: Panel, planted: Panel | None, row: int, from_i: int, to_i: int,
    truths: Sequence[Truth], claims: Sequence[Claim],
) -> str:  # fmt: skip
    aside = max(ASIDE_DAYS * panel.per_day, (to_i - from_i) // 2)
    begin, end = max(0, from_i - aside), min(panel.shape[1], to_i + aside)
    # Long stretches are drawn by every k-th value: the eye sees no more.
    every = max(1, (end - begin) // MOST_POINTS)
    spans = [(one.from_i, one.to_i, pictures.PLANTED) for one in truths]
    spans += [(one.from_i, one.to_i, pictures.FOUND) for one in claims]
    return pictures.series(
        panel.value[row, begin:end:every],
        None if planted is None else planted.value[row, begin:end:every],
        _neighbours(panel, row, begin, end, every),
        [((a - begin) // every, (b - begin) // every, colour) for a, b, colour in spans],
    )


def _neighbours(panel: Panel, row: int, begin: int, end: int, every: int) -> Floats | None:
    others = [one for one in panel.of_factor[panel.factor[row]].tolist() if one != row]
    if len(others) < 3:
        return None
    ordered = np.sort(panel.value[others, begin:end:every], axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    # Missing values sort to the end.
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    return np.where(count > 0, middle, np.nan)


def named(kind: str) -> str:
    """Worked example: "freeze" → "恒值 freeze"."""
    return f"{KIND_ZH[kind]} {kind}" if kind in KIND_ZH else kind


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table."""
    made = ["<table><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    made += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return "".join(made) + "</table>"


def _listed(numbers: Sequence[int]) -> str:
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers))
