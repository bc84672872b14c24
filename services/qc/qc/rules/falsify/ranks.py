"""Medians and quantiles of rows by selection, not by sorting, and without their NaN.

Promises: the same figures as numpy's own (`median`, `quantile`, nearest rank), at a fraction of their cost:
the tests ask for thousands of them per series. Leaves what they mean to the callers.
"""

from collections.abc import Sequence

import numpy as np

from qc.rules.outcome import Floats, Ints

# Columns sorted at a time: so many of a network fit into the processor's cache.
COLUMNS = 2048
# Rows below this length are put in order: selecting in them, one by one or together, would cost more.
SHORT = 512


def known_of(row: Floats) -> Floats:
    """The finite values of a row, the row itself if all are."""
    finite = np.isfinite(row)
    return row if finite.all() else row[finite]


def median_of(row: Floats) -> float:
    """The median of the finite values, NaN without any. Worked example: [3, NaN, 1, 2, 8] → 2.5."""
    known = known_of(row)
    if not len(known):
        return float("nan")
    low, high = at_ranks(known, ((len(known) - 1) // 2, len(known) // 2))
    return (low + high) / 2


def at_ranks(known: Floats, wanted: tuple[int, int]) -> tuple[float, float]:
    """The values at two ranks next to each other (or the same) among known values, in any order.

    Worked example: [4, 1, 2], (1, 2) → 2, 4.
    """
    low, high = wanted
    if len(known) < SHORT:
        ordered = np.sort(known)
        return float(ordered[low]), float(ordered[high])
    # One rank alone is found by vector instructions, several together are not; next to it is a largest value.
    part = np.partition(known, high)
    return float(part[high] if low == high else part[:high].max()), float(part[high])


def medians(rows: Floats) -> Floats:
    """The median of each row without its NaN [R]."""
    return np.array([median_of(row) for row in rows], dtype=np.float64)


def line_medians(rows: Floats) -> Floats:
    """The median of each row, all of whose values are known [R]. Worked example: [[3, 1, 2, 8]] → [2.5]."""
    low, high = (rows.shape[1] - 1) // 2, rows.shape[1] // 2
    found = _ranked(rows, {low, high})
    middle: Floats = (found[low] + found[high]) / 2
    return middle


def short_medians(rows: Floats) -> Floats:
    """The median of each short row without its NaN [R]; NaN for a row without any."""
    count, each = np.isfinite(rows).sum(axis=1), np.arange(len(rows))
    ordered = np.sort(rows, axis=1)
    low, high = ordered[each, np.maximum(count - 1, 0) // 2], ordered[each, np.maximum(count // 2, 0)]
    return np.where(count > 0, (low + high) / 2, np.nan)


def quantile_of(ordered: Floats, q: float) -> float:
    """The linear quantile of sorted known values. Worked example: [1, 2, 4], 0.75 → 3."""
    position = q * (len(ordered) - 1)
    low = int(position)
    if low + 1 >= len(ordered):
        return float(ordered[-1])
    a, b, share = float(ordered[low]), float(ordered[low + 1]), position - low
    return a + (b - a) * share if share < 0.5 else b - (b - a) * (1 - share)


def quantiles_of(known: Floats, at: Sequence[float]) -> list[float]:
    """Linear quantiles of known values, in any order. Worked example: [4, 1, 2], (0.5, 0.75) → 2, 3."""
    found, last = [], len(known) - 1
    for q in at:
        low, share = int(q * last), q * last - int(q * last)
        a, b = at_ranks(known, (low, min(low + 1, last)))
        found.append(a + (b - a) * share if share < 0.5 else b - (b - a) * (1 - share))
    return found


def line_quantiles(rows: Floats, at: Sequence[float]) -> Floats:
    """Linear quantiles of rows without NaN [len(at), R]."""
    last = rows.shape[1] - 1
    low = [int(q * last) for q in at]
    ranked = _ranked(rows, {min(rank + k, last) for rank in low for k in (0, 1)})
    found = np.empty((len(at), len(rows)))
    for place, (q, rank) in enumerate(zip(at, low, strict=True)):
        a, b, share = ranked[rank], ranked[min(rank + 1, last)], q * last - rank
        found[place] = a + (b - a) * share if share < 0.5 else b - (b - a) * (1 - share)
    return found


def _ranked(rows: Floats, wanted: set[int]) -> dict[int, Floats]:
    """The values at some ranks of each row, all of whose values are known; the highest is found first, so
    that the next are looked for below it. Worked example: [[4, 1, 2]], {0, 1} → {0: [1], 1: [2]}.
    """
    if rows.shape[1] < SHORT:
        ordered = np.sort(rows, axis=1)
        return {rank: ordered[:, rank] for rank in wanted}
    found: dict[int, Floats] = {}
    part = rows
    for rank in sorted(wanted, reverse=True):
        if part.shape[1] == rank + 1:
            found[rank] = part.max(axis=1)
            continue
        part = np.partition(part, rank, axis=1)
        found[rank], part = part[:, rank], part[:, :rank]
    return found


def nearest(rows: Floats, at: Sequence[float]) -> Floats:
    """Quantiles of each row's known values by the nearest rank [len(at), R]; NaN for a row without any."""
    found = np.full((len(at), len(rows)), np.nan)
    if rows.shape[1] < SHORT:
        count, ordered = np.isfinite(rows).sum(axis=1), np.sort(rows, axis=1)
        for place, q in enumerate(at):
            rank = np.clip(np.rint(q * (count - 1)).astype(np.int64), 0, max(0, rows.shape[1] - 1))
            found[place, count > 0] = ordered[np.arange(len(rows)), rank][count > 0] if rows.size else np.nan
        return found
    for place, row in enumerate(rows):
        known = known_of(row)
        if len(known):
            ranks: Ints = np.rint(np.array(at) * (len(known) - 1)).astype(np.int64)
            found[:, place] = [at_ranks(known, (rank, rank))[0] for rank in ranks.tolist()]
    return found


def across(rows: Floats) -> Floats:
    """The median of each column without its NaN [N]; NaN where there is nothing."""
    found = np.full(rows.shape[1], np.nan)
    for begin in range(0, rows.shape[1], COLUMNS):
        part = rows[:, begin : begin + COLUMNS]
        count = np.isfinite(part).sum(axis=0)
        ordered, each = np.sort(part.T.copy(), axis=1), np.arange(part.shape[1])
        low = ordered[each, np.maximum(count - 1, 0) // 2]
        high = ordered[each, np.minimum(count // 2, len(rows) - 1)]
        found[begin : begin + COLUMNS] = np.where(count > 0, (low + high) / 2, np.nan)
    return found


def numbered(whole: Floats) -> Ints:
    """A number for each of these whole figures, the same for equal ones; numbers may be left out.

    Worked example: [7, 5, 7, 8] → [2, 0, 2, 3].
    """
    if not len(whole):
        return np.zeros(0, dtype=np.int64)
    low = float(whole.min())
    if float(whole.max()) - low < 8 * len(whole) + 1024:
        return (whole - low).astype(np.int64)
    return np.unique(whole, return_inverse=True)[1].astype(np.int64)
