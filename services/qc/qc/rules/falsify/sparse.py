"""K5, B6, N6 and M5: quietness, caps, digits and marks of series with few values a day.

Promises: a stretch against all the rest of its series, by counts whose chances are exact or nearly so; for
panels of at most `most_per_day` periods, where tests that look for days in months have nothing to look at.
"""

from collections.abc import Iterator

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.digits import tail_of_chi
from qc.rules.falsify.echoes import size_steps
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.segments import found_as, surprising
from qc.rules.outcome import Flags, Floats, Ints

# Shares of the moves that are called small, and that the rest of the series has above them.
SMALL = (0.1, 0.25, 0.5)
# Lengths of stretches, in values, and the share of a length they are moved by.
LENGTHS, STRIDE = (15, 24, 36, 50, 70, 100, 140, 190), 6
# Values that must have been above a cap, and at it.
LEAST_ABOVE, LEAST_AT = 5, 4
# Steps of the last digit that values must spread over for it to be left to chance.
SPREAD = 8.0
# A series that spreads over fewer steps meets its largest value by itself again and again.
COARSE = 4.0
# Up to so many values a day each mark is a decision of its own.
MOST_ALONE = 4
# Marked values beyond this quantile of the unmarked are gas of a cylinder or a fault, and no emission.
SPAN_QUANTILE, HIGH_QUANTILE = 0.995, 0.75


def _rows(panel: Panel, chosen: Chosen) -> Iterator[tuple[int, Ints, Floats]]:
    """(row, places of its known values, these values) where the panel is sparse enough."""
    x = history.readings(panel)
    for row in chosen.rows:
        at = np.flatnonzero(np.isfinite(x[row]))
        if panel.per_day <= chosen.figure("most_per_day", row) and len(at) >= chosen.test.min_n:
            yield row, at, x[row, at]


