"""Of two stations that report the same: which of them copied.

Promises: a finding is left out only where the other station's stands and that one is clearly the odder beside
its own other factors. Leaves whether anything was copied to D2.
"""

from collections.abc import Sequence

import numpy as np

from qc.rules.falsify.copies import UNCLEAR, oddness
from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.history import overlap
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Floats

# By how many times the copy must be odder than the original; less is chance.
CLEARLY = 1.1
# Deviations beyond which an hour's residual is as odd as any.
FAR = 5.0


def copies_only(panel: Panel, x: Floats, found: Sequence[Finding]) -> list[Finding]:
    """Without the stations that were copied from.

    What is copied does not fit the copying station's other factors: it lies further from what they say, and
    moves otherwise from hour to hour; the original fits its own. Where a station has no other factor the
    jumps at both ends of the stretch tell.
    Worked example: PM2.5 of B reported for A for two days → the residual of A moves 1.7 times as much as
    usual and is 1.5 times as large, that of B 0.9 and 1.0 times: only A's finding stays, with B as its
    evidence.
    """
    best = reference(panel).best
    usual: dict[int, tuple[float, float]] = {}
    kept: list[Finding] = []
    for finding in found:
        other = finding.evidence[0]
        mirrored = any(f.where.row == other.row and overlap(f.where, other) for f in found)
        both = (finding.where, other)
        if min(len(panel.of_station[panel.station[where.row]]) for where in both) > 1:
            here, there = (_unlike(best, where, usual) for where in both)
            innocent = CLEARLY * here < there
        else:
            here, there = (oddness(x, where.row, (where.from_i, where.to_i), None) for where in both)
            innocent = here < there - UNCLEAR
        if not (mirrored and innocent):
            kept.append(finding)
    return kept


def _unlike(best: Floats, where: Stretch, usual: dict[int, tuple[float, float]]) -> float:
    """The mean move of a residual in a stretch times its mean size, each in units of the row's median; NaN
    where nothing is known.
    """
    row = best[where.row]
    if where.row not in usual:
        usual[where.row] = (_middle(np.abs(np.diff(row))), _middle(np.abs(row)))
    inside = row[where.from_i : where.to_i]
    odd = 1.0
    for part, middle in zip((np.diff(inside), inside), usual[where.row], strict=True):
        known = np.abs(part[np.isfinite(part)])
        if not len(known) or not middle > 0:
            return float("nan")
        odd *= float(np.minimum(known / middle, FAR).mean())
    return odd


def _middle(moves: Floats) -> float:
    known = moves[np.isfinite(moves)]
    return float(np.median(known)) if len(known) else float("nan")
