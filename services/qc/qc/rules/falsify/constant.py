"""K1–K4: values that do not move as this series moves elsewhere at such a level.

Promises: a plateau at the detection limit, at the bottom of a coarse scale or under a mark is never reported.
Leaves copies and patterns to their own modules.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import history, ranks
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats, Ints

# Levels in steps of the last digit between which runs of equal values are alike.
LEVELS = np.array([1.5, 2.5, 3.5, 4.5, 6.5, 10.5, 15.5, 23.5, 39.5, 79.5])
# Longer runs count as this long in the history: a frozen instrument must not make the next one normal.
LONGEST_COUNTED = 12
# Days, or what the pack takes for one, over which a band is looked at: a day says it early, some days running
# are rarer in weather. Begun so many times in the length of a longer one.
BAND_TIMES, BAND_STRIDES = (1, 3), 12
LOAD_FACTORS = ("load", "a00000", "w00000")


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of equal values of one row: periods [from_i, to_i), the value and how many values it holds."""

    from_i: Ints
    to_i: Ints
    value: Floats
    length: Ints


def runs_of(x: Floats) -> Runs:
    """Runs of equal known values; single missing periods inside do not end a run."""
    places = np.flatnonzero(np.isfinite(x))
    if not len(places):
        none = np.zeros(0, dtype=np.int64)
        return Runs(none, none, np.zeros(0), none)
    values = x[places]
    starts = np.flatnonzero(np.r_[True, (np.diff(values) != 0) | (np.diff(places) > 2)])
    ends = np.r_[starts[1:], len(places)]
    return Runs(places[starts], places[ends - 1] + 1, values[starts], ends - starts)


