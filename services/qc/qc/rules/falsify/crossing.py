"""B5: fewer values just above the limit for those just below it than the other stations have.

Promises: cut-offs nobody cares about say how far stations differ anyhow; a density that falls does so for
all of them. Leaves series without neighbours, and cut-offs that nobody named, to B1.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats, Ints

# Values are counted by blocks of so many days, over windows of these many days.
BLOCK_DAYS, WINDOW_DAYS = 10, (60, 120, 240, 360)
# Width of the band on either side, as shares of the cut-off, and the steps of the last digit it must hold.
DISTANCES, LEAST_STEPS = (0.06, 0.1), 3
# Cut-offs that mean nothing, as shares of the limit: none shares a band with it.
PLACEBO = (0.6, 0.66, 0.72, 0.79, 1.27, 1.4, 1.55)
# Values on both sides a window needs, and values below for one above from which on somebody may keep a limit.
LEAST_VALUES, LEAST_RATIO = 20, 2.0
MIDDLE = 0.6745


@dataclass(frozen=True, slots=True)
class Crossing:
    """Per window: how many values of the row lie below and above the limit, and how odd that is, in
    deviations."""

    z: Floats
    below: Floats
    above: Floats


@register("B5")
def few_crossings(panel: Panel, chosen: Chosen) -> list[Finding]:
    """B5: log odds of lying just below the limit rather than just above it, less those of the other stations.

    In deviations of the four counts, or of the same at other cut-offs where those vary more. Source:
    proposal; standards §6.1 B1 (McCrary 2008) with the network in the place of a fitted density. Worked
    example: 60 values in [67.5, 75) and 6 in [75, 82.5) where the other stations have 500 and 420 → z about
    5.
    """
    steps, per_block = history.steps(panel), BLOCK_DAYS * panel.per_day
    found: list[Finding] = []
    if panel.per_day < 8:
        return []
    for rows in panel.of_factor.values():
        limits = panel.limit[rows]
        for limit in np.unique(limits[np.isfinite(limits) & (limits > 0)]).tolist():
            mine = [
                place
                for place, row in enumerate(rows.tolist())
                if limits[place] == limit and row in chosen.rows
            ]
            for distance in DISTANCES:
                if (
                    not mine
                    or len(rows) < 3
                    or not limit * distance >= LEAST_STEPS * np.nan_to_num(steps[rows]).max()
                ):
                    continue
                upto = counted(history.readings(panel)[rows], limit, distance, per_block)
                for days in WINDOW_DAYS:
                    length = days // BLOCK_DAYS
                    if 2 * length > upto.shape[1] - 1:
                        break
                    for place in mine:
                        told = crossing(upto, place, length)
                        found += _clearest(panel, chosen, int(rows[place]), told, (length, per_block, limit))
    return history.rarest_only(found)


def counted(x: Floats, limit: float, distance: float, per_block: int) -> Ints:
    """Values just below and just above the limit and each placebo, up to each block [R, blocks + 1, cuts,
    2]."""
    cuts = limit * np.array([1.0, *PLACEBO])
    bounds = np.stack([cuts * (1 - distance), cuts, cuts * (1 + distance)], axis=1) * (1 - 1e-9)
    edges = np.unique(bounds)
    at = np.searchsorted(edges, bounds) + 1
    blocks = x.shape[1] // per_block
    upto = np.zeros((len(x), blocks + 1, len(cuts), 2), dtype=np.int64)
    for row, values in enumerate(x):
        near = np.flatnonzero((values >= edges[0]) & (values < edges[-1]))
        near = near[near < blocks * per_block]
        cell = near // per_block * (len(edges) + 1) + np.searchsorted(edges, values[near], side="right")
        cells = np.bincount(cell, minlength=blocks * (len(edges) + 1)).reshape(blocks, -1)
        under = np.cumsum(np.cumsum(cells, axis=1), axis=0)
        # `under[:, j]` are the values below edge j.
        lower, middle, upper = (under[:, at[:, side] - 1] for side in range(3))
        upto[row, 1:, :, 0], upto[row, 1:, :, 1] = middle - lower, upper - middle
    return upto


def crossing(upto: Ints, place: int, length: int) -> Crossing:
    """Every window of `length` blocks of one row against all the others together [M]."""
    windows = upto[:, length:] - upto[:, :-length]
    mine, others = windows[place] + 0.5, windows.sum(axis=0) - windows[place] + 0.5
    odds = np.log(mine[..., 0] / mine[..., 1]) - np.log(others[..., 0] / others[..., 1])
    z = odds / np.sqrt((1 / mine).sum(axis=-1) + (1 / others).sum(axis=-1))
    z[mine.sum(axis=-1) < LEAST_VALUES] = np.nan
    known = np.abs(z[np.isfinite(z)])
    usual = max(1.0, float(np.median(known)) / MIDDLE) if len(known) else 1.0
    kept = mine[:, 0, 0] >= LEAST_RATIO * mine[:, 0, 1]
    return Crossing(
        np.where(kept & np.isfinite(z[:, 0]), z[:, 0] / usual, -np.inf), mine[:, 0, 0], mine[:, 0, 1]
    )


def _clearest(
    panel: Panel, chosen: Chosen, row: int, told: Crossing, size: tuple[int, int, float]
) -> list[Finding]:
    length, per_block, limit = size
    found: list[Finding] = []
    for e in history.excursions(told.z[None], chosen.figure("threshold", row), length):
        begin = e.peak * per_block
        where = Stretch(row, begin, min(panel.shape[1], begin + length * per_block))
        figures = {
            "z": e.rare, "limit": limit, "below": float(told.below[e.peak] - 0.5),
            "above": float(told.above[e.peak] - 0.5),
        }  # fmt: skip
        rows = [int(r) for r in panel.of_factor[panel.factor[row]] if r != row]
        beside = [Stretch(r, where.from_i, where.to_i) for r in rows[:5]]
        found += judged(chosen, where, e.rare, chosen.test.kind, figures, beside)
    return found
