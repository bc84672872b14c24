"""Time shifts: stretches in which a series follows its reference better some periods earlier or later.

Promises: at every lag the loss of the shifted reference is compared with that at lag 0, against the same
difference over the rest of the row. Leaves the reference to `qc.rules.falsify.reference`.
"""

from dataclasses import dataclass, replace

import numpy as np

from qc.rules.falsify import ranks
from qc.rules.falsify.history import block_sums, cumulated, windowed
from qc.rules.falsify.scan import spread_of
from qc.rules.outcome import Floats, Ints

# Longest shift looked for, in hours, and the window lengths tried, in days.
FURTHEST_HOURS = 24
# Stretches of one length that are looked at further.
MOST = 4
# Where a value is unknown stands one that no other comes near.
FAR = 1e150
WINDOW_DAYS = (1, 2, 3, 5, 8, 12, 18, 27)


@dataclass(frozen=True, slots=True)
class Shift:
    """Periods [from_i, to_i) in which the row is `lag` periods late (negative: early), `z` robust deviations.

    `gain`: the share of the loss at lag 0 that the shift removes; `usual` the share of the loss at that lag
    that the rest of the row is spared by standing in place, so what a shift that really was can give back.
    """

    from_i: int
    to_i: int
    lag: int
    z: float
    gain: float
    usual: float


def shifts(y: Floats, reference: Floats, per_day: int, least_z: float) -> list[Shift]:
    """The shifted stretches of one row [N] against its reference [N], strongest first; those of different
    lengths overlap, since the longest need not be the one that fits best.

    Both are freed of their running day's mean, so that a site's offset is no shift.
    Worked example: a week copied from 5 hours earlier → one Shift with lag 5 over that week.
    """
    size = max(1, per_day // 4)
    furthest = max(1, FURTHEST_HOURS * per_day // 24)
    own, other = _quick(y, per_day), _quick(reference, per_day)
    apart = own - other
    width = spread_of(apart)
    if not np.isfinite(width) or width <= 0:
        return []
    lags = np.array([k for k in range(-furthest, furthest + 1) if k != 0])
    gains, losses = (cumulated(part) for part in _gains(own, other, lags, 3 * width, size))
    lengths = [days * 4 if size > 1 else days for days in WINDOW_DAYS]
    found = [s for length in lengths for s in _best(gains, losses, lags, length, least_z)]
    return [
        replace(s, from_i=s.from_i * size, to_i=min(s.to_i * size, len(y)))
        for s in sorted(found, key=lambda s: -s.z)
        if s.z >= least_z
    ]


def _gains(own: Floats, other: Floats, lags: Ints, most: float, size: int) -> tuple[Floats, Floats]:
    """What the shifted reference loses less than the one in place, per lag and block [K, B]; its loss [B].

    A period of which one side is missing gains nothing; a loss counts up to `most`.
    """
    n = -(-len(own) // size) * size
    here, there, part = (np.full(n, FAR) for _ in range(3))
    there[: len(own)] = np.where(np.isfinite(other), other, FAR)
    here[: len(own)] = np.where(np.isfinite(own) & np.isfinite(other), own, FAR)
    at_zero = np.minimum(np.abs(here - there), most)
    # What is unknown is so far away that it loses most in place and shifted: nothing is gained.
    at_zero[there == FAR] = most
    lost, unknown = block_sums(at_zero, size), np.flatnonzero(there == FAR)
    gains = np.zeros((len(lags), n // size))
    for place, k in enumerate(lags.tolist()):
        if abs(k) >= len(own):
            continue
        to, of = slice(max(k, 0), n + min(k, 0)), slice(max(-k, 0), n - max(k, 0))
        np.subtract(here[to], there[of], out=part[to])
        np.abs(part, out=part)
        np.minimum(part, most, out=part)
        moved = unknown + k
        moved = moved[(moved >= 0) & (moved < n)]
        part[moved] = at_zero[moved]
        part[: max(k, 0)], part[n + min(k, 0) :] = at_zero[: max(k, 0)], at_zero[n + min(k, 0) :]
        gains[place] = lost - block_sums(part, size)
    return gains, block_sums(np.where(here == FAR, 0.0, at_zero), size)


def _best(gains: Floats, losses: Floats, lags: Ints, length: int, least_z: float) -> list[Shift]:
    """The best windows of one length, in blocks, from gains [K, B + 1] and losses [B + 1] up to each."""
    n = len(losses) - 1
    if length * 3 > n:
        return []
    stride = max(1, length // 8)
    at = np.arange(0, n - length + 1, stride)
    gain = windowed(gains, length, stride)
    # A lag is credible only where it beats lag 0 outright; deviations are the row's own at that lag.
    hopeful = np.flatnonzero(gain.max(axis=1) > 0)
    if not len(hopeful):
        return []
    gain = gain[hopeful]
    low, middle = ranks.line_quantiles(gain, (0.1, 0.5))
    wide = np.maximum(middle - low, 1e-9)
    lost = ranks.median_of(windowed(losses, length, stride))
    hits = np.flatnonzero(gain > 0)
    line, place = np.divmod(hits, gain.shape[1])
    z = (gain.ravel()[hits] - middle[line]) / wide[line]
    some = np.flatnonzero(z >= least_z)
    some = some[np.lexsort((line[some], place[some], -z[some]))]
    found: list[Shift] = []
    while len(some) and len(found) < MOST:
        best = some[0]
        first = int(at[place[best]])
        share = float(gain[line[best], place[best]] / max(losses[first + length] - losses[first], 1e-9))
        spared = max(0.0, -float(middle[line[best]]))
        usual = spared / max(lost + spared, 1e-9)
        k = int(lags[hopeful[line[best]]])
        found.append(Shift(first, first + length, k, float(z[best]), share, usual))
        some = some[np.abs(at[place[some]] - first) >= length]
    return found


def _quick(row: Floats, per_day: int) -> Floats:
    """A row less its centred running mean over a day; NaN where half the day is missing."""
    known = np.isfinite(row)
    total, count = np.r_[0.0, np.cumsum(np.where(known, row, 0.0))], np.r_[0.0, np.cumsum(known)]
    at = np.arange(len(row))
    a, b = np.maximum(at - per_day // 2, 0), np.minimum(at + per_day // 2 + 1, len(row))
    n = count[b] - count[a]
    return np.where(2 * n >= b - a, row - (total[b] - total[a]) / np.maximum(n, 1), np.nan)
