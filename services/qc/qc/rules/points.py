"""Rules that look at one value alone: data marks, missing, range, revised.

Promises: presence alone makes nothing good (missing and revised "run" only where they fire); a value's
neighbours never matter here, so these rules say which values are masked before any rule that compares values.
Leaves parameters to the rule pack and the register of series.
"""

from collections.abc import Callable

import numpy as np

from qc.rules.outcome import Figures, Flags, Floats, Ints, Outcome, full, of, silent


def is_marked(flag: Ints, letters: str) -> Outcome:
    """The data mark is one of `letters`.

    Source: HJ 212-2017 table 8. `flag` is the code point of the mark, 0 where the source sends none, -1 where
    it is no single letter. Worked example: letters "FMSDCT", flag "M" (maintenance) fires, "N" does not.
    """
    return _of_marks(flag, _is_one_of(flag, letters))


def has_unknown_mark(flag: Ints, letters: str) -> Outcome:
    """There is a data mark, and it is none of `letters`: the field uses letters the standard does not know.

    Source: HJ 212-2017 table 8. Worked example: letters "NFMSDCTB", flag "Q" fires, no flag does not.
    """
    return _of_marks(flag, ~_is_one_of(flag, letters))


def _is_one_of(flag: Ints, letters: str) -> Flags:
    found = np.zeros(len(flag), dtype=bool)
    for letter in letters:
        found |= flag == ord(letter)
    return found


def _of_marks(flag: Ints, speaks: Flags) -> Outcome:
    ran = flag != 0
    if not ran.any():
        return silent(len(flag))

    def tell(rows: Ints) -> Figures:
        return flag[rows].astype(np.float64), *_nothing(len(rows))

    return Outcome(np.flatnonzero(speaks & ran), ran, tell)


def is_missing(value: Floats) -> Outcome:
    """The period was reported without a value.

    Source: GB 3095 6.3 (missing data need a reason). Worked example: [3.0, NaN] → [no, fires].
    """
    return _where(np.isnan(value), lambda rows: (np.ones(len(rows)), *_nothing(len(rows))))


def is_out_of_range(value: Floats, low: Floats, high: Floats, detection_limit: Floats) -> Outcome:
    """The value lies below `low` or above `high` (both allowed themselves), all in the series' unit.

    Source: measuring range of the registered device, else HJ 653/654. Noise around zero is real: where `low`
    is 0, values down to -`detection_limit` pass (HJ 818-2018). NaN bounds do not judge.
    Worked example: low 0, high 1000, detection limit 2: -1.5 passes, -3 fires by 1, 1200 fires by 200.
    """
    floor = np.where(low == 0.0, -np.nan_to_num(detection_limit), low)
    ran = np.isfinite(value)
    ran &= np.isfinite(floor) | np.isfinite(high)
    beyond = value < floor
    beyond |= value > high
    beyond &= ran

    def tell(rows: Ints) -> Figures:
        v, low, top = value[rows], full(floor, rows), full(high, rows)
        below, above = low - v, v - top
        return v, np.where(np.isnan(above) | (below > above), low, top), np.fmax(below, above)

    return Outcome(np.flatnonzero(beyond), ran, tell)


def exceeds_limit(value: Floats, usable: Flags, limit: Floats) -> Outcome:
    """A usable value lies above its limit, both in the series' unit; equal to it is within. NaN: no limit.

    Source: the permit of the outlet, the alarm level of a dose rate. It says nothing against the value.
    Worked example: limit 35: 52.5 fires by 17.5, 35 does not, 52.5 marked as maintenance does not run.
    """
    ran = usable & np.isfinite(limit)

    def tell(rows: Ints) -> Figures:
        return value[rows], full(limit, rows), value[rows] - of(limit, rows)

    return Outcome(np.flatnonzero((value > limit) & ran), ran, tell)


def is_revised(revisions: Ints) -> Outcome:
    """A later, different value was sent for the same instant; the first one stays the value.

    Source: falsification test C1. Worked example: one later value → statistic 1, fires.
    """

    def tell(rows: Ints) -> Figures:
        count = revisions[rows].astype(np.float64)
        return count, np.zeros(len(rows)), count

    return _where(revisions > 0, tell)


def _where(fired: Flags, tell: Callable[[Ints], Figures]) -> Outcome:
    """The outcome of a rule that runs only where it fires."""
    rows = np.flatnonzero(fired)
    return Outcome(rows, fired, tell) if len(rows) else silent(len(fired))


def _nothing(length: int) -> tuple[Floats, Floats]:
    return np.full(length, np.nan), np.full(length, np.nan)


def usable(finite: Flags, masked: list[Ints]) -> Flags:
    """Values that may be compared with others: present, finite, and not condemned by a masking rule."""
    if not any(len(rows) for rows in masked):
        return finite
    keep = finite.copy()
    for rows in masked:
        keep[rows] = False
    return keep
