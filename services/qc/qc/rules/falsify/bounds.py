"""B1–B3: values that avoid a limit: too many just below it, too many exactly at the largest, none above it.

Promises: jumps of density are judged against those at all other cut-offs and in other months of the series;
a measuring range that is reached is not a cap. Leaves marks at high values to the mark tests.
"""

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats


def _finding(
    chosen: Chosen, where: Stretch, rare: float, row: int, figures: dict[str, float]
) -> Finding:
    reach = (chosen.figure("threshold", row), chosen.figure("strong", row))
    return Finding(
        chosen.test.id, where, rare, reach[0], history.chance(rare), strength(rare, *reach), chosen.test.kind,
        (), {**figures, "rare": rare},
    )  # fmt: skip


@register("B2")
def capped(panel: Panel, chosen: Chosen) -> list[Finding]:
    """B2: more values at the largest of a window than its upper tail leads to, standards §6.1."""
    x = history.readings(panel)
    found: list[Finding] = []
    steps = history.step_of(x)
    month = history.per_month(panel)
    first = chosen.rows[0]
    for days in (4, 10, 30):
        window = history.periods(panel, 24 * days, 20)
        stride = max(1, window // 8)
        if x.shape[1] < 3 * window:
            break
        for near in (0.0, 0.02):
            tail, top, ties = ties_at_top(x, steps, window, stride, near)
            tail = history.against_peers(tail, list(panel.of_factor.values()))
            tail[top >= np.where(np.isfinite(panel.high), panel.high, np.inf)[:, None]] = np.nan
            rare = history.rarity(tail, window // stride, max(1, month // stride), 0.4, (6.0, 3.0))
            for e in history.excursions(rare[list(chosen.rows)], chosen.figure("threshold", first), 4):
                row = chosen.rows[e.row]
                where = _at_top(x[row], float(top[row, e.peak]), e, stride, window, near, float(steps[row]))
                figures = {"top": float(top[row, e.peak]), "equal": float(ties[row, e.peak])}
                if ties[row, e.peak] >= chosen.figure("least", row):
                    found.append(_finding(chosen, where, e.rare, row, figures))
    return history.rarest_only(found)


def ties_at_top(
    x: Floats, steps: Floats, window: int, stride: int, near: float
) -> tuple[Floats, Floats, Floats]:
    """Per window: surprise at the values within `near` of the largest, the largest, how many, [S, M] each.

    Ties are counted against a Poisson mean from the density just below (down to 20 % below the largest).
    """
    views = np.lib.stride_tricks.sliding_window_view(x, window, axis=1)[:, ::stride]
    tail, top, ties = (np.full(views.shape[:2], np.nan) for _ in range(3))
    for row in range(len(x)):
        if not np.isfinite(steps[row]):
            continue
        values = np.where(np.isfinite(views[row]), views[row], -np.inf)
        largest = values.max(axis=1, keepdims=True)
        known = np.isfinite(views[row]).sum(axis=1)
        step = float(steps[row])
        depth = np.fmax(near * largest, 0.5 * step)
        reach = np.fmax(0.2 * largest, 4 * step)
        at = (values > largest - depth).sum(axis=1)
        below = (values > largest - reach).sum(axis=1) - at
        cells = np.fmax(np.rint(depth[:, 0] / step), 1) / np.fmax(np.rint((reach - depth)[:, 0] / step), 1)
        expected = np.fmax(1.0, below * cells)
        more = np.fmax(at - 1.0, 0.0)
        surprise = np.where(
            more > expected, more * np.log10(np.fmax(more, 1e-9) / expected) - (more - expected) / np.log(10), 0.0
        )
        good = (known >= 0.6 * window) & (largest[:, 0] > 10 * step)
        tail[row] = np.where(good, surprise, np.nan)
        top[row], ties[row] = np.where(good, largest[:, 0], np.nan), at
    return tail, top, ties


def _at_top(
    series: Floats, top: float, e: history.Excursion, stride: int, window: int, near: float, step: float
) -> Stretch:
    begin, end = e.from_i * stride, min(len(series), (e.to_i - 1) * stride + window)
    depth = max(near * top, 0.5 * step)
    hits = begin + np.flatnonzero(np.abs(series[begin:end] - top) <= depth)
    return Stretch(e.row, int(hits[0]), int(hits[-1]) + 1) if len(hits) else Stretch(e.row, begin, end)
