"""The report: what was read, what each test found, why each suspicion was raised, what could not run.

Promises: one HTML file, Chinese and English, no script, nothing fetched, every text of the file escaped.
Leaves drawing to `qc.rules.offline.pictures`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from math import isnan

import numpy as np
from qc.rules.falsify.finding import KIND_ZH, FalsificationTest
from qc.rules.offline.catalogue import entries, falsification_tests
from qc.rules.offline.judge import Judged
from qc.rules.offline.panels import Raised, lacking
from qc.rules.offline.pictures import drawn
from qc.rules.offline.profile import Profile
from qc.rules.offline.words import filled
from standards import units

from jianzhen.selfcheck.reading import Sheet
from jianzhen.selfcheck.told import Note
from jianzhen.selfcheck.writing import counts, iso

# Suspicions with pictures, series in the table: more than anyone reads.
MOST, MOST_SERIES = 200, 400
STYLE = """body{font:15px/1.55 system-ui,"Noto Sans SC","PingFang SC",sans-serif;max-width:1000px;
margin:2em auto;padding:0 1em;color:#1b2733}table{border-collapse:collapse;width:100%;margin:.6em 0 1.4em}
th,td{border-bottom:1px solid #d8dee5;padding:.3em .6em;text-align:left;vertical-align:top}
th{background:#eef2f6}.n{text-align:right;font-variant-numeric:tabular-nums}
section{border:1px solid #d8dee5;border-radius:6px;padding:.4em 1em 1em;margin:1em 0}
svg{width:100%;height:auto;background:#fff}small,.en{color:#5a6672}figure{margin:.8em 0}"""
CODES = {
    1: ("合格", "good"), 2: ("未评价", "not evaluated"), 3: ("存疑", "suspect"), 4: ("无效", "bad"),
    9: ("缺失", "missing"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """All a report is made of."""

    name: str
    sheet: Sheet
    judged: Judged
    profile: Profile
    naive_ms: int
    notes: Sequence[Note]
    inputs: frozenset[str]


def html(told: Written) -> str:
    """The whole report."""
    title = f"{escape(told.name)} · {escape(told.profile.title_zh)} {escape(told.profile.title_en)}"
    parts = [
        "<!doctype html><html lang=zh><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>",
        f"<p><small>{told.profile.pack.version} · {len(told.sheet.readings):,} 个值 values</small></p>",
        _codes(told),
        _suspicions(told),
        _tests(told),
        _not_run(told),
        _series(told),
        _notes(told.notes),
    ]
    return "".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> str:
    rows = list(rows)
    numbers = [isinstance(cell, int) for cell in rows[0]] if rows else [False] * len(head)
    top = "".join(
        f"<th class=n>{cell}</th>" if is_number else f"<th>{cell}</th>"
        for cell, is_number in zip(head, numbers, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td class=n>{cell:,}</td>" if isinstance(cell, int) else f"<td>{escape(str(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def _codes(told: Written) -> str:
    number = np.bincount(told.judged.code, minlength=10)
    rows = [(code, f"{zh} {en}", int(number[code])) for code, (zh, en) in CODES.items()]
    return "<h2>代码 Codes</h2>" + _table(
        ("代码 code", "含义 meaning", "个数 values"), [(str(c), m, n) for c, m, n in rows]
    )


def _tests(told: Written) -> str:
    by_id = {entry.id: entry for entry in entries(told.profile)}
    rows = [
        (name, f"{by_id[name].zh} {by_id[name].en}", number, by_id[name].severity, by_id[name].source)
        for name, number in counts(told.judged, told.profile).items()
    ]
    head = ("检验 test", "名称 name", "个数 values", "严重程度 severity", "依据 source")
    return "<h2>各检验的结果 What each test found</h2>" + _table(head, rows)


def _suspicions(told: Written) -> str:
    raised = told.judged.seen.raised
    head = f"<h2>线索 Suspicions ({len(raised)})</h2>"
    if not raised:
        return (
            head + "<p>综合得分没有达到线索阈值的时段。 No stretch reaches the threshold of a suspicion.</p>"
        )
    shown = "".join(_suspicion(one, told) for one in raised[:MOST])
    more = f"<p>另有 {len(raised) - MOST} 条，见 --summary。 {len(raised) - MOST} more are in --summary.</p>"
    return head + shown + (more if len(raised) > MOST else "")


def _suspicion(one: Raised, told: Written) -> str:
    member = told.sheet.members[one.member]
    begin, end = iso(one.from_ms, told.naive_ms), iso(one.to_ms, told.naive_ms)
    name = escape(f"{member.station} {member.name}".strip())
    kind = f"{KIND_ZH[one.kind]} {escape(one.kind)}"
    head = f"<h3>{name} · {kind} · {one.score:.2f}</h3><p>{_minute(begin)} – {_minute(end)}</p>"
    by_id = {test.id: test for test in falsification_tests()}
    why = "".join(
        _reason(one, test) for test in sorted((by_id[t] for t in one.tests), key=partial(_says, one))
    )
    return f"<section>{head}<ul>{why}</ul>{_pictures(one, told, begin, end)}</section>"


def _says(one: Raised, test: FalsificationTest) -> float:
    """What a test adds, as a key: the heaviest comes first."""
    findings = one.picture.findings if one.picture is not None else ()
    return -test.weight * max((f.strength for f in findings if f.test == test.id), default=0.0)


def _minute(instant: str) -> str:
    """Worked example: 2026-01-01T08:00:00+08:00 → 2026-01-01 08:00."""
    return instant[:16].replace("T", " ")


def _reason(one: Raised, test: FalsificationTest) -> str:
    """A test in words, with the figures of its strongest finding."""
    head = f"<li><b>{escape(test.id)}</b> {escape(test.zh)} <span class=en>{escape(test.en)}</span>"
    if one.picture is None:
        return f"{head}</li>"
    strongest = max((f for f in one.picture.findings if f.test == test.id), key=lambda f: f.strength)
    zh, en = (escape(filled(text, strongest)) for text in (test.text_zh, test.text_en))
    p = "" if isnan(strongest.p) else f" · p = {strongest.p:.2g}"
    more = "".join(f" · {escape(name)} = {value:.4g}" for name, value in strongest.figures.items())
    return (
        f"{head}: {zh} <span class=en>{en}</span><br><small>统计量 statistic {strongest.statistic:.4g} · "
        f"阈值 threshold {strongest.threshold:.4g} · 强度 strength {strongest.strength:.2f} × "
        f"权重 weight {test.weight:g}{p}{more}</small></li>"
    )


def _pictures(one: Raised, told: Written, begin: str, end: str) -> str:
    if one.picture is None:
        return "<p><small>无图 no picture</small></p>"
    shown = drawn(one.picture, lambda ms: _minute(iso(ms, told.naive_ms)), (_minute(begin), _minute(end)))
    return "".join(
        f"<figure>{picture.svg}<figcaption>{escape(picture.zh)}<br>"
        f"<span class=en>{escape(picture.en)}</span></figcaption></figure>"
        for picture in shown
    )


def _not_run(told: Written) -> str:
    names = {entry.id: f"{entry.zh} {entry.en}" for entry in entries(told.profile)}
    rows = [
        (test, names.get(test, ""), ", ".join(lacks)) for test, lacks in lacking(told.judged.seen).items()
    ]
    left = [told.sheet.members[place] for place in told.judged.seen.left_out]
    text = "<h2>未能运行的检验 What could not run</h2>"
    text += (
        _table(("检验 test", "名称 name", "缺少 lacks"), rows)
        if rows
        else "<p>全部运行。 Everything ran.</p>"
    )
    if left:
        listed = escape(", ".join(f"{m.station} {m.name}".strip() for m in left[:100]))
        text += f"<p>没有固定步长、未做造假检验的序列：{listed} "
        text += "<span class=en>Without a regular step, so without falsification tests.</span></p>"
    return text


def _series(told: Written) -> str:
    rows = []
    for place, member in enumerate(told.sheet.members[:MOST_SERIES]):
        number = int(told.judged.known.starts[place + 1] - told.judged.known.starts[place])
        step = f"{told.judged.steps[place] / 1000:g} s"
        unit = units.text(member.unit)
        rows.append(
            (member.station, member.name, member.factor if member.is_known else "–", unit, step, number)
        )
    head = ("站点 station", "序列 series", "因子 factor", "单位 unit", "步长 step", "时刻数 instants")
    return "<h2>序列 Series</h2>" + _table(head, rows)


def _notes(notes: Sequence[Note]) -> str:
    items = "".join(f"<li>{escape(note.zh)} <span class=en>{escape(note.en)}</span></li>" for note in notes)
    return f"<h2>读取说明 How the file was read</h2><ul>{items or '<li>–</li>'}</ul>"
