"""What a rule returns, and the column types every rule works on.

Promises: one row of an outcome per row of input. Leaves to the rule pack what a fired rule means for the
code.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Per value: did the rule fire, could it run, and on which figures.

    `margin` is how far beyond the threshold the statistic lies, in the statistic's unit: positive where the
    rule fired. Where `ran` is false the figures are NaN.
    """

    fired: Flags
    ran: Flags
    statistic: Floats
    threshold: Floats
    margin: Floats


def outcome(fired: Flags, ran: Flags, statistic: Floats, threshold: Floats, margin: Floats) -> Outcome:
    """An outcome whose figures are NaN wherever the rule could not run."""
    if ran.all():
        return Outcome(fired & ran, ran, statistic, threshold, margin)
    blank = ~ran
    figures = [np.where(blank, np.nan, column) for column in (statistic, threshold, margin)]
    return Outcome(fired & ran, ran, *figures)


def places(keep: Flags) -> Ints | slice:
    """The rows to keep, as a slice if all are: taking all of a column then copies nothing."""
    return slice(None) if keep.all() else np.flatnonzero(keep)


def spread(
    rows: Ints | slice, values: NDArray[np.generic], length: int, fill: float | bool
) -> NDArray[np.generic]:
    """Put `values` back at `rows` of a column of `length`, `fill` elsewhere (the inverse of masking)."""
    if isinstance(rows, slice):
        return values
    column = np.full(length, fill, dtype=values.dtype)
    column[rows] = values
    return column


def run_lengths(linked: Flags) -> Ints:
    """The length of the run each row belongs to; `linked[i]` says that row i continues row i - 1.

    Worked example: [F, T, T, F, T] → [3, 3, 3, 2, 2]. Every row of a run learns the whole length, so a run
    that grows long enough condemns its first values too.
    """
    if not len(linked):
        return np.zeros(0, dtype=np.int64)
    opens = ~linked
    opens[0] = True
    lengths = np.diff(np.flatnonzero(opens), append=len(linked))
    every: Ints = np.repeat(lengths, lengths)
    return every
