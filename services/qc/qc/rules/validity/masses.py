"""Emission masses of hours and days: made anew, beside the sum the device reported, and substituted where
the standard has it.

Promises: a substituted mass stands beside the measured one, never in its place; units are checked, never
assumed. Leaves the table of substitution to the packaged data.
"""

from dataclasses import dataclass

import numpy as np
from contracts.ingest import SeriesRef
from standards import units

from qc.rules.outcome import Floats, Ints
from qc.rules.validity.chain import Hours, JudgedHours, Profile
from qc.rules.validity.completeness import Validity
from qc.rules.validity.periods import Period, number_of
from qc.rules.validity.recompute import Medium, gas_mass, sums, water_mass
from qc.rules.validity.substitution import (
    NOT_DUE,
    OTHER,
    VALID,
    Substituted,
    Substitution,
    substituted,
)

HOUR_SECONDS = 3600.0
# The units in which the formulas of HJ 212-2017 appendix D stand: concentration, flow.
FORMULA: dict[Medium, tuple[str, str]] = {"gas": ("mg/m3", "m3/h"), "water": ("mg/L", "L/s")}


def factor_to(unit: str, wanted: str) -> float | None:
    """What a value in `unit` is multiplied by to be in `wanted`; None where they do not measure the same.

    Worked example: ug/m3 → mg/m3 0.001; m3/s → m3/h 3,600.
    """
    return float(units.convert(1, unit, wanted)) if units.are_compatible(unit, wanted) else None


def hour_masses(ref: SeriesRef, flow: SeriesRef, medium: Medium, hours: Hours) -> Floats | None:
    """kg in each hour from concentration and flow in their own units; None if a unit does not fit.

    Source: HJ 212-2017 appendix D. Worked example: 28 mg/m³ × 235,734 m³/h → 6.601 kg.
    """
    wanted = FORMULA[medium]
    scale, pace = factor_to(ref.unit, wanted[0]), factor_to(flow.unit, wanted[1])
    if scale is None or pace is None:
        return None
    if medium == "gas":
        return gas_mass(hours.value * scale, hours.flow * pace)
    return water_mass(hours.value * scale, hours.flow * pace, HOUR_SECONDS)


@dataclass(frozen=True, slots=True)
class Masses:
    """Parts (hours of gas, days of water) on a regular grid: start, mass of the valid ones (kg, NaN
    otherwise), why (see `substitution`), what stands in.
    """

    ts: Ints
    mass: Floats
    why: Ints
    substituted: Substituted


def part_masses(
    profile: Profile,
    hours: Hours,
    done: JudgedHours,
    mass: Floats,
    grid: Ints,
    table: tuple[Substitution, ...],
) -> Masses:
    """Masses of every hour of `grid` (starts, regular), with what stands in for those that are not valid.

    Source: HJ 75-2017 missing data. An hour nobody reported is invalid; one that was not due stays empty.
    """
    at = np.searchsorted(grid, hours.ts, side="right") - 1
    value, why = np.full(len(grid), np.nan), np.full(len(grid), OTHER)
    usable = done.is_valid & np.isfinite(mass)
    value[at[usable]] = mass[usable]
    why[at[usable]] = VALID
    why[at[done.is_exempt]] = NOT_DUE
    return Masses(grid, value, why, substituted(grid, value, why, profile, table))


def day_masses(profile: Profile, days: Validity, of_hours: Masses, table: tuple[Substitution, ...]) -> Masses:
    """Masses of days from those of their hours; a day that is not valid is substituted as a whole.

    Source: HJ 356-2019 missing data. Worked example: a day with 17 of 24 hours → not valid, substituted.
    """
    day, starts, is_valid = days.number, days.start, days.state
    group = np.searchsorted(day, number_of("day", of_hours.ts))
    total = sums(group, len(day), of_hours.mass)
    why = np.where(is_valid == 1, VALID, np.where(is_valid == 0, OTHER, NOT_DUE))
    measured = np.where(is_valid == 1, total, np.nan)
    return Masses(starts, measured, why, substituted(starts, measured, why, profile, table))


def by_period(period: Period, number: Ints, masses: Masses) -> tuple[Floats, Floats, Ints]:
    """Measured and substituted kg per period, and how many parts are substituted."""
    group = np.searchsorted(number, number_of(period, masses.ts))
    inside = group < len(number)
    inside[inside] = number[group[inside]] == number_of(period, masses.ts[inside])
    put = masses.substituted.mass[inside]
    filled = np.bincount(group[inside][np.isfinite(put)], minlength=len(number))
    measured = sums(group[inside], len(number), masses.mass[inside])
    return measured, sums(group[inside], len(number), put), filled
