"""The bookkeeping of data marks: who marked how much, when, and what contradicts it.

Promises: marks are counted, never corrected; a contradiction names both figures. There is no approval: a
mark is the unit's statement, and a false one is falsification (statistics on it: tests M1 to M4).
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints, run_lengths
from qc.rules.validity.marks import INVALID, NORMAL, VALID, Edition, standings
from qc.rules.validity.periods import number_of


@dataclass(frozen=True, slots=True)
class MarkShare:
    """One mark (code point, 0 none): rows that carry it, their share, the longest run, and how they spread
    over the 24 hours of the day; `high` is the share of its rows within the highest tenth of the values
    known.
    """

    mark: int
    count: int
    share: float
    longest: int
    by_hour: Ints
    high: float


def shares(ts: Ints, flag: Ints, value: Floats) -> list[MarkShare]:
    """The marks of one series, ascending by time, most frequent first.

    Source: 条例 Art. 25(5) (false marking is falsification). Worked example: 20 N and 4 M → M has a share of
    1/6.
    """
    hour = number_of("hour", ts) % 24
    known = value[np.isfinite(value)]
    top = float(np.quantile(known, 0.9)) if len(known) else np.inf
    lengths = run_lengths(np.concatenate([[False], flag[1:] == flag[:-1]])) if len(flag) else flag
    found = []
    for mark in np.unique(flag):
        rows = flag == mark
        found.append(
            MarkShare(
                int(mark),
                int(rows.sum()),
                float(rows.mean()),
                int(lengths[rows].max()),
                np.bincount(hour[rows], minlength=24),
                float((value[rows] > top).mean()),
            )
        )
    return sorted(found, key=lambda one: (-one.count, one.mark))


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Per row: which statement of the mark other figures contradict."""

    runs_while_stopped: Flags
    normal_without_value: Flags
    normal_over_abnormal: Flags
    abnormal_over_normal: Flags

    @property
    def any(self) -> Flags:
        """Rows with any of them."""
        one = self.runs_while_stopped | self.normal_without_value
        return one | self.normal_over_abnormal | self.abnormal_over_normal


def contradictions(
    flag: Ints, value: Floats, flow: Floats, minutes: Ints, edition: Edition
) -> Contradictions:
    """Marks beside the flow (or power, NaN unknown) and beside the roll-up of their own parts (`minutes`,
    code point of the rolled-up mark, 0 unknown).

    Source: 条例 Art. 25(5), row NT-07; HJ 212-2017 appendix C notes 16-18 for the roll-up. Worked example:
    mark F (out of operation) with a flow of 12 m³/h → runs_while_stopped.
    """
    says = standings(flag, edition)
    is_stopped = np.isin(flag, edition.letters("out_of_operation"))
    knows_parts = minutes != 0
    return Contradictions(
        is_stopped & (flow > 0),
        (says == VALID) & np.isnan(value),
        (flag == NORMAL) & knows_parts & (minutes != NORMAL),
        (says == INVALID) & knows_parts & (minutes == NORMAL),
    )
