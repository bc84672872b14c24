"""What an officer has to see of a suspicion, as small columns: the stretch, its original, its neighbours.

Promises: a picture holds only what the findings point to, and at most LONGEST periods of it. Leaves drawing
to the callers.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify.combine import Suspicion
from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats, Ints

# Periods of a curve, series beside it, bars of a histogram.
LONGEST, BESIDE, BARS = 2_000, 5, 40


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of a picture: whose, first instant (UTC ms) and values; `role` is why it is shown."""

    station: str
    factor: str
    role: str
    from_ms: int
    value: Floats


@dataclass(frozen=True, slots=True)
class Pictured:
    """A suspicion's pictures: the stretch in its surroundings, originals laid over it, neighbours, histogram.

    `around` begins at `around.from_ms`; `inside` are the periods of it that are suspected. `bars` counts the
    values of the stretch, `bars_before` those of the whole series, over `edges`.
    """

    step_ms: int
    around: Curve
    inside: tuple[int, int]
    originals: tuple[Curve, ...]
    beside: tuple[Curve, ...]
    edges: Floats
    bars: Ints
    bars_before: Ints
    findings: tuple[Finding, ...]
    limit: float


def pictured(panel: Panel, suspicion: Suspicion) -> Pictured:
    """Cut out of the panel what the pictures of one suspicion need."""
    where = suspicion.where
    length = where.to_i - where.from_i
    margin = min(max(length // 2, 24), LONGEST // 4)
    low = max(0, where.from_i - margin)
    high = min(panel.shape[1], where.to_i + margin, low + LONGEST)
    span = Stretch(where.row, low, high)
    copies = [piece for finding in suspicion.findings for piece in finding.evidence if piece != where]
    originals = [piece for piece in copies if piece.row != where.row or piece.from_i != where.from_i][:BESIDE]
    alike = [int(row) for row in panel.of_factor[panel.factor[where.row]] if row != where.row][:BESIDE]
    edges, bars, before = _histogram(panel, where)
    return Pictured(
        step_ms=panel.step_ms,
        around=_curve(panel, span, "itself"),
        inside=(where.from_i - low, min(where.to_i, high) - low),
        originals=tuple(_curve(panel, piece, "original") for piece in originals),
        beside=tuple(_curve(panel, Stretch(row, low, high), "neighbour") for row in alike),
        edges=edges,
        bars=bars,
        bars_before=before,
        findings=suspicion.findings,
        limit=float(panel.limit[where.row]),
    )


def _curve(panel: Panel, piece: Stretch, role: str) -> Curve:
    end = min(piece.to_i, piece.from_i + LONGEST)
    start = panel.start_ms + piece.from_i * panel.step_ms
    value = panel.value[piece.row, piece.from_i : end].copy()
    return Curve(panel.station[piece.row], panel.factor[piece.row], role, start, value)


def _histogram(panel: Panel, where: Stretch) -> tuple[Floats, Ints, Ints]:
    whole = panel.value[where.row]
    whole = whole[np.isfinite(whole)]
    inside = panel.value[where.row, where.from_i : where.to_i]
    inside = inside[np.isfinite(inside)]
    if not len(inside):
        return np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    low, high = np.percentile(whole, [0.5, 99.5])
    step = panel.resolution[where.row]
    width = max(step, step * round((high - low) / BARS / step))
    bars = min(BARS * 2, max(1, int((high - low) // width) + 1))
    edges = (np.floor(low / step) - 0.5) * step + width * np.arange(bars + 1)
    return edges, np.histogram(inside, edges)[0], np.histogram(whole, edges)[0]
