"""How much an exact repeat says: the information in a stretch of values, and equal stretches found by hash.

Promises: values that are missing match nothing; a plateau carries no information. Leaves who copied from whom
to `qc.rules.falsify.copies`.
"""

import numpy as np
from numpy.typing import NDArray

from qc.rules.outcome import Flags, Floats

Hashes = NDArray[np.uint64]
LEVELS = np.array([2.5, 5.5, 10.5, 20.5, 40.5, 80.5])
# A single step, however odd, says no more than this: repeats need several informative values.
MOST_PER_STEP = 1.5
FACTOR = np.uint64(0x9E3779B97F4A7C15)


def information(x: Floats, steps: Floats) -> Floats:
    """-log10 of the chance of each step from the value before, at its level, in this series [S,
    N]; 0 if unknown.

    Worked example: a series that stays as it is in 9 of 10 periods says 0.05 by staying, 1 or more by moving.
    """
    said = np.zeros(x.shape)
    for row, values in enumerate(x):
        known = np.isfinite(values[1:]) & np.isfinite(values[:-1])
        if not known.any() or not np.isfinite(steps[row]):
            continue
        move = np.clip(np.rint(np.diff(values)[known] / steps[row]), -1e6, 1e6).astype(np.int64)
        group = np.searchsorted(LEVELS, np.abs(values[:-1][known]) / steps[row])
        _, which, counts = np.unique(group * 4_000_003 + move, return_inverse=True, return_counts=True)
        total = np.bincount(group, minlength=len(LEVELS) + 1)[group]
        share = counts[which] / total
        said[row, 1:][known] = np.fmin(MOST_PER_STEP, -np.log10(share))
    return said


def hashes(digits: NDArray[np.int64], known: Flags, window: int) -> tuple[Hashes, Flags]:
    """A hash of every window of whole steps, and whether all of its values are known [S, N - window + 1]."""
    mixed = digits.astype(np.uint64) * FACTOR
    mixed ^= mixed >> np.uint64(29)
    count = digits.shape[1] - window + 1
    found = np.zeros((len(digits), count), dtype=np.uint64)
    for offset in range(window):
        found = found * FACTOR + mixed[:, offset : offset + count]
    missing = np.cumsum(np.concatenate([np.zeros((len(known), 1), bool), ~known], axis=1), axis=1)
    return found, missing[:, window:] == missing[:, :-window]


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
