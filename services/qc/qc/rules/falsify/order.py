"""X1 and X7: what is a part of something cannot exceed it.

Promises: errors of both measurements are granted (absolute and relative, from the pack), and what this
station always shows is not news. Which factor belongs to which group is data of the pack (`group`, `whole`).
"""

import numpy as np

from qc.rules.falsify.catalogue import register
from qc.rules.falsify.clock import runs
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.history import readings
from qc.rules.falsify.panel import HOUR_MS, Panel
from qc.rules.outcome import Floats


@register("X1")
@register("X7")
def part_above_whole(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches in which a part is reported above its whole by more than both errors [X1, X7].

    The statistic is the number of hours (X1) or periods counted as hours of the panel's own step (X7).
    Source: standards §6.1 X1 (PM2.5 in PM10), X7 (BOD5 in COD, CODMn in COD, NH3-N in TN, PO4-P in TP, Cr(VI)
    in Cr). Worked example: PM2.5 95 with PM10 80 for three hours: excess 15 > max(10, 8) → 3 hours.
    """
    found, value = [], readings(panel)
    for rows in panel.of_station.values():
        mine = [int(r) for r in rows if int(r) in chosen.rows]
        for part in mine:
            for whole in mine:
                if not _belongs(chosen, part, whole):
                    continue
                absolute, relative = chosen.figure("absolute", part), chosen.figure("relative", part)
                over = excess(value[part], value[whole], absolute, relative)
                flags = np.nan_to_num(over, nan=-1.0) > 0
                for a, b in runs(flags):
                    periods = (b - a) * (panel.step_ms / HOUR_MS if panel.per_day > 1 else 1)
                    figures = {
                        "hours": periods,
                        "excess": float(np.nanmax(value[part, a:b] - value[whole, a:b])),
                    }
                    found += judged(
                        chosen, Stretch(part, a, b), periods, "other", figures, [Stretch(whole, a, b)]
                    )
    return found


def excess(part: Floats, whole: Floats, absolute: float, relative: float) -> Floats:
    """By how much a part exceeds its whole beyond the larger of both errors; NaN where one is unknown [N]."""
    with np.errstate(all="ignore"):
        beyond: Floats = part - whole - np.fmax(absolute, relative * np.abs(whole))
    return beyond


def _belongs(chosen: Chosen, part: int, whole: int) -> bool:
    """A part names the groups of its wholes: `group` of the part = `group` of the whole, whole = 1."""
    same = chosen.figure("group", part) == chosen.figure("group", whole)
    return same and chosen.figure("whole", part) == 0 and chosen.figure("whole", whole) == 1
