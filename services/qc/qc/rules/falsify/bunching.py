"""B1: too many values just below a limit, too few just above it.

Promises: the jump of density at a cut-off is judged against those of the same window at all other
cut-offs and
of other months at the same one; only cut-offs that the last digit resolves. Leaves caps to
`qc.rules.falsify.bounds`.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import history, ranks
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
# A jump is one at this distance, too; what is none there is the edge of a mode.
NARROW = 0.03
# Window lengths in days; all of them, and a sixth of each, are whole units of days that are counted.
WINDOWS, UNIT_DAYS = (30, 90, 180), 5
# Values just below and above that a window needs.
LEAST_NEAR = 24
# Values below for one above, from which on it counts: a density halves over such a distance often enough, who
# keeps a limit empties what is above it.
LEAST_RATIO = 3.0


@register("B1")
def bunched(panel: Panel, chosen: Chosen) -> list[Finding]:
    """B1: jump of the log density at the limit and at every cut-off that could be one (McCrary
    2008), §6.1."""
    x = history.readings(panel)
    steps = history.steps(panel)
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
    low, high = ranks.quantiles_of(known, (0.4, 0.985))
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


@dataclass(frozen=True, slots=True)
class Counted:
    """How many values of a row lie below each edge of the bands, up to each unit of days [edges, units + 1];
    `days` in all.
    """

    edges: Floats
    upto: Ints
    days: int


def counted(series: Floats, cuts: Floats, step: float, day: Ints) -> Counted:
    """Count once what every window of days is told from, at every distance."""
    known, days = np.isfinite(series), int(day[-1]) + 1
    sides = [side * distance for distance in DISTANCES for band in BANDS for side in band]
    sides += [side * NARROW for side in (-1.0, 0.0, 1.0)]
    edges = np.unique(np.multiply.outer(1 + np.array(sides), cuts))
    edges = edges - 1e-9 * np.abs(edges)
    kinds = len(edges) + 1
    at = day[known] // UNIT_DAYS * kinds + _places(edges, series[known], step)
    cells = np.bincount(at, minlength=-(-days // UNIT_DAYS) * kinds).reshape(-1, kinds)
    upto = np.zeros((kinds, len(cells) + 1), dtype=np.int64)
    np.cumsum(np.cumsum(cells, axis=1).T, axis=1, out=upto[:, 1:])
    return Counted(edges, upto, days)


def _places(edges: Floats, values: Floats, step: float) -> Ints:
    """How many edges lie at or below each value; of whole steps it is looked up."""
    whole = np.rint(values / step)
    low, high = float(whole.min()), float(whole.max())
    if high - low > len(values) or (np.abs(values - whole * step) > 1e-10 * np.abs(values)).any():
        return np.searchsorted(edges, values, side="right")
    table = np.searchsorted(edges, np.arange(low, high + 1) * step, side="right")
    return table[(whole - low).astype(np.int64)]


@dataclass(frozen=True, slots=True)
class Band:
    """Values between two sides of every cut-off: half a value more than they are, as logarithm of their
    density and as its variance, per window; the values themselves; steps of the last digit in it [cuts, 1].
    """

    count: Ints
    level: Floats
    noise: Floats
    wide: Floats


def band_of(table: Counted, edges: tuple[Floats, Floats], step: float, days: int) -> Band:
    """A band in every window of `days`, begun every sixth of that."""
    upto = [table.upto[np.searchsorted(table.edges, edge - 2e-9 * np.abs(edge))] for edge in edges]
    stride = days // 6
    windows = history.windowed(upto[1] - upto[0], days // UNIT_DAYS, stride // UNIT_DAYS)
    count = windows[:, : max(0, (table.days - days) // stride + 1)]
    wide = np.fmax(np.ceil(edges[1] / step - 1e-6) - np.ceil(edges[0] / step - 1e-6), 1.0)[:, None]
    # Few counts are different ones: their logarithms are looked up.
    each = np.arange(float(count.max(initial=0)) + 1) + 0.5
    return Band(count, np.log(each)[count] - np.log(wide), (1 / each)[count], wide)


def jump_at(table: Counted, cuts: Floats, step: float, days: int) -> tuple[Floats, Floats]:
    """Standardised jump of log density at every cut-off, and counts (below, above), per window of `days`.

    Shapes [cuts, windows] and [2, cuts, windows]; positive where too many lie below. NaN where the bands hold
    fewer than 3 steps of the last digit or too few values.
    """

    def band(low: float, high: float, distance: float) -> Band:
        return band_of(table, (cuts * (1 + low * distance), cuts * (1 + high * distance)), step, days)

    below, above = band(-1.0, 0.0, NARROW), band(0.0, 1.0, NARROW)
    resolved = (below.wide >= 2) & (above.wide >= 2)
    most = np.where(resolved, below.level - above.level + np.sqrt(below.noise + above.noise), np.inf)
    best, near = np.full(most.shape, np.nan), np.zeros((2, *most.shape))
    for distance in DISTANCES:
        far_below, below, above, far_above = (band(low, high, distance) for low, high in BANDS)
        jump = below.level - above.level - SHARE_OF_SLOPE * np.fmax(far_below.level - far_above.level, 0.0)
        noise = below.noise + above.noise + SHARE_OF_SLOPE**2 * (far_below.noise + far_above.noise)
        enough = (below.count + above.count >= LEAST_NEAR) & (below.wide >= 3) & (above.wide >= 3)
        z = np.where(enough, np.fmin(jump, most) / np.sqrt(noise), np.nan)
        better = np.isfinite(z) & ~(z <= best)
        best = np.where(better, z, best)
        near = np.where(better, np.stack([below.count, above.count]), near)
    return best, near


def _row(panel: Panel, chosen: Chosen, series: Floats, row: int, step: float, day: Ints) -> list[Finding]:
    cuts = cut_offs(series, step, float(panel.limit[row]))
    if not len(cuts):
        return []
    found: list[Finding] = []
    total = int(day[-1]) + 1
    table = counted(series, cuts, step, day) if total >= 2 * WINDOWS[0] else None
    for days in WINDOWS:
        if table is None or total < 2 * days:
            break
        stride = days // 6
        z, near = jump_at(table, cuts, step, days)
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
            if near[0, cut, place] < LEAST_RATIO * near[1, cut, place]:
                continue
            inside = np.flatnonzero((day >= place * stride) & (day < place * stride + days))
            figures = {
                "limit": float(cuts[cut]), "below": float(near[0, cut, place]),
                "above": float(near[1, cut, place]), "jump": float(z[cut, place]),
            }  # fmt: skip
            where = Stretch(row, int(inside[0]), int(inside[-1]) + 1)
            found.append(rare_finding(chosen, where, float(rare[0, place]), figures))
    return found
