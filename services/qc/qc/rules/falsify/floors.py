"""B4: too many values exactly at the smallest, as when a constant is taken off and nothing may be negative.

Promises: a detection limit that the series always rests at is its habit, what the network does is weather, a
plateau is not a series of visits. Leaves caps to `qc.rules.falsify.bounds` and plateaus to K1.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import history, ranks
from qc.rules.falsify.bounds import rare_finding
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Floats, Ints

# Windows in blocks of so many days, each at least so many periods; steps above the smallest that are counted.
BLOCK_DAYS, LEAST_PERIODS, WINDOWS, DEPTH = 2.5, 15, (4, 8, 16), 30
# Visits that make a floor; levels of what was expected, and periods each is believed to have had beforehand.
LEAST_VISITS, LEVELS, PRIOR = 6, 12, 20.0


@register("B4")
def floored(panel: Panel, chosen: Chosen) -> list[Finding]:
    """B4: a window rests at its smallest value far more often than the series is that low when as much is
    expected of it by the network or the station.

    Source: the mirror of B2, standards §6.1. Worked example: 10 µg/m³ taken off for a month, and 1 shown
    instead of what would be negative → a fifth of the month at 1, where 1 % of the other values are.
    """
    x, steps = history.readings(panel), history.steps(panel)
    block = history.periods(panel, 24 * BLOCK_DAYS, LEAST_PERIODS)
    blocks, month = x.shape[1] // block, max(1, history.per_month(panel) // block)
    found: list[Finding] = []
    counts: dict[int, Visits] = {}
    for row in chosen.rows:
        if np.isfinite(steps[row]) and np.isfinite(x[row, : blocks * block]).any():
            level = levels_of(reference(panel).expected[row, : blocks * block])
            counts[row] = visits_of(x[row, : blocks * block], float(steps[row]), level, block)
    for length in (one for one in WINDOWS if blocks > 3 * one):
        tail = np.full((len(x), blocks - length + 1), np.nan)
        lowest, visits = tail.copy(), tail.copy()
        for row, visited in counts.items():
            said = at_smallest(visited, float(steps[row]), block, length)
            tail[row], lowest[row], visits[row] = said
        lone = history.against_peers(tail, panel.of_factor.values(), share=0.75)
        rare = history.rarity(lone, length, month, 0.4, (3.0, 1.5))
        reach = (chosen.figure("threshold", chosen.rows[0]), chosen.figure("strong", chosen.rows[0]))
        for e in history.excursions(rare[list(chosen.rows)], reach[0], length, reach[1]):
            row = chosen.rows[e.row]
            for at in sorted({e.early, e.peak}):
                low = float(lowest[row, at])
                inside = np.flatnonzero(x[row, at * block : (at + length) * block] <= low * (1 + 1e-9))
                if len(inside):
                    where = Stretch(row, at * block + int(inside[0]), at * block + int(inside[-1]) + 1)
                    figures = {"smallest": low, "equal": float(len(inside)), "visits": float(visits[row, at])}
                    found.append(rare_finding(chosen, where, float(rare[row, at]), figures))
    return history.rarest_only(found)


def levels_of(expected: Floats) -> Ints:
    """In which of LEVELS equal shares of what was expected each period lies, LEVELS where nothing was [N]."""
    known = np.isfinite(expected)
    if not known.any():
        return np.full(len(expected), LEVELS)
    ordered = np.sort(expected[known])
    edges = np.array([ranks.quantile_of(ordered, share) for share in np.arange(1, LEVELS) / LEVELS])
    return np.where(known, np.searchsorted(edges, expected, side="right"), LEVELS)


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of a row in whole steps above its smallest value `least`, up to each block: of at most so many
    steps at each level [blocks + 1, LEVELS + 1, DEPTH + 1], and of so many at any level
    [blocks + 1, DEPTH + 1].
    """

    least: float
    upto: Ints
    each: Ints


def visits_of(values: Floats, step: float, level: Ints, block: int) -> Visits:
    """Count once what windows of every length are told from."""
    whole = np.rint(values / step)
    known = np.isfinite(whole)
    blocks = len(values) // block
    least = float(np.nanmin(whole))
    above = np.where(known, np.fmin(whole - least, DEPTH), DEPTH).astype(np.int64)
    # A value that stays is one visit.
    visit = known & np.r_[True, whole[1:] != whole[:-1]]
    kinds, at = (LEVELS + 1) * (DEPTH + 1), np.repeat(np.arange(blocks), block)
    place = at * kinds + level * (DEPTH + 1) + above
    cells = np.bincount(place[visit], minlength=blocks * kinds).reshape(blocks, LEVELS + 1, DEPTH + 1)
    upto = np.zeros((blocks + 1, LEVELS + 1, DEPTH + 1), dtype=np.int64)
    each = np.zeros((blocks + 1, DEPTH + 1), dtype=np.int64)
    np.cumsum(cells.sum(axis=1), axis=0, out=each[1:])
    np.cumsum(cells, axis=0, out=upto[1:])
    return Visits(least, np.cumsum(upto, axis=2, out=upto), each)


def at_smallest(visited: Visits, step: float, block: int, length: int) -> tuple[Floats, Floats, Floats]:
    """Per `length` blocks: -log10 of the chance of so many visits to their smallest value, that value, and
    the visits. As many are usual as in the other periods of which as much was expected.
    """
    each = visited.each[length:] - visited.each[:-length]
    smallest, place = (each > 0).argmax(axis=1), np.arange(len(each))
    count = each[place, smallest].astype(np.float64)
    upto, whole = visited.upto, visited.upto[-1]
    n = upto[length:, :, -1] - upto[:-length, :, -1]
    inside = upto[length:][place, :, smallest] - upto[:-length][place, :, smallest]
    usual = (whole[:, smallest].T - inside + 1) / (whole[:, -1] - n + PRIOR)
    total = n.sum(axis=1).astype(np.float64)
    share = (usual * n).sum(axis=1) / np.fmax(total, 1)
    tail = history.tail_of_binomial(count, total, share)
    good = (total >= 0.3 * length * block) & (smallest < DEPTH)
    tail = np.where(good, np.where(count >= LEAST_VISITS, tail, 0.0), np.nan)
    return tail, (smallest + visited.least) * step, count
