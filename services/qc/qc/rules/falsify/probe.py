"""P3: the probe stands in a standard: a level with an instrument's noise on it while its surroundings move.

Promises: levels in the row's lower quarter and rows of equal values are not judged here (K1, K3). Leaves the
statistic to `steady`.
"""

import numpy as np

from qc.rules.falsify import history, ranks
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Kind, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.falsify.steady import steady


@register("P3")
def in_standard(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches far too even for what network or station show meanwhile [P3].

    Source: standards §6.1 P3 (values stick at the standard's concentration). Where checks are known and
    the level lies within 2 % of a standard, the statistic is doubled. Worked example: 50 ± 0.5 for two
    days while the other stations swing by 40.
    """
    known, value, found = reference(panel), history.readings(panel), []
    steps = history.steps(panel)
    standards = {c.row: c.standard for c in panel.extras.checks or ()}
    for row in chosen.rows:
        x = value[row]
        if np.isfinite(x).sum() < chosen.test.min_n:
            continue
        moves = known.expected[row]
        if known.logarithmic[row]:
            moves = np.exp(np.minimum(moves, 60.0)) - known.floor[row]
        if not np.isfinite(moves).any():
            moves = np.roll(x, panel.per_day)
        step = float(steps[row]) if np.isfinite(steps[row]) else 1e-6
        quarter = ranks.quantiles_of(ranks.known_of(x), (0.25,))[0]
        low = max(quarter, chosen.figure("steps", row) * step)
        for s in steady(x, moves, step, panel.per_day, 1.0):
            if s.level < low and known.logarithmic[row]:
                continue
            z = s.z * (2.0 if abs(s.level / standards.get(row, np.inf) - 1) <= 0.02 else 1.0)
            kind: Kind = "probe-in-standard"
            figures = {
                "z": s.z,
                "level": s.level,
                "times_calmer": float(np.exp(s.quiet)),
                "hours": _hours(panel, s.from_i, s.to_i),
            }
            beside = [
                Stretch(int(r), s.from_i, s.to_i) for r in panel.of_factor[panel.factor[row]] if r != row
            ]
            found += judged(chosen, Stretch(row, s.from_i, s.to_i), z, kind, figures, beside[:5])
    return found


def _hours(panel: Panel, a: int, b: int) -> float:
    return (b - a) * 24 / panel.per_day
