"""Two hourly series at lags: Pearson's r and Spearman's rho, with an interval that knows of memory.

Promises: pure; hours that either side lacks are left out, never filled; the interval uses the effective
number of pairs of Bartlett (1946), n / (1 + 2 Σ r_x(k) r_y(k)), because hours of air and water remember the
hours before. A correlation is no cause: the answer only says how two curves go together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HOUR_MS = 3_600_000
LEAST_PAIRS = 24
MEMORY = 72
Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class AtLag:
    """`lag` in hours: positive when the other series goes first. `low` and `high` bound r with 95 %."""

    lag: int
    pairs: int
    effective: float
    pearson: float | None
    spearman: float | None
    low: float | None
    high: float | None


def on_grid(ts_ms: Sequence[int], values: Sequence[float], start_ms: int, hours: int) -> Floats:
    """The values on an hourly grid of `hours` places from `start_ms`; NaN where there is none."""
    grid = np.full(hours, np.nan)
    at = (np.asarray(ts_ms, dtype=np.int64) - start_ms) // HOUR_MS
    inside = (at >= 0) & (at < hours)
    grid[at[inside]] = np.asarray(values, dtype=np.float64)[inside]
    return grid


def lagged(own: Floats, other: Floats, most: int) -> list[AtLag]:
    """For every lag of −`most` … `most` hours how `own[t]` goes with `other[t − lag]`.

    Below 24 pairs, or where one side does not vary, the figures are None.
    Worked example: `other` is `own` two hours earlier, so at lag 2 r is 1.
    """
    return [_at(own, other, lag) for lag in range(-most, most + 1)]


def strongest(found: Sequence[AtLag]) -> AtLag | None:
    """The lag with the largest |r|; the shorter lag wins a tie."""
    told = [one for one in found if one.pearson is not None]
    return max(told, key=lambda one: (abs(one.pearson or 0.0), -abs(one.lag)), default=None)


def _at(own: Floats, other: Floats, lag: int) -> AtLag:
    n = len(own)
    left = own[max(0, lag) : n + min(0, lag)]
    right = other[max(0, -lag) : n - max(0, lag)]
    both = ~(np.isnan(left) | np.isnan(right))
    x, y = left[both], right[both]
    if len(x) < LEAST_PAIRS or _still(x) or _still(y):
        return AtLag(lag, len(x), float(len(x)), None, None, None, None)
    ranked = _pearson(_ranks(x), _ranks(y))
    left, right = _to_one(np.where(both, left, np.nan)), _to_one(np.where(both, right, np.nan))
    r = _pearson(left[both], right[both])
    effective = _effective(left, right, len(x))
    low, high = _interval(r, effective)
    return AtLag(lag, len(x), effective, r, ranked, low, high)


def _still(x: Floats) -> bool:
    return bool((x == x[0]).all())


def _to_one(x: Floats) -> Floats:
    """By a power of two, which rounds nothing, so that sums of 1e308 do not overflow."""
    return np.ldexp(x, -int(np.frexp(np.nanmax(np.abs(x)))[1]))


def _pearson(x: Floats, y: Floats) -> float:
    a, b = x - x.mean(), y - y.mean()
    # By the largest: squares of small differences would vanish.
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip(a @ b / math.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def _ranks(x: Floats) -> Floats:
    """Ranks from 0, ties share their mean."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return ((ends - count + ends - 1) / 2)[place]


def _memory(x: Floats, most: int) -> Floats:
    centred = x - np.nanmean(x)
    scale = np.nanmax(np.abs(centred))
    filled = np.nan_to_num(centred / scale)
    total = filled @ filled
    return np.array([filled[k:] @ filled[:-k] / total for k in range(1, most + 1)])


def _effective(x: Floats, y: Floats, pairs: int) -> float:
    most = min(MEMORY, pairs // 4)
    together = _memory(x, most) * _memory(y, most)
    # Until the product first turns negative: what follows is noise of the estimate.
    end = int(np.argmax(together <= 0)) if (together <= 0).any() else len(together)
    return float(np.clip(pairs / (1 + 2 * together[:end].sum()), 4.0, pairs))


def _interval(r: float, effective: float) -> tuple[float, float]:
    """Fisher's z; both ends stay within [−1, 1]."""
    z = math.atanh(min(max(r, -1 + 1e-12), 1 - 1e-12))
    half = Z95 / math.sqrt(max(effective - 3, 1.0))
    return math.tanh(z - half), math.tanh(z + half)