def rare_runs(runs: Runs, step: float, months: float, season: int) -> tuple[Floats, Floats]:
    """-log10 of the chance of each run in a month, and of it what the number of runs takes away.

    How often do values at that level stay as they are?

    The chance to stay comes from runs that have lasted two periods already, without the run that
    is judged: the
    largest of that at the same level in the whole history, at any level within `season` periods before and
    after (an analyser that sticks for a month) and at this very value (where a fault rests). One
    stay in two is
    assumed beforehand, so that little history claims little.
    Worked example: 1 of 10 stays at a level, 70 runs a month: 12 equal values → about 9.
    """
    group = np.searchsorted(LEVELS, np.abs(runs.value) / step)
    counted = np.fmin(runs.length, LONGEST_COUNTED)
    stays = np.fmax(0, counted - 2)
    asked = stays + ((runs.length >= 2) & (runs.length <= LONGEST_COUNTED))
    total = len(LEVELS) + 1
    stays_of, asked_of = (np.bincount(group, part, total)[group] - part for part in (stays, asked))
    pairs_of = np.bincount(group, runs.length >= 2, total)[group] - (runs.length >= 2)
    at_level = (stays_of + 1) / (asked_of + 2)
    near = [_around(runs.from_i // season, part) - part for part in (stays, asked)]
    same = ranks.numbered(np.rint(runs.value / step))
    at_value = [np.bincount(same, part)[same] - part for part in (stays, asked)]
    stay = np.fmax(at_level, (near[0] + 4 * at_level) / (near[1] + 4))
    stay = np.fmax(stay, (at_value[0] + 4 * at_level) / (at_value[1] + 4))
    looks = np.log10((pairs_of + 1) / months)
    return -np.fmax(0, runs.length - 2) * np.log10(stay) - looks, looks


def _around(block: Ints, part: Ints) -> Floats:
    """Sums of `part` over the block of each run and the blocks on either side."""
    total = np.concatenate([[0.0], np.bincount(block, part), [0.0]])
    sums = total[:-2] + total[1:-1] + total[2:]
    around: Floats = sums[block]
    return around


def shared(x: Floats, row: int, peers: Ints, where: Stretch) -> float:
    """The share of the other stations of a factor that hardly moved in a stretch either; 0 with
    fewer than 3."""
    others = x[peers[peers != row], where.from_i : where.to_i]
    if len(others) < 3:
        return 0.0
    moves = np.diff(others, axis=1)
    known = np.isfinite(moves).sum(axis=1)
    measuring = known > 0.5 * moves.shape[1]
    still = ((moves == 0).sum(axis=1) > 0.85 * known) & measuring
    return float(still.sum() / max(3, measuring.sum()))


@register("K1")
def constant(panel: Panel, chosen: Chosen) -> list[Finding]:
    """K1: the longest run of identical values against how long values stay at that level, standards §6.1."""
    x = history.readings(panel)
    steps = history.steps(panel)
    found: list[Finding] = []
    for row in chosen.rows:
        if not np.isfinite(steps[row]):
            continue
        runs = runs_of(x[row])
        months = max(1.0, int(runs.length.sum()) / history.per_month(panel))
        rare, stay_loss = rare_runs(runs, float(steps[row]), months, history.per_month(panel))
        peers = panel.of_factor[panel.factor[row]]
        least = history.periods(panel, chosen.figure("hours", row), int(chosen.figure("least", row)))
        floor = max(chosen.figure("coarse", row) * float(steps[row]), _quiet(panel, row))
        threshold, strong = chosen.figure("threshold", row), chosen.figure("strong", row)
        fired = (rare >= threshold) & (runs.length >= least) & (np.abs(runs.value) > floor)
        for i in np.flatnonzero(fired).tolist():
            where = Stretch(row, int(runs.from_i[i]), int(runs.to_i[i]))
            if shared(x, row, peers, where) > chosen.figure("shared", row):
                continue
            figures = {"equal_values": float(runs.length[i]), "value": float(runs.value[i])}
            found.append(_finding("K1", where, float(rare[i]), (threshold, strong), chosen, figures))
            # How rare grows in a straight line with the length: since when was it enough?
            enough = 2 + (int(runs.length[i]) - 2) * (strong + stay_loss[i]) / (rare[i] + stay_loss[i])
            early = where.from_i + max(least, int(np.ceil(enough)))
            if rare[i] > strong and early < where.to_i:
                short = Stretch(row, where.from_i, early)
                found.append(_finding("K1", short, strong, (threshold, strong), chosen, figures))
    return found


def _quiet(panel: Panel, row: int) -> float:
    limit = panel.detection_limit[row]
    return float(limit) if np.isfinite(limit) else 0.0


def _finding(
    test: str,
    where: Stretch,
    rare: float,
    reach: tuple[float, float],
    chosen: Chosen,
    figures: dict[str, float],
) -> Finding:
    p = history.chance(rare)
    return Finding(
        test,
        where,
        rare,
        reach[0],
        p,
        strength(rare, *reach),
        chosen.test.kind,
        (),
        {**figures, "rare": rare},
    )


def level_bins(mean: Floats, bins: int) -> NDArray[np.uint8]:
    """The tenth (of `bins`) of its own row that each known level belongs to."""
    at = (np.arange(1, bins) * len(mean)) // bins
    edges = np.sort(mean)[at]
    return np.searchsorted(edges, mean, side="right").astype(np.uint8)


def at_level(statistic: Floats, mean: Floats, bins: int = 10) -> tuple[Floats, Floats]:
    """The statistic less its median at windows of that level, and that median [S, M] each."""
    usual = np.full(statistic.shape, np.nan)
    for row, values in enumerate(statistic):
        known = np.flatnonzero(np.isfinite(values))
        if not len(known):
            continue
        place = level_bins(mean[row, known], bins)
        # Numbers of one byte are put in order without comparing them.
        order, ends = np.argsort(place, kind="stable"), np.cumsum(np.bincount(place, minlength=bins))
        parts = np.split(values[known[order]], ends[:-1])
        usual[row, known] = np.array([ranks.median_of(part) for part in parts])[place]
    return statistic - usual, usual


@register("K2")
def narrow_band(panel: Panel, chosen: Chosen) -> list[Finding]:
    """K2: the spread of a day, and of some days running, against that of as long a time at such a level in
    the series' own history.
    """
    x = history.readings(panel)
    first = chosen.rows[0]
    day = history.periods(panel, chosen.figure("hours", first), 12)
    steps = history.steps(panel)
    found: list[Finding] = []
    least = min(chosen.figure("threshold", row) for row in chosen.rows)
    for times in BAND_TIMES:
        size = (day * times, max(1, day * times // BAND_STRIDES) if times > 1 else 1)
        if x.shape[1] < 3 * size[0]:
            break
        rare = narrowness(panel, x, steps, size, least)
        for row in chosen.rows:
            reach = (chosen.figure("threshold", row), chosen.figure("strong", row))
            for e in history.excursions(rare[row][None], reach[0], size[0] // size[1], reach[1]):
                found += _narrowed(chosen, x[row], rare[row], replace(e, row=row), size, reach)
    return found


def _narrowed(
    chosen: Chosen,
    x: Floats,
    rare: Floats,
    e: history.Excursion,
    size: tuple[int, int],
    reach: tuple[float, float],
) -> list[Finding]:
    """The finding of an excursion of a row's rarity, and the one that says since when it was enough."""
    window, stride = size
    inside = ranks.known_of(x[e.peak * stride : e.peak * stride + window])
    figures = {"spread": float(inside.std()), "level": float(inside.mean())}
    # The outermost windows reach into honest periods on either side.
    inner = (window - 1) // 4
    where = Stretch(e.row, e.from_i * stride + inner, (e.to_i - 1) * stride + window - inner)
    found = [_finding("K2", where, e.rare, reach, chosen, figures)]
    until = e.early * stride + window
    if until < where.to_i and rare[e.early] >= reach[1]:
        early = Stretch(e.row, where.from_i, until)
        found.append(_finding("K2", early, float(rare[e.early]), reach, chosen, figures))
    return found


def narrowness(panel: Panel, x: Floats, steps: Floats, size: tuple[int, int], least: float) -> Floats:
    """Rarity of the standard deviation of every window [S, M]; -inf below `least`. `size` is the length of a
    window and how many periods lie from one to the next.
    """
    window, stride = size
    rare = np.full((len(x), (x.shape[1] - window) // stride + 1), -np.inf)
    low, middle, high = history.quartiles(panel)
    month = max(1, history.per_month(panel) // stride)
    for rows in panel.of_factor.values():
        relative = np.array([
            _narrow(x[row], float(middle[row]), float(high[row] - low[row]), float(steps[row]), size)
            for row in rows
        ])  # fmt: skip
        relative = history.against_peers(relative, [np.arange(len(rows))], share=0.75)
        rare[rows] = history.rarity(relative, window // stride, month, 0.1, least=least)
    return rare


def _narrow(x: Floats, middle: float, range_: float, step: float, size: tuple[int, int]) -> Floats:
    """-ln of the deviation of every window of a row, less its usual at that level [M]; NaN where nothing
    can be told.
    """
    width = range_ if range_ > 0 else 1.0
    scaled = (x - middle) / width
    count = np.fmax(history.windowed(history.counted(np.isfinite(x)), *size), 1)
    sums, squares = history.rolling_sum(scaled, *size), history.rolling_sum(scaled * scaled, *size)
    mean = sums / count
    variance = np.fmax(squares / count - mean**2, 0.0)
    coarse = (step / width) ** 2 / 12
    statistic = -0.5 * np.log(variance + coarse + 1e-12)
    statistic[(count < 0.75 * size[0]) | ~np.isfinite(statistic)] = np.nan
    relative, usual = at_level(statistic[None], mean[None])
    # Where even an ordinary day of this level spreads over hardly more than one step, nothing can be told.
    relative[np.exp(-2 * usual) < 3.0**2 * 12 * coarse] = np.nan
    # At the bottom of the scale the last digit hides the movement.
    relative[0, np.abs(mean * width + middle) < 8 * np.nan_to_num(step)] = np.nan
    narrow: Floats = relative[0]
    return narrow


@register("K3")
def near_detection_limit(panel: Panel, chosen: Chosen) -> list[Finding]:
    """K3: nearly everything within twice the detection limit for days while the load is above half."""
    x = history.readings(panel)
    loads = [row for row, factor in enumerate(panel.factor) if factor in LOAD_FACTORS]
    first = chosen.rows[0]
    window = history.periods(panel, chosen.figure("hours", first), chosen.test.min_n)
    found: list[Finding] = []
    if x.shape[1] < window:
        return found
    full = history.quantiles(x, (0.95,))[0]
    for row in chosen.rows:
        load = next((r for r in loads if panel.station[r] == panel.station[row]), -1)
        if load < 0 or not np.isfinite(panel.detection_limit[row]) or not full[load] > 0:
            continue
        on = np.isfinite(x[row]) & (x[load] > chosen.figure("load", row) * full[load])
        low = on & (x[row] <= 2 * panel.detection_limit[row])
        sums = history.rolling_sum(np.stack([on, low]).astype(np.float64), window)
        share = np.where(sums[0] >= 0.75 * window, sums[1] / np.fmax(sums[0], 1), np.nan)
        threshold, strong = chosen.figure("threshold", row), chosen.figure("strong", row)
        for e in history.excursions(share[None], threshold, window):
            where = Stretch(row, e.from_i, e.to_i - 1 + window)
            figures = {"share": e.rare, "detection_limit": float(panel.detection_limit[row])}
            power = strength(e.rare, threshold, strong)
            found.append(
                Finding("K3", where, e.rare, threshold, float("nan"), power, chosen.test.kind, (), figures)
            )
    return found


@register("K4")
def frozen_ph(panel: Panel, chosen: Chosen) -> list[Finding]:
    """K4: pH that hardly varies over a day, below its own habit, or that jumps by more than 2 in an hour."""
    x = history.readings(panel)
    first = chosen.rows[0]
    window = history.periods(panel, 24, chosen.test.min_n)
    if x.shape[1] < 3 * window:
        return []
    known = np.isfinite(x).astype(np.float64)
    count = np.fmax(history.rolling_sum(known, window), 1)
    middle = history.quartiles(panel)[1][:, None]
    sums, squares = (history.rolling_sum((x - middle) ** power, window) for power in (1, 2))
    variance = np.where(count >= 0.75 * window, np.fmax(squares / count - (sums / count) ** 2, 0.0), np.nan)
    habit = history.quantiles(variance, (0.5,))[0]
    found: list[Finding] = []
    for row in chosen.rows:
        threshold, strong = chosen.figure("threshold", row), chosen.figure("strong", row)
        limit = min(threshold, chosen.figure("ratio", row) * float(np.nan_to_num(habit[row])))
        for e in history.excursions(-variance[row][None], -limit, window) if limit > 0 else ():
            where = Stretch(row, e.from_i, e.to_i - 1 + window)
            power = strength(e.rare, -limit, -strong * limit)
            found.append(
                Finding("K4", where, -e.rare, limit, float("nan"), power, "freeze", (), {"variance": -e.rare})
            )
        jump = chosen.figure("jump", first)
        steps = np.abs(np.diff(x[row]))
        for i in np.flatnonzero(steps > jump).tolist():
            size = float(steps[i])
            where = Stretch(row, i, i + 2)
            power = strength(size, jump, 2 * jump)
            found.append(
                Finding("K4", where, size, jump, float("nan"), power, "probe-in-standard", (), {"jump": size})
            )
    return found
