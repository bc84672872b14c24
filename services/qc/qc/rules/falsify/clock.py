"""C1: times that are not the instrument's own: shifted stretches, late first receipts, rewritten values.

Promises: a shift is told from the values alone; receipts and first values are judged where they were kept.
"""

import numpy as np

from qc.rules.falsify import lag
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.history import rarest_only
from qc.rules.falsify.panel import HOUR_MS, Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Flags, Floats

# Of what standing in place spares the rest of a row a moved stretch gives back most, and a reference that is
# worth anything spares a quarter (proposals: UCI 360, made ones; so does Beijing, UCI 501).
RESTORED, TELLING = 0.75, 0.25


@register("C1")
def clock(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches that fit network and station (without a network the station's other factors) better at
    another hour [C1].

    The statistic is z × min(1, gain / full_gain) × min(1, days / full_days) × what `like_a_shift` says: a
    short or slight improvement is common. Source: standards §6.1 C1.
    Worked example: a week of PM2.5 copied from 5 h earlier → lag 5, gain ~ 0.5.
    """
    known, found = reference(panel), []
    if panel.per_day < 8:
        return []
    for row in chosen.rows:
        if np.isfinite(known.y[row]).sum() < chosen.test.min_n:
            continue
        # The network with what the station's other factors add hour by hour tells hours apart best.
        own = known.joint if np.isfinite(known.network[row]).any() else known.cross
        if not np.isfinite(own[row]).any():
            continue
        least = chosen.figure("threshold", row)
        for s in lag.shifts(known.y[row], known.y[row] - own[row], panel.per_day, least):
            days = (s.to_i - s.from_i) / panel.per_day
            trust = min(1.0, s.gain / chosen.figure("full_gain", row)) * min(
                1.0, days / chosen.figure("full_days", row)
            )
            trust *= like_a_shift(s)
            figures = {"lag_hours": s.lag * panel.step_ms / HOUR_MS, "gain": s.gain, "z": s.z, "days": days}
            where = Stretch(row, s.from_i, s.to_i)
            beside = [
                Stretch(int(r), s.from_i, s.to_i) for r in panel.of_factor[panel.factor[row]] if r != row
            ]
            found += judged(chosen, where, s.z * trust, "shift-time", figures, beside[:5])
    return rarest_only(found) + _receipts(panel, chosen)


def like_a_shift(s: lag.Shift) -> float:
    """How far a shift gives back what standing in place is worth to the rest of the row, 0–1.

    The best of all lags and places fits better somewhere by chance: where the reference says little of the
    row at all, or where most of what it says is not found there either. Worked example: in place spares 70 %
    of the loss, moved back 30 % → 0.3 / (0.75 × 0.7) = 0.57.
    """
    if s.usual <= 0:
        return 0.0
    return min(1.0, s.gain / (RESTORED * s.usual)) * min(1.0, s.usual / TELLING)


def _receipts(panel: Panel, chosen: Chosen) -> list[Finding]:
    found = []
    extras = panel.extras
    for row in chosen.rows:
        if extras.first is not None:
            for a, b in runs(rewritten(panel.value[row], extras.first[row], float(panel.resolution[row]))):
                gap = float(np.nanmax(np.abs(panel.value[row, a:b] - extras.first[row, a:b])))
                figures = {"periods": float(b - a), "difference": gap}
                found += judged(chosen, Stretch(row, a, b), chosen.figure("strong", row), "other", figures)
        if extras.delay_ms is not None:
            late = extras.delay_ms[row] > chosen.figure("late_hours", row) * HOUR_MS
            for a, b in runs(late):
                hours = float(np.nanmax(extras.delay_ms[row, a:b])) / HOUR_MS
                # Late data are common; alone they weigh a third.
                third = chosen.figure("threshold", row) * 2 / 3 + chosen.figure("strong", row) / 3
                found += judged(chosen, Stretch(row, a, b), third, "other", {"delay_hours": hours})
    return found


def rewritten(value: Floats, first: Floats, resolution: float) -> Flags:
    """Where a stored value is not the one first received [N].

    Worked example: first 82, later 61 → True; 82 and 82 → False; nothing received first → False.
    """
    allowed = resolution / 2 if np.isfinite(resolution) else 0.0
    return np.isfinite(first) & np.isfinite(value) & (np.abs(value - first) > allowed)


def runs(flags: Flags, least: int = 1, join: int = 0) -> list[tuple[int, int]]:
    """Runs [a, b) of at least `least` set flags; runs at most `join` apart are one.

    Worked example: runs([F, T, T, F, T], 1) → [(1, 3), (4, 5)].
    """
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    found: list[tuple[int, int]] = []
    for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and a - found[-1][1] <= join and join > 0:
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return [(a, b) for a, b in found if b - a >= least]
