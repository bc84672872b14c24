"""The series of one figure: its minutes, hours and days, its sums, the flow beside it, and what kind it is.

Promises: series are matched by site, factor, statistic, basis and source; nothing is guessed across sources
except the flow and the oxygen, of which a site has one. Leaves reading them to the flows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.ingest import SeriesRef

from qc.rules.validity.chain import Profile
from qc.rules.validity.recompute import Medium

WATER = frozenset({"water", "waste_water", "drinking_water", "groundwater", "sea_water"})
GAS_FLOW, WATER_FLOW, OXYGEN = "a00000", "w00000", "a19001"


@dataclass(frozen=True, slots=True)
class Family:
    """A figure's series, None where the site has none. `total` is the sum the device reports (Cou)."""

    minutes: SeriesRef | None
    hours: SeriesRef | None
    days: SeriesRef | None
    raw_hours: SeriesRef | None
    flow_minutes: SeriesRef | None
    flow_hours: SeriesRef | None
    oxygen_hours: SeriesRef | None
    hour_total: SeriesRef | None
    day_total: SeriesRef | None

    @property
    def members(self) -> list[SeriesRef]:
        """Every series there is."""
        return [ref for name in self.__slots__ if (ref := getattr(self, name)) is not None]


def medium_of(ref: SeriesRef) -> Medium:
    """Whether a series is of water or of gas. Worked example: element waste_water → water; waste_gas, air →
    gas.
    """
    return "water" if ref.element in WATER else "gas"


def profile_of(ref: SeriesRef) -> Profile:
    """Which standards judge a series. Worked example: an outlet of waste gas → flue-gas (HJ 75)."""
    if ref.site_kind == "outlet":
        return "waste-water" if medium_of(ref) == "water" else "flue-gas"
    return "surface-water" if medium_of(ref) == "water" else "ambient-air"


def family_of(ref: SeriesRef, site: Sequence[SeriesRef]) -> Family:
    """The family of a series among all series of its site."""
    flow = WATER_FLOW if medium_of(ref) == "water" else GAS_FLOW

    def own(period: str, statistic: str = "avg", basis: str = ref.basis) -> SeriesRef | None:
        return next(
            (
                one
                for one in site
                if (one.factor, one.source) == (ref.factor, ref.source)
                and (one.period, one.statistic, one.basis) == (period, statistic, basis)
            ),
            None,
        )

    def beside(factor: str, period: str) -> SeriesRef | None:
        found = [one for one in site if (one.factor, one.period, one.statistic) == (factor, period, "avg")]
        return next((one for one in found if one.source == ref.source), found[0] if found else None)

    return Family(
        minutes=own("min"),
        hours=own("hour"),
        days=own("day"),
        raw_hours=own("hour", basis="raw") if ref.basis == "converted" else None,
        flow_minutes=beside(flow, "min"),
        flow_hours=beside(flow, "hour"),
        oxygen_hours=beside(OXYGEN, "hour"),
        hour_total=own("hour", "cou", "raw"),
        day_total=own("day", "cou", "raw"),
    )
