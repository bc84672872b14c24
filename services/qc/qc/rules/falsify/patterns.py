"""D3 and D4: values that repeat themselves at a fixed interval, or move more smoothly than this series does.

Promises: both are measured on moves between periods, against the series' own history and, where there is a
network, less what all stations did. Leaves single copied days to `qc.rules.falsify.copies`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.constant import at_level
from qc.rules.falsify.copies import MOVING_SHARE
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats, Ints

# Two days of hours: longer repeats are copies of days.
LONGEST_LAG = 48
# A check moves a value there and back: the places of an interval with the largest moves that are left out, of
# how many at least, and the share the rest may leave open: untouched Beijing of 2013-2015 leaves 0.74.
CHECKS, LEAST_PLACES, LEFT_OPEN = 3, 12, 0.65


@dataclass(frozen=True, slots=True)
class Moves:
    """Differences of a row to the period before in its quartile range [N - 1], the row itself so scaled [N],
    and the variance of rounding.
    """

    d: Floats
    level: Floats
    noise: float


def moves(panel: Panel, row: int) -> Moves:
    """The moves of one row of a panel."""
    low, middle, high = history.quartiles(panel)[:, row].tolist()
    width = high - low if high > low else 1.0
    level = (history.readings(panel)[row] - middle) / width
    return Moves(np.diff(level), level, float(np.nan_to_num(history.steps(panel)[row]) / width) ** 2 / 12)


def _report(
    panel: Panel,
    chosen: Chosen,
    rows: Ints,
    rare: Floats,
    size: tuple[int, int],
    shown: Callable[[int, int], Mapping[str, float]],
) -> list[Finding]:
    """The findings of some rows; `shown` gives what is told of a row (its place in `rare`) and window."""
    first = chosen.rows[0]
    window, stride = size
    found: list[Finding] = []
    reach = (chosen.figure("threshold", first), chosen.figure("strong", first))
    judged = set(chosen.rows)
    for e in history.excursions(rare, reach[0], window // stride, reach[1]):
        row = int(rows[e.row])
        if row not in judged:
            continue
        begin, end = e.from_i * stride, (e.to_i - 1) * stride + 1
        inner = min(window // 4, (end - begin) // 2)
        stretches = [(e.rare, Stretch(row, begin + inner, min(panel.shape[1], end + window - inner)))]
        until = e.early * stride + window
        if rare[e.row, e.early] >= reach[1] and until < stretches[0][1].to_i:
            stretches.append((float(rare[e.row, e.early]), Stretch(row, begin + inner, until)))
        figures = shown(e.row, e.peak)
        found += [
            Finding(
                chosen.test.id, where, rarity, reach[0], history.chance(rarity), strength(rarity, *reach),
                chosen.test.kind, (), {**figures, "rare": rarity},
            )
            for rarity, where in stretches
        ]  # fmt: skip
    return found


@register("D3")
def periodic(panel: Panel, chosen: Chosen) -> list[Finding]:
    """D3: moves of days that repeat at one interval, more than ever in the series' history,
    standards §6.1."""
    first = chosen.rows[0]
    found: list[Finding] = []
    windows = [
        history.periods(panel, chosen.figure(name, first), chosen.test.min_n) for name in ("short", "long")
    ]
    windows = [window for window in windows if panel.shape[1] >= 4 * window]
    strides = [max(1, window // 24) for window in windows]
    shapes = [
        (panel.shape[0], (panel.shape[1] - 1 - window) // stride + 1)
        for window, stride in zip(windows, strides, strict=True)
    ]
    rests, lags = ([np.full(shape, np.nan) for shape in shapes] for _ in range(2))
    for row in range(panel.shape[0]):
        repeated = repetition(moves(panel, row), windows, strides)
        for rest, lag, (share, interval) in zip(rests, lags, repeated, strict=True):
            rest[row], lag[row] = share, interval
    for window, stride, rest, lag in zip(windows, strides, rests, lags, strict=True):
        statistic = history.against_peers(-np.log(rest), panel.of_factor.values())
        month = max(1, history.per_month(panel) // stride)
        rare = history.rarity(
            statistic, window // stride, month, 0.1, least=chosen.figure("threshold", first)
        )
        every = np.arange(panel.shape[0])
        found += _report(panel, chosen, every, rare, (window, stride), partial(_repeated, rest, lag))
    return history.rarest_only([f for f in found if not checked_daily(moves(panel, f.where.row), f)])


def checked_daily(row: Moves, finding: Finding) -> bool:
    """Whether what repeats is one spike or dip of every interval, an automatic check without a mark, and the
    other hours do as they like.

    Worked example: 196 at two o'clock every other day, else 2 to 20 as the weather is → true.
    """
    lag = int(finding.figures["lag"])
    if lag < LEAST_PLACES:
        return False
    d = row.d[finding.where.from_i : finding.where.to_i - 1]
    before, after = d[:-lag], d[lag:]
    both = np.flatnonzero(np.isfinite(before) & np.isfinite(after))
    place = both % lag
    due = np.bincount(place, before[both] ** 2 + after[both] ** 2 + 2 * row.noise, lag)
    rest = np.bincount(place, (before[both] - after[both]) ** 2, lag)
    others = np.argsort(due)[: lag - CHECKS]
    return bool(rest[others].sum() > LEFT_OPEN * due[others].sum())


def _repeated(rest: Floats, lag: Ints, row: int, window: int) -> dict[str, float]:
    return {"unexplained": float(rest[row, window]), "lag": float(lag[row, window])}


def repetition(row: Moves, windows: list[int], strides: list[int]) -> list[tuple[Floats, Ints]]:
    """Per window length: the share of the moves of every window that those before leave open,
    and that interval, [M] each.

    Intervals from 4 to 48 periods, at most half the window; 1 = nothing repeats, 0 = an exact
    repeat, per window
    begun every `stride` periods. NaN where a quarter is unknown or the window hardly moves.
    """
    known = np.isfinite(row.d)
    absent = np.flatnonzero(~known)
    d = np.where(known, row.d, 0.0)
    unit = history.fixed(len(d), float(np.abs(d).max(initial=0.0)))
    fixed = d * unit
    squares, counts = np.zeros(len(d) + 1, dtype=np.int64), history.counted(known)
    history.products(fixed, fixed, squares)
    square = np.diff(squares)
    moving = history.counted(np.abs(d) > 1.01 * np.sqrt(12 * row.noise))
    starts = [
        slice(0, (len(d) - window) // stride * stride + 1, stride)
        for window, stride in zip(windows, strides, strict=True)
    ]
    best = [np.full(len(d[start]), np.inf) for start in starts]
    lags = [np.zeros(len(share), dtype=np.int64) for share in best]
    common, likely = (np.zeros(len(d) + 1, dtype=np.int64) for _ in range(2))
    for lag in range(4, min(max(windows, default=0) // 2, LONGEST_LAG) + 1):
        history.products(fixed[lag:], fixed[:-lag], common)
        if len(absent):
            # A move whose partner is unknown counts on neither side.
            both = likely[1 : len(d) - lag + 1]
            np.add(square[lag:], square[:-lag], out=both)
            both[absent[absent >= lag] - lag] = 0
            both[absent[absent < len(d) - lag]] = 0
            np.cumsum(both, out=both)
        else:
            np.add(squares[lag:], squares[:-lag], out=likely[:-lag])
        for place, (window, start) in enumerate(zip(windows, starts, strict=True)):
            if lag > window // 2:
                continue
            inside = window - lag
            end = slice(inside, start.stop + inside, start.step)
            due = likely[end] - likely[start] + (inside * row.noise + 1e-12) * unit**2
            share = (common[end] - common[start]) * -2.0
            share /= due
            share += 1.0
            better = share < best[place]
            np.minimum(best[place], share, out=best[place])
            np.copyto(lags[place], lag, where=better)
    found = []
    for share, interval, window, start in zip(best, lags, windows, starts, strict=True):
        end = slice(window, start.stop + window, start.step)
        size, count, moved = (total[end] - total[start] for total in (squares, counts, moving))
        moves_of = size / unit**2
        idle = (count < 0.75 * window) | (moves_of < 60 * window * row.noise) | (size <= 0)
        idle |= moved < MOVING_SHARE * count
        found.append((np.where(idle, np.nan, np.fmax(share, 1e-4)), interval))
    return found


@register("D4")
def smooth(panel: Panel, chosen: Chosen) -> list[Finding]:
    """D4: second differences small against first ones and against the level's habit, standards §6.1."""
    first = chosen.rows[0]
    found: list[Finding] = []
    windows = [
        history.periods(panel, chosen.figure(name, first), chosen.test.min_n)
        for name in ("short", "middle", "long")
    ]
    windows = [window for window in windows if panel.shape[1] >= 4 * window]
    month, threshold = history.per_month(panel), chosen.figure("threshold", first)
    for rows in panel.of_factor.values():
        made = [moves(panel, row) for row in rows.tolist()]
        statistics = [np.empty((len(rows), panel.shape[1] - window)) for window in windows]
        for place, row in enumerate(made):
            for statistic, one in zip(statistics, smoothness(row, windows), strict=True):
                statistic[place] = one
        for window, statistic in zip(windows, statistics, strict=True):
            reduced = history.against_peers(statistic, [np.arange(len(rows))], both_ways=True)
            rare = history.rarity(reduced, window, month, 0.03, least=threshold)
            found += _report(panel, chosen, rows, rare, (window, 1), partial(_roughness, made, window))
    return history.rarest_only(found)


