"""Limits of the ambient air quality standard GB 3095, by the day they hold.

Promises: the 2012 figures until 2026-02-28, the transition figures of 2026 until 2030-12-31, the final ones
afterwards; a limit that does not exist is None. Leaves to others: emission limits (each permit has its own).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from standards.tables import in_force

Zone = Literal[1, 2]


@dataclass(frozen=True, slots=True)
class Limit:
    """A concentration limit in `unit` (UCUM) and where it is written."""

    value: Decimal
    unit: str
    source: str


def ambient(factor: str, averaging: str, zone: Zone, on: date) -> Limit | None:
    """The limit of GB 3095 for `year`, `quarter`, `day`, `8h` (MDA8) or `1h` in a zone of class 1 or 2.

    >>> ambient("a34004", "day", 2, date(2026, 3, 1)).value
    Decimal('60')
    """
    for row in in_force("gb3095_limits", on):
        if (row["factor"], row["averaging"]) == (factor, averaging):
            return Limit(Decimal(row[f"class_{zone}"]), row["unit"], row["source"])
    return None
