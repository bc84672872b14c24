"""Periods of the legal calendar (+08:00, no summer time) as numbers, so that columns can be grouped.

Promises: hour, day, month, quarter and year by exact integer arithmetic. Leaves what is due in a period to
`qc.rules.validity.completeness`.
"""

from typing import Literal

import numpy as np

from qc.rules.falsify.panel import DAY_MS, HOUR_MS, LOCAL_MS
from qc.rules.outcome import Ints

Period = Literal["hour", "day", "month", "quarter", "year"]
MONTHS = {"month": 1, "quarter": 3, "year": 12}
FIXED = {"hour": HOUR_MS, "day": DAY_MS}


def number_of(period: Period, ts: Ints) -> Ints:
    """The number of the period in which each instant (UTC milliseconds) lies, counted from 1970.

    Worked example: 2026-01-31T17:00Z is 1 February in China: month 673 (of 56 years and 1 month).
    """
    local = ts + LOCAL_MS
    if period in FIXED:
        return local // FIXED[period]
    months = local.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    found: Ints = months // MONTHS[period]
    return found


def start_ms(period: Period, number: Ints) -> Ints:
    """The instant at which a period begins, UTC milliseconds (the inverse of `number_of`)."""
    if period in FIXED:
        return number * FIXED[period] - LOCAL_MS
    months = (number * MONTHS[period]).astype("datetime64[M]")
    begins: Ints = months.astype("datetime64[ms]").astype(np.int64) - LOCAL_MS
    return begins


def parts_in(period: Period, part: Literal["minute", "hour", "day"], number: Ints) -> Ints:
    """How many minutes, hours or days a period has. E.g. ("month", "day") of February 2026 → 28."""
    length = start_ms(period, number + 1) - start_ms(period, number)
    return length // {"minute": 60_000, "hour": HOUR_MS, "day": DAY_MS}[part]


def month_of_year(number: Ints) -> Ints:
    """1 … 12 for the numbers of months."""
    return number % 12 + 1
