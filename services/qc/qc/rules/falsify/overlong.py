"""N5: values with more digits than their instrument writes at that size.

Promises: what a logger multiplies, shifts or invents after the instrument has rounded has digits the
instrument has not; each power of ten is judged on its own. Leaves which digits they are to `digits`.
"""

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.echoes import size_steps
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.segments import found_as, surprising, usual_of

# The share that is taken for usual at least, and from which on it is a habit.
LEAST_SHARE, MOST_SHARE = 0.002, 0.2


@register("N5")
def overlong(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches in which too many values are no multiples of the step of their size [N5].

    Only sizes whose step is coarser than the row's finest can show it. Worked example: CO of 1.234 in a file
    of four digits, × 0.7 → 0.8638, and 2.345 × 0.7 → 1.6415: five digits where there were four.
    """
    x, found = history.readings(panel), list[Finding]()
    for row in chosen.rows:
        known = np.isfinite(x[row])
        if known.sum() < chosen.test.min_n:
            continue
        step = size_steps(x[row])
        asked = np.flatnonzero(known & (step > 1.5 * np.min(step[known])))
        whole = x[row, asked] / step[asked]
        long = np.abs(whole - np.rint(whole)) > 1e-4
        usual = max(LEAST_SHARE, usual_of(long))
        if not long.any() or usual > MOST_SHARE:
            continue
        for s in surprising(long, usual, float(np.log10(panel.shape[1]))):
            where = Stretch(row, int(asked[s.from_i]), int(asked[s.to_i - 1]) + 1)
            figures = {"share": s.share, "usual": usual, "n": float(s.to_i - s.from_i), "rare": s.rare}
            found += found_as(chosen, where, s.rare, chosen.test.kind, figures)
    return found
