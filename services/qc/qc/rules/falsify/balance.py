"""X2, X3, X5, X8, X9, X10: figures that must follow from others by the standard's own formula.

Promises: the formulas are pure functions over explicit inputs; a period in which an input is missing is not
judged. Which row plays which part is data of the pack (`role`).
"""

import numpy as np

from qc.rules.falsify.catalogue import register
from qc.rules.falsify.clock import runs
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import HOUR_MS, Panel
from qc.rules.outcome import Floats


def nox_gap(nox: Floats, no2: Floats, no: Floats, per_mass: float) -> Floats:
    """|NOx - (NO2 + k·NO)| / NOx; k = 46/30 as NO2 mass, 1 by volume [N].

    Source: standards §6.1 X2. Worked example: NOx 100, NO2 20, NO 30, k 1.533 → 0.34.
    """
    with np.errstate(all="ignore"):
        return np.where(nox > 0, np.abs(nox - (no2 + per_mass * no)) / nox, np.nan)


def conversion_gap(converted: Floats, measured: Floats, oxygen: Floats, reference_oxygen: float) -> Floats:
    """|Zs - C·(21 - O2s)/(21 - O2)| / Zs; not judged at O2 of 20 % and above [N].

    Source: HJ 75-2017 conversion; standards §6.1 X3. Worked example: C 100, O2 11, O2s 6, Zs 120 → 0.25.
    """
    with np.errstate(all="ignore"):
        due = measured * (21.0 - reference_oxygen) / (21.0 - oxygen)
        return np.where((oxygen < 20.0) & (converted > 0), np.abs(converted - due) / converted, np.nan)


def saturation(celsius: Floats) -> Floats:
    """Water vapour at saturation, per cent by volume at 101.325 kPa (Magnus formula) [N].

    Worked example: 50 °C → 12.2 %.
    """
    with np.errstate(all="ignore"):
        hectopascal = 6.112 * np.exp(17.62 * celsius / (243.12 + celsius))
        return np.where((celsius > 0) & (celsius < 100), 100.0 * hectopascal / 1013.25, np.nan)


def mass_gap(total: Floats, concentration: Floats, flow: Floats) -> Floats:
    """|Cou - C·Q| / Cou with C in mg/m³ (mg/L), Q in m³ of the period (m³ → L for water), Cou in kg [N].

    Source: HJ 212-2017 appendix; standards §6.1 X8. Worked example: 50 mg/m³ in 10,000 m³, Cou 0.4 kg → 0.25.
    """
    with np.errstate(all="ignore"):
        return np.where(total > 0, np.abs(total - concentration * flow * 1e-6) / total, np.nan)


def mean_gap(reported: Floats, recomputed: Floats, resolution: float) -> Floats:
    """|hour - mean of its minutes| / hour, 0 within one last digit [N].

    Source: standards §6.1 X9 (0.5 % or one digit). Worked example: 80 reported, minutes 100 → 0.25.
    """
    with np.errstate(all="ignore"):
        gap = np.abs(reported - recomputed)
        small = gap <= (resolution if np.isfinite(resolution) else 0.0)
        return np.where(small, 0.0, gap / np.fmax(np.abs(reported), 1e-12) + 0 * reported * recomputed)


def _row(panel: Panel, chosen: Chosen, rows: list[int], role: int) -> int:
    return next((r for r in rows if chosen.figure("role", r) == role), -1)


def _told(panel: Panel, chosen: Chosen, row: int, gap: Floats, beside: list[int], name: str) -> list[Finding]:
    """Runs of at least `hours` in which the gap exceeds the threshold; the statistic is their median gap."""
    found = []
    least = max(1, round(chosen.figure("hours", row) * HOUR_MS / panel.step_ms))
    for a, b in runs(np.nan_to_num(gap, nan=-1.0) > chosen.figure("threshold", row), least):
        figures = {name: float(np.median(gap[a:b])), "periods": float(b - a)}
        evidence = [Stretch(r, a, b) for r in beside]
        found += judged(chosen, Stretch(row, a, b), figures[name], "other", figures, evidence)
    return found


