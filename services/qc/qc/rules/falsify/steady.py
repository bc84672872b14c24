"""Stretches that are too even: a level with an instrument's noise on it while everything around moves.

Promises: unevenness is compared with what the reference shows in the same hours and with the row's history;
exact repeats are left to K1. Leaves the threshold to the pack.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.outcome import Flags, Floats

WINDOW_DAYS = (1.0, 2.0, 4.0)


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
    for days in WINDOW_DAYS:
        length = max(4, round(days * per_day))
        if 8 * length > len(value):
            break
        own, there = _spread(value, length)
        other, seen = _spread(moves, length)
        known = there & seen & (own > 0)
        if known.sum() < 20:
            continue
        # Below a last digit nothing can be told; where the surroundings rest, rest is no wonder.
        quiet = np.log(np.hypot(other, 2 * step) / np.hypot(own, 0.3 * step))
        lively = known & (other > np.median(other[known]) / 2)
        if lively.sum() < 20:
            continue
        middle = float(np.median(quiet[lively]))
        rest = np.where(lively, quiet, -np.inf)
        at = np.arange(len(quiet))
        for _ in range(most):
            place = int(np.argmax(rest))
            apart = lively & (np.abs(at - place) >= 2 * length)
            if not np.isfinite(rest[place]) or apart.sum() < 20:
                break
            # The history without the stretch itself: it must not be its own excuse.
            high = float(np.quantile(quiet[apart], 0.98))
            z = 2.05 * (float(quiet[place]) - middle) / max(high - middle, 0.1)
            if z < least_z:
                break
            level = float(np.nanmedian(value[place : place + length]))
            found.append(Steady(place, place + length, z, float(quiet[place]), level))
            rest[max(0, place - length) : place + length] = -np.inf
    return _joined(found)


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


def _spread(row: Floats, length: int) -> tuple[Floats, Flags]:
    """The standard deviation of each window, and whether 80 % of it is known [N - length + 1]."""
    known = np.isfinite(row)
    base = row - np.nanmedian(row) if known.any() else row
    x = np.where(known, base, 0.0)
    n, s, q = (np.r_[0.0, np.cumsum(a)] for a in (known.astype(np.float64), x, x * x))
    n, s, q = (a[length:] - a[:-length] for a in (n, s, q))
    variance = np.maximum(q / np.maximum(n, 1) - (s / np.maximum(n, 1)) ** 2, 0.0)
    return np.sqrt(variance), n >= 0.8 * length