def _roughness(made: list[Moves], length: int, row: int, window: int) -> dict[str, float]:
    """Σ(Δ²x)² / Σ(Δx)² of a window."""
    d = made[row].d[window : window + length]
    squares = float(np.nansum(np.diff(d) ** 2)), float(np.nansum(d**2))
    return {"roughness": (squares[0] + 1e-12) / (squares[1] + 1e-12)}


def smoothness(row: Moves, windows: list[int]) -> list[Floats]:
    """Per window length how smooth every window is against windows of its level [M].

    The mean of ln|Δx| - ln|Δ²x|, and 0.3 of that of -ln|Δ²x| above its habit at the level: means
    of logarithms,
    because one spike would hide a smoothed week in sums of squares.
    """
    known, second = np.isfinite(row.d), np.diff(row.d)
    known_second = np.isfinite(second)
    d, bent = np.where(known, row.d, 0.0), np.where(known_second, second, 0.0)
    squares = history.cumulated(d * d)
    counts = history.counted(known_second)
    logs = [
        history.cumulated(np.where(good, np.log(np.abs(part) + (np.sqrt(share * row.noise) + 1e-9)), 0.0))
        for part, good, share in ((d, known, 2), (bent, known_second, 6))
    ]
    levels = history.cumulated(np.nan_to_num(row.level[1:]))
    found = []
    for window in windows:
        inside = window - 1
        count, size = history.windowed(counts, inside), history.windowed(squares, window)
        mean_of = [
            history.windowed(part, length) / np.fmax(count, 1)
            for part, length in zip(logs, (window, inside), strict=True)
        ]
        idle = (count < 0.75 * inside) | (size < 40 * window * row.noise) | (size <= 0)
        level = history.windowed(levels, window)
        relative, _ = at_level(np.where(idle, np.nan, -mean_of[1])[None], level[None])
        found.append(mean_of[0] - mean_of[1] + 0.3 * relative[0])
    return found
