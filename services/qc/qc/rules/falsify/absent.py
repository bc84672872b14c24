"""Gaps and marks that fall on high values: what the rest of the panel says about the hours not reported.

Promises: chance is told by moving the gaps along the same row (their lengths and number stay as they are).
Leaves which hours count as gaps or marks to the tests.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints

WINDOW_DAYS = (5, 10, 20, 40, 80)
# Ranks are taken within this many days: high for its season, not for the year.
RANK_DAYS = 20
# Moves of the gaps, in days, besides a shift of some hours so that the hour of the day cannot explain it.
MOVES = tuple(int(k) for k in (*range(-30, -2, 2), *range(4, 31, 2)))


@dataclass(frozen=True, slots=True)
class Absence:
    """Periods [from_i, to_i) whose `hours` absent periods ranked `lift` above the middle."""

    from_i: int
    to_i: int
    z: float
    hours: int
    lift: float
    odds: float


def absences(
    absent: Flags, expected: Floats, per_day: int, least_z: float, least: int, most: int = 6
) -> list[Absence]:
    """The stretches of one row [N] in which absence goes with high expected values, strongest first.

    Worked example: 30 days in which every hour above the 80 % quantile is missing → one Absence, lift ~ 0.4.
    """
    days = len(absent) // per_day
    if absent.sum() < least or days < 2 * WINDOW_DAYS[0]:
        return []
    rank = _ranks(expected, RANK_DAYS * per_day)
    counted = absent & np.isfinite(rank)
    if counted.sum() < least:
        return []
    ranked, at = np.nan_to_num(rank), np.flatnonzero(absent[: days * per_day])
    hours = np.bincount(at[counted[at]] // per_day, minlength=days).astype(np.float64)
    tops = _moved(ranked, at, 0, per_day, days)
    moved = np.array([_moved(ranked, at, move, per_day, days) for move in MOVES])
    found = []
    for length in WINDOW_DAYS:
        if length > days // 2:
            break
        at = np.arange(0, days - length + 1, max(1, length // 8))
        top, n = _window(tops[None], at, length)[0], _window(hours[None], at, length)[0]
        chance = _window(moved, at, length)
        # A few ranks' worth of variance is always granted: few gaps in calm weather prove nothing.
        spread = np.sqrt(chance.var(axis=0) + n / 12 + 0.5)
        z = np.where(n >= least, (top - chance.mean(axis=0)) / spread, 0.0)
        for _ in range(3):
            place = int(np.argmax(z))
            if z[place] < least_z:
                break
            first, last = int(at[place]) * per_day, int(at[place] + length) * per_day
            found.append(_told(first, last, float(z[place]), counted, rank))
            z[np.abs(at - at[place]) < length] = 0.0
    kept: list[Absence] = []
    for a in sorted(found, key=lambda a: -a.z):
        if all(a.to_i <= k.from_i or a.from_i >= k.to_i for k in kept) and len(kept) < most:
            kept.append(a)
    return kept


def _told(first: int, last: int, z: float, counted: Flags, rank: Floats) -> Absence:
    """The stretch cut to its absent periods, with the odds ratio of absence in the upper fifth of ranks."""
    inside = np.flatnonzero(counted[first:last]) + first
    first, last = int(inside[0]), int(inside[-1]) + 1
    here, r = counted[first:last], rank[first:last]
    high = r > 0.3
    a, b = (here & high).sum() + 0.5, (~here & high).sum() + 0.5
    c, d = (here & ~high).sum() + 0.5, (~here & (r <= 0.3)).sum() + 0.5
    return Absence(first, last, z, len(inside), float(np.mean(r[here])), float(a * d / (b * c)))


def _ranks(expected: Floats, size: int) -> Floats:
    """The rank of each value among those of its own block of `size` periods, -0.5 … 0.5."""
    blocks = np.full((-(-len(expected) // size), size), np.nan)
    blocks.ravel()[: len(expected)] = np.where(np.isfinite(expected), expected, np.nan)
    count = np.isfinite(blocks).sum(axis=1)[:, None]
    ranked = (np.arange(size) + 0.5) / np.fmax(count, 1) - 0.5
    # What is unknown is last in order.
    ranked[(np.arange(size) >= count) | (count <= 8)] = np.nan
    np.put_along_axis(blocks, np.argsort(blocks, axis=1, kind="stable"), ranked, axis=1)
    return blocks.ravel()[: len(expected)]


def _moved(ranked: Floats, at: Ints, move: int, per_day: int, days: int) -> Floats:
    """Ranks under the gaps `at` if these had come `move` days later, booked on the gaps' own days."""
    other = ranked[(at + move * per_day + move % 3 * (per_day // 6)) % len(ranked)]
    return np.bincount(at // per_day, weights=other, minlength=days).astype(np.float64, copy=False)


def _window(rows: Floats, at: Ints, length: int) -> Floats:
    total = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
    within: Floats = total[:, at + length] - total[:, at]
    return within
