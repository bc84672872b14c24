"""What a rule returns, and the column types every rule works on.

Promises: where a rule fired is kept as rows, because it is rare; its figures are worked out when asked for.
Leaves to the rule pack what a fired rule means for the code.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.uint8]
# Statistic, threshold and margin of some rows.
Figures = tuple[Floats, Floats, Floats]
NOWHERE: Ints = np.zeros(0, dtype=np.int64)


class Outcome:
    """Where did the rule fire (`rows`, ascending), where could it run, and on which figures.

    `margin` is how far beyond the threshold the statistic lies, in the statistic's unit: positive where the
    rule fired. Where `ran` is false the figures are NaN. A rule fires only where it ran.
    """

    __slots__ = ("_columns", "_tell", "ran", "rows")

    def __init__(self, rows: Ints, ran: Flags, tell: Callable[[Ints], Figures]) -> None:
        self.rows, self.ran = rows, ran
        self._tell = tell
        self._columns: Figures | None = None

    @property
    def is_silent(self) -> bool:
        """It could run nowhere."""
        return self._tell is _nothing

    def at(self, rows: Ints) -> Figures:
        """The figures of some rows on which the rule ran."""
        return self._tell(rows)

    def within(self, applies: Flags) -> "Outcome":
        """The same, where it applies; elsewhere the rule did not run."""
        return Outcome(self.rows[applies[self.rows]], self.ran & applies, self._tell)

    @property
    def fired(self) -> Flags:
        """The rows as a column."""
        fired = np.zeros(len(self.ran), dtype=bool)
        fired[self.rows] = True
        return fired

    @property
    def statistic(self) -> Floats:
        return self._all()[0]

    @property
    def threshold(self) -> Floats:
        return self._all()[1]

    @property
    def margin(self) -> Floats:
        return self._all()[2]

    def _all(self) -> Figures:
        if self._columns is None:
            told, rows = np.full((3, len(self.ran)), np.nan), np.flatnonzero(self.ran)
            if len(rows):
                told[:, rows] = self.at(rows)
            self._columns = (told[0], told[1], told[2])
        return self._columns


def outcome(fired: Flags, ran: Flags, statistic: Floats, threshold: Floats, margin: Floats) -> Outcome:
    """An outcome of columns that were worked out anyway."""
    if not ran.any():
        return silent(len(ran))
    return Outcome(
        np.flatnonzero(fired & ran), ran, lambda rows: (statistic[rows], threshold[rows], margin[rows])
    )


def silent(length: int) -> Outcome:
    """The outcome of a rule that could run nowhere: most rules on most rows, so it costs nothing."""
    return Outcome(NOWHERE, np.broadcast_to(np.bool_(False), (length,)), _nothing)


def _nothing(rows: Ints) -> Figures:
    blank = np.full(len(rows), np.nan)
    return blank, blank, blank


def distinct(numbers: Ints) -> Ints:
    """Each number once, ascending: by sorting, which for such columns is faster than numpy's hash table."""
    ordered = np.sort(numbers)
    keep = np.ones(len(ordered), dtype=bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]


def told_only(rows: Ints, ran: Flags, figures: Figures) -> Outcome:
    """An outcome that remembers the figures of the rows on which the rule fired, and of no others."""

    def tell(wanted: Ints) -> Figures:
        if not len(rows):
            return _nothing(wanted)
        places = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
        known = rows[places] == wanted
        one, two, three = (np.where(known, column[places], np.nan) for column in figures)
        return one, two, three

    return Outcome(rows, ran, tell)


def of(parameter: Floats, rows: Ints) -> Floats:
    """A parameter of some rows: a column of it, or one figure that all rows share (shape (1,))."""
    return parameter[rows] if len(parameter) > 1 else parameter


def full(parameter: Floats, rows: Ints) -> Floats:
    """The same as a column of its own."""
    return np.broadcast_to(of(parameter, rows), (len(rows),))


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
