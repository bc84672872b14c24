"""D3 and D4: values that repeat themselves at a fixed interval, or move more smoothly than this series does.

Promises: both are measured on moves between periods, against the series' own history and, where there is a
network, less what all stations did. Leaves single copied days to `qc.rules.falsify.copies`.
"""

from collections.abc import Mapping

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


def moves(x: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Differences to the period before in quartile ranges of the row [S, N - 1], and the variance
    of rounding."""
    scaled = history.standardised(x)
    low, high = history.quantiles(x, (0.25, 0.75))
    width = np.where(high > low, high - low, 1.0)
    return np.diff(scaled, axis=1), (np.nan_to_num(steps) / width)[:, None] ** 2 / 12


def _report(
    panel: Panel, chosen: Chosen, rare: Floats, size: tuple[int, int], shown: Mapping[str, Floats | Ints]
) -> list[Finding]:
    first = chosen.rows[0]
    window, stride = size
    found: list[Finding] = []
    reach = (chosen.figure("threshold", first), chosen.figure("strong", first))
    for e in history.excursions(rare[list(chosen.rows)], reach[0], window // stride, reach[1]):
        row = chosen.rows[e.row]
        begin, end = e.from_i * stride, (e.to_i - 1) * stride + 1
        inner = min(window // 4, (end - begin) // 2)
        stretches = [(e.rare, Stretch(row, begin + inner, min(panel.shape[1], end + window - inner)))]
        until = e.early * stride + window
        if rare[row, e.early] >= reach[1] and until < stretches[0][1].to_i:
            stretches.append((float(rare[row, e.early]), Stretch(row, begin + inner, until)))
        figures = {name: float(values[row, e.peak]) for name, values in shown.items()}
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
    x = history.readings(panel)
    found: list[Finding] = []
    for name in ("short", "long"):
        window = history.periods(panel, chosen.figure(name, first), chosen.test.min_n)
        if x.shape[1] < 4 * window:
            break
        stride = max(1, window // 24)
        rest, lag = repetition(x, history.step_of(x), window, stride)
        statistic = history.against_peers(-np.log(rest), panel.of_factor.values())
        rare = history.rarity(statistic, window // stride, max(1, history.per_month(panel) // stride), 0.1)
        found += _report(panel, chosen, rare, (window, stride), {"unexplained": rest, "lag": lag})
    return history.rarest_only(found)


def repetition(x: Floats, steps: Floats, window: int, stride: int) -> tuple[Floats, Ints]:
    """The share of the moves of every window not explained by those some periods before, and that interval.

    Intervals from 4 to 48 periods, at most half the window; 1 = nothing repeats, 0 = an exact
    repeat, per window
    begun every `stride` periods [S, M]. NaN where a quarter is unknown or the window hardly moves.
    """
    d, noise = moves(x, steps)
    count_of = (d.shape[1] - window) // stride + 1
    known = np.isfinite(d)
    d = np.where(known, d, 0.0)

    def sums(part: Floats, length: int) -> Floats:
        total = np.concatenate([np.zeros((len(part), 1)), np.cumsum(part, axis=1)], axis=1)
        ends = np.arange(count_of) * stride
        found: Floats = total[:, ends + length] - total[:, ends]
        return found

    square, count = sums(d * d, window), sums(known.astype(np.float64), window)
    best = np.full((len(x), count_of), np.inf)
    lag_of = np.zeros(best.shape, dtype=np.int64)
    for lag in range(4, min(window // 2, LONGEST_LAG) + 1):
        both = known[:, lag:] & known[:, :-lag]
        later, earlier = np.where(both, d[:, lag:], 0.0), np.where(both, d[:, :-lag], 0.0)
        inside = window - lag
        common = sums(later * earlier, inside)
        likely = sums(later * later + earlier * earlier, inside) + inside * noise + 1e-12
        share = 1.0 - 2.0 * common / likely
        better = share < best
        best = np.where(better, share, best)
        lag_of = np.where(better, lag, lag_of)
    moving = sums((np.abs(d) > 1.01 * np.sqrt(12 * noise)).astype(np.float64), window)
    idle = (count < 0.75 * window) | (square < 60 * window * noise) | (square <= 0)
    idle |= moving < MOVING_SHARE * count
    return np.where(idle, np.nan, np.fmax(best, 1e-4)), lag_of


@register("D4")
def smooth(panel: Panel, chosen: Chosen) -> list[Finding]:
    """D4: second differences small against first ones and against the level's habit, standards §6.1."""
    first = chosen.rows[0]
    x = history.readings(panel)
    found: list[Finding] = []
    for name in ("short", "middle", "long"):
        window = history.periods(panel, chosen.figure(name, first), chosen.test.min_n)
        if x.shape[1] < 4 * window:
            break
        statistic, ratio = smoothness(x, history.step_of(x), window)
        groups = list(panel.of_factor.values())
        statistic = history.against_peers(statistic, groups, both_ways=True)
        rare = history.rarity(statistic, window, history.per_month(panel), 0.03)
        found += _report(panel, chosen, rare, (window, 1), {"roughness": ratio})
    return history.rarest_only(found)


def smoothness(x: Floats, steps: Floats, window: int) -> tuple[Floats, Floats]:
    """How smooth every window is against windows of its level [S, M], and Σ(Δ²x)² / Σ(Δx)².

    The mean of ln|Δx| - ln|Δ²x|, and 0.3 of that of -ln|Δ²x| above its habit at the level: means
    of logarithms,
    because one spike would hide a smoothed week in sums of squares.
    """
    d, noise = moves(x, steps)
    second = np.diff(d, axis=1)
    known, known_second = np.isfinite(d), np.isfinite(second)
    inside = window - 1
    squares = history.rolling_sum(np.where(known, d, 0.0) ** 2, window)
    bends = history.rolling_sum(np.where(known_second, second, 0.0) ** 2, inside)
    count = history.rolling_sum(known_second.astype(np.float64), inside)
    logs = [
        history.rolling_sum(np.where(good, np.log(np.abs(part) + np.sqrt(share * noise) + 1e-9), 0.0), length)
        for part, good, share, length in ((d, known, 2, window), (second, known_second, 6, inside))
    ]
    mean_of = [part / np.fmax(count, 1) for part in logs]
    idle = (count < 0.75 * inside) | (squares < 40 * window * noise) | (squares <= 0)
    level = history.rolling_sum(np.nan_to_num(history.standardised(x)[:, 1:]), window)
    relative, _ = at_level(np.where(idle, np.nan, -mean_of[1]), level)
    ratio = (bends + 1e-12) / (squares + 1e-12)
    return mean_of[0] - mean_of[1] + 0.3 * relative, ratio
