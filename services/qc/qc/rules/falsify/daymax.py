"""What a network's platform writes for an hour that is missing: the running maximum of the day before.

Promises: values are excused only where the other stations of the factor return to their running maximum far
more often than they come near it, so that no station excuses itself. Leaves which tests heed it, and how
far, to the packs.
"""

from collections.abc import Sequence

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.finding import Chosen, Finding
from qc.rules.falsify.panel import Panel, once_per_panel
from qc.rules.outcome import Flags, Floats

# Steps of the last digit by which a value must rise to return, and within which it comes near.
RISE, NEAR = 5.0, 3.0
# A day whose smallest value is more than this share of its largest is a narrow band, which meets its largest
# by itself.
SWING = 0.5
# Days over which returns are counted; how often they are as many as chance gives, and at how many others (at
# least two).
HABIT_DAYS, TIMES, SOME, LEAST_STATIONS = 30, 3.0, 2.0, 1 / 3
# The figure of a pack that says from which share of such values on a finding is left alone.
FIGURE = "at_maximum"


@once_per_panel
def at_maximum(panel: Panel) -> Flags:
    """Values that equal the largest of the day before them, where the network does that by habit and the day
    swung [S, N].

    Source: the public hourly channel carries the running daily maximum of ozone beside the hour (HJ 633-2012
    table 1: O3 by the hour and by the largest of the day). Worked example: 133 at noon, 46 to 65 by night,
    133 again in one hour, at seven of twelve stations in one month → those 133; at one station alone → none.
    """
    found, day = np.zeros(panel.shape, dtype=np.bool_), panel.per_day
    if day < 2 or panel.shape[1] <= 2 * day:
        return found
    x, steps = history.readings(panel), history.steps(panel)
    block = panel.shape[1] // max(1, round(panel.shape[1] / (HABIT_DAYS * day)))
    for rows in panel.of_factor.values():
        if len(rows) < 1 + 1 / LEAST_STATIONS:
            continue
        tops = np.array([running_maximum(x[row], day) for row in rows])
        exact, near = (
            np.array([by_block(part, block) for part in some])
            for some in zip(
                *(returns(x[row], top, float(steps[row])) for row, top in zip(rows, tops, strict=True)),
                strict=True,
            )
        )
        habit = np.array([is_habit(exact, near, place) for place in range(len(rows))])
        where = np.minimum(np.arange(panel.shape[1]) // block, habit.shape[1] - 1)
        swung = np.array([-running_maximum(-x[row], day) for row in rows]) <= SWING * tops
        found[rows] = habit[:, where] & (x[rows] == tops) & swung
    found.flags.writeable = False
    return found


def running_maximum(x: Floats, day: int) -> Floats:
    """The largest known value of the `day` periods before each [N]; NaN for the first day and where none is.

    Worked example: 3, 1, 2, 2 with 2 periods → NaN, NaN, 3, 2.
    """
    tops = np.full(len(x), np.nan)
    largest, width = np.where(np.isfinite(x), x, -np.inf)[:-1], 1
    # The largest of a window is the larger of those of two shorter ones that cover it.
    while width < day:
        further = min(width, day - width)
        largest, width = np.maximum(largest[:-further], largest[further:]), width + further
    tops[day:] = np.where(np.isfinite(largest), largest, np.nan)
    return tops


def returns(x: Floats, tops: Floats, step: float) -> tuple[Flags, Floats]:
    """Where a value rises by some steps to exactly the running maximum, and to as near it as chance would,
    per step [N].

    Worked example: 133, 46, 133 in steps of 1 → a return; 133, 46, 131 → a sixth of one by chance.
    """
    rise = np.diff(x, prepend=np.nan) >= RISE * step
    away = np.abs(x - tops)
    exact = rise & (away < step / 2)
    near = np.where(rise & ~exact & (away <= (NEAR + 0.5) * step), 1 / (2 * NEAR), 0.0)
    return exact, near


def by_block(part: Floats | Flags, block: int) -> Floats:
    """Sums over blocks; what is left over belongs to the last. Worked example: [1, 1, 1], 2 → [3]."""
    blocks = max(1, len(part) // block)
    sums: Floats = np.add.reduceat(part.astype(np.float64), np.arange(blocks) * block)
    return sums


def is_habit(exact: Floats, near: Floats, place: int) -> Flags:
    """Per block whether the stations beside that of `place` return by habit [blocks].

    Worked example: eleven others with 170 returns where chance gives 15 → yes; one other with all of them →
    no.
    """
    others = np.arange(len(exact)) != place
    many = exact[others].sum(axis=0) > TIMES * (near[others].sum(axis=0) + SOME)
    wide = (exact[others] >= SOME).sum(axis=0) >= max(2.0, LEAST_STATIONS * others.sum())
    habit: Flags = many & wide
    return habit


def without_maxima(panel: Panel, chosen: Chosen, findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings of a test without those that such values make up, as far as the test heeds them."""
    if not findings or not np.isfinite(chosen.figures.get(FIGURE, ())).any():
        return findings
    flagged, x = at_maximum(panel), history.readings(panel)
    kept = []
    for one in findings:
        here = slice(one.where.from_i, one.where.to_i)
        known = max(1, int(np.isfinite(x[one.where.row, here]).sum()))
        share = float(flagged[one.where.row, here].sum()) / known
        if not share >= chosen.figure(FIGURE, one.where.row):
            kept.append(one)
    return kept
