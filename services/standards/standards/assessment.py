"""Ambient-air statistics: valid means, MDA8, percentiles, city day values and the composite index.

Promises: the minimum numbers of values are dated data (GB 3095 table 4, HJ 663); means and percentiles are
exact; None says "not enough values", never a number made of too few. Leaves to others: which values are
valid, and rounding for publication (`standards.factors`).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from standards.exact import Number, decimal, fraction
from standards.tables import Row, in_force


def _rule(statistic: str, group: str, on: date) -> Row:
    for row in in_force("completeness", on):
        if (row["statistic"], row["group"]) == (statistic, group):
            return row
    raise LookupError(f"no completeness rule for {statistic} of {group} on {on}")


def minimum(statistic: str, group: str, on: date) -> int:
    """How many values a statistic needs: (`hour`, `ambient_gas`) → 45 minutes, (`day`, `ambient`) → 20 hours.

    Groups: `ambient`, `ambient_gas`, `ozone`, `flue_gas`. LookupError if no rule exists.
    """
    return int(_rule(statistic, group, on)["minimum"])


def mean(values: Sequence[Number | None], needed: int = 1) -> Decimal | None:
    """The exact mean of the values that are present, or None if fewer than `needed` are."""
    present = [fraction(value) for value in values if value is not None]
    return decimal(sum(present, Fraction()) / len(present)) if len(present) >= max(1, needed) else None


def mda8(hours: Sequence[Number | None], limit: Number, on: date) -> Decimal | None:
    """The day's maximum 8-hour mean of ozone from the 24 hourly means, `hours[0]` being 00:00-01:00.

    The windows end at 8:00 … 24:00. An 8-hour mean needs 6 hours, the day 14 such means; a shorter
    set still counts if its maximum exceeds `limit` (HJ 663). ValueError unless 24 hours are given.

    >>> mda8([0] * 16 + [80] * 8, 160, date(2026, 3, 1))
    Decimal('80')
    """
    if len(hours) != 24:
        raise ValueError("a day has 24 hours")
    needed = minimum("8h", "ozone", on)
    windows = [mean(hours[end - 8 : end], needed) for end in range(8, 25)]
    present = [window for window in windows if window is not None]
    if not present:
        return None
    highest = max(present)
    complete = len(present) >= minimum("mda8", "ozone", on)
    return highest if complete or fraction(highest) > fraction(limit) else None


def percentile(values: Sequence[Number], percent: Number) -> Decimal:
    """The percentile of HJ 663-2013 Appendix A: k = 1 + (n-1)p, linear between. ValueError if empty.

    >>> percentile(range(1, 366), 98)
    Decimal('357.72')
    """
    if not values:
        raise ValueError("a percentile needs values")
    ordered = sorted(map(fraction, values))
    position = Fraction(len(ordered) - 1) * fraction(percent) / 100
    below = position.numerator // position.denominator
    above = min(below + 1, len(ordered) - 1)
    return decimal(ordered[below] + (ordered[above] - ordered[below]) * (position - below))


def city_percentile(factor: str, on: date) -> int:
    """Which percentile HJ 663 takes of a factor's days: 98 for SO2 and NO2, 95 for PM and CO, 90 for O3."""
    for row in in_force("city_percentiles", on):
        if row["factor"] == factor:
            return int(row["percentile"])
    raise LookupError(f"HJ 663 takes no percentile of {factor}")


def is_valid_year(days_by_month: Sequence[int], on: date) -> bool:
    """True if 12 monthly counts of valid day means make a year: 324 in all, 27 a month, 25 in February."""
    rule = _rule("year", "ambient", on)
    months = [int(rule["month_minimum"])] * 12
    months[1] = int(rule["february_minimum"])
    enough = len(days_by_month) == 12 and sum(days_by_month) >= int(rule["minimum"])
    return enough and all(have >= need for have, need in zip(days_by_month, months, strict=True))


def composite_index(values: Mapping[str, Number], on: date, weighted: bool = True) -> tuple[Decimal, str]:
    """The ranking index Σ w·C/S and the factor with the largest share C/S. KeyError if one of the six lacks.

    Values: year means of SO2, NO2, PM10, PM2.5, P95 of CO days, P90 of O3 MDA8 (µg/m³; CO mg/m³).
    """
    rules = in_force("composite_index", on)
    shares = {row["factor"]: fraction(values[row["factor"]]) / Fraction(row["limit"]) for row in rules}
    weights = {row["factor"]: Fraction(row["weight"]) if weighted else Fraction(1) for row in rules}
    total = sum((weights[factor] * share for factor, share in shares.items()), Fraction())
    return decimal(total), max(shares, key=lambda factor: shares[factor])
