"""Time shifts: stretches in which a series follows its reference better some periods earlier or later.

Promises: at every lag the loss of the shifted reference is compared with that at lag 0, against the same
difference over the rest of the row. Leaves the reference to `qc.rules.falsify.reference`.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify.scan import spread_of
from qc.rules.outcome import Floats, Ints

# Longest shift looked for, in hours, and the window lengths tried, in days.
FURTHEST_HOURS = 24
WINDOW_DAYS = (1, 2, 3, 5, 8, 12, 18, 27)


@dataclass(frozen=True, slots=True)
class Shift:
    """Periods [from_i, to_i) in which the row is `lag` periods late (negative: early), `z` robust deviations.

    `gain`: the share of the loss at lag 0 that the shift removes.
    """

    from_i: int
    to_i: int
    lag: int
    z: float
    gain: float


def shifts(y: Floats, reference: Floats, per_day: int, least_z: float, most: int = 6) -> list[Shift]:
    """The shifted stretches of one row [N] against its reference [N], strongest first.

    Both are freed of their running day's mean, so that a site's offset is no shift.
    Worked example: a week copied from 5 hours earlier → one Shift with lag 5 over that week.
    """
    size = max(1, per_day // 4)
    furthest = max(1, FURTHEST_HOURS * per_day // 24)
    own, other = _quick(y, per_day), _quick(reference, per_day)
    width = spread_of(own - other)
    if not np.isfinite(width) or width <= 0:
        return []
    at_zero = np.minimum(np.abs(own - other), 3 * width)
    lags = np.array([k for k in range(-furthest, furthest + 1) if k != 0])
    gains, losses = [], _block_sums(at_zero, size)
    for k in lags:
        moved = np.full(len(own), np.nan)
        if k > 0:
            moved[k:] = other[:-k]
        else:
            moved[:k] = other[-k:]
        gains.append(_block_sums(at_zero - np.minimum(np.abs(own - moved), 3 * width), size))
    found = [
        s
        for days in WINDOW_DAYS
        for s in _best(np.array(gains), losses, lags, days * 4 if size > 1 else days)
    ]
    kept: list[Shift] = []
    for s in sorted((s for s in found if s.z >= least_z), key=lambda s: -s.z):
        s = Shift(s.from_i * size, min(s.to_i * size, len(y)), s.lag, s.z, s.gain)
        if all(s.to_i <= k.from_i or s.from_i >= k.to_i for k in kept) and len(kept) < most:
            kept.append(s)
    return kept


def _best(gains: Floats, losses: Floats, lags: Ints, length: int) -> list[Shift]:
    """The best windows of one length, in blocks; gains [K, B]."""
    n = gains.shape[1]
    if length * 3 > n:
        return []
    sums = np.concatenate([np.zeros((len(gains), 1)), np.cumsum(gains, axis=1)], axis=1)
    total = np.r_[0.0, np.cumsum(losses)]
    at = np.arange(0, n - length + 1, max(1, length // 8))
    gain = sums[:, at + length] - sums[:, at]
    middle = np.median(gain, axis=1)[:, None]
    low = np.quantile(gain, 0.1, axis=1)[:, None]
    # A lag is credible only where it beats lag 0 outright; deviations are the row's own at that lag.
    z = np.where(gain > 0, (gain - middle) / np.maximum(middle - low, 1e-9), 0.0)
    best = np.argmax(z, axis=0)
    top = z[best, np.arange(z.shape[1])]
    found = []
    for _ in range(4):
        place = int(np.argmax(top))
        if top[place] <= 0:
            break
        first = int(at[place])
        share = float(gain[best[place], place] / max(total[first + length] - total[first], 1e-9))
        found.append(Shift(first, first + length, int(lags[best[place]]), float(top[place]), share))
        top[np.abs(at - first) < length] = 0.0
    return found


def _quick(row: Floats, per_day: int) -> Floats:
    """A row less its centred running mean over a day; NaN where half the day is missing."""
    known = np.isfinite(row)
    total, count = np.r_[0.0, np.cumsum(np.where(known, row, 0.0))], np.r_[0.0, np.cumsum(known)]
    at = np.arange(len(row))
    a, b = np.maximum(at - per_day // 2, 0), np.minimum(at + per_day // 2 + 1, len(row))
    n = count[b] - count[a]
    return np.where(2 * n >= b - a, row - (total[b] - total[a]) / np.maximum(n, 1), np.nan)


def _block_sums(row: Floats, size: int) -> Floats:
    n = -(-len(row) // size)
    padded = np.zeros(n * size)
    padded[: len(row)] = np.nan_to_num(row)
    sums: Floats = padded.reshape(n, size).sum(axis=1)
    return sums