def _stretches(n: int) -> Iterator[tuple[int, int]]:
    """The stretches [from, to) of n values that are tried: at most half of them."""
    for length in LENGTHS:
        if length > n // 2:
            return
        for begin in range(0, n - length + 1, max(1, length // STRIDE)):
            yield begin, begin + length


@register("K5")
def quiet(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Moves from value to value that are small for far too long against the series' own moves [K5].

    Relative moves, but of pH. Moves of nothing count a half: coarse series rest. Worked example: COD that
    moves by 20 % a day, averaged over five days for two months.
    """
    found: list[Finding] = []
    for row, at, values in _rows(panel, chosen):
        step = size_steps(values)
        floor = np.fmax(values[:-1], 5 * step[:-1])
        size = np.fmax(np.abs(np.diff(values)), 0.5 * step[1:]) / (floor if values.min() > 0 else 1.0)
        looks = float(np.log10(len(size) * len(SMALL)))
        for share in SMALL:
            small = size <= np.quantile(size, share)
            for s in surprising(small, max(share, float(small.mean())), looks):
                where = Stretch(row, int(at[s.from_i]), int(at[s.to_i]) + 1)
                figures = {"n": float(s.to_i - s.from_i), "share": s.share, "usual": share, "rare": s.rare}
                found += found_as(chosen, where, s.rare, chosen.test.kind, figures)
    return history.rarest_only(found)


@register("B6")
def all_at_top(panel: Panel, chosen: Chosen) -> list[Finding]:
    """A stretch in which everything that reaches a value is that value, while the rest goes beyond [B6].

    k values at the top, of which each would be equal to it by the share that is outside: share^k. Worked
    example: fifteen days of exactly 1,480 µS/cm in four months, and a third of the other months' days above.
    """
    found: list[Finding] = []
    for row, at, values in _rows(panel, chosen):
        if _spread(values) < COARSE * float(np.median(size_steps(values))):
            continue
        looks = float(np.log10(len(values)))
        for begin, end in _stretches(len(values)):
            inside, outside = values[begin:end], np.r_[values[:begin], values[end:]]
            top = float(inside.max())
            often = int((inside == top).sum())
            above = int((outside > top).sum())
            if often < LEAST_AT or above < LEAST_ABOVE:
                continue
            share = (float((outside == top).sum()) + 0.5) / (float((outside >= top).sum()) + 1.0)
            rare = -often * float(np.log10(share)) - looks
            where = Stretch(row, int(at[begin]), int(at[end - 1]) + 1)
            figures = {"top": top, "often": float(often), "above": float(above), "rare": rare}
            found += found_as(chosen, where, rare, "cap", figures)
    return history.rarest_only(found)


@register("N6")
def other_digits(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Last digits of a stretch against those of the rest of the series, by the two samples' G [N6].

    Worked example: sixty values of which fifty end in 0 or 5, in a series that ends in them as often as not.
    """
    found: list[Finding] = []
    for row, at, values in _rows(panel, chosen):
        step = size_steps(values)
        last = np.fmod(np.abs(np.rint(values / step)), 10).astype(np.int64)
        lively = _spread(values) >= SPREAD * float(np.median(step))
        if not lively:
            continue
        whole, looks = np.bincount(last, minlength=10), float(np.log10(len(values) / 3))
        for begin, end in _stretches(len(values)):
            if _spread(values[begin:end]) < SPREAD * float(np.median(step[begin:end])):
                continue
            inside = np.bincount(last[begin:end], minlength=10)
            g = _g_of(inside, whole - inside)
            rare = float(tail_of_chi(np.array([g]))[0] - looks)
            fives = float(inside[[0, 5]].sum() / inside.sum())
            usual = float((whole - inside)[[0, 5]].sum() / max(1, (whole - inside).sum()))
            figures = {"n": float(end - begin), "fives": fives, "usual": usual, "g": g, "rare": rare}
            where = Stretch(row, int(at[begin]), int(at[end - 1]) + 1)
            kind = "heap" if fives > max(0.4, 1.5 * usual) else chosen.test.kind
            found += found_as(chosen, where, rare, kind, figures)
    return history.rarest_only(found)


def _spread(values: Floats) -> float:
    low, high = np.quantile(values, (0.25, 0.75))
    return float(high - low) / 1.349


def _g_of(one: Ints, other: Ints) -> float:
    """Twice the likelihood ratio of two samples over one distribution, with Williams' correction."""
    table = np.stack([one, other]).astype(np.float64)
    total = table.sum()
    mean = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        g = 2 * float(np.nansum(np.where(table > 0, table * np.log(table / mean), 0.0)))
    return g / (1 + 15 / (6 * float(one.sum())))


@register("M5")
def marked_high(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Values under marks of no measurement that are high ones, where the values were kept [M5].

    Left out: what no emission is (beyond the unmarked range). Chance: binomial. Worked example: of 20 days
    marked "maintenance" 18 lie in the upper quarter of the unmarked ones.
    """
    found: list[Finding] = []
    for row in chosen.rows:
        value, marked = panel.value[row], np.isin(panel.mark[row], history.NOT_MEASURED)
        free: Flags = np.isfinite(value) & ~marked
        if free.sum() < chosen.test.min_n or not marked.any():
            continue
        high, span = np.quantile(value[free], (HIGH_QUANTILE, SPAN_QUANTILE))
        at = np.flatnonzero(marked & np.isfinite(value) & (value <= span))
        if panel.per_day > MOST_ALONE:
            # Hours marked one after the other are one decision.
            at = at[np.diff(at, prepend=-9) > 1]
        for s in surprising(value[at] >= high, 1 - HIGH_QUANTILE, float(np.log10(max(1, len(at))))):
            where = Stretch(row, int(at[s.from_i]), int(at[s.to_i - 1]) + 1)
            figures = {"n": float(s.to_i - s.from_i), "share": s.share, "high": float(high), "rare": s.rare}
            found += found_as(chosen, where, s.rare, chosen.test.kind, figures)
    return found
