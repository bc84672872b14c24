"""B2 and B3: too many values exactly at the largest, and gaps where the values would be high.

Promises: a measuring range that is reached is not a cap, a plateau is not a series of visits to a top. Leaves
bunching to `qc.rules.falsify.bunching` and what marks say to the mark tests.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats

# Fewer separate visits to a top are a plateau, not a cap.
LEAST_VISITS = 4
# Fewer gaps that begin when it is high say nothing.
LEAST_GAPS = 4
# What counts as at the top: equal to it, or within so large a share of it.
NEAR = (0.0, 0.02)


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
    steps = history.steps(panel)
    month = history.per_month(panel)
    threshold, judged = chosen.figure("threshold", chosen.rows[0]), set(chosen.rows)
    for days in (4, 10, 30):
        window = history.periods(panel, 24 * days, 20)
        stride = max(1, window // 8)
        if x.shape[1] < 3 * window:
            break
        shape = (len(x), (x.shape[1] - window) // stride + 1)
        top, tails = np.full(shape, np.nan), {near: np.full(shape, np.nan) for near in NEAR}
        for row in np.flatnonzero(np.isfinite(steps)).tolist():
            tops = tops_of(x[row], window, stride)
            top[row] = tops.largest
            for near, tail in tails.items():
                tail[row] = ties_at_top(x[row], float(steps[row]), tops, near)
        for near, tail in tails.items():
            reduced = history.against_peers(tail, panel.of_factor.values(), share=0.75)
            reduced[top >= np.where(np.isfinite(panel.high), panel.high, np.inf)[:, None]] = np.nan
            size = (window // stride, max(1, month // stride))
            rare = history.rarity(reduced, *size, 1.0, (30.0, 10.0), threshold)
            for e in history.excursions(rare, threshold, 4):
                highest = float(top[e.row, e.peak])
                depth = max(near * highest, 0.5 * float(steps[e.row]))
                inside = x[e.row, e.peak * stride : e.peak * stride + window]
                ties = float((inside > highest - depth).sum())
                if e.row in judged and ties >= chosen.figure("least", e.row):
                    where = _at_top(x[e.row], highest, depth, e, (window, stride))
                    found.append(rare_finding(chosen, where, e.rare, {"top": highest, "equal": ties}))
    return history.rarest_only(found)


@dataclass(frozen=True, slots=True)
class Tops:
    """Per window begun every `stride` periods: its largest value (NaN where under 60 % are known) and whether
    enough values may lie near it [M].
    """

    window: int
    stride: int
    largest: Floats
    next_largest: Floats


def tops_of(x: Floats, window: int, stride: int) -> Tops:
    """The largest value of every window of a row, and that of rank LEAST_VISITS."""
    count = (len(x) - window) // stride + 1
    known = history.windowed(history.counted(np.isfinite(x)), window, stride)
    filled = np.where(np.isfinite(x), x, -np.inf)
    # Only whole blocks share their largest values with the windows they lie in.
    size = stride if window % stride == 0 else 1
    filled = filled[: ((count - 1) * stride + window) // size * size].reshape(-1, size)
    if size > LEAST_VISITS:
        filled = np.partition(filled, size - LEAST_VISITS, axis=1)[:, -LEAST_VISITS:]
    each = filled.shape[1]
    views = np.lib.stride_tricks.sliding_window_view(filled.ravel(), window // size * each)
    views = views[:: stride // size * each]
    ordered = np.partition(views, views.shape[1] - LEAST_VISITS, axis=1)[:, -LEAST_VISITS:]
    largest = ordered.max(axis=1)
    largest = np.where(known >= 0.6 * window, np.where(np.isfinite(largest), largest, 0.0), np.nan)
    return Tops(window, stride, largest, ordered[:, 0])


def ties_at_top(x: Floats, step: float, tops: Tops, near: float) -> Floats:
    """Per window of a row the surprise at the values within `near` of the largest [M].

    Ties are counted against a Poisson mean from the density just below (down to 20 % below the largest).
    """
    depth, reach = np.fmax(near * tops.largest, 0.5 * step), np.fmax(0.2 * tops.largest, 4 * step)
    found = np.where(np.isnan(tops.largest), np.nan, 0.0)
    # Most windows have one value at their top; only the others are counted.
    some = np.flatnonzero((tops.next_largest > tops.largest - depth) & (tops.largest > 10 * step))
    if not len(some):
        return found
    values = np.lib.stride_tricks.sliding_window_view(x, tops.window)[some * tops.stride]
    largest, depth, reach = tops.largest[some], depth[some], reach[some]
    high = values > (largest - depth)[:, None]
    at = high.sum(axis=1)
    visits = at - (high[:, 1:] & high[:, :-1]).sum(axis=1)
    below = (values > (largest - reach)[:, None]).sum(axis=1) - at
    cells = np.fmax(np.rint(depth / step), 1) / np.fmax(np.rint((reach - depth) / step), 1)
    expected = np.fmax(1.0, below * cells)
    more = np.fmax(at - 1.0, 0.0)
    surprise = more * np.log10(np.fmax(more, 1e-9) / expected) - (more - expected) / np.log(10)
    found[some] = np.where((more > expected) & (visits >= LEAST_VISITS), surprise, 0.0)
    return found


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
    found: list[Finding] = []
    month = history.per_month(panel)
    for row in chosen.rows:
        missing = ~np.isfinite(x[row])
        begins = missing[1:] & ~missing[:-1]
        # Where gaps begin rarely, none can come too often.
        if begins.sum() < LEAST_GAPS:
            continue
        high = x[row, :-1] >= history.quantiles(x[row][None], (0.8,))[0, 0]
        high_of = begins & high
        sums = [history.counted(part) for part in (begins, high_of, high, ~missing[:-1])]
        for days in (15, 45):
            window = history.periods(panel, 24 * days, chosen.test.min_n)
            if x.shape[1] < 3 * window:
                break
            total, hits, above, asked = (history.windowed(part, window) for part in sums)
            share = np.fmax(above, 1) / np.fmax(asked, 1)
            some = np.flatnonzero(hits >= LEAST_GAPS)
            tail = np.zeros(len(hits))
            of = total[some].astype(np.float64)
            tail[some] = history.tail_of_binomial(
                hits[some].astype(np.float64), of, np.fmin(share[some], 0.9)
            )
            reach = (chosen.figure("threshold", chosen.rows[0]), (3.0, 1.0))
            rare = history.rarity(tail[None], window, month, 0.4, reach[1], reach[0])
            for e in history.excursions(rare, reach[0], window // 2):
                inside = e.peak + np.flatnonzero(high_of[e.peak : e.peak + window])
                where = Stretch(row, int(inside[0]), int(inside[-1]) + 2)
                figures = {
                    "rate_high": float(hits[e.peak] / max(1, share[e.peak] * window)),
                    "rate_low": float((total - hits)[e.peak] / max(1, (1 - share[e.peak]) * window)),
                }
                found.append(rare_finding(chosen, where, e.rare, figures))
    return history.rarest_only(found)
