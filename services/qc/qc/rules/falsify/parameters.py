"""P1 and P2: instruments whose parameters change without a work order, and checks too good to be true.

Promises: judges logs given in `Extras`; what the values alone show of a changed slope is S1's, X6's and T2's.
"""

from collections.abc import Sequence

import numpy as np

from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.extras import Check, ParameterChange
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel

# HJ 212-2017 appendix B.
INTERCEPT = "i13007"


@register("P1")
def tampered(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Changes of slope, intercept, range, oxygen or area without a work order, until they are taken back
    [P1].

    The statistic is 1 for a change without order, plus the relative distance from the value at acceptance
    over 20 %. Source: standards §6.1 P1. Worked example: k 1.00 → 0.70 without order, accepted at 1.00 → 2.5.
    """
    found: list[Finding] = []
    changes = sorted(panel.extras.changes or (), key=lambda c: (c.row, c.at_i))
    for place, change in enumerate(changes):
        if change.row not in chosen.rows or change.ordered:
            continue
        later = (
            c.at_i for c in changes[place + 1 :] if c.row == change.row and c.parameter == change.parameter
        )
        where = Stretch(change.row, max(0, change.at_i), next(later, panel.shape[1]))
        figures = {"before": change.before, "after": change.after, "initial": change.initial}
        found += judged(chosen, where, weighed(change), "parameter-change", figures)
    return found


def weighed(change: ParameterChange) -> float:
    """1 + distance from the accepted value / 20 %, the distance counted up to 100 %.

    An intercept is counted in the row's usual values: 0.2 mg/m³ upon 40 is nothing, whatever 0 was. Worked
    example: accepted 1.0, now 0.7 → 2.5. NaN or infinite values count as 100 %.
    """
    base = max(abs(change.initial), 1e-9)
    if change.parameter == INTERCEPT and np.isfinite(change.level):
        base = max(abs(change.level), 1e-9)
    away = abs(change.after - change.initial) / base
    return 1.0 + (min(away, 1.0) if np.isfinite(away) else 1.0) / 0.2


@register("P2")
def perfect_checks(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Checks whose deviations hardly vary, or repeat one reading [P2].

    The statistic is 1 - spread / (share × allowed), or the share of the commonest reading if that is larger.
    Source: standards §6.1 P2. Worked example: ten checks all read 50.0 → 1.
    """
    found: list[Finding] = []
    for row in chosen.rows:
        mine = sorted((c for c in panel.extras.checks or () if c.row == row), key=lambda c: c.at_i)
        if len(mine) < chosen.test.min_n:
            continue
        statistic, spread = too_perfect(mine, chosen.figure("share", row))
        where = Stretch(row, max(0, mine[0].at_i), min(panel.shape[1], mine[-1].at_i + 1))
        figures = {"checks": float(len(mine)), "spread": spread}
        found += judged(chosen, where, statistic, "probe-in-standard", figures)
    return found


def too_perfect(checks: Sequence[Check], share: float) -> tuple[float, float]:
    """(how perfect, 0–1; spread of the deviations in units of the allowed one).

    Worked example: deviations of 0.01 of the allowed and share 0.1 → 0.9.
    """
    deviation = np.array([(c.reading - c.standard) / c.allowed if c.allowed > 0 else np.nan for c in checks])
    deviation = deviation[np.isfinite(deviation)]
    if not len(deviation):
        return 0.0, float("nan")
    spread = float(np.std(deviation))
    readings = np.array([c.reading for c in checks])
    same = float(np.unique(readings, return_counts=True)[1].max() / len(readings))
    return max(0.0, 1 - spread / share, same if len({c.standard for c in checks}) == 1 else 0.0), spread
