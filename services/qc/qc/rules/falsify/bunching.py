"""B1: too many values just below a limit, too few just above it.

Promises: the jump of density at a cut-off is judged against those of the same window at all other
cut-offs and
of other months at the same one; only cut-offs that the last digit resolves. Leaves caps to
`qc.rules.falsify.bounds`.
"""

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.bounds import rare_finding
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats, Ints

# Bands around a cut-off as shares of the distance δ: far below, just below, just above, far above.
BANDS = ((-3.0, -1.0), (-1.0, 0.0), (0.0, 1.0), (1.5, 4.0))
# What a density that falls log-linearly from the far bands to each other lets the near ones differ by.
SHARE_OF_SLOPE = 1.0 / ((1.5 + 4.0) / 2 - (-3.0 - 1.0) / 2)
DISTANCES = (0.06, 0.12)


@register("B1")
def bunched(panel: Panel, chosen: Chosen) -> list[Finding]:
    """B1: jump of the log density at the limit and at every cut-off that could be one (McCrary
    2008), §6.1."""
    x = history.readings(panel)
    steps = history.step_of(x)
    first_day = panel.day - panel.day[0] if panel.shape[1] else panel.day
    found: list[Finding] = []
    for row in chosen.rows:
        found += _row(panel, chosen, x[row], row, float(steps[row]), first_day)
    return history.rarest_only(found)


def cut_offs(series: Floats, step: float, limit: float) -> Floats:
    """Where people could have wanted to stay below: the limit, and numbers of two digits in the
    upper half."""
    known = series[np.isfinite(series)]
    if len(known) < 200 or not np.isfinite(step):
        return np.zeros(0)
    low, high = np.quantile(known, (0.4, 0.985))
    if not high > max(low, 0.0):
        return np.zeros(0)
    low = max(low, 25 * step, high / 1000)
    powers = 10.0 ** np.arange(np.floor(np.log10(low)) - 1, np.floor(np.log10(high)) + 1)
    round_numbers = np.unique(np.concatenate([power * np.arange(10, 100) for power in powers]))
    inside = round_numbers[(round_numbers > low) & (round_numbers < high)]
    if len(inside) > 40:
        inside = inside[np.linspace(0, len(inside) - 1, 40).astype(np.int64)]
    own = [limit] if np.isfinite(limit) and known.min() < limit < known.max() else []
    return np.unique(np.r_[inside, own])


def jump_at(
    series: Floats, cuts: Floats, step: float, day: Ints, days: int, stride: int
) -> tuple[Floats, Floats]:
    """Standardised jump of log density at every cut-off, and counts (below, above), per window of `days`.

    Shapes [cuts, windows] and [2, cuts, windows]; positive where too many lie below. NaN where the bands hold
    fewer than 3 steps of the last digit or too few values.
    """
    known = np.isfinite(series)
    total = int(day[-1]) + 1
    best = np.full((len(cuts), max(0, (total - days) // stride + 1)), np.nan)
    near = np.zeros((2, *best.shape))
    for distance in DISTANCES:
        edges = np.unique(np.concatenate([cuts * (1 + side * distance) for band in BANDS for side in band]))
        edges = edges - 1e-9 * np.abs(edges)
        place = np.searchsorted(edges, series[known], side="right")
        cells = np.bincount(day[known] * (len(edges) + 1) + place, minlength=total * (len(edges) + 1))
        upto = np.cumsum(np.cumsum(cells.reshape(total, -1), axis=0), axis=1)
        upto = np.concatenate([np.zeros((1, upto.shape[1]), dtype=upto.dtype), upto])
        windows = (upto[days:] - upto[:-days])[::stride].T
        counts, wide = [], []
        for low, high in BANDS:
            a, b = (cuts * (1 + side * distance) for side in (low, high))
            i, j = (np.searchsorted(edges, side - 2e-9 * np.abs(side)) for side in (a, b))
            counts.append((windows[j] - windows[i]).astype(np.float64) + 0.5)
            wide.append(np.fmax(np.ceil(b / step - 1e-6) - np.ceil(a / step - 1e-6), 1.0)[:, None])
        level = [np.log(count / width) for count, width in zip(counts, wide, strict=True)]
        jump = level[1] - level[2] - SHARE_OF_SLOPE * np.fmax(level[0] - level[3], 0.0)
        noise = 1 / counts[1] + 1 / counts[2] + SHARE_OF_SLOPE**2 * (1 / counts[0] + 1 / counts[3])
        z = np.where(
            (counts[1] + counts[2] >= 25) & (wide[1] >= 3) & (wide[2] >= 3), jump / np.sqrt(noise), np.nan
        )
        better = np.nan_to_num(z, nan=-np.inf) > np.nan_to_num(best, nan=-np.inf)
        best = np.where(better, z, best)
        near = np.where(better, np.stack([counts[1], counts[2]]) - 0.5, near)
    return best, near


def _row(panel: Panel, chosen: Chosen, series: Floats, row: int, step: float, day: Ints) -> list[Finding]:
    cuts = cut_offs(series, step, float(panel.limit[row]))
    if not len(cuts):
        return []
    found: list[Finding] = []
    total = int(day[-1]) + 1
    for days in (30, 90, 180):
        if total < 2 * days:
            break
        stride = max(1, days // 6)
        z, near = jump_at(series, cuts, step, day, days, stride)
        usual = history.quantiles(z, (0.5,))[0][:, None]
        above = np.where(np.isnan(z), -np.inf, z - np.clip(usual, 0.0, 2.0))
        # The limit in force is one question; every other cut-off that might be meant is one more.
        own = np.where((np.abs(cuts - panel.limit[row]) <= 1e-9 * cuts)[:, None], above, -np.inf)
        for looked_at, most in ((own, (3.0, 1.0)), (above, (5.0, 1.5))):
            found += _beyond(chosen, row, cuts, (z, near, looked_at), (days, stride, most), day)
    return found


def _beyond(
    chosen: Chosen,
    row: int,
    cuts: Floats,
    jumps: tuple[Floats, Floats, Floats],
    size: tuple[int, int, tuple[float, float]],
    day: Ints,
) -> list[Finding]:
    z, near, looked_at = jumps
    days, stride, most = size
    which = looked_at.argmax(axis=0)
    best = looked_at[which, np.arange(z.shape[1])]
    peak = np.where(np.isfinite(best), best, np.nan)[None]
    rare = history.rarity(peak, days // stride, max(1, 30 // stride), 0.3, most)
    found: list[Finding] = []
    reach = (chosen.figure("threshold", row), chosen.figure("strong", row))
    for e in history.excursions(rare, reach[0], days // stride, reach[1]):
        for place in sorted({e.early, e.peak}):
            cut = int(which[place])
            inside = np.flatnonzero((day >= place * stride) & (day < place * stride + days))
            figures = {
                "limit": float(cuts[cut]), "below": float(near[0, cut, place]),
                "above": float(near[1, cut, place]), "jump": float(z[cut, place]),
            }  # fmt: skip
            where = Stretch(row, int(inside[0]), int(inside[-1]) + 1)
            found.append(rare_finding(chosen, where, float(rare[0, place]), figures))
    return found
