"""Pictures of a trial, as SVG: the curve, recall per kind and tool, a series with what was planted or
suspected.

Promises: readable on white and in print; no library. Leaves which pictures there are to `page`.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from qc.rules.falsify.finding import KIND_ZH
from qc.rules.outcome import Floats

INK, GRID, REAL, PLANTED, FOUND = "#333", "#ddd", "#9aa5b1", "#c4551d", "#2a6fbb"
COLOURS = ("#2a6fbb", "#c4551d", "#2e8b57", "#8457a8", "#b08900", "#6b7480")
FEWEST, MOST = 0.001, 100.0


def svg(width: int, height: int, inside: Sequence[str]) -> str:
    """One picture with a name for readers that do not see it left to the caller."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}" role="img">'
    )
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#fff"/>', *inside, "</svg>"])


def curve(tools: Sequence[dict[str, Any]], wanted: tuple[float, float]) -> str:
    """Recall over false suspicions per station-month (logarithmic), ours by threshold, peers as points.

    `wanted` = recall and rate of the target, drawn as the corner to reach.
    """
    left, top, wide, high = 60, 24, 520, 260

    def x(rate: float) -> float:
        share = math.log10(min(MOST, max(FEWEST, rate)) / FEWEST) / math.log10(MOST / FEWEST)
        return left + wide * share

    def y(recall: float) -> float:
        return top + high * (1 - recall)

    made = [
        f'<rect x="{left}" y="{top}" width="{x(wanted[1]) - left:.1f}" height="{y(wanted[0]) - top:.1f}" '
        'fill="#e8f4e8"/>'
    ]
    for recall in (0, 0.25, 0.5, 0.75, 1):
        made.append(f'<path d="M{left} {y(recall):.1f}h{wide}" stroke="{GRID}"/>')
        made.append(f'<text x="{left - 6}" y="{y(recall) + 4:.1f}" text-anchor="end">{recall:g}</text>')
    for rate in (0.001, 0.01, 0.1, 1, 10, 100):
        made.append(f'<path d="M{x(rate):.1f} {top}v{high}" stroke="{GRID}"/>')
        shown = "≤0.001" if rate == FEWEST else f"{rate:g}"
        made.append(f'<text x="{x(rate):.1f}" y="{top + high + 16}" text-anchor="middle">{shown}</text>')
    for colour, tool in zip(COLOURS, tools, strict=False):
        made += _dots(tool, colour, x, y)
    made.append(
        f'<text x="{left + wide / 2}" y="{top + high + 34}" text-anchor="middle">'
        "false suspicions per station-month on untouched data 未改动数据上每站月误报</text>"
    )
    made.append(f'<text x="{left - 48}" y="14">recall 召回率</text>')
    return svg(left + wide + 130, top + high + 44, made)


def _dots(tool: dict[str, Any], colour: str, x: Any, y: Any) -> list[str]:
    points = [
        (one["false"], one["recall"], one["threshold"]) for one in tool["curve"] if one["recall"] is not None
    ]
    made: list[str] = []
    if points:
        line = " ".join(f"{x(rate):.1f},{y(recall):.1f}" for rate, recall, _ in points)
        made.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        made += [
            f'<circle cx="{x(rate):.1f}" cy="{y(recall):.1f}" r="2.5" fill="{colour}">'
            f"<title>threshold {threshold:g}</title></circle>"
            for rate, recall, threshold in points
        ]
    at = tool["false_per_station_month"], tool["recall"] or 0.0
    made.append(f'<circle cx="{x(at[0]):.1f}" cy="{y(at[1]):.1f}" r="5" fill="{colour}"/>')
    made.append(
        f'<text x="{x(at[0]) + 8:.1f}" y="{y(at[1]) + 16:.1f}" fill="{colour}">{escape(tool["name"])}</text>'
    )
    return made


def recalls(tools: Sequence[dict[str, Any]], wanted: float) -> str:
    """A row per kind, the worst of the first tool first; a cell per tool, the darker the more was found."""
    kinds = [one["kind"] for one in tools[0]["kinds"]]
    left, cell, row = 210, 104, 20
    made = [
        f'<text x="{left + n * cell + cell / 2}" y="16" text-anchor="middle" font-weight="bold">'
        f"{escape(tool['name'])}</text>"
        for n, tool in enumerate(tools)
    ]
    for line, kind in enumerate(kinds):
        y = 26 + line * row
        made.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{KIND_ZH[kind]} {kind}</text>')
        for n, tool in enumerate(tools):
            one = next((k for k in tool["kinds"] if k["kind"] == kind), None)
            recall = one["recall"] if one else 0.0
            edge = ' stroke="#2e8b57" stroke-width="1.5"' if recall >= wanted else ""
            made.append(
                f'<rect x="{left + n * cell + 2}" y="{y + 1}" width="{cell - 4}" height="{row - 2}" '
                f'fill="#2a6fbb" fill-opacity="{0.06 + 0.74 * recall:.2f}"{edge}/>'
            )
            ink = "#fff" if recall > 0.6 else INK
            made.append(
                f'<text x="{left + n * cell + cell / 2}" y="{y + 14}" text-anchor="middle" fill="{ink}">'
                f"{recall:.2f}</text>"
            )
    return svg(left + cell * len(tools) + 10, 36 + row * len(kinds), made)


def series(
    real: Floats, planted: Floats | None, beside: Floats | None, spans: Sequence[tuple[int, int, str]]
) -> str:
    """Values over periods: `real` grey, `planted` on top, `beside` dashed (the neighbours' median); `spans`
    of (begin, end, colour) as bars below.
    """
    left, top, wide, high = 46, 8, 600, 110
    lines = [line for line in (real, planted, beside) if line is not None]
    known = np.concatenate([line[np.isfinite(line)] for line in lines])
    low, most = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    scale = high / ((most - low) or 1.0)
    n = max(2, len(real))

    def path(line: Floats) -> str:
        made, is_down = [], False
        for i, value in enumerate(line.tolist()):
            if math.isfinite(value):
                x, y = left + wide * i / (n - 1), top + high - (value - low) * scale
                # A value without neighbours is a dot.
                made.append(f"L{x:.1f} {y:.1f}" if is_down else f"M{x:.1f} {y:.1f}h0")
            is_down = math.isfinite(value)
        return "".join(made)

    made = [
        f'<path d="M{left} {top}v{high}h{wide}" stroke="{GRID}" fill="none"/>',
        f'<text x="{left - 4}" y="{top + 9}" text-anchor="end">{most:g}</text>',
        f'<text x="{left - 4}" y="{top + high}" text-anchor="end">{low:g}</text>',
    ]
    for line, colour, dash in ((beside, "#2e8b57", "3 2"), (real, REAL, ""), (planted, PLANTED, "")):
        if line is not None:
            made.append(
                f'<path d="{path(line)}" fill="none" stroke="{colour}" stroke-linecap="round" '
                f'stroke-dasharray="{dash}"/>'
            )
    for begin, end, colour in spans:
        x = left + wide * max(0, begin) / (n - 1)
        to = left + wide * min(n, end) / (n - 1)
        y = top + high + (6 if colour == PLANTED else 12)
        made.append(f'<rect x="{x:.1f}" y="{y}" width="{max(2, to - x):.1f}" height="4" fill="{colour}"/>')
    return svg(left + wide + 10, top + high + 22, made)
