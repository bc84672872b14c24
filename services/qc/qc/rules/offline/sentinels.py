"""Numbers that stand for no value: how loggers and exporters write what they do not have.

Promises: a number is taken for missing only if it has the form of such a sign, comes at least three times,
and lies where the series' own quantity does not; a plateau, a cap or a standstill never is. Leaves what a
mapping names as missing, and telling people, to the callers.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints

# Fewer could be accidents.
LEAST_TIMES = 3
# Further than the rest of the series is wide; twice as far below a quantity that is negative at times, three
# times as far above one of which nobody knows how high it can be: a cap lies nearer.
FAR, FAR_SIGNED, FAR_ABOVE = 1.0, 2.0, 3.0
# So many values of a series, none of them negative, say that it never is.
ENOUGH = 50
# A form below it is an ordinary value of too many quantities.
LEAST_SIZE = 99.0
# The ends of 16 and 32 bits, of single precision, and the filling value of netCDF.
FULL = (32767.0, 65535.0, 2147483647.0, 4294967295.0, 1e20, 3.4028235e38, 9.969209968386869e36)


@dataclass(frozen=True, slots=True)
class Taken:
    """A number that was taken for missing in a series, as the file writes it, and how often."""

    member: int
    value: float
    times: int


def signs() -> Floats:
    """Every number that has the form of such a sign, ascending [K].

    Nines, sevens and eights (-999, 9999, -99.9, -888), whole hundreds below zero (-200) and the ends of
    number formats. Of positive ones only nines and those ends: what is large may be a cap.
    """
    nines = [float(f"{'9' * whole}.{'9' * part or '0'}") for whole in range(2, 9) for part in range(4)]
    nines = [size for size in nines if size >= LEAST_SIZE]
    below = [float(digit * length) for digit in "78" for length in (3, 4, 5)]
    below += [digit * 10.0**power for power in range(2, 7) for digit in range(1, 10)]
    below += [9.99, 9.999, 32768.0, 2147483648.0]
    return np.unique([*nines, *FULL, *(-size for size in (*nines, *FULL, *below))])


def taken_for_missing(
    value: Floats, member: Ints, low: Floats, high: Floats, slope: Floats, shift: Floats
) -> tuple[Flags, list[Taken]]:
    """Which values stand for missing [N], and what they were, per series.

    `value` is as the file writes it and × `slope` + `shift` [N] in the unit of `low` and `high`, which are
    per member the measuring range or that of the quantity, NaN where nobody knows one: what is within is a
    value.
    Worked example: a CO series of 0.5 … 8 mg/m³ with -200 forty times → those forty, one `Taken`.
    """
    known, found, told = signs(), np.zeros(len(value), dtype=bool), list[Taken]()
    formed = known[np.clip(np.searchsorted(known, value), 0, len(known) - 1)] == value
    at = np.flatnonzero(formed)
    as_judged = value[at] * slope[at] + shift[at]
    formed[at] = ~((low[member[at]] <= as_judged) & (as_judged <= high[member[at]]))
    wanted = np.flatnonzero(np.bincount(member[formed], minlength=len(low)) >= LEAST_TIMES)
    if not len(wanted):
        return found, told
    rows = np.flatnonzero(np.isin(member, wanted) & np.isfinite(value))
    rows = rows[np.argsort(member[rows], kind="stable")]
    ends = np.searchsorted(member[rows], wanted, "right")
    for place, own in zip(wanted.tolist(), np.split(rows, ends[:-1]), strict=True):
        lowest = float((low[place] - shift[own[0]]) / slope[own[0]])
        highest = float((high[place] - shift[own[0]]) / slope[own[0]])
        for one, times in _taken(value[own], formed[own], (lowest, highest)):
            found[own[value[own] == one]] = True
            told.append(Taken(place, one, times))
    return found, told


def _taken(values: Floats, formed: Flags, bounds: tuple[float, float]) -> list[tuple[float, int]]:
    """(number, how often) of the signs for missing in one series, whose range is `bounds`."""
    distinct, times = np.unique(values[formed], return_counts=True)
    asked = dict(zip(distinct.tolist(), times.tolist(), strict=True))
    asked = {one: number for one, number in asked.items() if number >= LEAST_TIMES}
    # What turns out to be a value of the series widens what the others are compared with.
    while asked:
        rest = values[~np.isin(values, list(asked))]
        kept = {one: number for one, number in asked.items() if _is_none(one, rest, bounds)}
        if len(kept) == len(asked):
            break
        asked = kept
    return sorted(asked.items())


def _is_none(one: float, rest: Floats, bounds: tuple[float, float]) -> bool:
    """Whether a number of that form can be no value of a series whose other values are `rest`."""
    low, high = bounds
    # No concentration is negative: what is written so, to the digit and again and again, is none.
    if one < 0 <= low:
        return True
    if not len(rest):
        return one <= -LEAST_SIZE
    least, most = float(rest.min()), float(rest.max())
    if one > 0:
        return one > most + (most - least) * (FAR if one > high else FAR_ABOVE)
    # Nothing goes from plus to -200 and back, again and again, without ever being in between.
    if least >= 0 and len(rest) >= ENOUGH and one <= -LEAST_SIZE:
        return True
    return one < least - (most - least) * (FAR if least >= 0 else FAR_SIGNED)
