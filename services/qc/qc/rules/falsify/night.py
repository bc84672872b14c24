"""T1: nights that differ from days as they did not before.

Promises: the contrast is taken of residuals, so that weather and traffic that the network or the station's
other factors show too cancel. Leaves scanning to `scan`.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import scan
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.history import rarest_only
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Flags, Floats

# Local hours: night as the inspection guides call it, and the day it is compared with.
NIGHT_FROM, NIGHT_TO, DAY_FROM, DAY_TO = 22, 6, 8, 20
# Days of a file, and of a stretch in it, that can be told apart at all; keeps equal nights from infinity.
LEAST_DAYS, SHORTEST, TINY = 20, 5, 1e-6


@register("T1")
def night_dumping(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches of days whose night stands off the day, by the network, the station, or the row itself [T1].

    Source: standards §6.1 T1. Worked example: conductivity × 3 from 22 to 6 h for three weeks → one finding.
    """
    known, found = reference(panel), []
    if panel.per_day < 6:
        return []
    first = contrasts_of(panel, known.best)
    alone = _nights_alone(panel, chosen, first)
    if panel.per_day < 8:
        return alone
    second = contrasts_of(panel, known.cross)
    for all_rows in panel.of_factor.values():
        rows = [int(row) for row in all_rows if row in chosen.rows]
        if not rows:
            continue
        tried, other = (
            scan.contrasts(np.array([scan.blocks(part[row], 1) for row in rows]), 1, 3)
            for part in (first, second)
        )
        tried = [both or alone for both, alone in zip(scan.agreed(tried, other), tried, strict=True)]
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
    return rarest_only(found + alone)


def _nights_alone(panel: Panel, chosen: Chosen, contrasts: Floats) -> list[Finding]:
    """The same in a file too short, and without the neighbours, to tell what stretches as long usually do."""
    known, found = reference(panel), list[Finding]()
    for row in chosen.rows:
        days = contrasts.shape[1]
        if days > chosen.figure("alone_days", row) or np.isfinite(known.network[row]).any():
            continue
        s = standing_out(contrasts[row])
        if s is None or not s.level >= chosen.figure("least_effect", row) * known.unit[row]:
            continue
        first = _first_day(panel)
        where = Stretch(
            row,
            max(0, s.from_i * panel.per_day + first),
            min(s.to_i * panel.per_day + first, panel.shape[1]),
        )
        ratio = float(np.exp(s.level)) if known.logarithmic[row] else float("nan")
        figures = {"z": s.z, "ratio": ratio, "level": s.level, "nights": float(s.to_i - s.from_i)}
        found += judged(chosen, where, s.z * chosen.figure("alone", row), "night-dump", figures)
    return found


@dataclass(frozen=True, slots=True)
class Nights:
    """Days [from_i, to_i) whose nights stand `level` higher than those of all other days, `z` deviations."""

    from_i: int
    to_i: int
    level: float
    z: float


def standing_out(contrast: Floats) -> Nights | None:
    """The stretch of days [D] whose contrast is most above that of the rest, None with fewer than 20 days.

    One day is nearly as good as independent of the next; what is left of that widens the deviation by
    √((1 + ρ)/(1 - ρ)). Where what stands lower touches an end, the rest stands higher. Worked example: 30 of
    90 days +0.3 upon noise of 0.1 → z ~ 13 over those days.
    """
    at = np.flatnonzero(np.isfinite(contrast))
    x, n = contrast[at], len(at)
    if n < LEAST_DAYS:
        return None
    total, best = np.concatenate([[0.0], np.cumsum(x)]), None
    length = SHORTEST
    while length <= n // 2:
        for a in range(0, n - length + 1, max(1, length // 8)):
            b = a + length
            inside = (total[b] - total[a]) / length
            outside = (total[n] - total[b] + total[a]) / (n - length)
            level = float(inside - outside)
            if level < 0 and a > 0 and b < n:
                continue
            rest = np.where((np.arange(n) >= a) & (np.arange(n) < b), x - inside, x - outside)
            wide = float(rest.var()) + TINY
            rho = min(0.9, max(0.0, float((rest[1:] * rest[:-1]).mean()) / wide))
            noise = np.sqrt(wide * (1 + rho) / (1 - rho) * (1 / length + 1 / (n - length)))
            z = abs(level) / float(noise)
            if best is None or z > best.z:
                first, last = (a, b) if level >= 0 else (b, n) if a == 0 else (0, a)
                best = Nights(int(at[first]), int(at[last - 1]) + 1, abs(level), z)
        length = int(np.ceil(1.4 * length))
    return best


def contrasts_of(panel: Panel, residual: Floats) -> Floats:
    """Mean of the night less mean of the day, per local day [S, D]; NaN where either has too few values."""
    hour, day = panel.hour_of_day, panel.day - panel.day[0]
    night, bright = night_of(panel), (hour >= DAY_FROM) & (hour < DAY_TO)
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


def night_of(panel: Panel) -> Flags:
    """Which periods begin at night [N]."""
    night: Flags = (panel.hour_of_day >= NIGHT_FROM) | (panel.hour_of_day < NIGHT_TO)
    return night


def _first_day(panel: Panel) -> int:
    """The period at which the first local day begins, negative if it began before the panel."""
    return -int(panel.hour_of_day[0]) * panel.per_day // 24
