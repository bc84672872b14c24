"""Rules that look at one value alone: data marks, missing, range, revised.

Promises: presence alone makes nothing good (missing and revised "run" only where they fire); a value's
neighbours never matter here, so these rules say which values are masked before any rule that compares values.
Leaves parameters to the rule pack and the register of series.
"""

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints, Outcome, outcome


def is_marked(flag: Ints, letters: str) -> Outcome:
    """The data mark is one of `letters`.

    Source: HJ 212-2017 table 8. `flag` is the code point of the mark, 0 where the source sends none, -1 where
    it is no single letter. Worked example: letters "FMSDCT", flag "M" (maintenance) fires, "N" does not.
    """
    wanted = np.array([ord(letter) for letter in letters], dtype=np.int64)
    ran = flag != 0
    return outcome(np.isin(flag, wanted), ran, flag.astype(np.float64), *_nothing(len(flag)))


def has_unknown_mark(flag: Ints, letters: str) -> Outcome:
    """There is a data mark, and it is none of `letters`: the field uses letters the standard does not know.

    Source: HJ 212-2017 table 8. Worked example: letters "NFMSDCTB", flag "Q" fires, no flag does not.
    """
    known = np.array([ord(letter) for letter in letters], dtype=np.int64)
    ran = flag != 0
    return outcome(~np.isin(flag, known), ran, flag.astype(np.float64), *_nothing(len(flag)))


def is_missing(value: Floats) -> Outcome:
    """The period was reported without a value.

    Source: GB 3095 6.3 (missing data need a reason). Worked example: [3.0, NaN] → [no, fires].
    """
    fired = np.isnan(value)
    return outcome(fired, fired, fired.astype(np.float64), *_nothing(len(value)))


def is_out_of_range(value: Floats, low: Floats, high: Floats, detection_limit: Floats) -> Outcome:
    """The value lies below `low` or above `high` (both allowed themselves), all in the series' unit.

    Source: measuring range of the registered device, else HJ 653/654. Noise around zero is real: where `low`
    is 0, values down to -`detection_limit` pass (HJ 818-2018). NaN bounds do not judge.
    Worked example: low 0, high 1000, detection limit 2: -1.5 passes, -3 fires by 1, 1200 fires by 200.
    """
    floor = np.where(low == 0.0, -np.nan_to_num(detection_limit), low)
    ran = np.isfinite(value) & (np.isfinite(floor) | np.isfinite(high))
    below, above = floor - value, value - high
    margin = np.fmax(below, above)
    threshold = np.where(np.isnan(above) | (below > above), floor, high)
    return outcome(margin > 0, ran, value, threshold, margin)


def exceeds_limit(value: Floats, usable: Flags, limit: Floats) -> Outcome:
    """A usable value lies above its limit, both in the series' unit; equal to it is within. NaN: no limit.

    Source: the permit of the outlet, the alarm level of a dose rate. It says nothing against the value.
    Worked example: limit 35: 52.5 fires by 17.5, 35 does not, 52.5 marked as maintenance does not run.
    """
    ran = usable & np.isfinite(limit)
    return outcome(value > limit, ran, value, limit, value - limit)


def is_revised(revisions: Ints) -> Outcome:
    """A later, different value was sent for the same instant; the first one stays the value.

    Source: falsification test C1. Worked example: one later value → statistic 1, fires.
    """
    count, fired = revisions.astype(np.float64), revisions > 0
    return outcome(fired, fired, count, np.zeros(len(count)), count)


def _nothing(length: int) -> tuple[Floats, Floats]:
    return np.full(length, np.nan), np.full(length, np.nan)


def usable(value: Floats, masked: Flags) -> Flags:
    """Values that may be compared with others: present, finite, and not condemned by a masking rule."""
    keep: Flags = np.isfinite(value) & ~masked
    return keep
