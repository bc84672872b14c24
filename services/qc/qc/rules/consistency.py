"""Whether two sources say the same of one indicator, site and time.

Promises: pure; values of units that cannot be converted are not compared. Leaves the tolerance to the dated
rules of the desk, and what follows to the flows.
"""

from dataclasses import dataclass
from datetime import date

from contracts.ingest import SeriesRef
from standards import units

from qc.rules.desk import tolerance_for, tolerated


@dataclass(frozen=True)
class Difference:
    """Two values in the unit of the first, by how much they may differ, and by which clause."""

    one: float
    other: float
    tolerance: float
    source: str


def last_digit(ref: SeriesRef) -> float:
    """The last reported digit in the series' unit."""
    step: float = ref.resolution if ref.resolution is not None else 10.0**-ref.decimals
    return step


def _in_unit(value: float, source: str, target: str) -> float:
    return value if source == target else float(units.convert(value, source, target))


def difference(one: SeriesRef, other: SeriesRef, values: tuple[float, float], on: date) -> Difference | None:
    """How two values differ, None if they agree within the tolerance or cannot be compared.

    Worked example: 50 and 60 ug/m3 without decimals, 5 % → 10 apart, 2.75 tolerated: a difference.
    """
    if one.unit != other.unit and not units.are_compatible(one.unit, other.unit):
        return None
    mine, theirs = values[0], _in_unit(values[1], other.unit, one.unit)
    rule = tolerance_for(one.factor, on)
    digit = max(last_digit(one), _in_unit(last_digit(other), other.unit, one.unit))
    allowed = tolerated(mine, theirs, digit, rule)
    if abs(mine - theirs) <= allowed:
        return None
    return Difference(mine, theirs, allowed, rule.source)
