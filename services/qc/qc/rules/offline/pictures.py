"""Pictures of a suspicion as inline SVG: the stretch in its surroundings, copies laid over it, a histogram.

Promises: no script, no style from elsewhere, every text escaped, at most POINTS points to a curve. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from qc.rules.offline.pictured import Curve, Pictured
from qc.rules.outcome import Floats

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 220, 54, 24
POINTS = 800
OWN, ORIGINAL, NEIGHBOUR, SHADE = "#123f6b", "#c2410c", "#8a94a0", "#fdecc8"


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to places: `low` … `high` over the height, periods over the width."""

    low: float
    high: float
    periods: int

    def x(self, period: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * period / max(1, self.periods - 1)

    def y(self, value: float) -> float:
        return 8 + (HEIGHT - BOTTOM - 16) * (1 - (value - self.low) / (self.high - self.low))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture and what it shows."""

    svg: str
    zh: str
    en: str


def drawn(picture: Pictured, time: Callable[[int], str], span: tuple[str, str]) -> list[Drawn]:
    """Every picture there is something to show in. `time` writes an instant (UTC ms), `span` is the
    stretch.
    """
    around = picture.around
    last = around.from_ms + (len(around.value) - 1) * picture.step_ms
    found = [
        Drawn(
            timeline(picture, (time(around.from_ms), time(last))),
            "本序列（蓝），存疑时段（底色），邻近站点同一因子（灰），限值（虚线）",
            "the series (blue), the stretch (shaded), the same factor elsewhere (grey), the limit (dashed)",
        )
    ]
    if any(len(curve.value) for curve in picture.originals):
        origins = "; ".join(
            f"{curve.station} {curve.factor} {time(curve.from_ms)}".strip() for curve in picture.originals
        )
        found.append(
            Drawn(
                overlay(picture, span),
                f"存疑时段（蓝）叠在其对照时段（橙）之上：{origins}",
                "the stretch (blue) laid over what it resembles (orange)",
            )
        )
    if len(picture.bars):
        found.append(
            Drawn(
                histogram(picture),
                "数值分布：存疑时段（蓝）与整个序列（灰）",
                "distribution of values: the stretch (blue) and the whole series (grey)",
            )
        )
    return found


def timeline(picture: Pictured, label: Sequence[str]) -> str:
    """The series around the stretch (shaded), its neighbours in grey, the limit dashed.

    `label` is what stands under the beginning and the end.
    """
    around = picture.around.value
    scale = _scale([around, *(curve.value for curve in picture.beside)], len(around), picture.limit)
    first, last = picture.inside
    parts = [_shade(scale, first, last)]
    parts += [_curve(curve.value, scale, NEIGHBOUR, curve) for curve in picture.beside]
    parts.append(_curve(around, scale, OWN, picture.around))
    if scale.low <= picture.limit <= scale.high:
        parts.append(_level(scale, picture.limit))
    return _svg([*parts, *_axis(scale, label)])


def overlay(picture: Pictured, label: Sequence[str]) -> str:
    """The suspected stretch and, from the same beginning, what it may have been copied from."""
    first, last = picture.inside
    own = picture.around.value[first:last]
    originals = [curve for curve in picture.originals if len(curve.value)]
    length = max(len(own), *(len(curve.value) for curve in originals))
    scale = _scale([own, *(curve.value for curve in originals)], length, float("nan"))
    parts = [_curve(curve.value, scale, ORIGINAL, curve, width=4.0) for curve in originals]
    parts.append(_curve(own, scale, OWN, picture.around))
    return _svg([*parts, *_axis(scale, label)])


def histogram(picture: Pictured) -> str:
    """Shares of the values in the stretch (blue) beside those of the whole series (grey), same bars."""
    inside = picture.bars / max(1, int(picture.bars.sum()))
    before = picture.bars_before / max(1, int(picture.bars_before.sum()))
    scale = _Scale(0.0, max(float(inside.max()), float(before.max()), 1e-9), len(inside) + 1)
    parts = []
    for bar, (own, usual) in enumerate(zip(inside, before, strict=True)):
        left, width = scale.x(bar), (WIDTH - LEFT - 8) / (len(inside) + 1)
        parts.append(_bar(left, width * 0.9, scale, float(usual), NEIGHBOUR))
        parts.append(_bar(left + width * 0.2, width * 0.5, scale, float(own), OWN))
    label = (f"{picture.edges[0]:.4g}", f"{picture.edges[-1]:.4g}")
    return _svg([*parts, *_axis(scale, label, percent=True)])


def _scale(curves: Iterable[Floats], periods: int, limit: float) -> _Scale:
    every = np.concatenate([curve[np.isfinite(curve)] for curve in curves])
    if not len(every):
        return _Scale(0.0, 1.0, periods)
    low, high = float(every.min()), float(every.max())
    if np.isfinite(limit) and low <= limit <= low + 3 * (high - low):
        high = max(high, limit)
    room = (high - low) * 0.05 or max(abs(high) * 0.1, 0.5)
    # What is never negative has no axis below zero.
    return _Scale(low - room if low < 0 else max(0.0, low - room), high + room, periods)


def _curve(value: Floats, scale: _Scale, colour: str, curve: Curve, width: float = 1.5) -> str:
    every = max(1, -(-len(value) // POINTS))
    pieces, points = [], []
    for period in range(0, len(value), every):
        if np.isfinite(value[period]):
            points.append(f"{scale.x(period):.1f},{scale.y(float(value[period])):.1f}")
        elif points:
            pieces.append(points)
            points = []
    pieces.append(points)
    title = f"<title>{escape(f'{curve.station} {curve.factor}'.strip())}</title>"
    drawn = "".join(f'<polyline points="{" ".join(piece)}"/>' for piece in pieces if len(piece) > 1)
    alone = "".join(
        f'<circle cx="{p[0].split(",")[0]}" cy="{p[0].split(",")[1]}" r="1.5"/>'
        for p in pieces
        if len(p) == 1
    )
    return f'<g fill="none" stroke="{colour}" stroke-width="{width}">{title}{drawn}{alone}</g>'


def _shade(scale: _Scale, first: int, last: int) -> str:
    left, right = scale.x(first), scale.x(max(first, last - 1))
    height = HEIGHT - BOTTOM - 16
    return f'<rect x="{left - 1:.1f}" y="8" width="{right - left + 2:.1f}" height="{height}" fill="{SHADE}"/>'


def _level(scale: _Scale, limit: float) -> str:
    y = scale.y(limit)
    return f'<path d="M{LEFT} {y:.1f}H{WIDTH - 8}" stroke="{ORIGINAL}" stroke-dasharray="5 4"/>'


def _bar(left: float, width: float, scale: _Scale, share: float, colour: str) -> str:
    top = scale.y(share)
    height = scale.y(0.0) - top
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _axis(scale: _Scale, label: Sequence[str], percent: bool = False) -> list[str]:
    parts = [f'<path d="M{LEFT} 8V{HEIGHT - BOTTOM - 8}H{WIDTH - 8}" fill="none" stroke="#667"/>']
    for share in (0.0, 0.5, 1.0):
        value = scale.low + (scale.high - scale.low) * share
        text = f"{value * 100:.1f} %" if percent else f"{value:.4g}"
        parts.append(f'<text x="{LEFT - 6}" y="{scale.y(value) + 4:.1f}" text-anchor="end">{text}</text>')
    for x, anchor, text in ((LEFT, "start", label[0]), (WIDTH - 8, "end", label[-1])):
        parts.append(f'<text x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">{escape(text)}</text>')
    return parts


def _svg(parts: Iterable[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="11">{"".join(parts)}</svg>'
