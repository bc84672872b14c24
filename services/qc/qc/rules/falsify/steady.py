"""Stretches that are too even: a level with an instrument's noise on it while everything around moves.

Promises: unevenness is compared with what the reference shows in the same hours and with the row's history;
exact repeats are left to K1. Leaves the threshold to the pack.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import ranks
from qc.rules.falsify.history import counted, cumulated, windowed
from qc.rules.outcome import Flags, Floats, Ints

WINDOW_DAYS = (1.0, 2.0, 4.0)
# The quantile of a row's quietness that z is measured by.
HIGH = 0.98


@dataclass(frozen=True, slots=True)
class Steady:
    """Periods [from_i, to_i) whose spread is exp(-`quiet`) of the usual, `z` deviations below history."""

    from_i: int
    to_i: int
    z: float
    quiet: float
    level: float


def steady(
    value: Floats, moves: Floats, step: float, per_day: int, least_z: float, most: int = 6
) -> list[Steady]:
    """The too even stretches of a row [N]; `moves` [N] is what should have moved it, in the same unit.

    Worked example: two days at 50 ± 0.5 µg/m³ while the network swings by 40 → one Steady over them.
    """
    found = []
    value_sums, moves_sums = _sums(value), _sums(moves)
    for days in WINDOW_DAYS:
        length = max(4, round(days * per_day))
        if 8 * length > len(value):
            break
        own, there = _variance(value_sums, length)
        other, seen = _variance(moves_sums, length)
        known = there & seen & (own > 0)
        if known.sum() < 20:
            continue
        # Where the surroundings rest, rest is no wonder.
        lively = np.flatnonzero(known & (other > ranks.median_of(np.sqrt(other[known])) ** 2 / 4))
        if len(lively) < 20:
            continue
        # Below a last digit nothing can be told.
        quiet = 0.5 * np.log((other[lively] + 4 * step**2) / (own[lively] + 0.09 * step**2))
        for place, z, size in _quietest(lively, quiet, length, least_z, most):
            level = ranks.median_of(value[place : place + length])
            found.append(Steady(place, place + length, z, size, level))
    joined = _joined(found)
    # The windows themselves say since when this could be known.
    return joined + [s for s in found if s not in joined]


def _quietest(
    at: Ints, quiet: Floats, length: int, least_z: float, most: int
) -> Iterator[tuple[int, float, float]]:
    """(place, z, quiet) of the quietest windows, none overlapping another; `at` are their places in order."""
    # Only the quietest are put in order: no rank below them is asked for.
    asked = min(len(quiet), len(quiet) // 50 + 4 * length + 2)
    least, _ = ranks.at_ranks(quiet, (len(quiet) - asked, len(quiet) - asked))
    order = np.flatnonzero(quiet >= least)
    order = order[np.argsort(quiet[order])]
    middle, rest = ranks.median_of(quiet), quiet.copy()
    for _ in range(most):
        best = int(np.argmax(rest))
        place = int(at[best])
        near = np.searchsorted(at, [place - 2 * length + 1, place + 2 * length])
        apart = len(at) - int(near[1] - near[0])
        if not np.isfinite(rest[best]) or apart < 20:
            return
        # The history without the stretch itself: it must not be its own excuse.
        top = order[-(apart // 50 + 4 * length + 2) :]
        top = top[(top < near[0]) | (top >= near[1])]
        position = HIGH * (apart - 1)
        rank, share = int(position) - apart, position - int(position)
        a, b = float(quiet[top[rank]]), float(quiet[top[min(rank + 1, -1)]])
        high = a + (b - a) * share if share < 0.5 else b - (b - a) * (1 - share)
        z = 2.05 * (float(quiet[best]) - middle) / max(high - middle, 0.1)
        if z < least_z:
            return
        yield place, z, float(quiet[best])
        rest[slice(*np.searchsorted(at, [place - length, place + length]))] = -np.inf


def _joined(found: list[Steady]) -> list[Steady]:
    joined: list[Steady] = []
    for s in sorted(found, key=lambda s: s.from_i):
        if joined and s.from_i <= joined[-1].to_i:
            last = joined[-1]
            top = s if s.z > last.z else last
            joined[-1] = Steady(last.from_i, max(last.to_i, s.to_i), top.z, top.quiet, top.level)
        else:
            joined.append(s)
    return sorted(joined, key=lambda s: -s.z)


def _sums(row: Floats) -> tuple[Ints, Floats, Floats]:
    """How many are known, their sum and the sum of their squares up to each period, from their median."""
    known = np.isfinite(row)
    base = row - ranks.median_of(row) if known.any() else row
    x = np.where(known, base, 0.0)
    return counted(known), cumulated(x), cumulated(x * x)


def _variance(sums: tuple[Ints, Floats, Floats], length: int) -> tuple[Floats, Flags]:
    """The variance of each window, and whether 80 % of it is known [N - length + 1]."""
    n, s, q = windowed(sums[0], length), windowed(sums[1], length), windowed(sums[2], length)
    count = np.maximum(n, 1.0)
    return np.maximum(q / count - (s / count) ** 2, 0.0), n >= 0.8 * length
