"""Which verdicts a new value can change, and which values must be known to judge them again.

Promises: every verdict that can change lies in `judged_from` … `judged_to` of a window, and the window
reaches far enough on both sides that judging it alone gives what judging all history would.
Leaves loading the values to the flows.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.frame import HOUR_MS, TS_BITS, Columns, Roster, keys_of
from qc.rules.outcome import Flags, Ints, distinct


@dataclass(frozen=True, slots=True)
class Windows:
    """Disjoint stretches of series, sorted: load [start, end]; verdicts inside [judged_from, judged_to] may
    change.
    """

    series: Ints
    start: Ints
    end: Ints
    judged_from: Ints
    judged_to: Ints

    def covers(self, columns: Columns) -> Flags:
        """Which rows lie where verdicts may change."""
        if not len(self.series):
            return np.zeros(len(columns), dtype=bool)
        places = np.searchsorted(keys_of(self.series, self.start), columns.keys, side="right") - 1
        at = np.maximum(places, 0)
        inside: Flags = (
            (places >= 0)
            & (self.series[at] == columns.series)
            & (columns.ts >= self.judged_from[at])
            & (columns.ts <= self.judged_to[at])
        )
        return inside


def hours_of(series: Ints, ts: Ints, roster: Roster) -> Ints:
    """The keys of the hours whose minutes are among (series, ts), known or not."""
    rows = np.flatnonzero(roster.hour_of[series] >= 0)
    return distinct(keys_of(roster.hour_of[series[rows]], ts[rows] - ts[rows] % HOUR_MS))


def windows_of(series: Ints, ts: Ints, roster: Roster, hours: Ints) -> Windows:
    """The windows reopened by values that have just become known at (series, ts).

    `hours` are those keys of `hours_of` for which the hour itself is known: only these can change. A series
    also reopens its partner. Worked example: an hour of PM2.5 at 08:00 with a reach of 12 h reopens 20:00 the
    day before … 20:00 of PM2.5 and of PM10, and asks for 12 h more on both sides.
    """
    targets = np.concatenate([series, hours >> TS_BITS])
    times = np.concatenate([ts, hours & ((1 << TS_BITS) - 1)])
    has_partner = roster.partner[targets] >= 0
    targets = np.concatenate([targets, roster.partner[targets[has_partner]]])
    times = np.concatenate([times, times[has_partner]])
    unique = distinct(keys_of(targets, times))
    targets, times = unique >> TS_BITS, unique & ((1 << TS_BITS) - 1)
    reach = roster.reach_ms[targets]
    return _joined(targets, times - 2 * reach, times + 2 * reach, reach)


def _joined(series: Ints, start: Ints, end: Ints, reach: Ints) -> Windows:
    """Overlapping stretches become one; within a series all have one length, so neighbours decide."""
    opens = np.ones(len(series), dtype=bool)
    opens[1:] = (series[1:] != series[:-1]) | (start[1:] > end[:-1])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(series)) - 1 if len(first) else first
    return Windows(
        series=series[first],
        start=start[first],
        end=end[last],
        judged_from=start[first] + reach[first],
        judged_to=end[last] - reach[first],
    )
