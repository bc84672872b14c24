"""What could be told at all: a judge who knows the row, the place, the length and the kind.

Promises: this judge looks once, at the planted stretch, may be wrong about five untouched stretches in a
hundred, and of all measures uses the one that in the end did best for the kind. What is as odd without the
planting is no trace of it. Where even that misses, the kind leaves too little in such data, as far as these
measures see. Leaves finding without knowing to the tests.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.history import NOT_MEASURED
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Floats

from jianzhen.planting.plant import Planted, Truth

# How often the judge may be wrong about an untouched stretch; stretches compared with at most and at least.
WRONG, MOST, LEAST = 0.05, 80, 12
# Days of the cycles of a loss that is put right again and again; who looks has to try them.
SAWS = (5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 23, 26, 30, 36, 45)
Measures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Told:
    """Whether the judge tells planting `number` of the panel `sheet` of those that were planted."""

    sheet: int
    number: int
    told: bool


def told(panel: Panel, planted: Sequence[Planted], kinds: Collection[Kind]) -> dict[Kind, list[Told]]:
    """Per kind of `kinds` what such a judge says of each planting, by the measure that is right most often.

    Of a planting on several rows any row counts. Worked example: a month of exact copies is told; a daily
    series reported two days late is not, but by chance.
    """
    said: dict[Kind, list[tuple[int, int, dict[str, bool]]]] = {}
    for sheet, one in enumerate(planted):
        groups: dict[int, list[Truth]] = {}
        for truth in one.truths:
            if truth.kind in kinds:
                groups.setdefault(truth.planting, []).append(truth)
        for number, truths in groups.items():
            found = [_beyond(panel, one.panel, truth) for truth in truths]
            names = {name for some in found for name in some}
            any_row = {name: any(some.get(name, False) for some in found) for name in names}
            said.setdefault(truths[0].kind, []).append((sheet, number, any_row))
    judged: dict[Kind, list[Told]] = {}
    for kind, some in sorted(said.items()):
        right = Counter(name for _, _, by_name in some for name, beyond in by_name.items() if beyond)
        best = min(right, key=lambda name: (-right[name], name), default="")
        judged[kind] = [Told(sheet, number, by.get(best, False)) for sheet, number, by in some]
    return judged


def shares(judged: Mapping[Kind, Sequence[Told]]) -> dict[Kind, float]:
    """Per kind the share of the plantings that are told. Worked example: one of two → 0.5."""
    return {kind: sum(one.told for one in some) / len(some) for kind, some in judged.items()}


def _beyond(untouched: Panel, planted: Panel, truth: Truth) -> dict[str, bool]:
    """Which measures of the stretch lie beyond those of untouched stretches of its length."""
    n = truth.to_i - truth.from_i
    last = untouched.shape[1] - n
    begins = np.unique(np.linspace(0, max(0, last), MOST).astype(np.int64))
    begins = begins[np.abs(begins - truth.from_i) >= n]
    if len(begins) < LEAST:
        begins = np.unique(np.linspace(0, max(0, last), MOST).astype(np.int64))
    usual = [_measures(untouched, truth.row, int(a), int(a) + n) for a in begins]
    here = _measures(planted, truth.row, truth.from_i, truth.to_i)
    honest = _measures(untouched, truth.row, truth.from_i, truth.to_i)
    beyond: dict[str, bool] = {}
    for name, value in here.items():
        known = np.array([one[name] for one in usual if name in one and np.isfinite(one[name])])
        if len(known) and np.isfinite(value):
            low, high = np.quantile(known, (WRONG / 2, 1 - WRONG / 2))
            was = low <= honest.get(name, np.nan) <= high
            beyond[name] = bool(was and (value < low or value > high))
    return beyond


def _measures(panel: Panel, row: int, a: int, b: int) -> Measures:
    """What is asked of a stretch: level, spread, moves, digits, top, gaps, marks, limit, clock."""
    values, known = panel.value[row, a:b], reference(panel)
    there = values[np.isfinite(values)]
    if len(there) < 5:
        return {"missing": 1.0 - len(there) / max(1, len(values))}
    y, left = known.y[row, a:b], known.best[row, a:b]
    moves = np.diff(there)
    step = float(panel.resolution[row])
    last = np.fmod(np.abs(np.rint(there / step)), 10)
    shares = np.bincount(last.astype(np.int64), minlength=10) / len(last)
    return {
        "level": float(np.nanmedian(y)) if np.isfinite(y).any() else np.nan,
        "residual": float(np.nanmedian(left)) if np.isfinite(left).any() else np.nan,
        "slope": _slope(left),
        "edges": _edges(known.best[row], a, b, 14 * panel.per_day),
        "saw": _saw(left, panel.per_day),
        "spread": float(np.log(np.std(there) + 1e-9)),
        "moves": float(np.log(np.mean(np.abs(moves)) + 1e-9)),
        "smoothness": float(np.mean(moves**2) / (np.var(there) + 1e-12)),
        "top": float((there == there.max()).sum()),
        "equal": float((moves == 0).mean()),
        "fives": float(shares[0] + shares[5]),
        "digits": float(((shares - 0.1) ** 2).sum()),
        "repeats": _repeats(there),
        "missing": 1.0 - len(there) / len(values),
        "marked": _marked(panel, row, a, b),
        "below limit": _below(there, float(panel.limit[row])),
        "clock": _clock(y, known.expected[row, a:b]),
    }


def _slope(left: Floats) -> float:
    at = np.flatnonzero(np.isfinite(left))
    return float(np.polyfit(at, left[at], 1)[0]) if len(at) > 2 else float("nan")


def _edges(left: Floats, a: int, b: int, most: int) -> float:
    """The middle of the stretch less that of as long a time, at most `most`, before and after."""
    reach = min(b - a, most)
    beside = np.r_[left[max(0, a - reach) : a], left[b : b + reach]]
    if not np.isfinite(beside).any() or not np.isfinite(left[a:b]).any():
        return float("nan")
    return float(np.nanmedian(left[a:b]) - np.nanmedian(beside))


def _saw(left: Floats, per_day: int) -> float:
    """How well saw-teeth begun with the stretch fit it: the lowest correlation over the cycles."""
    at = np.flatnonzero(np.isfinite(left))
    fits = []
    for days in SAWS:
        cycle = days * per_day
        if 2 * cycle <= len(left) and len(at) > 2 and np.ptp(left[at]) > 0:
            fits.append(float(np.corrcoef(left[at], at % cycle)[0, 1]))
    return min(fits, default=float("nan"))


def _repeats(there: Floats) -> float:
    """The largest share of values equal to those a lag of the stretch before."""
    lags = range(2, min(len(there) // 2, 60))
    return max((float((there[lag:] == there[:-lag]).mean()) for lag in lags), default=0.0)


def _marked(panel: Panel, row: int, a: int, b: int) -> float:
    """The mean rank of what is marked among the values of the stretch; no mark: the middle."""
    marks = np.isin(panel.mark[row, a:b], NOT_MEASURED) & np.isfinite(panel.value[row, a:b])
    values = panel.value[row, a:b]
    if not marks.any() or marks.all():
        return 0.5
    free = np.sort(values[np.isfinite(values) & ~marks])
    return float(np.mean(np.searchsorted(free, values[marks]) / max(1, len(free))))


def _below(there: Floats, limit: float) -> float:
    """The log ratio of what lies up to a tenth below the limit and above it."""
    if not np.isfinite(limit):
        return float("nan")
    below = ((there >= 0.9 * limit) & (there < limit)).sum()
    above = ((there >= limit) & (there < 1.1 * limit)).sum()
    return float(np.log((below + 0.5) / (above + 0.5)))


def _clock(y: Floats, expected: Floats) -> float:
    """How much better the expected values fit moved by up to five periods than in place."""

    def fit(lag: int) -> float:
        one, other = y[max(0, lag) : len(y) + min(0, lag)], expected[max(0, -lag) : len(y) - max(0, lag)]
        both = np.isfinite(one) & np.isfinite(other)
        if both.sum() < 8 or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
            return float("nan")
        return float(np.corrcoef(one[both], other[both])[0, 1])

    tried = [one for one in (fit(lag) for lag in range(-5, 6) if lag) if np.isfinite(one)]
    return max(tried) - fit(0) if tried else float("nan")
