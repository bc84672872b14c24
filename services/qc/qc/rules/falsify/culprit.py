"""Of two stations that report the same: which of them copied.

Promises: a finding is left out only where the other station's stands and that one is clearly the odder beside
its own other factors. Leaves whether anything was copied to D2.
"""

from collections.abc import Sequence

import numpy as np

from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.history import overlap
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Floats

# By how much the copy's residual must be livelier than the original's; less is chance.
CLEARLY = 1.1


def copies_only(panel: Panel, found: Sequence[Finding]) -> list[Finding]:
    """Without the stations that were copied from.

    What is copied does not fit the copying station's other factors hour by hour; the original fits its own.
    Worked example: PM2.5 of B reported for A for two days → the residual of A moves 1.7 times as much as
    usual, that of B 0.9 times: only A's finding stays, with B as its evidence.
    """
    best = reference(panel).best
    usual: dict[int, float] = {}
    kept: list[Finding] = []
    for finding in found:
        other = finding.evidence[0]
        mirrored = any(f.where.row == other.row and overlap(f.where, other) for f in found)
        others = [len(panel.of_station[panel.station[row]]) for row in (finding.where.row, other.row)]
        here, there = (_lively(best, where, usual) for where in (finding.where, other))
        if not (mirrored and min(others) > 1 and CLEARLY * here < there):
            kept.append(finding)
    return kept


def _lively(best: Floats, where: Stretch, usual: dict[int, float]) -> float:
    """The mean move of a residual in a stretch, in units of the row's median move; NaN without any."""
    if where.row not in usual:
        usual[where.row] = _middle(np.abs(np.diff(best[where.row])))
    moves = np.abs(np.diff(best[where.row, where.from_i : where.to_i]))
    moves = moves[np.isfinite(moves)]
    return float(moves.mean()) / usual[where.row] if len(moves) and usual[where.row] > 0 else float("nan")


def _middle(moves: Floats) -> float:
    known = moves[np.isfinite(moves)]
    return float(np.median(known)) if len(known) else float("nan")
