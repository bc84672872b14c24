"""M1–M4 and C2: marks and gaps where they serve the discharger.

Promises: a gap of the whole station is nobody's choice of a factor and is left out where other series tell.
Leaves chance to `absent`.
"""

import numpy as np

from qc.rules.falsify import absent
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.clock import runs
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Kind, Stretch
from qc.rules.falsify.panel import HOUR_MS, Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Flags, Floats

# HJ 212-2017 table 8: maintenance, calibration, fault, shut-down; N and 0 are normal.
EXCUSES = tuple(ord(letter) for letter in "MCDFS")
CALIBRATION, SHUT_DOWN = ord("C"), ord("S")


@register("M1")
def mark_abuse(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Marks that fall on what would have been high, by the network or the station's other factors [M1].

    The statistic is z × lift / 0.3 (lift: mean rank of the marked periods above the middle). Source:
    standards §6.1 M1 (Fisher's exact test there; moving the marks along the row keeps their own runs).
    Worked example: a month in which every hour above the 80 % quantile is marked M → lift ~ 0.4.
    """
    return _absences(panel, chosen, np.isin(panel.mark, EXCUSES), "mark-when-high")


@register("C2")
def gaps(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Gaps that fall on what would have been high [C2]. Source: standards §6.1 C2, as M1."""
    missing = ~np.isfinite(panel.value) & ~np.isin(panel.mark, EXCUSES)
    for rows in panel.of_station.values():
        if len(rows) > 1:
            missing[rows] &= np.isfinite(panel.value[rows]).any(axis=0)
    return _absences(panel, chosen, missing, "gap-when-high")


def _absences(panel: Panel, chosen: Chosen, away: Flags, kind: Kind) -> list[Finding]:
    expected, found = reference(panel).expected, []
    for row in chosen.rows:
        told = expected[row]
        if not np.isfinite(told).any():
            # Alone, what lay just before and after says a little.
            told = _bridged(panel.value[row])
        for a in absent.absences(away[row], told, panel.per_day, 1.0, int(chosen.figure("least", row))):
            figures = {"z": a.z, "periods": float(a.hours), "lift": a.lift, "odds": a.odds}
            if a.odds >= chosen.figure("odds", row):
                found += judged(chosen, Stretch(row, a.from_i, a.to_i), a.z * a.lift / 0.3, kind, figures)
    return found


def _bridged(row: Floats) -> Floats:
    known = np.flatnonzero(np.isfinite(row))
    return np.interp(np.arange(len(row)), known, row[known]) if len(known) > 1 else np.full(len(row), np.nan)


@register("M2")
def mark_timing(panel: Panel, chosen: Chosen) -> list[Finding]:
    """The share of marks that begin around an exceedance of the limit [M2].

    Source: standards §6.1 M2: from 1 h before to 2 h after the first period above the limit. Worked
    example: 9 of 10 marks begin the hour after an exceedance → share 0.9.
    """
    found = []
    for row in chosen.rows:
        limit = float(panel.limit[row])
        starts = np.array([a for a, _ in runs(np.isin(panel.mark[row], EXCUSES))], dtype=np.int64)
        if not np.isfinite(limit) or len(starts) < chosen.test.min_n:
            continue
        high = np.nan_to_num(panel.value[row], nan=-np.inf) > limit
        firsts = np.array([a for a, _ in runs(high)], dtype=np.int64)
        before, after = round(HOUR_MS / panel.step_ms), round(2 * HOUR_MS / panel.step_ms)
        near = np.array([((firsts >= s - after) & (firsts <= s + before)).any() for s in starts])
        share = float(near.mean())
        # What as many marks would meet if they were laid anywhere.
        reach = (
            np.convolve(np.isin(np.arange(panel.shape[1]), firsts), np.ones(before + after + 1), "same") > 0
        )
        if share > 2 * float(reach.mean()) + 0.1:
            where = Stretch(row, int(starts[0]), int(starts[-1]) + 1)
            figures = {"share": share, "by_chance": float(reach.mean()), "marks": float(len(starts))}
            found += judged(chosen, where, share, "mark-when-high", figures)
    return found


@register("M3")
def calibration_misuse(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Calibrations far more often, or longer, than the schedule asks [M3]; per day and row.

    Source: standards §6.1 M3. Worked example: schedule 1 a day, 4 calibrations on a day → statistic 4.
    """
    found = []
    day = panel.day - panel.day[0]
    for row in chosen.rows:
        spans = runs(panel.mark[row] == CALIBRATION)
        if not spans:
            continue
        times = np.bincount(day[[a for a, _ in spans]], minlength=int(day[-1]) + 1) / chosen.figure(
            "per_day", row
        )
        for a, b in runs(times >= chosen.figure("threshold", row)):
            inside = np.flatnonzero((day >= a) & (day < b))
            where = Stretch(row, int(inside[0]), int(inside[-1]) + 1)
            most = float(times[a:b].max())
            found += judged(
                chosen, where, most, "mark-when-high", {"times_schedule": most, "days": float(b - a)}
            )
        for a, b in spans:
            hours = (b - a) * panel.step_ms / HOUR_MS
            share = hours / chosen.figure("hours", row) * chosen.figure("threshold", row)
            found += judged(chosen, Stretch(row, a, b), share, "mark-when-high", {"hours": hours})
    return found


@register("M4")
def contradictory_mark(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Shut-down marked while flow, velocity or load runs; `running` is the least share of its usual value
    [M4].

    Source: standards §6.1 M4: any two hours. Worked example: S for 6 h while the flow stays at 90 % → 6 h.
    """
    found = []
    for rows in panel.of_station.values():
        signs = [int(r) for r in rows if chosen.figures["process"][int(r)] == 1]
        for sign in signs:
            value = panel.value[sign]
            usual = float(np.nanmedian(value)) if np.isfinite(value).any() else float("nan")
            runs_on = np.nan_to_num(value, nan=-np.inf) > chosen.figure("running", sign) * usual
            for row in (int(r) for r in rows):
                for a, b in runs((panel.mark[row] == SHUT_DOWN) & runs_on & (usual > 0)):
                    hours = (b - a) * panel.step_ms / HOUR_MS
                    where, beside = Stretch(row, a, b), [Stretch(sign, a, b)]
                    figures = {"hours": hours, "share": float(np.nanmean(value[a:b]) / usual)}
                    if row in chosen.rows:
                        found += judged(chosen, where, hours, "mark-when-high", figures, beside)
    return found
