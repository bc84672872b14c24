"""Where a residual leaves its level and comes back: windows of every length against their own history.

Promises: a statistic is compared with the same statistic over the rest of the row and of its kin (rows of the
same factor), the window itself left out; a slow drift alone scores nothing. Leaves the threshold to the pack.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import ranks
from qc.rules.falsify.history import block_sums, counted, cumulated
from qc.rules.falsify.reference import robust_sd
from qc.rules.outcome import Floats, Ints

# Both flanks are as long as the window, within these days: site offsets drift over longer times.
FLANK_DAYS = (1.0, 14.0)
# Growth of the window lengths, and positions tried per length.
GROWTH, STRIDE_SHARE = 1.5, 8
# Values are pulled to this many robust deviations before they are averaged.
CALM = 4.0
# Peaks of a row whose own history is looked at.
CANDIDATES = 200
# Rows of a factor from which on their usual scale is a floor for each.
KIN = 3
# How much few windows of history blunt a statistic, and the share of a ramp's that is believed: there are two
# more shapes to choose from.
FEW, RAMP = 4.0, 0.85
# A stretch may fill at most this share of the history it is judged against.
LONGEST_SHARE = 0.35
SHAPES = ("box", "rise", "fall")
# The quantiles that tell a deviation, and those of a normal one.
NINETY, TAIL = (0.9, 1.645), (0.98, 2.326)
LEAST_KNOWN = 8


@dataclass(frozen=True, slots=True)
class Excursion:
    """Periods [from_i, to_i) in which a row stood `level` off its surroundings, `z` robust deviations.

    `unrest`: how large the same was in the other rows meanwhile, in their usual sizes; NaN: not asked.
    """

    from_i: int
    to_i: int
    z: float
    level: float
    shape: str
    unrest: float = float("nan")


@dataclass(frozen=True)
class Contrast:
    """One statistic along a row: `at` the first period of each window, `d` the level off both flanks.

    `history` is what `d` is judged against: the same without the shape's own condition, and `sizes` its
    measures.
    """

    length: int
    shape: str
    at: Ints
    d: Floats
    history: Floats
    sizes: "Sizes"

    def near(self, place: int) -> tuple[int, int]:
        """Windows [a, b) that touch window `place` or a flank as long as itself on either side."""
        first = int(self.at[place])
        a = int(np.searchsorted(self.at, first - 2 * self.length, side="right"))
        return a, int(np.searchsorted(self.at, first + 2 * self.length, side="left"))


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of a history of |d|: its usual size (the deviation that the median above 0 tells, infinite
    with fewer than 8), its spread (as `spread_of`), and what its spread is
    at least without some of its windows, 0 where that is unknown.
    """

    usual: float
    spread: float
    least: float


