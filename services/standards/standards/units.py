"""Units in UCUM, and exact conversion between those that measure the same thing.

Promises: a conversion is exact wherever the result has a finite decimal form (ng/m³ ↔ µg/m³ ↔ mg/m³,
L/s → m³/h, °C ↔ K …), otherwise correct to 40 digits; units of different dimensions are refused, and so is a
concentration in gas for one in water. Leaves to others: ppm ↔ mg/m³, which needs a substance and a
reference temperature (`standards.emission`).
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache

from standards.exact import Number, decimal, fraction, trim
from standards.tables import rows


class IncompatibleUnits(ValueError):
    """The two units do not measure the same thing, or one of them is not known here."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM code, its printed form, what it measures, and its size in the dimension's first unit."""

    ucum: str
    text: str
    dimension: str
    factor: Fraction
    offset: Fraction


@cache
def _by_code() -> dict[str, Unit]:
    return {
        row["ucum"]: Unit(
            row["ucum"], row["text"], row["dimension"], Fraction(row["factor"]), Fraction(row["offset"] or 0)
        )
        for row in rows("units")
    }


@cache
def _spellings() -> dict[str, str]:
    known = {alias: row["ucum"] for row in rows("units") for alias in row["aliases"].split(";") if alias}
    known |= {row["text"]: row["ucum"] for row in rows("units") if row["text"] not in known}
    return known | {row["ucum"]: row["ucum"] for row in rows("units")}


def ucum(text: str) -> str | None:
    """The UCUM code of a unit as people write it, or None: `μg/m³` → `ug/m3`, `mg/l` → `mg/L`."""
    return _spellings().get(text.strip())


def text(code: str) -> str:
    """The unit as printed for readers: `ug/m3` → `µg/m³`; an unknown code is returned as it is."""
    unit = _by_code().get(code)
    return unit.text if unit else code


def are_compatible(one: str, other: str) -> bool:
    """True if values in `one` can be converted to `other`."""
    a, b = _by_code().get(one), _by_code().get(other)
    return a is not None and b is not None and a.dimension == b.dimension


def convert(value: Number, source: str, target: str) -> Decimal:
    """`value` in `source` expressed in `target` (both UCUM). Raises IncompatibleUnits.

    >>> convert(Decimal("35000"), "ng/m3", "ug/m3")
    Decimal('35')
    """
    if not are_compatible(source, target):
        raise IncompatibleUnits(f"{source} cannot be converted to {target}")
    if source == target:
        return decimal(value)
    a, b = _by_code()[source], _by_code()[target]
    return trim(decimal((fraction(value) * a.factor + a.offset - b.offset) / b.factor))
