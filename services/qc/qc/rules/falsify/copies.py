"""D1: a stretch of a series that is another stretch of the same series, exactly or nearly.

Promises: a repeat counts by what its moves say (a plateau says nothing), a likeness by what this series' most
alike days are like; of the two stretches the one that fits its surroundings less is named. Leaves copies from
other stations to `qc.rules.falsify.sites`.
"""

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import aligned, history, pasted, ranks, repeats
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats, Ints

# Days are compared with those at most so many days away; the product of a block stays below the
# size from which
# linear algebra libraries wake their threads, which costs more than it gives here.
REACH_DAYS = 120
BLOCK_DAYS = 30
# Blocks at a time: their products stay in the processor's cache.
BLOCKS = 32
# Beyond this likeness (1 - r² below 1e-4) one is as good a copy as the other.
LEAST_REST = 1e-4
# Two stretches whose oddness differs by less fit their surroundings alike.
UNCLEAR = 0.4
# A day whose standard deviation is below so many steps of the last digit is like many others by
# rounding alone.
LIVELY_STEPS = 3.0
# Where fewer of the moves are more than one step, the rest may be the spikes of an automatic zero check.
MOVING_SHARE = 0.4


def oddness(x: Floats, row: int, where: tuple[int, int], peers: Floats | None) -> float:
    """How little a stretch fits where it stands: jumps at its edges, and moves that its peers do not make.

    `peers` [N]: the middle of the same factor elsewhere, None where nobody measures it.
    """
    begin, end = where
    series = x[row]
    usual = float(np.nanmean(np.abs(np.diff(series)))) + 1e-12
    edges = [(begin - 1, begin), (end - 1, end)]
    jumps = [
        abs(series[b] - series[a]) / usual
        for a, b in edges
        if a >= 0 and b < len(series) and np.isfinite(series[a]) and np.isfinite(series[b])
    ]
    odd = float(np.log1p(np.mean(jumps))) if jumps else 0.0
    if peers is None:
        return odd
    mine, theirs = series[begin:end], peers[begin:end]
    return odd + 3.0 - 2.0 * likeness(mine, theirs) - likeness(np.diff(mine), np.diff(theirs))


def likeness(one: Floats, other: Floats) -> float:
    """Correlation of two stretches over what both know; 0 where either says too little."""
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < 6:
        return 0.0
    a, b = (part[known] - part[known].mean() for part in (one, other))
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def middle_of_peers(panel: Panel, x: Floats) -> list[Floats | None]:
    """Per row the median of its factor at the other stations [N], None where there are fewer than two."""
    found: list[Floats | None] = [None] * len(x)
    for rows in panel.of_factor.values():
        if len(rows) < 3:
            continue
        # The median with the row itself in it: with one voice of many it hardly moves, and costs one sort.
        middle = np.concatenate([
            _upper_middle(x[rows, begin : begin + ranks.COLUMNS])
            for begin in range(0, x.shape[1], ranks.COLUMNS)
        ])  # fmt: skip
        for row in rows.tolist():
            found[row] = middle
    return found