def sizes_of(history: Floats, length: int) -> list[Sizes]:
    """The measures of windows of a length of every row [R, M], of which those near one may be left out: rows
    put in order together cost a fraction of finding the ranks of each.
    """
    size, each = np.sort(np.abs(history), axis=1), np.arange(len(history))
    count = np.isfinite(size).sum(axis=1)
    zeros, last = (size == 0).sum(axis=1), count - 1
    above, rest = count - zeros, last - 1 - 4 * length // max(1, length // STRIDE_SHARE)

    def at(rank: Ints) -> Floats:
        ranked: Floats = size[each, np.clip(rank, 0, np.maximum(last, 0))]
        return ranked

    def linear(q: float) -> Floats:
        low = (q * last).astype(np.int64)
        a, b, share = at(low), at(low + 1), q * last - low
        between: Floats = np.where(share < 0.5, a + (b - a) * share, b - (b - a) * (1 - share))
        return between

    middle = (at(zeros + (above - 1) // 2) + at(zeros + above // 2)) / 2 / 0.6745
    usual = np.where(above >= LEAST_KNOWN, middle, np.inf)
    spread, least = (
        np.maximum(*(of(q) / normal for q, normal in (NINETY, TAIL)))
        for of in (linear, lambda q: at((q * rest).astype(np.int64)))
    )
    spread = np.where(count >= LEAST_KNOWN, spread, np.nan)
    least = np.where(rest + 1 >= LEAST_KNOWN, least, 0.0)
    return [Sizes(*three) for three in zip(usual.tolist(), spread.tolist(), least.tolist(), strict=True)]


def lengths(n: int, shortest: int) -> list[int]:
    """The window lengths tried on n periods. Worked example: lengths(60, 4) = [4, 6, 9, 14, 20]."""
    found, length = [], float(shortest)
    while length <= LONGEST_SHARE * n:
        found.append(round(length))
        length *= GROWTH
    return found


def contrasts(rows: Floats, per_day: int, shortest: int) -> list[list[Contrast]]:
    """Every statistic of each residual row [R, N]."""
    found: list[list[Contrast]] = [[] for _ in rows]
    if not rows.size:
        return found
    total, count = _sums(rows)
    for length in lengths(rows.shape[1], shortest):
        at = np.arange(0, rows.shape[1] - length + 1, max(1, length // STRIDE_SHARE))
        for shape, d, history in _shapes(total, count, at, length, max(shortest, _flank(length, per_day))):
            kept = np.flatnonzero(np.isfinite(history).any(axis=1))
            for row, sizes in zip(kept.tolist(), sizes_of(history[kept], length), strict=True):
                found[row].append(Contrast(length, shape, at, d[row], history[row], sizes))
    return found


def _flank(length: int, per_day: int) -> int:
    return int(np.clip(length, FLANK_DAYS[0] * per_day, FLANK_DAYS[1] * per_day))


def _shapes(
    total: Floats, count: Ints, at: Ints, length: int, flank: int
) -> Iterator[tuple[str, Floats, Floats]]:
    """(shape, statistic, statistic without the shape's own condition), [R, len(at)] each."""
    inside = _mean(total, count, at, at + length, 0.5)
    near = (
        _mean(total, count, at - flank, at, 0.33),
        _mean(total, count, at + length, at + length + flank, 0.33),
    )
    box = _both(inside - near[0], inside - near[1])
    yield "box", box, box
    if length > (total.shape[1] - 1) // 6:
        return
    # A ramp is told from what lay before it began: the flank on its side stands off by its length.
    left = _mean(total, count, at - 2 * length - flank, at - 2 * length, 0.33)
    right = _mean(total, count, at + 3 * length, at + 3 * length + flank, 0.33)
    for shape, steep, whole, other in (("rise", near[0], left, near[1]), ("fall", near[1], right, near[0])):
        d = _both(inside - whole, inside - other)
        # A ramp lies between before it leaves its flank; where it does not, this is a box.
        is_between = np.abs(inside - steep) < 0.75 * np.abs(inside - whole)
        yield shape, np.where(is_between, d, 0.0 * d), d


def agreed(one: list[list[Contrast]], other: list[list[Contrast]]) -> list[list[Contrast]]:
    """Two residuals' statistics of rows as one: the sum in units of each scale, 0 where they disagree.

    What is odd against the network but not against the station's other factors is weather, and the reverse a
    change of that relation; an altered series is odd against both. A statistic that only one has is dropped.
    Worked example: z of -4 and -5 → -9; -4 and +2 → 0.
    """
    pairs: dict[tuple[int, str], list[tuple[int, Contrast, Contrast]]] = {}
    for row, (mine, others) in enumerate(zip(one, other, strict=True)):
        partner = {(c.length, c.shape): c for c in others}
        for c in mine:
            if (c.length, c.shape) in partner:
                pairs.setdefault((c.length, c.shape), []).append((row, c, partner[c.length, c.shape]))
    found: list[dict[tuple[int, str], Contrast]] = [{} for _ in one]
    for (length, shape), some in pairs.items():
        both = [[pair[1] for pair in some], [pair[2] for pair in some]]
        scales = [np.array([c.sizes.usual for c in side])[:, None] for side in both]
        d, history = (
            _sum(*(np.array(rows) / scale for rows, scale in zip(sides, scales, strict=True)))
            for sides in (
                [[c.d for c in side] for side in both],
                [[c.history for c in side] for side in both],
            )
        )
        for place, (sizes, (row, c, _)) in enumerate(zip(sizes_of(history, length), some, strict=True)):
            found[row][length, shape] = Contrast(length, shape, c.at, d[place], history[place], sizes)
    return [
        [made[c.length, c.shape] for c in mine if (c.length, c.shape) in made]
        for mine, made in zip(one, found, strict=True)
    ]


Kin = dict[tuple[int, str], float]


def _sum(a: Floats, b: Floats) -> Floats:
    return np.where(np.sign(a) == np.sign(b), a + b, 0.0 * a * b)


def kin_of(rows: list[list[Contrast]]) -> Kin:
    """The median scale over rows of one factor, per window length and shape; nothing of fewer than three.

    One or two rows could carry the very stretch that is looked for into their own measure.
    """
    scales: dict[tuple[int, str], list[float]] = {}
    for tried in rows:
        for c in tried:
            if np.isfinite(c.sizes.spread):
                scales.setdefault((c.length, c.shape), []).append(c.sizes.spread)
    return {key: float(np.median(found)) for key, found in scales.items() if len(found) >= KIN}


def excursions(tried: list[Contrast], kin: Kin, least_z: float, count: int = 20) -> list[Excursion]:
    """The excursions of a row from its statistics (`contrasts`), strongest first, none overlapping another.

    `kin` are the usual scales over the rows of the same factor (`kin_of`).
    Worked example: a row of unit noise with -3 on 100 of 5,000 hours → one excursion over those hours.
    """
    peaks = [_peaks(c, 0.6 * least_z) for c in tried]
    if not peaks:
        return []
    z = np.concatenate([p[0] for p in peaks])
    which = np.concatenate([np.full(len(p[0]), k) for k, p in enumerate(peaks)])
    place = np.concatenate([p[1] for p in peaks])
    # What cannot reach the threshold even against a history without its largest windows is not looked at.
    most = np.concatenate([_most(c, p[1], kin) for c, p in zip(tried, peaks, strict=True)])
    best = np.argsort(-z, kind="stable")[:CANDIDATES]
    scored = [_scored(tried[which[k]], int(place[k]), kin) for k in best[most[best] >= least_z]]
    found: list[tuple[int, int]] = []
    kept: list[Excursion] = []
    for e, first, last in sorted(scored, key=lambda s: -s[0].z):
        if e.z < least_z or len(kept) >= count:
            break
        if all(last <= a or first >= b for a, b in found):
            found.append((first, last))
            kept.append(e)
    return kept


def _most(contrast: Contrast, places: Ints, kin: Kin) -> Floats:
    """No less than the scores of candidates: as if all windows near them were the largest of the history."""
    if not contrast.sizes.least > 0:
        return np.full(len(places), np.inf)
    most: Floats = np.abs(contrast.d[places]) / _floored(contrast, contrast.sizes.least, kin)
    return most


def _scored(contrast: Contrast, place: int, kin: Kin) -> tuple[Excursion, int, int]:
    """A candidate judged against the history without the window and what its flanks touch."""
    first = int(contrast.at[place])
    last, reach = first + contrast.length, 2 * contrast.length
    a, b = contrast.near(place)
    scale = _floored(contrast, spread_of(np.append(contrast.history[:a], contrast.history[b:])), kin)
    # Few windows of a short file say little about what is usual; kin say some more.
    few = FEW / 4 if (contrast.length, contrast.shape) in kin else FEW
    stride = max(1, contrast.length // STRIDE_SHARE)
    scale *= 1.0 + few * contrast.length / max(1.0, float((len(contrast.at) - (b - a)) * stride))
    score = abs(float(contrast.d[place])) / scale * (1.0 if contrast.shape == "box" else RAMP)
    begin = first - (reach if contrast.shape == "rise" else 0)
    end = last + (reach if contrast.shape == "fall" else 0)
    return Excursion(max(0, begin), end, score, float(contrast.d[place]), contrast.shape), first, last


def _peaks(contrast: Contrast, least: float) -> tuple[Floats, Ints]:
    """The local maxima of |d| that may reach `least`, and their places; d in units of its middle size.

    The middle is not moved by the stretch that is looked for, however long that is.
    """
    z = np.nan_to_num(np.abs(contrast.d) / contrast.sizes.usual)
    is_top = z >= least
    is_top[1:] &= z[1:] >= z[:-1]
    is_top[:-1] &= z[:-1] > z[1:]
    top = np.flatnonzero(is_top)
    return z[top], top


def spread_of(d: Floats) -> float:
    """A robust deviation that heeds heavy tails: the larger of the 90 % and the 98 % quantile, as normal
    ones.

    NaN with fewer than 8 values.
    """
    known = np.abs(ranks.known_of(d))
    if len(known) < LEAST_KNOWN:
        return float("nan")
    ninety, tail = ranks.quantiles_of(known, (NINETY[0], TAIL[0]))
    return max(ninety / NINETY[1], tail / TAIL[1])


def _floored(contrast: Contrast, scale: float, kin: dict[tuple[int, str], float]) -> float:
    usual = kin.get((contrast.length, contrast.shape), float("nan"))
    known = [s for s in (scale, 0.8 * usual) if np.isfinite(s) and s > 0]
    return max(known) if known else float("inf")


def blocks(row: Floats, size: int) -> Floats:
    """Means of `size` periods of a row whose values were pulled to CALM robust deviations.

    Pulling makes the level of a stretch the affair of most of its hours: a short fault, however wild, is not
    a long stretch. Worked example: 48 hours in blocks of 6 → 8 means; a block with under half its hours: NaN.
    """
    width = float(robust_sd(row[None])[0])
    calm = np.clip(row, -CALM * width, CALM * width) if width > 0 else row
    n = -(-len(row) // size)
    padded = np.full(n * size, np.nan)
    padded[: len(row)] = calm
    known = np.isfinite(padded)
    count, total = block_sums(known, size), block_sums(np.where(known, padded, 0.0), size)
    return np.where(count * 2 >= size, total / np.maximum(count, 1), np.nan)


def _sums(rows: Floats) -> tuple[Floats, Ints]:
    return cumulated(rows), counted(np.isfinite(rows))


def _mean(total: Floats, count: Ints, a: Ints, b: Ints, share: float) -> Floats:
    inside = np.clip(a, 0, total.shape[1] - 1), np.clip(b, 0, total.shape[1] - 1)
    n = count.take(inside[1], axis=1) - count.take(inside[0], axis=1)
    enough = n >= np.maximum(1, share * (b - a))
    sums = total.take(inside[1], axis=1) - total.take(inside[0], axis=1)
    return np.where(enough, sums / np.maximum(n, 1), np.nan)


def _both(a: Floats, b: Floats) -> Floats:
    """The smaller of two differences of the same sign, 0 where signs differ, NaN where one is missing."""
    return np.where(np.sign(a) == np.sign(b), np.where(np.abs(a) < np.abs(b), a, b), 0.0 * a * b)
