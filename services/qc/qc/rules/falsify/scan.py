"""Where a residual leaves its level and comes back: windows of every length against their own history.

Promises: a statistic is compared with the same statistic over the rest of the row and of its kin (rows of the
same factor), the window itself left out; a slow drift alone scores nothing. Leaves the threshold to the pack.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify.reference import robust_sd
from qc.rules.outcome import Flags, Floats, Ints

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


@dataclass(frozen=True, slots=True)
class Excursion:
    """Periods [from_i, to_i) in which a row stood `level` off its surroundings, `z` robust deviations."""

    from_i: int
    to_i: int
    z: float
    level: float
    shape: str


@dataclass(frozen=True)
class Contrast:
    """One statistic along a row: `at` the first period of each window, `d` the level off both flanks.

    `history` is what `d` is judged against: the same without the shape's own condition.
    """

    length: int
    shape: str
    at: Ints
    d: Floats
    history: Floats
    scale: float


def lengths(n: int, shortest: int) -> list[int]:
    """The window lengths tried on n periods. Worked example: lengths(60, 4) = [4, 6, 9, 14, 20]."""
    found, length = [], float(shortest)
    while length <= LONGEST_SHARE * n:
        found.append(round(length))
        length *= GROWTH
    return found


def contrasts(row: Floats, per_day: int, shortest: int) -> list[Contrast]:
    """Every statistic of one residual row [N]."""
    total, count = _sums(row)
    found = []
    for length in lengths(len(row), shortest):
        flank = int(np.clip(length, FLANK_DAYS[0] * per_day, FLANK_DAYS[1] * per_day))
        flank = max(flank, shortest)
        at = np.arange(0, len(row) - length + 1, max(1, length // STRIDE_SHARE))
        inside = _mean(total, count, at, at + length, 0.5)
        near = (
            _mean(total, count, at - flank, at, 0.33),
            _mean(total, count, at + length, at + length + flank, 0.33),
        )
        for shape in SHAPES if length <= len(row) // 6 else SHAPES[:1]:
            # A ramp is told from what lay before it began: the flank on its side stands off by its length.
            left, right = near
            if shape == "rise":
                left = _mean(total, count, at - 2 * length - flank, at - 2 * length, 0.33)
            if shape == "fall":
                right = _mean(total, count, at + 3 * length, at + 3 * length + flank, 0.33)
            d = _both(inside - left, inside - right)
            if shape != "box":
                # A ramp lies between before it leaves its flank; where it does not, this is a box.
                steep, whole = (near[0], left) if shape == "rise" else (near[1], right)
                ramp = np.where(np.abs(inside - steep) < 0.75 * np.abs(inside - whole), d, 0.0 * d)
            else:
                ramp = d
            if np.isfinite(d).any():
                found.append(Contrast(length, shape, at, ramp, d, spread_of(d)))
    return found


def agreed(one: list[Contrast], other: list[Contrast]) -> list[Contrast]:
    """Two residuals' statistics of one row as one: the sum in units of each scale, 0 where they disagree.

    What is odd against the network but not against the station's other factors is weather, and the reverse a
    change of that relation; an altered series is odd against both. A statistic that only one has is dropped.
    Worked example: z of -4 and -5 → -9; -4 and +2 → 0.
    """
    partner = {(c.length, c.shape): c for c in other}
    found = []
    for c in one:
        beside = partner.get((c.length, c.shape))
        if beside is not None:
            one_size, other_size = usual_size(c.history), usual_size(beside.history)
            d = _sum(c.d / one_size, beside.d / other_size)
            history = _sum(c.history / one_size, beside.history / other_size)
            found.append(Contrast(c.length, c.shape, c.at, d, history, spread_of(history)))
    return found


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
            if np.isfinite(c.scale):
                scales.setdefault((c.length, c.shape), []).append(c.scale)
    return {key: float(np.median(found)) for key, found in scales.items() if len(found) >= KIN}


def excursions(tried: list[Contrast], kin: Kin, least_z: float, most: int = 20) -> list[Excursion]:
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
    scored = [
        _scored(tried[which[k]], int(place[k]), kin) for k in np.argsort(-z, kind="stable")[:CANDIDATES]
    ]
    found: list[tuple[int, int]] = []
    kept: list[Excursion] = []
    for e, first, last in sorted(scored, key=lambda s: -s[0].z):
        if e.z < least_z or len(kept) >= most:
            break
        if all(last <= a or first >= b for a, b in found):
            found.append((first, last))
            kept.append(e)
    return kept


def _scored(contrast: Contrast, place: int, kin: Kin) -> tuple[Excursion, int, int]:
    """A candidate judged against the history without the window and what its flanks touch."""
    first = int(contrast.at[place])
    last, reach = first + contrast.length, 2 * contrast.length
    apart = (contrast.at + contrast.length <= first - contrast.length) | (
        contrast.at >= last + contrast.length
    )
    scale = _floored(contrast, spread_of(contrast.history[apart]), kin)
    # Few windows of a short file say little about what is usual; kin say some more.
    few = FEW / 4 if (contrast.length, contrast.shape) in kin else FEW
    stride = max(1, contrast.length // STRIDE_SHARE)
    scale *= 1.0 + few * contrast.length / max(1.0, float(apart.sum() * stride))
    score = abs(float(contrast.d[place])) / scale * (1.0 if contrast.shape == "box" else RAMP)
    begin = first - (reach if contrast.shape == "rise" else 0)
    end = last + (reach if contrast.shape == "fall" else 0)
    return Excursion(max(0, begin), end, score, float(contrast.d[place]), contrast.shape), first, last


def _peaks(contrast: Contrast, least: float) -> tuple[Floats, Ints]:
    """The local maxima of |d| that may reach `least`, and their places; d in units of its middle size.

    The middle is not moved by the stretch that is looked for, however long that is.
    """
    z = np.nan_to_num(np.abs(contrast.d) / usual_size(contrast.history))
    padded = np.r_[-1.0, z, -1.0]
    top = np.flatnonzero((z >= padded[:-2]) & (z > padded[2:]) & (z >= least))
    return z[top], top


def usual_size(d: Floats) -> float:
    """The deviation that the median of |d| above 0 tells; infinite where there is none."""
    known = np.abs(d[np.isfinite(d) & (d != 0)])
    return float(np.median(known)) / 0.6745 if len(known) >= 8 else float("inf")


def spread_of(d: Floats) -> float:
    """A robust deviation that heeds heavy tails: the larger of the 90 % and the 98 % quantile, as normal
    ones.

    NaN with fewer than 8 values.
    """
    known = np.abs(d[np.isfinite(d)])
    if len(known) < 8:
        return float("nan")
    ninety, tail = np.quantile(known, [0.9, 0.98])
    return float(max(ninety / 1.645, tail / 2.326))


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
    known = np.isfinite(padded).reshape(n, size)
    count = known.sum(axis=1)
    total = np.where(known, padded.reshape(n, size), 0.0).sum(axis=1)
    return np.where(count * 2 >= size, total / np.maximum(count, 1), np.nan)


def _sums(row: Floats) -> tuple[Floats, Floats]:
    known: Flags = np.isfinite(row)
    return np.r_[0.0, np.cumsum(np.where(known, row, 0.0))], np.r_[0.0, np.cumsum(known)]


def _mean(total: Floats, count: Floats, a: Ints, b: Ints, share: float) -> Floats:
    inside = np.clip(a, 0, len(total) - 1), np.clip(b, 0, len(total) - 1)
    n = count[inside[1]] - count[inside[0]]
    enough = n >= np.maximum(1, share * (b - a))
    return np.where(enough, (total[inside[1]] - total[inside[0]]) / np.maximum(n, 1), np.nan)


def _both(a: Floats, b: Floats) -> Floats:
    """The smaller of two differences of the same sign, 0 where signs differ, NaN where one is missing."""
    return np.where(np.sign(a) == np.sign(b), np.where(np.abs(a) < np.abs(b), a, b), 0.0 * a * b)
