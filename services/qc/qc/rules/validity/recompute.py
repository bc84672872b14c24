"""Means and masses made anew from what they should be made of, beside what the device reported.

Promises: a mean does not depend on the order of its values; of several lawful ways of averaging (water: by
flow or plain) the one nearest to the report counts. Leaves which rows are valid to the verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from qc.rules.frame import LARGEST, MICRO
from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.source import once
from qc.rules.validity.dated import Dated, in_force, read

Item = Literal["hour-mean", "day-mean", "converted", "mass", "volume"]
Medium = Literal["gas", "water"]


class Tolerance(Dated, frozen=True, kw_only=True):
    """How far report and recomputation may lie apart: a share, or steps of the last digit if more."""

    item: Item
    medium: Medium
    relative: float
    steps: float


@once
def tolerances() -> tuple[Tolerance, ...]:
    """The packaged tolerances."""
    return read("recomputation", tuple[Tolerance, ...])


def tolerance(item: Item, medium: Medium, on: date) -> Tolerance:
    """The tolerance in force on a day; LookupError if there was none."""
    found = [t for t in in_force(tolerances(), on) if (t.item, t.medium) == (item, medium)]
    if not found:
        raise LookupError(f"no tolerance for the {item} of {medium} on {on}")
    return found[-1]


@dataclass(frozen=True, slots=True)
class Mean:
    """Per group: the mean (NaN where there is nothing) and the number of values in it."""

    value: Floats
    count: Ints


def plain_means(group: Ints, groups: int, value: Floats, is_valid: Flags) -> Mean:
    """Arithmetic means of the valid values of each group, exact to a millionth of the unit.

    Source: HJ 212-2017 appendix D. Worked example: 42, 55, 38 → 45.
    """
    rows = is_valid & (np.abs(value) < LARGEST)
    count = np.bincount(group[rows], minlength=groups)
    total = np.zeros(groups, dtype=np.int64)
    np.add.at(total, group[rows], np.rint(value[rows] * MICRO).astype(np.int64))
    return Mean(np.where(count > 0, total / MICRO / np.maximum(count, 1), np.nan), count)


def weighted_means(group: Ints, groups: int, value: Floats, flow: Floats, is_valid: Flags) -> Mean:
    """Means weighted by flow: Σ C·Q / Σ Q, over rows in which both are valid and water flowed.

    Source: HJ 212-2017 appendix D (weighted method). Worked example: COD 42, 55, 38 at 10, 30, 20 L/s →
    47.17.
    """
    rows = np.flatnonzero(is_valid & np.isfinite(value) & (flow > 0) & np.isfinite(flow))
    rows = rows[np.lexsort((value[rows], flow[rows], group[rows]))]
    weight = np.bincount(group[rows], weights=flow[rows], minlength=groups)
    total = np.bincount(group[rows], weights=value[rows] * flow[rows], minlength=groups)
    count = np.bincount(group[rows], minlength=groups)
    safe = np.where(weight > 0, weight, 1.0)
    return Mean(np.where(weight > 0, total / safe, np.nan), count)


def gas_mass(value: Floats, flow: Floats) -> Floats:
    """kg per hour from mg/m³ and dry standard m³/h: C·Q·10⁻⁶.

    Source: HJ 212-2017 appendix D. Worked example: 28 mg/m³ × 235,734 m³/h → 6.601 kg/h.
    """
    return value * flow * 1e-6


def water_mass(value: Floats, flow: Floats, seconds: float) -> Floats:
    """kg in a slice from mg/L, L/s and its length in s: D = Q·T·10⁻³ m³, G = C·D·10⁻³.

    Source: HJ 212-2017 appendix D. Worked example: 50 mg/L × 10 L/s × 3,600 s → 1.8 kg.
    """
    return value * flow * seconds * 1e-6


def sums(group: Ints, groups: int, value: Floats) -> Floats:
    """The sum of each group's known values, NaN where there are none. Source: HJ 212-2017 appendix D, G_d =
    ΣG_h.
    """
    rows = np.flatnonzero(np.isfinite(value))
    rows = rows[np.lexsort((value[rows], group[rows]))]
    total = np.bincount(group[rows], weights=value[rows], minlength=groups)
    return np.where(np.bincount(group[rows], minlength=groups) > 0, total, np.nan)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Per row: the figure made anew (the nearest of the lawful ones), its distance from the report, what is
    allowed, could it be compared, and does it differ.
    """

    value: Floats
    difference: Floats
    allowed: Floats
    ran: Flags
    differs: Flags


def compared(
    reported: Floats, lawful: Sequence[Floats], enough: Flags, resolution: float, allowed: Tolerance
) -> Comparison:
    """The report beside the figures that may lawfully stand there; `enough`: made of enough valid values.

    `resolution` is one step of the last digit reported. Source: the tolerance. Worked example: reported
    50.0 for 41.3, 0.5 % and one step of 0.1 → differs by 8.7, 0.2065 allowed.
    """
    away = np.stack([np.abs(reported - figure) for figure in lawful])
    nearest = np.argmin(np.where(np.isnan(away), np.inf, away), axis=0)
    columns = np.arange(len(reported))
    value = np.stack(lawful)[nearest, columns]
    difference = away[nearest, columns]
    bound = np.fmax(allowed.relative * np.abs(value), allowed.steps * resolution)
    ran = enough & np.isfinite(difference)
    # Binary fractions: 0.1 is not ten times 0.01.
    differs = ran & (difference > bound * (1 + 1e-9))
    return Comparison(value, difference, bound, ran, differs)
