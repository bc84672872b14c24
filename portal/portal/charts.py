"""Geometry of the two drawings made on the server: an hourly curve and the index scale. Pure.

Promises: a gap in time or a left-out value breaks the line; left-out values are marks of their own, so that a
reader sees both what was measured and that it does not count. Leaves colours and fonts to the style sheet.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from portal.texts import beijing

WIDTH, HEIGHT = 760, 280
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 14, 34
HOUR = timedelta(hours=1)
SCALE_STEPS = (0, 50, 100, 150, 200, 300, 500)


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """Everything the template draws, in the units of the view box."""

    lines: list[str]
    dots: list[tuple[float, float]]
    crosses: list[tuple[float, float]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def nice_step(span: float, parts: int = 4) -> float:
    """A step of 1, 2, 2.5 or 5 times a power of ten that divides `span` into about `parts`.

    Worked example: `nice_step(80)` → 20.0.
    """
    raw = max(span, 1e-9) / parts
    power = 10.0 ** int(f"{raw:e}".split("e")[1])
    return float(next(m for m in (1, 2, 2.5, 5, 10) if m * power >= raw) * power)


def _top(values: list[float]) -> tuple[float, float]:
    step = nice_step(max([*values, 0.0]) or 1.0)
    top = step
    while top < max(values, default=0.0):
        top += step
    return top, step


def _y_ticks(top: float, step: float) -> list[Tick]:
    drawn = HEIGHT - TOP - BOTTOM
    count = round(top / step)
    return [Tick(TOP + drawn * (1 - n / count), f"{n * step:g}") for n in range(count + 1)]


def _x_ticks(begin: datetime, end: datetime, place: Any) -> list[Tick]:
    is_long = end - begin > 48 * HOUR
    every = 24 if is_long else 4
    at = begin.replace(minute=0)
    ticks = []
    while at <= end:
        if at.hour % every == 0:
            ticks.append(Tick(place(at), at.strftime("%m-%d" if is_long else "%H:%M")))
        at += HOUR
    return ticks


def curve(items: list[dict[str, Any]], begin: str, end: str) -> Curve | None:
    """The drawing of `items` (ts, value, left_out) over [begin, end); None if there is no value at all."""
    known = [item for item in items if item["value"] is not None]
    if not known:
        return None
    first, last = beijing(begin), beijing(end) - HOUR
    span = max((last - first).total_seconds(), 3600.0)
    top, step = _top([item["value"] for item in known])
    drawn_width, drawn_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(at: datetime) -> float:
        return round(LEFT + drawn_width * (at - first).total_seconds() / span, 1)

    def up(value: float) -> float:
        return round(TOP + drawn_height * (1 - max(value, 0.0) / top), 1)

    lines: list[list[str]] = []
    dots, crosses = [], []
    before: datetime | None = None
    for item in known:
        at = beijing(item["ts"])
        x, y = across(at), up(item["value"])
        if item["left_out"]:
            crosses.append((x, y))
            continue
        if before is None or at - before > HOUR:
            lines.append([])
        lines[-1].append(f"{x},{y}")
        dots.append((x, y))
        before = at
    return Curve(
        [" ".join(line) for line in lines], dots, crosses, _x_ticks(first, last, across), _y_ticks(top, step)
    )


def scale_position(aqi: int) -> float:
    """Where an index stands on the six equal segments of the scale, in per cent.

    Worked example: 75 lies in the middle of the second of six segments → 25.0.
    """
    for segment, (low, high) in enumerate(pairwise(SCALE_STEPS)):
        if aqi <= high:
            return round((segment + (aqi - low) / (high - low)) * 100 / 6, 1)
    return 100.0
