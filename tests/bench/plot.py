"""The plot of `bench-large`, as SVG: cost of an observation and delays of readers over the number of rows.

Promises: logarithmic below, linear on the left from zero, so that what is flat looks flat; readable on white
and on dark pages; text in one language. No library: a chart of five points needs none.
"""

import math
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 330, 70, 60, 430
BOX = (320, 190)
COLOURS = ("#2a6fbb", "#c4551d", "#2e8b57")
WORDS = {
    "zh": {
        "title": "监测值增多时的代价",
        "note": "{cpu}，{cores} 核，平均负载 {load}",
        "each": "每条监测值的写入代价（µs，16 个连接）",
        "read": "读取时延 p99（ms）",
        "rows": "监测值条数",
        "wall": "历时",
        "cpu": "处理器",
        "latest": "最新值",
        "day": "一天范围",
        "count": "计数（28 天）",
    },
    "en": {
        "title": "What more observations cost",
        "note": "{cpu}, {cores} cores, load average {load}",
        "each": "to write one observation (µs, 16 connections)",
        "read": "to read, p99 (ms)",
        "rows": "observations",
        "wall": "elapsed",
        "cpu": "processor",
        "latest": "latest value",
        "day": "range of a day",
        "count": "count (28 days)",
    },
}


def drawn(found: Sequence[Any], machine: dict[str, str], language: str) -> str:
    """Two panels side by side."""
    words = WORDS[language]
    rows = [one["rows"] for one in found]
    write = {words["wall"]: [o["us_each"] for o in found], words["cpu"]: [o["cpu_us_each"] for o in found]}
    read = {words[key]: [one[key]["p99_ms"] for one in found] for key in ("latest", "day", "count")}
    note = words["note"].format(**machine)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12" fill="#444">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            f'<text x="{LEFT}" y="22" font-size="16" font-weight="bold">{words["title"]}</text>',
            f'<text x="{WIDTH - 20}" y="22" text-anchor="end">{_safe(note)}</text>',
            *_panel(LEFT, words["each"], words["rows"], rows, write),
            *_panel(LEFT + GAP, words["read"], words["rows"], rows, read),
            "</svg>\n",
        ]
    )


def _panel(
    left: int, title: str, below: str, rows: Sequence[int], lines: dict[str, list[float]]
) -> list[str]:
    width, height = BOX
    top = _round_up(max(max(values) for values in lines.values()) * 1.1)
    low, high = math.log10(min(rows)), math.log10(max(rows))
    xs = [left + (width * (math.log10(n) - low) / (high - low) if high > low else width / 2) for n in rows]

    def y(value: float) -> float:
        return TOP + height - height * value / top

    foot = TOP + height
    made = [f'<text x="{left}" y="{TOP - 12}" font-weight="bold">{title}</text>']
    for value in (top * part / 4 for part in range(5)):
        made.append(f'<path d="M{left} {y(value):.1f}h{width}" stroke="#ddd"/>')
        made.append(f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for x, count in zip(xs, rows, strict=True):
        made.append(f'<text x="{x:.1f}" y="{foot + 16}" text-anchor="middle">{_short(count)}</text>')
    made.append(f'<text x="{left + width / 2}" y="{foot + 34}" text-anchor="middle">{below}</text>')
    for number, (name, values) in enumerate(lines.items()):
        colour, at = COLOURS[number], left + number * 125
        points = " ".join(f"{x:.1f},{y(value):.1f}" for x, value in zip(xs, values, strict=True))
        made.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, value in zip(xs, values, strict=True):
            said = f"<title>{name} {value:.1f}</title>"
            made.append(f'<circle cx="{x:.1f}" cy="{y(value):.1f}" r="3" fill="{colour}">{said}</circle>')
        made.append(f'<path d="M{at} {foot + 52}h18" stroke="{colour}" stroke-width="3"/>')
        made.append(f'<text x="{at + 24}" y="{foot + 56}">{name}</text>')
    return made


def _round_up(value: float) -> float:
    step = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * k for k in (1, 2, 4, 8, 10) if step * k >= value)


def _short(count: float) -> str:
    return f"{count / 1e6:.3g} M" if count >= 1e6 else f"{count / 1e3:.3g} k"


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
