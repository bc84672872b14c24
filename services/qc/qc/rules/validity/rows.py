"""What one answer about validity is made of: the question, and the rows of the series it sees.

Promises: columns ascending by time. Leaves reading them to the flows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from contracts.ingest import SeriesRef

from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.validity.chain import SOUND_BELOW, Hours, JudgedHours
from qc.rules.validity.family import Family
from qc.rules.validity.periods import Period


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one series: instant (UTC milliseconds), value (NaN: none), mark (code point), QARTOD code."""

    ts: Ints
    value: Floats
    flag: Ints
    code: Ints

    @property
    def is_good(self) -> Flags:
        """Rows with a value whose verdict is not bad."""
        good: Flags = np.isfinite(self.value) & (self.code < SOUND_BELOW)
        return good


def aligned(ts: Ints, values: Floats, wanted: Ints) -> Floats:
    """The values at the wanted instants, NaN where there is none; `ts` ascending.

    Worked example: ts [1, 3], values [5, 7], wanted [3, 2] → [7, NaN].
    """
    if not len(ts):
        return np.full(len(wanted), np.nan)
    at = np.minimum(np.searchsorted(ts, wanted), len(ts) - 1)
    return np.where(ts[at] == wanted, values[at], np.nan)


@dataclass(frozen=True, slots=True)
class Question:
    """Which periods of a series, by which zone of GB 3095 (1 or 2), and for which kind of plant (折算)."""

    ref: SeriesRef
    family: Family
    period: Period
    number: Ints
    zone: Literal[1, 2] = 2
    plant: str | None = None

    @property
    def hour_ref(self) -> SeriesRef:
        """The hours of the figure: everything longer is made of them."""
        assert self.family.hours is not None
        return self.family.hours


@dataclass(frozen=True, slots=True)
class Known:
    """The hours of the figure, judged, and the rows of every series of the family by its number."""

    hours: Hours
    done: JudgedHours
    of: Mapping[int, Rows]

    def values(self, ref: SeriesRef | None, wanted: Ints) -> Floats:
        """The values of a series at the wanted instants, NaN where there are none."""
        rows = self.of.get(ref.id) if ref is not None else None
        return np.full(len(wanted), np.nan) if rows is None else aligned(rows.ts, rows.value, wanted)
