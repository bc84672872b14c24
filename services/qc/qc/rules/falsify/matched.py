"""Stretches and saw-teeth in coloured noise: shapes correlated with residuals, weighed by their spectrum.

Promises: slow wander counts little and sudden edges much, as the residuals' own spectrum says; what a
stretch itself adds to the spectrum is outvoted by the other rows. Leaves rows without kin to `scan` and the
threshold to the pack.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import ranks, unrest
from qc.rules.falsify.history import cumulated
from qc.rules.falsify.scan import FEW, KIN, LEAST_KNOWN, LONGEST_SHARE, NINETY, TAIL, Excursion, spread_of
from qc.rules.outcome import Floats

Waves = NDArray[np.complex128]
# Whitened values are pulled to so many deviations: a single wild one is no edge.
CALM = 3.0
# Days of a segment of which the spectrum is the median, and half the width of its smoothing in ln frequency.
SEGMENT_DAYS, SMOOTH = 128, 0.15
# Growth of the lengths of stretches and of cycles; how many cycles a saw has.
BOX_GROWTH, SAW_GROWTH, CYCLES = 1.35, 1.15, (1, 2, 4)
SAW_DAYS = (5, 45)
# Peaks of a row whose own history is looked at.
CANDIDATES = 60
# Days over which moves are usual, the least of them that say so, and how calm a time is taken for at most.
MOVES_DAYS, LEAST_MOVES, QUIETEST = 10, 8, 0.3
# Beginnings apart from a candidate that measure it, and the least they may tell, of kin and of the nominal.
LEAST_APART, KIN_SHARE, LEAST_SCALE = 8, 0.8, 0.5
# A saw has a length and a number of cycles to choose: it is believed so much less.
SAW_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Belief:
    """How far the saws of a row are believed once its excursions are chosen, and how many of these at most.

    A saw by the share `saw`, and from an unrest of the other rows of `restless` on by less (`unrest`; NaN:
    whatever they do).
    """

    restless: float = float("nan")
    saw: float = SAW_SHARE
    most: int = 20


AS_IT_IS = Belief()


@dataclass(frozen=True)
class Shape:
    """What is looked for: "box" or "saw", its cycle in blocks (0: none), how many of them, its values [n]."""

    name: str
    cycle: int
    times: int
    values: Floats


@dataclass(frozen=True)
class Tried:
    """A shape's correlation with every row at every beginning [R, N - n + 1], the usual size of it per row
    [R], and over rows that are kin (0: none).
    """

    shape: Shape
    z: Floats
    usual: Floats
    kin: float
    energy: float

    def most(self, size: float) -> float:
        """No less than what a candidate of that size may score: its own history can only lower it."""
        few = FEW / 4 if self.kin > 0 else FEW
        scale = max(KIN_SHARE * self.kin, LEAST_SCALE) * (
            1.0 + few * len(self.shape.values) / max(1, self.z.shape[1])
        )
        share = 1.0 if self.shape.name == "box" else SAW_SHARE
        return float(size / scale * (share * (1 + 1e-9)))


@dataclass(frozen=True)
class Summed:
    """White rows, laid so that a shape's correlation is a difference of sums: of the values, and of each
    times its place, up to every block [R, N + 1].
    """

    values: Floats
    placed: Floats


def shapes(n: int, per_day: int, shortest: int) -> Iterator[Shape]:
    """Stretches of every length, and losses that are put right again and again, on n blocks."""
    length = float(shortest)
    while length <= LONGEST_SHARE * n:
        yield Shape("box", 0, 1, np.ones(round(length)))
        length *= BOX_GROWTH
    cycle = float(max(8, SAW_DAYS[0] * per_day))
    while cycle <= min(n / 8, max(60, SAW_DAYS[1] * per_day)):
        tooth = (np.arange(round(cycle)) + 0.5) / round(cycle)
        for times in CYCLES:
            if times * len(tooth) <= LONGEST_SHARE * n:
                yield Shape("saw", len(tooth), times, np.tile(tooth, times))
        cycle *= SAW_GROWTH


def excursions(
    rows: Floats,
    per_day: int,
    shortest: int,
    least_z: float,
    longest: int = 0,
    belief: Belief = AS_IT_IS,
) -> list[list[Excursion]]:
    """Per row of one factor [R, N] its stretches and saw-teeth, strongest first, none overlapping another.

    With `longest` only stretches of up to as many blocks are looked for.

    `z` is in deviations of the same correlation over the rest of the row (of the rows of the factor, where
    they are wilder). Worked example: twelve rows of noise with -1 on 40 of 3,000 blocks of one → one
    excursion of that row over those blocks.
    """
    found: list[list[Excursion]] = [[] for _ in rows]
    seen = np.isfinite(rows).sum(axis=1) > 3 * shortest
    if not seen.any() or rows.shape[1] < 12 * shortest:
        return found
    kept = np.flatnonzero(seen)
    filled, known = _filled(rows[kept] / usual_moves(rows[kept], per_day))
    n = filled.shape[1]
    spectrum = spectrum_of(filled, per_day)
    sums = _summed(_whitened(filled, known, spectrum), n)
    forms, power = _forms(n, per_day, shortest, longest)
    tried: list[Tried] = []
    for shape, energy in zip(forms, (power @ (1 / spectrum)).tolist(), strict=True):
        tried.append(_tried(sums, tried[-1] if tried else None, shape, energy))
    for place, peaks in enumerate(_peaks(tried, least_z, len(kept))):
        found[int(kept[place])] = _of_row(place, tried, peaks, least_z, belief)
    return found


@lru_cache(maxsize=2)
def _forms(n: int, per_day: int, shortest: int, longest: int) -> tuple[tuple[Shape, ...], Floats]:
    """The shapes on n blocks, and of each the power that a correlation with it has at every frequency of a
    real FFT of 2n blocks [K, n + 1].
    """
    forms = tuple(
        shape
        for shape in shapes(n, per_day, shortest)
        if not longest or (shape.name == "box" and len(shape.values) <= longest)
    )
    power: Floats = np.array([np.abs(np.fft.rfft(shape.values, 2 * n)) ** 2 / n for shape in forms])
    return forms, power.reshape(len(forms), n + 1)


def spectrum_of(filled: Floats, per_day: int) -> Floats:
    """Power at the frequencies of a real FFT of 2N blocks, common to rows of unit deviation [N + 1].

    The median over rows and overlapping segments, smoothed; below the lowest frequency a segment resolves it
    goes on as 1/f. Worked example: white rows of deviation 1 → about 1 everywhere but at 0.
    """
    n = filled.shape[1]
    size = max(16, min(SEGMENT_DAYS * per_day, n // 3) // 2 * 2)
    starts = np.arange(0, n - size + 1, size // 2)
    pieces = filled[:, starts[:, None] + np.arange(size)]
    taper = np.hanning(size)
    pieces = (pieces - pieces.mean(axis=2, keepdims=True)) * taper
    power = np.abs(np.fft.rfft(pieces, axis=2)) ** 2 / (taper**2).sum()
    middle = ranks.line_medians(power.reshape(-1, power.shape[2]).T.copy()) / np.log(2)
    at = np.arange(len(middle), dtype=np.float64)
    low = np.maximum(2, np.floor(at * np.exp(-SMOOTH))).astype(np.int64)
    high = np.minimum(len(middle), np.ceil(at * np.exp(SMOOTH)).astype(np.int64) + 1)
    total = np.r_[0.0, np.cumsum(middle)]
    smooth = np.where(high > low, (total[high] - total[low]) / np.maximum(high - low, 1), middle)[2:]
    smooth = np.fmax(smooth, 1e-6 * smooth.max() + 1e-12)
    frequency = np.arange(n + 1) / (2 * n)
    lowest = 2 / size
    wide = np.exp(np.interp(np.log(np.fmax(frequency, lowest)), np.log(at[2:] / size), np.log(smooth)))
    spectrum: Floats = wide * np.where(frequency < lowest, lowest / np.fmax(frequency, 0.1 / n), 1.0)
    return spectrum


def usual_moves(rows: Floats, per_day: int) -> Floats:
    """How lively each row is at each time against the row as a whole [R, N]: seasons and levels differ.

    Medians of the moves from block to block over ten days and their neighbours, which a change of level does
    not touch. Worked example: a row that moves twice as much in winter → near 1.4 there, 0.7 in summer.
    """
    n = rows.shape[1]
    size = max(10, MOVES_DAYS * per_day)
    parts = max(1, n // size)
    moves = np.abs(np.diff(rows, axis=1, prepend=rows[:, :1]))
    found = np.ones(rows.shape)
    middles = (np.arange(parts) + 0.5) * size
    moves = np.where(moves > 0, moves, np.nan)
    whole = np.nan_to_num(ranks.medians(moves))
    some = moves[:, : parts * size].reshape(len(rows) * parts, -1)
    enough = np.isfinite(some).sum(axis=1) >= LEAST_MOVES
    local = np.where(enough, ranks.short_medians(some), np.repeat(whole, parts)).reshape(-1, parts)
    beside = np.stack([local[:, :1], local[:, -1:]])
    three = np.stack([np.c_[beside[0], local[:, :-1]], local, np.c_[local[:, 1:], beside[1]]])
    three.sort(axis=0)
    for row in np.flatnonzero(whole > 0).tolist():
        found[row] = np.interp(np.arange(n), middles, np.fmax(three[1, row] / whole[row], QUIETEST))
    return found


def _filled(rows: Floats) -> tuple[Floats, Floats]:
    """Rows of deviation 1 around 0, gaps bridged by straight lines, and what is known of them (0 or 1)."""
    known = np.isfinite(rows)
    at = np.arange(rows.shape[1])
    filled = np.zeros(rows.shape)
    for row, (values, there) in enumerate(zip(rows, known, strict=True)):
        middle = ranks.median_of(values[there])
        width = 1.4826 * ranks.median_of(np.abs(values[there] - middle)) or np.std(values[there]) or 1.0
        filled[row] = np.clip(np.interp(at, at[there], (values[there] - middle) / width), -8, 8)
    return filled, known.astype(np.float64)


def _whitened(filled: Floats, known: Floats, spectrum: Floats) -> Waves:
    """The transform of the rows divided by the spectrum, with wild values pulled in on the way [R, N + 1]."""
    n = filled.shape[1]
    # Laid end to end with its mirror image a row has no edge of its own.
    both = np.concatenate([filled, filled[:, ::-1]], axis=1)
    root = np.sqrt(spectrum)
    white = np.fft.irfft(np.fft.rfft(both, axis=1) / root, 2 * n, axis=1)
    width = 1.4826 * ranks.line_medians(np.abs(white[:, :n]))[:, None]
    white = np.clip(white / np.where(width > 0, width, 1.0), -CALM, CALM)
    white *= np.concatenate([known, known[:, ::-1]], axis=1)
    weighed: Waves = np.fft.rfft(white, axis=1) / root
    return weighed


def _summed(weighed: Waves, n: int) -> Summed:
    white = np.fft.irfft(weighed, 2 * n, axis=1)[:, :n]
    return Summed(cumulated(white), cumulated(white * np.arange(n, dtype=np.float64)))


def _tried(sums: Summed, before: Tried | None, shape: Shape, energy: float) -> Tried:
    """The correlation of every row with a shape begun at every block, in nominal deviations.

    A saw of more teeth follows that of fewer, `before`: it is the sum of what they found side by side.
    """
    length = len(shape.values)
    if shape.times > 1 and before is not None and before.shape.cycle == shape.cycle:
        shift = len(before.shape.values)
        z = before.z[:, :-shift] + before.z[:, shift:]
        z *= before.energy**0.5
    else:
        z = sums.values[:, length:] - sums.values[:, :-length]
        if shape.cycle:
            z *= np.arange(z.shape[1]) - 0.5
            np.subtract(sums.placed[:, length:] - sums.placed[:, :-length], z, out=z)
            z /= shape.cycle
    z /= np.sqrt(energy)
    usual = ranks.line_medians(np.abs(z)) / 0.6745
    return Tried(shape, z, usual, float(np.median(usual)) if len(z) >= KIN else 0.0, energy)


def _peaks(tried: list[Tried], least_z: float, rows: int) -> list[list[tuple[float, int, int]]]:
    """Per row the peaks of every shape that may reach the threshold: (size, number of the shape, block)."""
    found: list[list[tuple[float, int, int]]] = [[] for _ in range(rows)]
    for number, one in enumerate(tried):
        usual = np.fmax(one.usual, 1e-9)
        size = np.abs(one.z)
        line, at = np.nonzero(size >= (0.7 * least_z * usual * (1 - 1e-12))[:, None])
        here, last = size[line, at], size.shape[1] - 1
        before = np.where(at > 0, size[line, np.maximum(at - 1, 0)], -1.0)
        after = np.where(at < last, size[line, np.minimum(at + 1, last)], -1.0)
        top = np.flatnonzero((here >= before) & (here > after))
        sizes = here[top] / usual[line[top]]
        for row, place, value in zip(line[top].tolist(), at[top].tolist(), sizes.tolist(), strict=True):
            if value >= 0.7 * least_z:
                found[row].append((value, number, place))
    return found


def _of_row(
    place: int,
    tried: list[Tried],
    peaks: list[tuple[float, int, int]],
    least_z: float,
    belief: Belief,
) -> list[Excursion]:
    scored = [
        (_scored(place, tried[number], at), tried[number])
        for _, number, at in sorted(peaks, reverse=True)[:CANDIDATES]
        if _may_reach(place, tried[number], at, least_z)
    ]
    kept: list[tuple[Excursion, Tried]] = []
    for e, one in sorted(scored, key=lambda pair: -pair[0].z):
        if e.z < least_z or len(kept) >= belief.most:
            break
        if all(e.to_i <= other.from_i or e.from_i >= other.to_i for other, _ in kept):
            kept.append((e, one))
    # What is believed less makes no room for a neighbouring stretch at which the others happen to be calmer.
    believed = [_believed(e, place, one, belief) for e, one in kept]
    return sorted((e for e in believed if e.z >= least_z), key=lambda e: -e.z)


def _believed(e: Excursion, place: int, one: Tried, belief: Belief) -> Excursion:
    """A saw as it stands beside what the other rows did meanwhile; a stretch as it is."""
    if e.shape != "saw":
        return e
    z = e.z * (belief.saw / SAW_SHARE)
    if not np.isfinite(belief.restless):
        return replace(e, z=z)
    unquiet = unrest.unrest(one.z, one.usual, place, e.from_i, e.to_i - e.from_i)
    return replace(e, z=z / unrest.lowered(unquiet, belief.restless), unrest=unquiet)


def _may_reach(place: int, one: Tried, at: int, least_z: float) -> bool:
    """Whether a candidate may score `least_z`; False is sure: counting costs a fraction of finding a rank."""
    value = abs(float(one.z[place, at]))
    if one.most(value) < least_z:
        return False
    # As large as its history would have to be for the candidate to fall short.
    enough = value * one.most(1.0) * max(KIN_SHARE * one.kin, LEAST_SCALE) / least_z
    reach = 2 * len(one.shape.values)
    row = np.abs(np.append(one.z[place, : max(0, at - reach + 1)], one.z[place, at + reach :]))
    if len(row) < max(LEAST_APART, LEAST_KNOWN):
        return True
    return all(
        np.count_nonzero(row > enough * normal) < len(row) - int(q * (len(row) - 1))
        for q, normal in (NINETY, TAIL)
    )


def _scored(place: int, one: Tried, at: int) -> Excursion:
    """A candidate against the same shape over the rest of its row, and over its kin."""
    length, places = len(one.shape.values), np.arange(one.z.shape[1])
    apart = np.abs(places - at) >= 2 * length
    if apart.sum() < LEAST_APART:
        apart = np.abs(places - at) >= length
    own = spread_of(one.z[place, apart])
    scale = max(own if np.isfinite(own) else 0.0, KIN_SHARE * one.kin)
    # Few windows of a short file say little about what is usual; kin say some more.
    few = FEW / 4 if one.kin > 0 else FEW
    scale *= 1.0 + few * length / max(1.0, float(apart.sum()))
    value = float(one.z[place, at])
    score = abs(value) / max(scale, LEAST_SCALE) * (1.0 if one.shape.name == "box" else SAW_SHARE)
    return Excursion(at, at + length, score, value, one.shape.name)
