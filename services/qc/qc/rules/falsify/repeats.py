"""How much an exact repeat says: the information in a stretch of values, and equal stretches found by hash.

Promises: values that are missing match nothing; a plateau carries no information. Leaves who copied from whom
to `qc.rules.falsify.copies`.
"""

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import ranks
from qc.rules.falsify.history import readings
from qc.rules.falsify.history import steps as history_steps
from qc.rules.falsify.panel import Panel, once_per_panel
from qc.rules.outcome import Flags, Floats, Ints

Hashes = NDArray[np.uint64]
LEVELS = np.array([2.5, 5.5, 10.5, 20.5, 40.5, 80.5])
# A single step, however odd, says no more than this: repeats need several informative values.
MOST_PER_STEP = 1.5
# Moves further apart are numbered by sorting them.
MOST_KINDS = 20_000
FACTOR = np.uint64(0x9E3779B97F4A7C15)


@once_per_panel
def said_by(panel: Panel) -> Floats:
    """The information in every step of a panel's readings, made once [S, N]."""
    x, steps = readings(panel), history_steps(panel)
    return np.array([information(row, float(step)) for row, step in zip(x, steps, strict=True)])


def information(values: Floats, step: float) -> Floats:
    """-log10 of the chance of each step from the value before, at its level, in this series [N]; 0: unknown.

    Worked example: a series that stays as it is in 9 of 10 periods says 0.05 by staying, 1 or more by moving.
    """
    said = np.zeros(len(values))
    moves = np.diff(values)
    known = np.flatnonzero(np.isfinite(moves))
    if not len(known) or not np.isfinite(step):
        return said
    move = np.clip(np.rint(moves[known] / step), -1e6, 1e6)
    group = np.searchsorted(LEVELS, np.abs(values[known]) / step)
    which = ranks.numbered(group * 4_000_003.0 + move) if np.ptp(move) > MOST_KINDS else _kind_of(group, move)
    share = np.bincount(which)[which] / np.bincount(group, minlength=len(LEVELS) + 1)[group]
    said[known + 1] = np.fmin(MOST_PER_STEP, -np.log10(share))
    return said


def _kind_of(group: Ints, move: Floats) -> Ints:
    """A number for each pair of level and move, where moves lie within MOST_KINDS of each other."""
    low = move.min()
    kinds: Ints = group * int(move.max() - low + 1) + (move - low).astype(np.int64)
    return kinds


def hashes(digits: NDArray[np.int64], known: Flags, window: int) -> tuple[Hashes, Flags]:
    """A hash of every window of whole steps, and whether all of its values are known [N - window + 1]."""
    mixed = digits.astype(np.uint64) * FACTOR
    mixed ^= mixed >> np.uint64(29)
    count = len(digits) - window + 1
    found = np.zeros(count, dtype=np.uint64)
    for offset in range(window):
        found *= FACTOR
        found += mixed[offset : offset + count]
    missing = np.concatenate([[0], np.cumsum(~known)])
    return found, missing[window:] == missing[:-window]


def equal_stretches(same: Flags, window: int) -> list[tuple[int, int]]:
    """[from, to) of values under consecutive equal windows of one row."""
    places = np.flatnonzero(same)
    if not len(places):
        return []
    parts = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [(int(part[0]), int(part[-1]) + window) for part in parts]


def repeats_within(codes: NDArray[np.uint64], good: Flags, window: int) -> list[tuple[int, int, int]]:
    """(from, to, lag): values [from, to) of one row equal those `lag` periods earlier, the
    nearest equal ones."""
    places = np.flatnonzero(good)
    # Plain sorting costs a fraction of sorting places: most often nothing comes twice.
    ordered = np.sort(codes[places])
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return []
    at = np.minimum(np.searchsorted(twice, codes[places]), len(twice) - 1)
    places = places[twice[at] == codes[places]]
    order = places[np.argsort(codes[places], kind="stable")]
    again = (codes[order[1:]] == codes[order[:-1]]) & (order[1:] - order[:-1] >= window)
    later, earlier = order[1:][again], order[:-1][again]
    by_place = np.argsort(later, kind="stable")
    later, lag = later[by_place], (later - earlier)[by_place]
    if not len(later):
        return []
    breaks = np.flatnonzero((np.diff(later) > 1) | (np.diff(lag) != 0)) + 1
    return [
        (int(part[0]), int(part[-1]) + window, int(lags[0]))
        for part, lags in zip(np.split(later, breaks), np.split(lag, breaks), strict=True)
    ]
