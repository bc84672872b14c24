"""D2: a stretch of a series that is another station's, exactly or nearly, with a lag of up to two periods.

Promises: how often two stations report the same value is learnt from them; weather they share does not make a
copy. Of the two stations the one that fits its own surroundings less is named. Leaves own copies to
`qc.rules.falsify.copies`.
"""

import numpy as np

from qc.rules.falsify import history, repeats
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.copies import LEAST_REST, UNCLEAR, oddness
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Flags, Floats

# So many neighbours of each station are compared.
NEIGHBOURS = 8
# Pairs of one factor whose stretches are looked at together; bounds the memory.
AT_ONCE = 24


def pairs(panel: Panel, rows: list[int]) -> list[tuple[int, int]]:
    """Pairs of rows of one factor at different stations: each with its nearest, or next in order,
    neighbours."""
    found: set[tuple[int, int]] = set()
    for one in rows:
        others = [row for row in rows if panel.station[row] != panel.station[one]]
        if np.isfinite(panel.place[[one, *others]]).all():
            away = ((panel.place[others] - panel.place[one]) ** 2).sum(axis=1)
            others = [others[i] for i in np.argsort(away, kind="stable").tolist()]
        found |= {(min(one, other), max(one, other)) for other in others[:NEIGHBOURS]}
    return sorted(found)


@register("D2")
def copied_site(panel: Panel, chosen: Chosen) -> list[Finding]:
    """D2: equal runs of ≥ 12 values at lags −2…+2, and windows nearer to a neighbour than ever,
    standards §6.1."""
    x = history.readings(panel)
    steps = history.step_of(x)
    found: list[Finding] = []
    judged = set(chosen.rows)
    for rows in panel.of_factor.values():
        wanted = [pair for pair in pairs(panel, [int(r) for r in rows if int(r) in judged])]
        if wanted:
            alike = _exact(panel, chosen, x, steps, wanted) + _near(panel, chosen, x, steps, wanted)
            found += without_common(alike, len(rows))
    return history.rarest_only(found)


def without_common(alike: list[Finding], stations: int) -> list[Finding]:
    """Without stretches in which a row is like a third of the stations (at least 3): a network filled in.

    Worked example: 12 stations report 107 for two days → no copy; two of them do → a copy.
    """
    kept: list[Finding] = []
    for finding in alike:
        w = finding.where
        mine = {w.row, finding.evidence[0].row}
        like = {
            row
            for other in alike
            if other.where.from_i < w.to_i and w.from_i < other.where.to_i
            for row, it in (
                (other.where.row, other.evidence[0].row),
                (other.evidence[0].row, other.where.row),
            )
            if it in mine and row not in mine
        }
        if len(like) + 1 < max(3, stations / 3):
            kept.append(finding)
    return kept


def _exact(
    panel: Panel, chosen: Chosen, x: Floats, steps: Floats, wanted: list[tuple[int, int]]
) -> list[Finding]:
    window = int(chosen.figure("window", wanted[0][0]))
    if x.shape[1] < 2 * window:
        return []
    rows = sorted({row for pair in wanted for row in pair})
    said = {row: repeats.information(x[row][None], steps[row : row + 1])[0] for row in rows}
    found: list[Finding] = []
    for one, other in wanted:
        close = 1e-6 * max(panel.resolution[one], panel.resolution[other], 1e-6) + 0.5 * min(
            panel.resolution[one], panel.resolution[other]
        )
        for lag in (0, 1, -1, 2, -2):
            a, b = x[one][max(0, lag) :], x[other][max(0, -lag) :]
            length = min(len(a), len(b))
            equal = np.abs(a[:length] - b[:length]) < close
            said_there = said[one][max(0, lag) :][:length]
            found += _equal_runs(chosen, x, (one, other, lag), equal, said_there, history.per_month(panel))
    return found


def _equal_runs(
    chosen: Chosen, x: Floats, pair: tuple[int, int, int], equal: Flags, said: Floats, month: int
) -> list[Finding]:
    one, other, lag = pair
    window = int(chosen.figure("window", one))
    run = np.flatnonzero(np.diff(np.r_[False, equal, False].astype(np.int8)))
    begins, ends = run[::2], run[1::2]
    long = np.flatnonzero(ends - begins >= window)
    if not len(long):
        return []
    values = x[one][max(0, lag) :][: len(equal)]
    moved = np.r_[False, np.diff(values) != 0] & np.r_[False, equal[:-1]]
    asked = np.concatenate([[0], np.cumsum(moved)])
    kept = np.concatenate([[0], np.cumsum(moved & equal)])
    found: list[Finding] = []
    for i in long.tolist():
        begin, end = int(begins[i]), int(ends[i])
        inside = moved[begin + 1 : end]
        moves = int(inside.sum())
        other_kept = kept[-1] - kept[end] + kept[begin]
        other_asked = asked[-1] - asked[end] + asked[begin]
        prior = 10.0 ** (-said[begin + 1 : end][inside].mean() / 2) if moves else 1.0
        again = (other_kept + 20 * prior) / (other_asked + 20)
        rare = float(-moves * np.log10(again) - np.log10(5.0 * NEIGHBOURS * month))
        reach = (chosen.figure("threshold", one), chosen.figure("strong", one))
        if rare < reach[0] or len(np.unique(values[begin:end])) < chosen.figure("distinct", one):
            continue
        places = ((one, begin + max(0, lag)), (other, begin + max(0, -lag)))
        figures = {
            "lag": float(lag),
            "values": float(end - begin),
            "moves": float(moves),
            "exact": 1.0,
            "rare": rare,
        }
        found += _named(chosen, x, places, reach, figures)
    return found


