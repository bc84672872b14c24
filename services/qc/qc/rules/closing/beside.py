"""What a day close knows beside the values: where sites lie, masses as reported, checks of instruments.

Promises: pure; plain data, so that it can be asked of another process. A mass is only compared where the
flow's unit says how many cubic metres a period has. Leaves reading the registers to the flows.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from standards import units

from qc.rules.falsify.extras import Check, Extras
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats

FLOW = ("w00000", "a00000")


class Mass(msgspec.Struct, frozen=True, kw_only=True):
    """A member's reported mass of the period that begins at `ts`, kg."""

    member: int
    ts: int
    kg: float


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a member's instrument: what was read, what it should have been, what is allowed."""

    member: int
    at_ms: int
    standard: float
    reading: float
    allowed: float


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """`places` are longitude and latitude by site; everything may be empty."""

    places: Mapping[str, tuple[float, float]] = {}
    masses: Sequence[Mass] = ()
    checks: Sequence[Checked] = ()


NOTHING_BESIDE = Beside()


def cubic_metres(unit: str, step_ms: int) -> float | None:
    """How many m³ a period has at a flow of 1 `unit`, None if the unit is no flow.

    Worked example: L/s over an hour → 3.6; m3/h → 1; mg/L → None.
    """
    for rate, seconds in (("m3/s", step_ms / 1000), ("m3", 1.0)):
        try:
            if units.are_compatible(unit, rate):
                return float(units.convert(1, unit, rate)) * seconds
        except (LookupError, ValueError):
            continue
    return None


def extras_of(beside: Beside, panel: Panel, places: Sequence[int]) -> Extras:
    """The extras of a panel whose rows are these members."""
    row_of = {member: row for row, member in enumerate(places)}
    total = _totals(beside, panel, row_of)
    checks = tuple(
        Check(
            row=row_of[one.member],
            at_i=(one.at_ms - panel.start_ms) // panel.step_ms,
            standard=one.standard,
            reading=one.reading,
            allowed=one.allowed,
            hours=0.0,
        )
        for one in beside.checks
        if one.member in row_of
    )
    return Extras(total=total, checks=checks or None)


def _totals(beside: Beside, panel: Panel, row_of: Mapping[int, int]) -> Floats | None:
    """Masses as the test compares them: divided by the m³ of a period at a flow of 1, the panel's flow being
    a rate.
    """
    per_station = {
        panel.station[row]: cubic_metres(panel.unit[row], panel.step_ms)
        for row in range(panel.shape[0])
        if panel.factor[row] in FLOW
    }
    total = np.full(panel.shape, np.nan)
    for one in beside.masses:
        row = row_of.get(one.member, -1)
        volume = per_station.get(panel.station[row]) if row >= 0 else None
        at = (one.ts - panel.start_ms) // panel.step_ms
        if volume and 0 <= at < panel.shape[1]:
            total[row, at] = one.kg / volume
    return total if np.isfinite(total).any() else None
