"""T1: nights that differ from days as they did not before.

Promises: the contrast is taken of residuals, so that weather and traffic that the network or the station's
other factors show too cancel. Leaves scanning to `scan`.
"""

import numpy as np

from qc.rules.falsify import scan
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.history import rarest_only
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Floats

# Local hours: night as the inspection guides call it, and the day it is compared with.
NIGHT_FROM, NIGHT_TO, DAY_FROM, DAY_TO = 22, 6, 8, 20


@register("T1")
def night_dumping(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches of days whose night stands off the day, by the network, the station, or the row itself [T1].

    Source: standards §6.1 T1. Worked example: conductivity × 3 from 22 to 6 h for three weeks → one finding.
    """
    known, found = reference(panel), []
    if panel.per_day < 8:
        return []
    first = contrasts_of(panel, known.best)
    second = contrasts_of(panel, known.cross)
    for all_rows in panel.of_factor.values():
        rows = [int(row) for row in all_rows if row in chosen.rows]
        tried = [scan.contrasts(scan.blocks(first[row], 1), 1, 3) for row in rows]
        other = [scan.contrasts(scan.blocks(second[row], 1), 1, 3) for row in rows]
        tried = [scan.agreed(a, b) or a for a, b in zip(tried, other, strict=True)]
        kin = scan.kin_of(tried)
        for row, one in zip(rows, tried, strict=True):
            for e in scan.excursions(one, kin, chosen.figure("threshold", row)):
                end = min(e.to_i * panel.per_day + _first_day(panel), panel.shape[1])
                where = Stretch(row, max(0, e.from_i * panel.per_day + _first_day(panel)), end)
                level = float(np.nanmedian(first[row, e.from_i : e.to_i]) - np.nanmedian(first[row]))
                if not abs(level) >= chosen.figure("least_effect", row) * known.unit[row]:
                    continue
                ratio = float(np.exp(level)) if known.logarithmic[row] else float("nan")
                figures = {"z": e.z, "ratio": ratio, "level": level, "nights": float(e.to_i - e.from_i)}
                found += judged(chosen, where, e.z, "night-dump", figures)
    return rarest_only(found)


def contrasts_of(panel: Panel, residual: Floats) -> Floats:
    """Mean of the night less mean of the day, per local day [S, D]; NaN where either has too few values."""
    hour, day = panel.hour_of_day, panel.day - panel.day[0]
    night, bright = (hour >= NIGHT_FROM) | (hour < NIGHT_TO), (hour >= DAY_FROM) & (hour < DAY_TO)
    days = int(day[-1]) + 1
    least = panel.per_day // 6
    means = []
    for part in (night, bright):
        at = np.flatnonzero(part)
        sums, counts = np.zeros((len(residual), days)), np.zeros((len(residual), days))
        for row, values in enumerate(residual):
            known = at[np.isfinite(values[at])]
            counts[row] = np.bincount(day[known], minlength=days)
            sums[row] = np.bincount(day[known], weights=values[known], minlength=days)
        means.append(np.where(counts >= least, sums / np.maximum(counts, 1), np.nan))
    contrast: Floats = means[0] - means[1]
    return contrast


def _first_day(panel: Panel) -> int:
    """The period at which the first local day begins, negative if it began before the panel."""
    return -int(panel.hour_of_day[0]) * panel.per_day // 24
