"""The rows that may be compared with each other, and how far each stands from the one before it.

Promises: rows come sorted by (series, ts); what is not usable is taken out, so that the row before is the
last usable one. Leaves to each rule how far apart two rows may stand.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.outcome import Figures, Flags, Floats, Ints, Outcome

# The first row of a series has none before it.
FAR = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Track:
    """Rows in their order: places in the columns (a slice if all), values, milliseconds since the one before.

    `usable` is a column that says which rows they are.
    """

    rows: Ints | slice
    value: Floats
    apart: Ints
    usable: Flags

    def near(self, reach_ms: Floats) -> Flags:
        """Row i continues row i - 1: same series, and not further apart than `reach_ms` of row i."""
        return self.apart <= _whole(self.along(reach_ms))

    def places_of(self, rows: Ints) -> Ints:
        """Where rows of the columns stand in the track; each must be one of it."""
        return rows if isinstance(self.rows, slice) else np.searchsorted(self.rows, rows)

    def rows_of(self, places: Ints) -> Ints:
        """The inverse of `places_of`."""
        return places if isinstance(self.rows, slice) else self.rows[places]

    def along(self, parameter: Floats) -> Floats:
        """A parameter per row of the columns as one per row of the track."""
        return parameter[self.rows] if len(parameter) > 1 else parameter

    def outcome(self, fired: Ints, ran: Flags, statistic: Floats, threshold: Floats) -> Outcome:
        """What a rule found on the track, in rows of the columns; the margin is the difference."""

        def tell(rows: Ints) -> Figures:
            at = self.places_of(rows)
            measured, allowed = statistic[at], threshold[at] if len(threshold) > 1 else threshold
            return measured, np.broadcast_to(allowed, measured.shape), measured - allowed

        return Outcome(self.rows_of(fired), self.spread(ran), tell)

    def spread(self, ran: Flags) -> Flags:
        """A column of the track in the columns, false elsewhere."""
        if isinstance(self.rows, slice):
            return ran
        # Few rows of a track fall out, so taking these away costs less than putting all others in.
        column = self.usable.copy()
        column[self.rows[~ran]] = False
        return column


def track_of(series: Ints, ts: Ints, value: Floats, usable: Flags) -> Track:
    """The usable rows. Worked example: hours 0 1 2 of one series, 1 unusable → rows 0 and 2, 2 h apart."""
    rows = slice(None) if usable.all() else np.flatnonzero(usable)
    if len(series) and series[0] == series[-1]:
        series = series[:1]
    return Track(rows, value[rows], _apart(series[rows] if len(series) > 1 else series, ts[rows]), usable)


def adjacent(series: Ints, ts: Ints, reach_ms: Floats) -> Flags:
    """Row i continues row i - 1: same series, and not further apart than `reach_ms` of row i."""
    return _apart(series, ts) <= _whole(reach_ms)


def _apart(series: Ints, ts: Ints) -> Ints:
    """Milliseconds to the row before; `series` may be one that all rows share."""
    apart = np.empty(len(ts), dtype=np.int64)
    apart[:1] = FAR
    np.subtract(ts[1:], ts[:-1], out=apart[1:])
    if len(series) and series[0] != series[-1]:
        apart[1:][series[1:] != series[:-1]] = FAR
    return apart


def _whole(reach_ms: Floats) -> Ints:
    """Instants are whole milliseconds; without a reach nothing is near."""
    return np.nan_to_num(np.floor(reach_ms), nan=-1.0).astype(np.int64)
