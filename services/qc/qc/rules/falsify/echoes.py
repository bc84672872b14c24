"""D6: short stretches told twice: by the same series at any distance, or by the same factor elsewhere.

Promises: made for few values of many digits (daily waste water, a stack's five digits), where twelve equal
values are more than a falsifier needs; every value counts by how rare it is in its series. Leaves long
repeats of coarse series to `copies` and `sites`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.copies import UNCLEAR, oddness
from qc.rules.falsify.finding import Chosen, Finding, Kind, Stretch, strength
from qc.rules.falsify.panel import DAY_MS, Panel
from qc.rules.falsify.reference import Reference, reference
from qc.rules.outcome import Flags, Floats, Ints

# No value says more, however rare; a run has at least so many values, so many of them different.
MOST_PER_VALUE, LEAST_RUN, LEAST_DISTINCT = 3.0, 3, 3
# Lags about a lag, and all multiples of a week of days or a day of hours.
AROUND, CYCLES = (1, 2, 3), (7, 24)
# Every lag costs a pass over the row: sixty days of hours. Days told again later at finer steps are D1's.
MOST_LAGS = 1440
# Every match at every lag is held until all lags are known: five years of hours; longer rows are cut.
MOST_PERIODS = 44_000
# A seam is followed for so many days at most; at hourly steps for one at least.
SEAM_DAYS = 30


@dataclass(frozen=True, slots=True)
class Echo:
    """Periods [from_i, to_i) are those `lag` periods before, in `other` (the row itself, or another)."""

    from_i: int
    to_i: int
    lag: int
    other: int
    rare: float


@dataclass(frozen=True, slots=True)
class _Compared:
    """The row compared with, its values [N], the lags, and how many steps apart still are equal."""

    row: int
    values: Floats
    lags: range
    tolerance: float


@register("D6")
def told_twice(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Runs of equal values, or within one step, at any lag up to `days`, worth more than the looking [D6].

    A run as long as its lag is a seam: the hours after (or before) it are told for another time. Worked
    example: hours 400-405 of a stack are again hours 406-411 → shift-time by six hours, from 406 on.
    """
    x, found = history.readings(panel), list[Finding]()
    known = reference(panel)
    for row in chosen.rows:
        if np.isfinite(x[row]).sum() < chosen.test.min_n:
            continue
        reach = (chosen.figure("threshold", row), chosen.figure("strong", row))
        furthest = int(chosen.figure("days", row) * DAY_MS // panel.step_ms)
        for echo in _echoes(panel, x, row, furthest, reach[0]):
            for where, kind in _named(panel, known, x, row, echo):
                beside = Stretch(echo.other, echo.from_i - echo.lag, echo.to_i - echo.lag)
                figures = {
                    "values": float(echo.to_i - echo.from_i), "lag": float(echo.lag), "rare": echo.rare,
                }  # fmt: skip
                found.append(
                    Finding(
                        "D6", where, echo.rare, reach[0], history.chance(echo.rare),
                        strength(echo.rare, *reach), kind, (beside,), figures,
                    )
                )  # fmt: skip
    return history.rarest_only(found)


def _echoes(panel: Panel, x: Floats, row: int, furthest: int, least: float) -> Iterator[Echo]:
    step = size_steps(x[row])
    own = lags_of(len(x[row]), furthest)
    others = [
        int(r) for r in panel.of_factor[panel.factor[row]] if panel.station[int(r)] != panel.station[row]
    ]
    # A run as long as the longest lag, and what it repeats, lie whole in one piece or the next.
    reach = 2 * own.stop
    parts = pieces_of(np.isfinite(x[row]), reach)
    for tolerance in (0.0, 1.0):
        said = _worth(x[row], step, tolerance)
        compared = [_Compared(row, x[row], own, tolerance)]
        compared += [_Compared(other, x[other], range(-2, 3), tolerance) for other in others]
        for beside in compared:
            for begin, end, fresh in parts:
                for echo in _runs(x[row], said, step, beside, slice(begin, end), least):
                    seam = fresh + MOST_PERIODS
                    is_cut = seam < len(x[row]) and echo.to_i == seam
                    is_whole_in_next = is_cut and echo.from_i - echo.lag >= seam - reach
                    if echo.to_i > fresh and not is_whole_in_next:
                        yield echo


def pieces_of(known: Flags, reach: int) -> list[tuple[int, int, int]]:
    """(begin, end, from where on it is new) of the pieces of a row, each begun `reach` before what is new.

    A piece ends with its first and last value: what nobody reported is not compared at every lag.
    Worked example: 100,000 values and a reach of 1,441 → three pieces, of which two look back 1,441 values.
    """
    found = []
    for fresh in range(0, len(known), MOST_PERIODS):
        first = max(0, fresh - reach)
        at = first + np.flatnonzero(known[first : fresh + MOST_PERIODS])
        if len(at) > LEAST_RUN and int(at[-1]) >= fresh:
            found.append((int(at[0]), int(at[-1]) + 1, fresh))
    return found


def lags_of(periods: int, furthest: int) -> range:
    """The lags a row of so many periods is compared at: up to `furthest`, and never more than MOST_LAGS.

    Worked example: a year of five minutes and sixty days → 2 … 1440, which are five days.
    """
    return range(2, min(furthest, MOST_LAGS, periods - LEAST_RUN) + 1)


def size_steps(values: Floats) -> Floats:
    """The step most values of the same power of ten are multiples of [N]: 99.123, 100.25 → 0.001, 0.01."""
    found = np.full(len(values), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.floor(np.log10(np.abs(values)))
    for one in np.unique(size[np.isfinite(size)]).tolist():
        at = size == one
        found[at] = float(history.step_of(values[at][None])[0])
    smallest = np.nanmin(found) if np.isfinite(found).any() else 1.0
    return np.where(np.isfinite(found), found, smallest)


def _worth(values: Floats, step: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """What each value says where a run begins, and where it goes on from the value before [N] each.

    A slow series comes back to a value along the same way: there the move is what is rare, not the value.
    Worked example: 7.81, 7.82, 7.83 of a pH that always moves by 0.01 → nothing from the second on.
    """
    first = _said(values, step, tolerance)
    moves = np.diff(values, prepend=np.nan)
    return first, np.where(np.isfinite(moves), np.fmin(first, _said(moves, step, tolerance)), first)


def _said(values: Floats, step: Floats, tolerance: float) -> Floats:
    """-log10 of the share of the row's values that lie as near to each value [N]; 0 where unknown."""
    known = np.sort(values[np.isfinite(values)])
    reach = (tolerance + 0.01) * step
    with np.errstate(invalid="ignore"):
        near = np.searchsorted(known, values + reach, "right") - np.searchsorted(
            known, values - reach, "left"
        )
    said = np.fmin(MOST_PER_VALUE, -np.log10(np.fmax(near, 1) / max(1, len(known))))
    return np.where(np.isfinite(values), said, 0.0)


def _runs(
    row: Floats,
    said: tuple[Floats, Floats],
    steps: Floats,
    with_: _Compared,
    piece: slice,
    least: float,
) -> Iterator[Echo]:
    """Runs of matches at every lag whose information, less that of looking, reaches `least`."""
    mine, theirs, step = row[piece], with_.values[piece], steps[piece]
    worth, tolerance, n = (said[0][piece], said[1][piece]), with_.tolerance, len(mine)
    lags = range(with_.lags.start, min(with_.lags.stop, n - LEAST_RUN + 1))
    moved = np.append(True, np.abs(np.diff(mine)) > 1.01 * step[1:])
    looks = np.log10(2.0 * len(row) * len(with_.lags))
    hits: dict[int, tuple[Flags, Flags]] = {}
    rate: dict[int, float] = {}
    for lag in lags:
        a, b = max(0, lag), n + min(0, lag)
        near, neutral = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
        apart = np.abs(mine[a:b] - theirs[a - lag : b - lag])
        near[a:b] = (apart <= (tolerance + 0.01) * step[a:b]) & moved[a:b]
        # What is missing on either side, or stands still on both, speaks neither for nor against.
        neutral[a:b] = np.isnan(apart) | ((apart <= (tolerance + 0.01) * step[a:b]) & ~moved[a:b])
        hits[lag], rate[lag] = (near, neutral), float(near.sum()) / max(1, n - abs(lag))
    usual = float(np.median(list(rate.values()) or [0.0])) + 0.5 / n
    for lag, (near, neutral) in hits.items():
        if near.sum() < LEAST_RUN:
            continue
        for begin, end in _runs_of(near, neutral):
            part = np.r_[worth[0][begin], worth[1][begin + 1 : end]][near[begin:end]]
            # What is too little even if nothing else ever came back need not be compared with other lags.
            if part.sum() - looks < least:
                continue
            often = np.log10(max(1.0, _around(rate, lag) / usual))
            rare = float(np.fmax(part - often, 0.0).sum() - looks)
            if rare >= least and len(np.unique(mine[begin:end][near[begin:end]])) >= LEAST_DISTINCT:
                yield Echo(piece.start + begin, piece.start + end, lag, with_.row, rare)


def _around(rate: dict[int, float], lag: int) -> float:
    """How often values come back after about such a time by themselves: the median of the neighbours, and of
    all whole weeks or days where it is one (a repeated week must not be its own habit).
    """
    near = [rate[lag + side * k] for k in AROUND for side in (-1, 1) if lag + side * k in rate]
    cycles = [[rate[k] for k in rate if k % cycle == 0 and k != lag] for cycle in CYCLES if lag % cycle == 0]
    known = [some for some in (near, *cycles) if len(some) > 1]
    return max((float(np.median(some)) for some in known), default=0.0)


def _runs_of(near: Flags, neutral: Flags) -> list[tuple[int, int]]:
    """Runs without a mismatch, from the first to the last match, of enough matches."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], near | neutral, [False])).astype(np.int8)))
    upto = history.counted(near)
    pairs = edges.reshape(-1, 2)
    found = []
    for a, b in pairs[upto[pairs[:, 1]] - upto[pairs[:, 0]] >= LEAST_RUN].tolist():
        at = np.flatnonzero(near[a:b])
        found.append((a + int(at[0]), a + int(at[-1]) + 1))
    return found


def _named(
    panel: Panel, known: Reference, x: Floats, row: int, echo: Echo
) -> list[tuple[Stretch, Kind]]:  # fmt: skip
    """What is falsified: the run that fits its place less, or what a seam begins or ends."""
    if echo.other != row:
        return [(Stretch(row, echo.from_i, echo.to_i), "copy-site")]
    if echo.to_i - echo.from_i <= echo.lag <= panel.per_day + 6 and echo.to_i - echo.from_i >= echo.lag - 1:
        return [(_moved(panel, known, row, echo), "shift-time")]
    later, earlier = (echo.from_i, echo.to_i), (echo.from_i - echo.lag, echo.to_i - echo.lag)
    more = oddness(x, row, later, None) - oddness(x, row, earlier, None)
    spans = [later] if more > UNCLEAR else [earlier] if more < -UNCLEAR else [later, earlier]
    return [(Stretch(row, *span), "copy-day") for span in spans]


def _moved(panel: Panel, known: Reference, row: int, echo: Echo) -> Stretch:
    """The hours that a seam moves: on the side, and as far, as they fit the other factors better moved."""
    seam, lag, n = echo.from_i, echo.lag, panel.shape[1]
    reach, day = SEAM_DAYS * panel.per_day, panel.per_day
    y, told = known.y[row], known.expected[row]
    at = np.arange(n)
    late, early = told[np.clip(at - lag, 0, n - 1)], told[np.clip(at + lag, 0, n - 1)]
    after = _gain(y, told, late, np.arange(seam, min(n, seam + reach)), day)
    before = _gain(y, told, early, np.arange(seam - 1, max(-1, seam - 1 - reach), -1), day)
    if after[0] >= before[0]:
        return Stretch(row, seam, min(n, seam + after[1]))
    return Stretch(row, max(0, seam - before[1]), seam)


def _gain(y: Floats, told: Floats, moved: Floats, at: Ints, least: int) -> tuple[float, int]:
    """(what the moved prediction misses less than the one in place at best, over how many periods)."""
    less = np.nan_to_num(np.abs(y[at] - told[at]) - np.abs(y[at] - moved[at]))
    if not len(less):
        return 0.0, 0
    total = np.cumsum(less)
    best = int(np.argmax(total))
    return float(total[best]), max(min(least, len(at)), best + 1)