@register("X2")
def nitrogen_oxides(panel: Panel, chosen: Chosen) -> list[Finding]:
    """NOx against NO2 and NO of the same station; roles 1, 2, 3 [X2]."""
    found = []
    for rows in panel.of_station.values():
        mine = [int(r) for r in rows if int(r) in chosen.rows]
        nox, no2, no = (_row(panel, chosen, mine, role) for role in (1, 2, 3))
        if min(nox, no2, no) >= 0:
            # By volume (ppb, ppm) the sum is plain.
            k = 1.0 if panel.unit[nox].startswith("pp") else chosen.figure("per_mass", nox)
            gap = nox_gap(panel.value[nox], panel.value[no2], panel.value[no], k)
            found += _told(panel, chosen, nox, gap, [no2, no], "gap")
    return found


@register("X3")
def oxygen_conversion(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Reported conversion to reference oxygen against the formula; the station's oxygen has role 9 [X3]."""
    found: list[Finding] = []
    if panel.extras.converted is None:
        return found
    for rows in panel.of_station.values():
        mine = [int(r) for r in rows if int(r) in chosen.rows]
        oxygen = _row(panel, chosen, mine, 9)
        for row in mine if oxygen >= 0 else []:
            if row != oxygen:
                due = chosen.figure("reference_oxygen", row)
                gap = conversion_gap(panel.extras.converted[row], panel.value[row], panel.value[oxygen], due)
                found += _told(panel, chosen, row, gap, [oxygen], "gap")
    return found


@register("X5")
def wet_scrubber(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Moisture behind a wet scrubber far from saturation at the gas temperature; roles 1 and 2 [X5]."""
    found = []
    for rows in panel.of_station.values():
        mine = [int(r) for r in rows if int(r) in chosen.rows]
        moisture, warmth = _row(panel, chosen, mine, 1), _row(panel, chosen, mine, 2)
        if min(moisture, warmth) >= 0:
            gap = np.abs(panel.value[moisture] - saturation(panel.value[warmth]))
            found += _told(panel, chosen, moisture, gap, [warmth], "points")
    return found


@register("X8")
def reported_mass(panel: Panel, chosen: Chosen) -> list[Finding]:
    """The reported mass of a period against concentration × flow; the flow (m³ a period) has role 9 [X8]."""
    found: list[Finding] = []
    if panel.extras.total is None:
        return found
    for rows in panel.of_station.values():
        mine = [int(r) for r in rows if int(r) in chosen.rows]
        flow = _row(panel, chosen, mine, 9)
        for row in mine if flow >= 0 else []:
            if row != flow:
                scale = 1e3 if panel.unit[row].lower().endswith("/l") else 1.0
                gap = mass_gap(panel.extras.total[row], panel.value[row] * scale, panel.value[flow])
                found += _told(panel, chosen, row, gap, [flow], "gap")
    return found


@register("X9")
def own_minutes(panel: Panel, chosen: Chosen) -> list[Finding]:
    """The reported mean of a period against its own minutes [X9]."""
    found: list[Finding] = []
    for row in chosen.rows if panel.extras.from_minutes is not None else ():
        assert panel.extras.from_minutes is not None
        gap = mean_gap(panel.value[row], panel.extras.from_minutes[row], float(panel.resolution[row]))
        found += _told(panel, chosen, row, gap, [], "gap")
    return found


@register("X10")
def idle_treatment(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Treatment without power while its outlet reports usual values; the power row has role 9 [X10].

    Source: standards §6.1 X10 (power against emission). The statistic is hours. Worked example: 0 kWh for
    24 h with SO2 at its usual level → 24 h.
    """
    found = []
    for rows in panel.of_station.values():
        mine = [int(r) for r in rows if int(r) in chosen.rows]
        power = _row(panel, chosen, mine, 9)
        if power < 0 or not np.isfinite(panel.value[power]).any():
            continue
        usual = float(np.nanquantile(panel.value[power], 0.9))
        idle = np.nan_to_num(panel.value[power], nan=np.inf) < chosen.figure("idle", power) * usual
        for row in mine:
            column = panel.value[row]
            if row == power or not np.isfinite(column).any():
                continue
            busy = np.isfinite(column[~idle])
            if not busy.any() or usual <= 0:
                continue
            low, high = np.nanquantile(column[~idle], [0.1, 0.9])
            normal = (np.nan_to_num(column, nan=-np.inf) >= low) & (column <= high)
            for a, b in runs(idle & normal):
                hours = (b - a) * panel.step_ms / HOUR_MS
                found += judged(
                    chosen, Stretch(row, a, b), hours, "other", {"hours": hours}, [Stretch(power, a, b)]
                )
    return found
