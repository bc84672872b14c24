"""N4, N7: values that were multiplied after they had been rounded, by the comb this leaves among them.

Promises: a comb the series always has (a converted unit, a rounding of its analyser) is its habit; what the
network does together is its logger's. Leaves heaping and invented digits to `qc.rules.falsify.digits`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import history, ranks
from qc.rules.falsify.bounds import rare_finding
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.digits import digits_of
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.night import night_of
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Flags, Floats, Ints

# Windows in blocks of this many days, each at least so many periods.
BLOCK_DAYS, LEAST_PERIODS = 2.5, 15
WINDOWS = (4, 6, 8, 11, 16, 23, 32)
# Frequencies looked at between none and one tooth in two steps; a coarse series has fewer that differ.
TEETH = (256, 1024, 4096)
# Moved values a window needs, and steps its values must spread over.
LEAST_MOVES, LEAST_SPREAD = 150, 6.0
# Periods a day needs to have a night.
LEAST_HOURS = 6
# Teeth per step: fewer are the shape of the distribution, one in two is the parity of averaged pairs.
LOWEST, HIGHEST = 0.15, 0.49
Waves = NDArray[np.complex128]


@register("N4")
def rescaled(panel: Panel, chosen: Chosen) -> list[Finding]:
    """N4: a factor on values that were whole steps already hits some of the new steps twice (or never), in an
    even pattern; an instrument's own scale is applied before it rounds and leaves none.

    Source: as for images whose contrast was raised, Stamm & Liu 2008. Worked example: whole µg/m³ × 0.7,
    rounded again → every other step twice as often for as long as the factor holds.
    """
    return combs(panel, chosen, None)


@register("N7")
def rescaled_at_night(panel: Panel, chosen: Chosen) -> list[Finding]:
    """N7: the same in the hours of the night alone, where the day's values would hide it.

    Source: hours of standards §6.1 T1. Worked example: whole µg/m³ × 2.2 from 22 to 6 h, rounded again → of
    the night's values only every other or third is ever met, of the day's all.
    """
    return combs(panel, chosen, night_of(panel)) if panel.per_day >= LEAST_HOURS else []


def combs(panel: Panel, chosen: Chosen, asked: Flags | None) -> list[Finding]:
    """The stretches whose values, in the periods `asked` alone [N], form a comb."""
    x = history.readings(panel) if asked is None else np.where(asked, history.readings(panel), np.nan)
    steps, coarse = history.steps(panel), digits_of(panel).coarse
    block = history.periods(panel, 24 * BLOCK_DAYS, LEAST_PERIODS)
    found: list[Finding] = []
    if x.shape[1] < 8 * block:
        return found
    tails = {
        length: np.full((len(x), x.shape[1] // block - length + 1), np.nan)
        for length in WINDOWS
        if x.shape[1] // block > 3 * length
    }
    teeth = {length: np.full(tail.shape, np.nan) for length, tail in tails.items()}
    for row in chosen.rows:
        if np.isfinite(steps[row]):
            waves, count = waves_of(x[row], float(steps[row]), block, coarse[row])
            if not len(waves):
                continue
            upto = upto_of(waves, count)
            for length, tail in tails.items():
                tail[row], teeth[length][row] = strongest(upto, length, asked is not None)
    month = max(1, history.per_month(panel) // block)
    for length, tail in tails.items():
        lone = history.against_peers(tail, panel.of_factor.values(), share=0.75)
        rare = history.rarity(lone, length, month, 0.4, (2.0, 1.0))
        for e in history.excursions(
            rare[list(chosen.rows)], chosen.figure("threshold", chosen.rows[0]), length
        ):
            row = chosen.rows[e.row]
            inner = length // 4
            begin, end = (e.from_i + inner) * block, (e.to_i - 1 + length - inner) * block
            figures = {"teeth": float(teeth[length][row, e.peak]), "tail": float(tail[row, e.peak])}
            found.append(rare_finding(chosen, Stretch(row, begin, min(end, x.shape[1])), e.rare, figures))
    return history.rarest_only(found)


def waves_of(values: Floats, step: float, block: int, coarse: Flags) -> tuple[Waves, Ints]:
    """Per block the sum of exp(2πi f k) over its moved values of k steps, and how many they are.

    [blocks, frequencies], [blocks]; nothing for a series too coarse to have a comb. A value that repeats the
    one before is no second witness.
    """
    scaled = values / step
    whole = np.rint(scaled)
    on = ~coarse & (np.abs(scaled - whole) <= 1e-6 * np.maximum(1.0, np.abs(whole)))
    moved = on & np.r_[True, whole[1:] != whole[:-1]]
    known = whole[moved]
    none = np.zeros((0, 0), dtype=np.complex128), np.zeros(0, dtype=np.int64)
    if len(known) < LEAST_MOVES:
        return none
    low, high = ranks.quantiles_of(known, (0.1, 0.9))
    if high - low < LEAST_SPREAD:
        return none
    size = next((size for size in TEETH if size > 4 * (high - low)), TEETH[-1])
    blocks = len(values) // block
    place = np.flatnonzero(moved)
    place = place[place < blocks * block]
    at = place // block
    # Sizes are powers of two.
    tooth = whole[place].astype(np.int64) & (size - 1)
    cells = np.bincount(at * size + tooth, minlength=blocks * size).reshape(blocks, size)
    return np.fft.rfft(cells, axis=1), np.bincount(at, minlength=blocks)


@dataclass(frozen=True, slots=True)
class Upto:
    """Waves at the frequencies looked at, their real and imaginary part up to each block [blocks + 1,
    frequencies], the values they are of, how often the first stands for a step, and steps of all frequencies.
    """

    real: Floats
    imaginary: Floats
    values: Ints
    first: int
    size: int


def upto_of(waves: Waves, count: Ints) -> Upto:
    """What windows of every length are told from, summed once."""
    size = 2 * (waves.shape[1] - 1)
    first, last = int(np.ceil(LOWEST * size)), int(HIGHEST * size)
    sums = np.zeros((2, len(waves) + 1, last - first))
    for total, part in zip(sums, (waves.real, waves.imag), strict=True):
        np.cumsum(part[:, first:last], axis=0, out=total[1:])
    return Upto(sums[0], sums[1], np.r_[0, np.cumsum(count)], first, size)


def strongest(upto: Upto, length: int, local: bool = False) -> tuple[Floats, Floats]:
    """Per `length` blocks: -log10 of the chance of its strongest comb, and steps from tooth to tooth; NaN
    where it holds too few values.

    The series' own wave is taken off first, and each frequency is measured by what it does in other windows;
    `local`: also by what all frequencies do in that window, the shape of few and narrow values.
    """
    n = (upto.values[length:] - upto.values[:-length]).astype(np.float64)
    tail, teeth = np.full(len(n), np.nan), np.full(len(n), np.nan)
    good = np.flatnonzero(n >= LEAST_MOVES)
    if not len(good):
        return tail, teeth
    n = n[good, None]
    off, imaginary = (_power(total, upto.values, n, good, length) for total in (upto.real, upto.imaginary))
    off += imaginary
    off /= n
    off /= np.fmax(ranks.line_medians(off.T.copy()) / np.log(2), 1.0)
    if local:
        off /= np.fmax(ranks.line_medians(off) / np.log(2), 1.0)[:, None]
    best = off.argmax(axis=1)
    tail[good] = off[np.arange(len(off)), best] / np.log(10) - np.log10(off.shape[1])
    teeth[good] = upto.size / (best + upto.first)
    return tail, teeth


def _power(total: Floats, upto: Ints, n: Floats, at: Ints, length: int) -> Floats:
    """The square of what a part of the waves of windows `at`, of `n` values each, has beyond its habit."""
    beyond = total[length:] - total[:-length]
    if len(at) < len(beyond):
        beyond = beyond[at]
    beyond -= n * _habit(total, upto, length)
    beyond *= beyond
    return beyond


def _habit(total: Floats, upto: Ints, length: int) -> Floats:
    """A part of the series' usual wave per value: the middle over windows side by side, which a season cannot
    move.
    """
    waves, n = np.diff(total[::length], axis=0), np.diff(upto[::length])
    each = waves[n > 0] * (1.0 / n[n > 0, None])
    return ranks.line_medians(each.T.copy()) if len(each) else np.zeros(total.shape[1])