def _upper_middle(x: Floats) -> Floats:
    known = np.isfinite(x).sum(axis=0)
    middle = np.sort(x.T.copy(), axis=1)[np.arange(x.shape[1]), np.clip(known // 2, 0, len(x) - 1)]
    return np.where(known > 0, middle, np.nan)


@register("D1")
def duplicated(panel: Panel, chosen: Chosen) -> list[Finding]:
    """D1: exact repeats of ≥ 12 values by hash, and days too alike to another day, standards §6.1."""
    x = history.readings(panel)
    steps = history.steps(panel)
    peers = middle_of_peers(panel, x)
    found = _exact(panel, chosen, x, peers) + _near(panel, chosen, x, steps, peers)
    return history.rarest_only(found + _pasted(panel, chosen, x, steps, peers))


def _exact(panel: Panel, chosen: Chosen, x: Floats, peers: list[Floats | None]) -> list[Finding]:
    window = int(chosen.figure("window", chosen.rows[0]))
    if x.shape[1] < 2 * window:
        return []
    said = repeats.said_by(panel)
    looks = np.log10(x.shape[1] * float(history.per_month(panel)))
    found: list[Finding] = []
    for row in chosen.rows:
        known = np.isfinite(x[row])
        digits = np.where(known, np.rint(x[row] / panel.resolution[row]), 0.0)
        moved = np.append(False, known[1:] & known[:-1] & (np.diff(digits) != 0))
        total = history.cumulated(np.where(moved, said[row], 0.0))
        codes, good = repeats.hashes(np.clip(digits, -(2.0**60), 2.0**60).astype(np.int64), known, window)
        good &= total[window:] - total[1 : len(total) - window + 1] > 2.0
        reach = (chosen.figure("threshold", row), chosen.figure("strong", row))
        for begin, end, lag in repeats.repeats_within(codes, good, window):
            rare = float(total[end] - total[begin + 1] - looks)
            if rare < reach[0]:
                continue
            distinct = len(np.unique(digits[begin:end]))
            if distinct < chosen.figure("distinct", row):
                continue
            figures = {
                "lag": float(lag),
                "values": float(end - begin),
                "distinct": float(distinct),
                "exact": 1.0,
                "rare": rare,
            }
            for copy, original in _named(x, row, ((begin, end), (begin - lag, end - lag)), peers[row]):
                found.append(_finding(row, copy, original, reach, chosen, figures))
    return found


def _named(
    x: Floats, row: int, both: tuple[tuple[int, int], tuple[int, int]], peers: Floats | None
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """(copy, original) of two equal stretches, the later one first in `both`: either way where it
    is not clear.

    Who fills a day copies from the past, so without a difference the later one is the copy.
    """
    later, earlier = both
    more = oddness(x, row, later, peers) - oddness(x, row, earlier, peers)
    if more < -UNCLEAR:
        return [(earlier, later)]
    return [(later, earlier)] if more > -UNCLEAR / 4 else [(later, earlier), (earlier, later)]


def _finding(
    row: int,
    copy: tuple[int, int],
    original: tuple[int, int],
    reach: tuple[float, float],
    chosen: Chosen,
    figures: dict[str, float],
) -> Finding:
    rare = figures["rare"]
    return Finding(
        chosen.test.id, Stretch(row, *copy), rare, reach[0], history.chance(rare), strength(rare, *reach),
        chosen.test.kind, (Stretch(row, *original),), figures,
    )  # fmt: skip


def _near(
    panel: Panel, chosen: Chosen, x: Floats, steps: Floats, peers: list[Floats | None]
) -> list[Finding]:
    day = panel.per_day
    first = chosen.rows[0]
    if day < 8 or x.shape[1] < 10 * day:
        return []
    stride = max(1, day // 4)
    alike, partner = most_alike(x, steps, day, stride)
    alike = history.against_peers(alike, list(panel.of_factor.values()))
    threshold, month = chosen.figure("near_threshold", first), history.per_month(panel) // stride
    rare = history.rarity(alike, day // stride, month, 0.1, least=threshold)
    found: list[Finding] = []
    judged = set(chosen.rows)
    for e in history.excursions(rare, threshold, 1):
        row = e.row
        if row not in judged:
            continue
        lag = e.peak * stride - int(partner[row, e.peak])
        begin, end = e.from_i * stride, (e.to_i - 1) * stride + day
        if end - begin > day:
            begin, end = _lagged(x[row], (begin, end), lag, day)
        both = (
            ((begin, end), (begin - lag, end - lag)) if lag > 0 else ((begin - lag, end - lag), (begin, end))
        )
        reach = (chosen.figure("near_threshold", row), chosen.figure("near_strong", row))
        figures = {"lag": float(lag), "values": float(end - begin), "exact": 0.0, "rare": e.rare}
        for copy, original in _named(x, row, both, peers[row]):
            found.append(_finding(row, copy, original, reach, chosen, figures))
    return found


def _pasted(
    panel: Panel, chosen: Chosen, x: Floats, steps: Floats, peers: list[Floats | None]
) -> list[Finding]:
    """Days that go along value by value with earlier ones, where the pack asks for it."""
    looks = float(np.log10(pasted.REACH_DAYS * history.per_month(panel)))
    found: list[Finding] = []
    for row in chosen.rows if panel.per_day >= 8 else ():
        reach = (chosen.asked("pasted_threshold", row), chosen.asked("pasted_strong", row))
        if not (np.isfinite(reach[0]) and np.isfinite(steps[row])):
            continue
        column = aligned.column_of(x[row], float(steps[row]))
        for lag, e in pasted.comes_again(column, panel.per_day, reach[0] + looks):
            digits, moved = column.digits[e.from_i : e.to_i], column.moved[e.from_i : e.to_i]
            distinct = len(np.unique(digits))
            least = chosen.figure("distinct", row) + 1
            if e.equal < chosen.figure("pasted_equal", row) or min(distinct, (moved > 0).sum()) < least:
                continue
            figures = {
                "lag": float(lag),
                "values": float(e.to_i - e.from_i),
                "distinct": float(distinct),
                "exact": 0.0,
                "rare": e.gain - looks,
            }
            both = ((e.from_i, e.to_i), (e.from_i - lag, e.to_i - lag))
            for copy, original in _named(x, row, both, peers[row]):
                found.append(_finding(row, copy, original, reach, chosen, figures))
    return found


def _lagged(series: Floats, where: tuple[int, int], lag: int, day: int) -> tuple[int, int]:
    """The part of `where` that can be compared with `lag` periods earlier."""
    begin, end = where
    begin, end = max(begin, lag, 0), min(end, len(series), len(series) + lag)
    return (begin, end) if end - begin >= day // 2 else where


def most_alike(x: Floats, steps: Floats, day: int, stride: int) -> tuple[Floats, Ints]:
    """Per row and day-long window (every `stride` periods): likeness to its most alike day, and
    where that is.

    Likeness is -½ ln(1 - r²) of the values plus that of their moves, over days at the same hours; rounding to
    `steps` counts as noise. NaN where less than 85 % of the day is known or it hardly moves.
    """
    starts = np.arange(0, x.shape[1] - day + 1, stride)
    alike = np.full((len(x), len(starts)), np.nan)
    partner = np.zeros((len(x), len(starts)), dtype=np.int64)
    for row in range(len(x)):
        if not np.isfinite(steps[row]):
            continue
        for phase in range(0, day, stride):
            count = (x.shape[1] - phase) // day
            days = x[row, phase : phase + count * day].reshape(count, day)
            columns = (phase + np.arange(count) * day) // stride
            alike[row, columns], which = _alike_days(days, float(steps[row]))
            partner[row, columns] = phase + which * day
    return alike, partner


def _alike_days(days: Floats, step: float) -> tuple[Floats, Ints]:
    known = np.isfinite(days)
    # Products with ones sum short rows many times faster than sums.
    ones = np.ones(days.shape[1])
    count = known @ ones
    full = count >= 0.85 * days.shape[1]
    mean = np.where(known, days, 0.0) @ ones / np.fmax(count, 1)
    level = np.where(known, days - mean[:, None], 0.0)
    moves = np.diff(level, axis=1)
    noise = step * step / 12
    full &= (np.abs(moves) > 1.01 * step) @ ones[1:] > MOVING_SHARE * moves.shape[1]
    squares = (level * level) @ ones
    full &= squares > LIVELY_STEPS**2 * step * step * days.shape[1]
    parts = []
    for part, square, share in ((level, squares, noise), (moves, (moves * moves) @ ones[1:], 2 * noise)):
        length = np.sqrt(square + part.shape[1] * share + 1e-300)
        parts.append(np.where(full[:, None], part / length[:, None], 0.0))
    lowest, which = _most_alike(parts)
    return np.where(full, -0.5 * np.log(lowest), np.nan), which


def _most_alike(parts: list[Floats]) -> tuple[Floats, Ints]:
    """Per day the least product over `parts` of 1 - r² with any other day within reach, and that day."""
    count = len(parts[0])
    blocks = -(-count // BLOCK_DAYS)
    wide = BLOCK_DAYS + 2 * REACH_DAYS
    lowest, which = np.ones(blocks * BLOCK_DAYS), np.zeros(blocks * BLOCK_DAYS, dtype=np.int64)
    own = np.arange(BLOCK_DAYS)
    padded = []
    for part in parts:
        padded.append(np.zeros((blocks * BLOCK_DAYS + 2 * REACH_DAYS, part.shape[1]), dtype=np.float32))
        padded[-1][REACH_DAYS : REACH_DAYS + count] = part
    for first in range(0, blocks, BLOCKS):
        some = range(first, min(blocks, first + BLOCKS))
        rest, second = (_unexplained(part, some) for part in padded)
        rest *= second
        rest[:, own, own + REACH_DAYS] = 1.0
        lines = rest.reshape(-1, wide)
        best = lines.argmin(axis=1)
        at = slice(first * BLOCK_DAYS, first * BLOCK_DAYS + len(lines))
        lowest[at] = lines[np.arange(len(lines)), best]
        which[at] = np.arange(at.start, at.stop) // BLOCK_DAYS * BLOCK_DAYS - REACH_DAYS + best
    return lowest[:count], np.clip(which[:count], 0, count - 1)


def _unexplained(padded: NDArray[np.float32], some: range) -> NDArray[np.float32]:
    """1 - r² of the days of some blocks with those from REACH_DAYS before to as many after it, at least
    LEAST_REST; 1 where r is not above 0 or there is no day [blocks, days, days].
    """
    wide = BLOCK_DAYS + 2 * REACH_DAYS
    views = np.lib.stride_tricks.sliding_window_view(padded, wide, axis=0)
    views = views[some.start * BLOCK_DAYS : (some.stop - 1) * BLOCK_DAYS + 1 : BLOCK_DAYS]
    days = padded[REACH_DAYS + some.start * BLOCK_DAYS : REACH_DAYS + some.stop * BLOCK_DAYS]
    r: NDArray[np.float32] = np.matmul(days.reshape(len(some), BLOCK_DAYS, -1), views)
    np.maximum(r, 0.0, out=r)
    np.multiply(r, r, out=r)
    np.subtract(1.0, r, out=r)
    np.maximum(r, LEAST_REST, out=r)
    return r
