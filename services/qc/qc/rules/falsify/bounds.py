"""B2 and B3: too many values exactly at the largest, and gaps where the values would be high.

Promises: a measuring range that is reached is not a cap, a plateau is not a series of visits to a top. Leaves
bunching to `qc.rules.falsify.bunching` and what marks say to the mark tests.
"""

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats

# Fewer separate visits to a top are a plateau, not a cap.
LEAST_VISITS = 4


def rare_finding(chosen: Chosen, where: Stretch, rare: float, figures: dict[str, float]) -> Finding:
    """A finding whose statistic is its rarity, by the figures of its row."""
    row = where.row
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
            rare = history.rarity(tail, window // stride, max(1, month // stride), 1.0, (6.0, 3.0))
            for e in history.excursions(rare[list(chosen.rows)], chosen.figure("threshold", first), 4):
                row = chosen.rows[e.row]
                depth = max(near * float(top[row, e.peak]), 0.5 * float(steps[row]))
                where = _at_top(x[row], float(top[row, e.peak]), depth, e, (window, stride))
                figures = {"top": float(top[row, e.peak]), "equal": float(ties[row, e.peak])}
                if ties[row, e.peak] >= chosen.figure("least", row):
                    found.append(rare_finding(chosen, where, e.rare, figures))
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
        largest = np.where(np.isfinite(largest), largest, 0.0)
        depth = np.fmax(near * largest, 0.5 * step)
        reach = np.fmax(0.2 * largest, 4 * step)
        high = values > largest - depth
        at = high.sum(axis=1)
        visits = at - (high[:, 1:] & high[:, :-1]).sum(axis=1)
        below = (values > largest - reach).sum(axis=1) - at
        cells = np.fmax(np.rint(depth[:, 0] / step), 1) / np.fmax(np.rint((reach - depth)[:, 0] / step), 1)
        expected = np.fmax(1.0, below * cells)
        more = np.fmax(at - 1.0, 0.0)
        surprise = np.where(
            more > expected,
            more * np.log10(np.fmax(more, 1e-9) / expected) - (more - expected) / np.log(10),
            0.0,
        )
        surprise = np.where((visits >= LEAST_VISITS) & (largest[:, 0] > 10 * step), surprise, 0.0)
        good = known >= 0.6 * window
        tail[row] = np.where(good, surprise, np.nan)
        top[row], ties[row] = np.where(good, largest[:, 0], np.nan), at
    return tail, top, ties


def _at_top(series: Floats, top: float, depth: float, e: history.Excursion, size: tuple[int, int]) -> Stretch:
    window, stride = size
    begin, end = e.from_i * stride, min(len(series), (e.to_i - 1) * stride + window)
    hits = begin + np.flatnonzero(np.abs(series[begin:end] - top) <= depth)
    return Stretch(e.row, int(hits[0]), int(hits[-1]) + 1) if len(hits) else Stretch(e.row, begin, end)


@register("B3")
def missing_when_high(panel: Panel, chosen: Chosen) -> list[Finding]:
    """B3: gaps and marks begin where the value before, or the other stations, were high,
    standards §6.1 B3."""
    x = history.readings(panel)
    missing = ~np.isfinite(x)
    begins = missing[:, 1:] & ~missing[:, :-1]
    high = x[:, :-1] >= history.quantiles(x, (0.8,))[0][:, None]
    asked = (~missing[:, :-1]).astype(np.float64)
    of, high_of = begins.astype(np.float64), (begins & high).astype(np.float64)
    found: list[Finding] = []
    month = history.per_month(panel)
    for days in (15, 45):
        window = history.periods(panel, 24 * days, chosen.test.min_n)
        if x.shape[1] < 3 * window:
            break
        total, hits = history.rolling_sum(of, window), history.rolling_sum(high_of, window)
        share = np.fmax(history.rolling_sum(high * asked, window), 1) / np.fmax(
            history.rolling_sum(asked, window), 1
        )
        tail = np.where(hits >= 4, history.tail_of_binomial(hits, total, np.fmin(share, 0.9)), 0.0)
        rare = history.rarity(tail, window, month, 0.4, (3.0, 1.0))
        for e in history.excursions(
            rare[list(chosen.rows)], chosen.figure("threshold", chosen.rows[0]), window // 2
        ):
            row = chosen.rows[e.row]
            inside = e.peak + np.flatnonzero(high_of[row, e.peak : e.peak + window])
            where = Stretch(row, int(inside[0]), int(inside[-1]) + 2)
            figures = {
                "rate_high": float(hits[row, e.peak] / max(1, share[row, e.peak] * window)),
                "rate_low": float((total - hits)[row, e.peak] / max(1, (1 - share[row, e.peak]) * window)),
            }
            found.append(rare_finding(chosen, where, e.rare, figures))
    return history.rarest_only(found)
