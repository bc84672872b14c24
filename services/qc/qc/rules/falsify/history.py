"""A series against its own untouched history: how rare a window is, in powers of ten per series and month.

Promises: rarity comes from the block maxima of the same statistic over the whole series, by quantiles that a
quarter of falsified blocks does not move, so that every threshold scales with the series. Leaves what is
measured, and the guards, to the tests.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import expm1, log, log10
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import ranks
from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.panel import DAY_MS, HOUR_MS, Panel, once_per_panel
from qc.rules.outcome import Flags, Floats, Ints

Number = TypeVar("Number", np.float64, np.int64)
MONTH_DAYS = 30
# No concentration, flow, temperature or pressure is reported beyond this in any unit.
IMPOSSIBLE = 1e12
# HJ 212-2017 table 8: what the source itself calls no measurement.
NOT_MEASURED = tuple(ord(letter) for letter in "FMSDCB")
# Quantiles of block maxima and the Gumbel variate at each: -ln(-ln q).
MIDDLE, UPPER = 0.5, 0.75
GUMBEL_MIDDLE, GUMBEL_UPPER = -log(-log(MIDDLE)), -log(-log(UPPER))
LEAST_BLOCKS = 6
# Blocks summed at once.
PIECE = 300
CERTAIN_BLOCKS = 60
# A step that this share of the values fits is the instrument's own.
MOST = 0.7


@once_per_panel
def readings(panel: Panel) -> Floats:
    """Measured values [S, N]: NaN where marked as no measurement, infinite or impossible in any unit."""
    x = np.empty(panel.shape)
    for row, (value, mark) in enumerate(zip(panel.value, panel.mark, strict=True)):
        size = np.abs(value)
        good = size < IMPOSSIBLE
        if mark.any():
            good &= ~np.isin(mark, NOT_MEASURED)
        x[row] = np.where(good, np.where(size < 1 / IMPOSSIBLE, 0.0, value), np.nan)
    x.flags.writeable = False
    return x


@once_per_panel
def steps(panel: Panel) -> Floats:
    """`step_of` the readings, made once [S]."""
    return step_of(readings(panel))


@once_per_panel
def quartiles(panel: Panel) -> Floats:
    """Lower quartile, median and upper quartile of the readings, made once [3, S]."""
    return quantiles(readings(panel), (0.25, 0.5, 0.75))


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


def cumulated(x: Floats) -> Floats:
    """Sums of the last axis up to each place, 0 first [.., N + 1]; NaN counts as 0."""
    total = np.zeros((*x.shape[:-1], x.shape[-1] + 1))
    np.cumsum(x, axis=-1, out=total[..., 1:])
    if np.isnan(total[..., -1]).any():
        np.cumsum(np.where(np.isnan(x), 0.0, x), axis=-1, out=total[..., 1:])
    return total


def fixed(length: int, largest: float = 1.0) -> float:
    """What to multiply values up to `largest` with, so that sums of `length` products are whole numbers of 64
    bits: those add up several times faster than fractions, and lose less.
    """
    return 2.0 ** ((61 - max(1, length).bit_length()) // 2) / (largest if largest > 1e-150 else 1.0)


def products(a: Floats, b: Floats, total: Ints) -> Ints:
    """Sums of a × b up to each place, 0 first, written into `total`; both must be `fixed` [N + 1]."""
    found = total[: len(a) + 1]
    found[0] = 0
    np.multiply(a, b, out=found[1:], casting="unsafe")
    np.cumsum(found[1:], out=found[1:])
    return found


def counted(flags: Flags) -> Ints:
    """How many are set to each place of the last axis, 0 first [.., N + 1]; whole numbers add up faster."""
    total = np.zeros((*flags.shape[:-1], flags.shape[-1] + 1), dtype=np.int64)
    np.cumsum(flags, axis=-1, out=total[..., 1:])
    return total


def block_sums(x: Floats, size: int) -> Floats:
    """Sums of every `size` places of the last axis. Worked example: [1, 2, 3, 4], 2 → [3, 7].

    Products with ones cost a fifth of summing short rows; pieces keep them below the size from which linear
    algebra libraries wake their threads, which costs more than it gives here.
    """
    rows, ones = x.reshape(-1, size).astype(np.float64, copy=False), np.ones(size)
    total, whole = np.empty(len(rows)), len(rows) // PIECE * PIECE
    np.matmul(rows[:whole].reshape(-1, PIECE, size), ones, out=total[:whole].reshape(-1, PIECE))
    np.matmul(rows[whole:], ones, out=total[whole:])
    return total.reshape(*x.shape[:-1], -1)


def windowed(total: NDArray[Number], window: int, stride: int = 1) -> NDArray[Number]:
    """Sums over windows begun every `stride` periods, from those up to each place."""
    sums: NDArray[Number] = total[..., window::stride] - total[..., :-window:stride]
    return sums


def rolling_sum(x: Floats, window: int, stride: int = 1) -> Floats:
    """Sums over windows of the last axis begun every `stride` periods [.., (N - window) // stride + 1].

    NaN counts as 0. Worked example: [1, 2, 3, 4], window 2, stride 2 → [3, 7].
    """
    return windowed(cumulated(x), window, stride)


def standardised(x: Floats, quarters: Floats | None = None) -> Floats:
    """Each row minus its median, in units of its quartile range (1 where there is none), NaN kept.

    `quarters` are its quartiles [3, S], where they are known.
    """
    low, middle, high = quantiles(x, (0.25, 0.5, 0.75)) if quarters is None else quarters
    width = np.where(high > low, high - low, 1.0)
    scaled: Floats = (x - middle[:, None]) / width[:, None]
    return scaled


def quantiles(x: Floats, at: tuple[float, ...]) -> Floats:
    """Quantiles of each row's known values [len(at), S]; NaN for a row without any."""
    return ranks.nearest(x, at)


def rarity(
    statistic: Floats,
    window: int,
    month: int,
    floor: float,
    most: tuple[float, float] = (np.inf, np.inf),
    least: float = -np.inf,
) -> Floats:
    """-log10 of the chance that a month of honest data of this series holds such a window [S, M].

    `statistic` is larger where it is more suspicious, NaN where guarded; `window` its length and
    `month` 30 days
    in periods; `floor` the least scale of block maxima in the statistic's unit; `most` the
    largest location and
    scale that honest data can have, where the statistic has a unit of its own. Block maxima follow a Gumbel
    distribution (location and scale from their median and upper quartile); with k blocks the chance is the
    predictive (1 + z/k)^-k, so a short history claims less. -inf where there are fewer than 6 blocks, where
    the statistic is NaN, and for windows that are less rare than `least`: those cost nothing.
    Worked example: twelve blocks with maxima around 1 ± 0.3, a window at 9 → about 6.
    """
    count = statistic.shape[1]
    block = max(window, min(max(1, month // 3), count // 12), 1)
    blocks = count // block
    rare = np.full(statistic.shape, -np.inf)
    if blocks < LEAST_BLOCKS:
        return rare
    maxima = np.array(
        [np.fmax.reduce(row[: blocks * block].reshape(blocks, block), axis=1) for row in statistic]
    )
    maxima = np.where(np.isfinite(maxima), maxima, np.nan)
    known = np.isfinite(maxima).sum(axis=1)
    middle, upper = quantiles(maxima, (MIDDLE, UPPER))
    scale = np.clip((upper - middle) / (GUMBEL_UPPER - GUMBEL_MIDDLE), floor, most[1])
    middle = np.fmin(middle, most[0])
    # A statistic with a unit of its own is a chance already; the history only says how much to distrust it.
    certain = float(CERTAIN_BLOCKS if np.isfinite(most[1]) else 0)
    looks = log10(max(1.0, month / block))
    for row in np.flatnonzero(known >= LEAST_BLOCKS).tolist():
        k = max(float(known[row]), certain)
        at = _beyond(statistic[row], k, float(middle[row]), float(scale[row]), least + looks)
        z = np.fmax(0.0, (statistic[row, at] - middle[row]) / scale[row] + GUMBEL_MIDDLE)
        rare[row, at] = k * np.log1p(z / k) / log(10) - looks
    return rare


def _beyond(statistic: Floats, k: float, middle: float, scale: float, least: float) -> Ints:
    """Where a statistic may be as rare as `least` before its looks: the rarity grows with it."""
    z = k * expm1(least * log(10) / k) if np.isfinite(least) else 0.0
    if z <= 0:
        return np.flatnonzero(~np.isnan(statistic))
    limit = middle + scale * (z - GUMBEL_MIDDLE)
    return np.flatnonzero(statistic >= limit - 1e-9 * max(1.0, abs(limit)))


def against_peers(
    statistic: Floats, groups: Iterable[Ints], *, both_ways: bool = False, share: float = 0.5, least: int = 3
) -> Floats:
    """The statistic less its median (or quantile `share`) over the stations of the factor at that
    time [S, M].

    What all stations do together (calm air, an ozone night at zero) is weather. Only ever lowered unless
    `both_ways`; rows with fewer than `least` peers stay as they are.
    """
    reduced = statistic.copy()
    for rows in groups:
        if len(rows) <= least:
            continue
        for begin in range(0, statistic.shape[1], ranks.COLUMNS):
            part = statistic[rows, begin : begin + ranks.COLUMNS]
            known = np.isfinite(part).sum(axis=0)
            ordered = np.sort(part.T.copy(), axis=1)
            # The row itself is among them: one voice of many.
            place = np.clip(((known - 1) * share).astype(np.int64), 0, len(rows) - 1)
            middle = ordered[np.arange(len(ordered)), place]
            common = np.where(known > least, middle if both_ways else np.fmax(0.0, middle), 0.0)
            reduced[rows, begin : begin + ranks.COLUMNS] = part - np.nan_to_num(common)
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
    for row, beyond in enumerate(rare):
        places = np.flatnonzero(beyond >= threshold)
        for part in np.split(places, np.flatnonzero(np.diff(places) > join) + 1) if len(places) else ():
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


def tail_of_counts(count: Ints, of: Ints, share: float) -> Floats:
    """`tail_of_binomial` of whole numbers at one share: k·ln k is looked up, and nothing else is computed
    where `count` is not above its share.

    Worked example: 60 of 100 at a share of 0.2 → about 16.
    """
    usual = min(max(share, 1e-6), 1 - 1e-6)
    tail = np.zeros(len(count))
    at = np.flatnonzero(count > usual * of)
    hits, n = count[at], of[at]
    k = np.arange(float(n.max(initial=0)) + 1)
    table = k * np.log(np.fmax(k, 1.0))
    far = table[hits] + table[n - hits] - table[n] - hits * log(usual) - (n - hits) * log(1 - usual)
    tail[at] = np.fmax(far, 0.0) / log(10)
    return tail


def rarest_only(found: list[Finding]) -> list[Finding]:
    """Of findings of one test that overlap in one row, the one with the largest statistic.

    Beside it the one that counts in full and ends first, if that is earlier: it says since when
    this was known.
    """
    by_row: dict[int, list[Finding]] = {}
    for finding in found:
        by_row.setdefault(finding.where.row, []).append(finding)
    return [finding for row in sorted(by_row) for finding in _rarest(by_row[row])]


def _rarest(found: list[Finding]) -> list[Finding]:
    """`rarest_only` in one row."""
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda f: (-f.statistic, f.where.from_i)):
        if not any(overlap(other.where, finding.where) for other in kept):
            kept.append(finding)
    strong = [f for f in found if f.strength >= 1.0]
    early: list[Finding] = []
    for finding in kept:
        full = [f for f in strong if overlap(f.where, finding.where)]
        first = min(full, key=lambda f: (f.where.to_i, f.where.from_i), default=finding)
        if first.where.to_i < finding.where.to_i and first not in kept and first not in early:
            early.append(first)
    return sorted(kept + early, key=lambda f: (f.where.from_i, f.where.to_i))


def overlap(one: Stretch, other: Stretch) -> bool:
    """Whether two stretches of one row share a period."""
    return one.row == other.row and one.from_i < other.to_i and other.from_i < one.to_i


def chance(rare: float) -> float:
    """The p-value of a rarity. Worked example: 3 → 0.001."""
    return float(min(1.0, 10.0 ** -min(rare, 300.0)))