def _named(
    chosen: Chosen,
    x: Floats,
    places: tuple[tuple[int, int], tuple[int, int]],
    reach: tuple[float, float],
    figures: dict[str, float],
) -> list[Finding]:
    """The station that fits its surroundings less; both where neither does clearly."""
    rare, length = figures["rare"], int(figures["values"])
    stretches = [Stretch(row, begin, begin + length) for row, begin in places]
    odd = [oddness(x, s.row, (s.from_i, s.to_i), None) for s in stretches]
    sure = abs(odd[0] - odd[1]) > UNCLEAR
    found = []
    for me, it in ((0, 1), (1, 0)):
        if sure and odd[me] < odd[it]:
            continue
        found.append(
            Finding(
                chosen.test.id, stretches[me], rare, reach[0], history.chance(rare), strength(rare, *reach),
                chosen.test.kind, (stretches[it],), figures,
            )
        )  # fmt: skip
    return found


def _near(
    panel: Panel, chosen: Chosen, x: Floats, steps: Floats, wanted: list[tuple[int, int]]
) -> list[Finding]:
    first = wanted[0][0]
    found: list[Finding] = []
    rows = {row for pair in wanted for row in pair}
    looks = np.log10(max(1.0, 2 * len(wanted) / len(rows)))
    threshold = chosen.figure("near_threshold", first)
    for name in ("near_short", "near_long"):
        window = history.periods(panel, chosen.figure(name, first), 12)
        if x.shape[1] < 6 * window:
            break
        for begin in range(0, len(wanted), AT_ONCE):
            some = wanted[begin : begin + AT_ONCE]
            stride = window // 8
            size = (window // stride, max(1, history.per_month(panel) // stride))
            near = history.rarity(nearness(x, steps, some, window, stride), *size, 0.1)
            equal = history.rarity(closeness(x, steps, some, window, stride), *size, 0.5, (8.0, 5.0))
            rare = np.fmax(near, equal) - looks
            for e in history.excursions(rare, threshold, window // stride):
                one, other = some[e.row]
                reach = (threshold, chosen.figure("near_strong", one))
                inner = window // 4
                start, end = e.from_i * stride + inner, (e.to_i - 1) * stride + window - inner
                figures = {"lag": 0.0, "values": float(end - start), "exact": 0.0, "rare": e.rare}
                found += _named(chosen, x, ((one, start), (other, start)), reach, figures)
    return found


def nearness(x: Floats, steps: Floats, some: list[tuple[int, int]], window: int, stride: int) -> Floats:
    """-½ ln(1 - r²) of values plus that of moves over windows of some pairs of rows [pairs, M]."""
    a, b = (x[[pair[side] for pair in some]] for side in (0, 1))
    noise_a, noise_b = (steps[[pair[side] for pair in some]][:, None] ** 2 / 12 for side in (0, 1))
    total = np.zeros((len(some), (x.shape[1] - window) // stride + 1))
    for one, other, share in ((a, b, 1.0), (np.diff(a, axis=1), np.diff(b, axis=1), 2.0)):
        length = window - (1 if share > 1 else 0)
        both = np.isfinite(one) & np.isfinite(other)
        count = np.fmax(history.rolling_sum(both.astype(np.float64), length, stride), 1)
        scale_a, scale_b = (
            np.nanmax(np.abs(np.nan_to_num(part)), axis=1, initial=1e-9)[:, None] for part in (one, other)
        )
        p, q = np.where(both, one / scale_a, 0.0), np.where(both, other / scale_b, 0.0)
        mean_p, mean_q = (history.rolling_sum(part, length, stride) / count for part in (p, q))
        var_p, var_q, cov = (
            history.rolling_sum(left * right, length, stride) / count - mean_left * mean_right
            for left, right, mean_left, mean_right in (
                (p, p, mean_p, mean_p), (q, q, mean_q, mean_q), (p, q, mean_p, mean_q),
            )
        )  # fmt: skip
        var_p = np.fmax(var_p, 0) + share * noise_a / scale_a**2 + 1e-12
        var_q = np.fmax(var_q, 0) + share * noise_b / scale_b**2 + 1e-12
        r = np.clip(cov / np.sqrt(var_p * var_q), 0.0, 1.0)
        known = count >= 0.75 * length
        moving = (var_p > 108 * share * noise_a / scale_a**2) & (var_q > 108 * share * noise_b / scale_b**2)
        total += np.where(
            known & (moving | (share > 1)), -0.5 * np.log(np.fmax(1 - r * r, LEAST_REST)), np.nan
        )
    return total


def closeness(x: Floats, steps: Floats, some: list[tuple[int, int]], window: int, stride: int) -> Floats:
    """Surprise at how many values of a pair lie within one step of each other, per window [pairs, M].

    Against the share the pair usually has, above ten steps, where equality is no matter of course.
    """
    a, b = (x[[pair[side] for pair in some]] for side in (0, 1))
    step = np.fmax(*(np.nan_to_num(steps[[pair[side] for pair in some]])[:, None] for side in (0, 1)))
    asked = np.isfinite(a) & np.isfinite(b) & (np.fmin(a, b) > 10 * step)
    hits = (asked & (np.abs(np.where(asked, a - b, np.inf)) <= 1.01 * step)).astype(np.float64)
    count, of = (
        history.rolling_sum(hits, window, stride),
        history.rolling_sum(asked.astype(np.float64), window, stride),
    )
    share = (hits.sum(axis=1) + 1) / (asked.sum(axis=1) + 20)
    tail = history.tail_of_binomial(count, of, share[:, None])
    return np.where(of >= 0.6 * window, tail, np.nan)
