"""The limit that holds for a period of a series: of the permit, or of GB 3095 for ambient air.

Promises: the figure is in the unit of the series, with its source; no limit is None. Leaves exceedance to
`qc.rules.validity.exceedance`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from contracts.ingest import SeriesRef
from standards import limits, units

from qc.rules.validity.chain import OZONE
from qc.rules.validity.family import Family, profile_of

_AVERAGING = {"hour": "1h", "day": "day", "quarter": "quarter", "year": "year"}
PERMIT = "排污许可限值 limit of the permit, as registered"


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit in the unit of the series."""

    value: float
    source: str


def bound_of(ref: SeriesRef, family: Family, period: str, zone: Literal[1, 2], on: date) -> Bound | None:
    """The limit of a period on a day; the zone (1 or 2) counts for ambient air only.

    Source: GB 3095, the permit. Worked example: PM2.5 day, zone 2, 2026-03-01 → 60 µg/m³.
    """
    if profile_of(ref) == "ambient-air":
        averaging = "8h" if (ref.factor, period) == (OZONE, "day") else _AVERAGING.get(period, "")
        found = limits.ambient(ref.factor, averaging, zone, on)
        if found is None or not units.are_compatible(found.unit, ref.unit):
            return None
        return Bound(float(units.convert(found.value, found.unit, ref.unit)), found.source)
    holder = {"hour": family.hours, "day": family.days}.get(period)
    if holder is None or holder.permit_limit is None or not units.are_compatible(holder.unit, ref.unit):
        return None
    return Bound(float(units.convert(str(holder.permit_limit), holder.unit, ref.unit)), PERMIT)
