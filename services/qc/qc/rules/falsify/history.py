"""A series against its own untouched history: how rare a window is, in powers of ten per series and month.

Promises: rarity comes from the block maxima of the same statistic over the whole series, by quantiles that a
quarter of falsified blocks does not move, so that every threshold scales with the series. Leaves what is
measured, and the guards, to the tests.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log, log10

import numpy as np

from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.panel import DAY_MS, HOUR_MS, Panel
from qc.rules.outcome import Floats, Ints

MONTH_DAYS = 30
# No concentration, flow, temperature or pressure is reported beyond this in any unit.
IMPOSSIBLE = 1e12
# HJ 212-2017 table 8: what the source itself calls no measurement.
NOT_MEASURED = tuple(ord(letter) for letter in "FMSDCB")
# Quantiles of block maxima and the Gumbel variate at each: -ln(-ln q).
MIDDLE, UPPER = 0.5, 0.75
GUMBEL_MIDDLE, GUMBEL_UPPER = -log(-log(MIDDLE)), -log(-log(UPPER))
LEAST_BLOCKS = 6
CERTAIN_BLOCKS = 60
# A step that this share of the values fits is the instrument's own.
MOST = 0.7


def readings(panel: Panel) -> Floats:
    """Measured values [S, N]: NaN where marked as no measurement, infinite or impossible in any unit."""
    value = np.where(np.isfinite(panel.value), panel.value, np.nan)
    good = (np.abs(value) < IMPOSSIBLE) & ~np.isin(panel.mark, NOT_MEASURED)
    return np.where(good, np.where(np.abs(value) < 1 / IMPOSSIBLE, 0.0, value), np.nan)


def step_of(x: Floats) -> Floats:
    """The step most values of each row are whole multiples of [S]: the largest power of ten that 70 % fit.

    Unlike the resolution it does not become finer because a part of the series was converted or invented.
    Worked example: CO in hundreds with 2 % of odd values → 100.
    """
    steps = np.full(len(x), np.nan)
    for row, values in enumerate(x):
        known = np.abs(values[np.isfinite(values)])
        for exponent in range(3, -7, -1):
            scaled = known / 10.0**exponent
            fits = np.abs(scaled - np.rint(scaled)) <= 1e-6 * np.fmax(1.0, scaled)
            if len(known) and fits.mean() >= MOST and np.ptp(scaled[fits]) > 0:
                steps[row] = 10.0**exponent
                break
    return steps


def periods(panel: Panel, hours: float, least: int = 1) -> int:
    """How many periods of the panel `hours` are, at least `least`. Worked example: 24 h of hours → 24."""
    return max(least, round(hours * HOUR_MS / panel.step_ms))


def per_month(panel: Panel) -> int:
    """Periods in 30 days, at least 1."""
    return max(1, MONTH_DAYS * DAY_MS // panel.step_ms)


def rolling_sum(x: Floats, window: int, stride: int = 1) -> Floats:
    """Sums over windows of the last axis begun every `stride` periods [.., (N - window) // stride + 1].

    NaN counts as 0. Worked example: [1, 2, 3, 4], window 2, stride 2 → [3, 7].
    """
    total = np.cumsum(np.where(np.isnan(x), 0.0, x), axis=-1)
    total = np.concatenate([np.zeros((*x.shape[:-1], 1)), total], axis=-1)
    sums: Floats = total[..., window::stride] - total[..., :-window:stride]
    return sums


def standardised(x: Floats) -> Floats:
    """Each row minus its median, in units of its quartile range (1 where there is none), NaN kept."""
    low, middle, high = quantiles(x, (0.25, 0.5, 0.75))
    width = np.where(high > low, high - low, 1.0)
    scaled: Floats = (x - middle[:, None]) / width[:, None]
    return scaled


def quantiles(x: Floats, at: tuple[float, ...]) -> Floats:
    """Quantiles of each row's known values [len(at), S]; NaN for a row without any."""
    ordered = np.sort(x, axis=1)
    count = np.isfinite(x).sum(axis=1)
    found = np.full((len(at), len(x)), np.nan)
    for place, q in enumerate(at):
        position = np.clip(np.rint(q * (count - 1)).astype(np.int64), 0, max(0, x.shape[1] - 1))
        found[place] = np.where(count > 0, ordered[np.arange(len(x)), position], np.nan)
    return found


def rarity(
    statistic: Floats, window: int, month: int, floor: float, most: tuple[float, float] = (np.inf, np.inf)
) -> Floats:
    """-log10 of the chance that a month of honest data of this series holds such a window [S, M].

    `statistic` is larger where it is more suspicious, NaN where guarded; `window` its length and
    `month` 30 days
    in periods; `floor` the least scale of block maxima in the statistic's unit; `most` the
    largest location and
    scale that honest data can have, where the statistic has a unit of its own. Block maxima follow a Gumbel
    distribution (location and scale from their median and upper quartile); with k blocks the chance is the
    predictive (1 + z/k)^-k, so a short history claims less. NaN where there are fewer than 6 blocks.
    Worked example: twelve blocks with maxima around 1 ± 0.3, a window at 9 → about 6.
    """
    rows, count = statistic.shape
    block = max(window, min(max(1, month // 3), count // 12), 1)
    blocks = count // block
    if blocks < LEAST_BLOCKS:
        return np.full(statistic.shape, np.nan)
    lowest = np.where(np.isnan(statistic), -np.inf, statistic)[:, : blocks * block]
    maxima = lowest.reshape(rows, blocks, block).max(axis=2)
    maxima = np.where(np.isfinite(maxima), maxima, np.nan)
    known = np.isfinite(maxima).sum(axis=1)
    middle, upper = quantiles(maxima, (MIDDLE, UPPER))
    scale = np.clip((upper - middle) / (GUMBEL_UPPER - GUMBEL_MIDDLE), floor, most[1])
    middle = np.fmin(middle, most[0])
    z = np.fmax(0.0, (statistic - middle[:, None]) / scale[:, None] + GUMBEL_MIDDLE)
    # A statistic with a unit of its own is a chance already; the history only says how much to distrust it.
    certain = float(CERTAIN_BLOCKS if np.isfinite(most[1]) else 0)
    k = np.where(known >= LEAST_BLOCKS, np.fmax(known, certain), np.nan)[:, None]
    rare: Floats = k * np.log1p(z / k) / log(10) - log10(max(1.0, month / block))
    return rare


def against_peers(
    statistic: Floats, groups: Iterable[Ints], *, both_ways: bool = False, least: int = 3
) -> Floats:
    """The statistic less its median at the other stations of the factor at that time [S, M].

    What all stations do together (calm air, an ozone night at zero) is weather. Only ever lowered unless
    `both_ways`; rows with fewer than `least` peers stay as they are.
    """
    reduced = statistic.copy()
    for rows in groups:
        if len(rows) <= least:
            continue
        ordered = np.sort(statistic[rows], axis=0)
        known = np.isfinite(ordered).sum(axis=0)
        # The median of the others lies at or below that of all: the row itself counts against it.
        place = np.clip((known - 1) // 2, 0, len(rows) - 1)
        middle = ordered[place, np.arange(ordered.shape[1])]
        common = np.where(known > least, middle if both_ways else np.fmax(0.0, middle), 0.0)
        reduced[rows] -= np.nan_to_num(common)
    return reduced


@dataclass(frozen=True, slots=True)
class Excursion:
    """Windows [from_i, to_i) of a row beyond a threshold one after another; `peak` the rarest,
    `rare` its rarity.

    `early` is the first of them that counts in full, the peak where none does.
    """

    row: int
    from_i: int
    to_i: int
    peak: int
    early: int
    rare: float


def excursions(rare: Floats, threshold: float, join: int, strong: float = np.inf) -> list[Excursion]:
    """The excursions of every row; those at most `join` windows apart are one; in full from `strong` on."""
    found: list[Excursion] = []
    beyond = np.nan_to_num(rare, nan=-1.0) >= threshold
    for row in np.flatnonzero(beyond.any(axis=1)).tolist():
        places = np.flatnonzero(beyond[row])
        for part in np.split(places, np.flatnonzero(np.diff(places) > join) + 1):
            peak = int(part[np.argmax(rare[row, part])])
            full = part[rare[row, part] >= strong]
            early = int(full[0]) if len(full) else peak
            found.append(Excursion(row, int(part[0]), int(part[-1]) + 1, peak, early, float(rare[row, peak])))
    return found


def tail_of_binomial(count: Floats, of: Floats, share: Floats) -> Floats:
    """-log10 of the chance of at least `count` of `of` at a share (Chernoff bound); 0 where not above it.

    Worked example: 60 of 100 at a share of 0.2 → about 16.
    """
    n = np.fmax(of, 1.0)
    seen = np.clip(count / n, 1e-9, 1 - 1e-9)
    usual = np.clip(share, 1e-6, 1 - 1e-6)
    far = seen * np.log(seen / usual) + (1 - seen) * np.log((1 - seen) / (1 - usual))
    tail: Floats = np.where((of > 0) & (seen > usual), n * far / log(10), 0.0)
    return tail


def rarest_only(found: list[Finding]) -> list[Finding]:
    """Of findings of one test that overlap in one row, the one with the largest statistic.

    Beside it the one that counts in full and ends first, if that is earlier: it says since when
    this was known.
    """
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda f: (-f.statistic, f.where.row, f.where.from_i)):
        if not any(overlap(other.where, finding.where) for other in kept):
            kept.append(finding)
    early: list[Finding] = []
    for finding in kept:
        full = [f for f in found if f.strength >= 1.0 and overlap(f.where, finding.where)]
        first = min(full, key=lambda f: (f.where.to_i, f.where.from_i), default=finding)
        if first.where.to_i < finding.where.to_i and first not in kept and first not in early:
            early.append(first)
    return sorted(kept + early, key=lambda f: (f.where.row, f.where.from_i, f.where.to_i))


def overlap(one: Stretch, other: Stretch) -> bool:
    """Whether two stretches of one row share a period."""
    return one.row == other.row and one.from_i < other.to_i and other.from_i < one.to_i


def chance(rare: float) -> float:
    """The p-value of a rarity. Worked example: 3 → 0.001."""
    return float(min(1.0, 10.0 ** -min(rare, 300.0)))
