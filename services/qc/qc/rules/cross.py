"""Rules that compare a series with another one: PM2.5 with PM10, an hour with its own minutes.

Promises: the partner's figures arrive aligned to the rows judged (NaN where there is none). Leaves alignment
to `qc.rules.frame` and parameters to the rule pack.
"""

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints, Outcome, of, outcome, run_lengths
from qc.rules.track import adjacent

# Decimal fractions have no exact binary form: 0.1 + 0.2 must not fire a rule at 0.3.
ROUNDING = 1e-9


def part_exceeds_whole(  # noqa: PLR0913 - one column each, no hidden state
    series: Ints,
    ts: Ints,
    part: Floats,
    whole: Floats,
    absolute: Floats,
    relative: Floats,
    min_run: Floats,
    reach_ms: Floats,
) -> Outcome:
    """A part is larger than its whole by more than max(`absolute`, `relative` × whole), `min_run` times
    running.

    Source: falsification test X1 (PM2.5 is a part of PM10: more than 10 µg/m³ and 10 %, 3 h or longer). Rows
    of both series carry the same pair and fire together, because the pair alone does not say which is wrong.
    Worked example: PM2.5 95, PM10 80 in three hours running: excess 15 > max(10, 8), all three fire by 5.
    """
    excess = part - whole
    allowed = np.fmax(absolute, relative * whole)
    rows = np.flatnonzero(np.isfinite(excess) & np.isfinite(allowed))
    over = excess[rows] > allowed[rows] * (1 + ROUNDING)
    linked = adjacent(series[rows], ts[rows], of(reach_ms, rows))
    linked[1:] &= over[1:] & over[:-1]
    fired, ran = np.zeros(len(ts), dtype=bool), np.zeros(len(ts), dtype=bool)
    fired[rows] = over & (run_lengths(linked) >= of(min_run, rows))
    ran[rows] = True
    return outcome(fired, ran, excess, allowed, excess - allowed)


def differs_from_minutes(  # noqa: PLR0913 - one column each, no hidden state
    value: Floats,
    usable: Flags,
    mean: Floats,
    count: Floats,
    min_count: Floats,
    relative: Floats,
    resolution: Floats,
) -> Outcome:
    """The hour is not the mean of its own valid minutes, beyond max(`relative` × mean, one step of the last
    digit).

    Source: falsification test X9; HJ 212-2017 appendix D (an hour needs ≥ 45 valid minute means), else not
    judged.
    Worked example: hour 50.0, sixty minutes with mean 41.3, one decimal: deviation 8.7 > 0.2065, fires by
    8.49.
    """
    ran = usable & (count >= min_count)
    deviation = np.abs(value - mean)
    allowed = np.fmax(relative * np.abs(mean), resolution)
    return outcome(deviation > allowed * (1 + ROUNDING), ran, deviation, allowed, deviation - allowed)


def is_borne_out(  # noqa: PLR0913 - one column each, no hidden state
    value: Floats,
    mean: Floats,
    count: Floats,
    swing: Floats,
    min_count: Floats,
    relative: Floats,
    resolution: Floats,
) -> Flags:
    """The hour agrees with its own minutes, and these moved: however the hours look, nothing stood still.

    `swing` is the highest minus the lowest minute. Worked example: hour 75, sixty minutes between 52 and 135
    with mean 75.2, no decimals: borne out; sixty minutes of 75: not, the sensor may be stuck.
    """
    close = np.abs(value - mean) <= np.fmax(relative * np.abs(mean), resolution) * (1 + ROUNDING)
    known: Flags = (count >= min_count) & close & (swing > resolution)
    return known


def is_frozen_against_minutes(  # noqa: PLR0913 - one column each, no hidden state
    series: Ints,
    ts: Ints,
    value: Floats,
    is_frozen: Flags,
    is_contradicted: Flags,
    mean: Floats,
    allowed: Floats,
    reach_ms: Floats,
) -> Outcome:
    """The hours stand still while the means of their own minutes move.

    `is_frozen` is test K1, `is_contradicted` test X9 on the same row; the means must
    move by more than `allowed`. Each has innocent causes: a stuck sensor freezes its minutes too, a wrongly
    configured logger still moves its hours. Together neither holds.
    Worked example: hours 42 42, minute means 42 and 47, allowed 1: the second differs from its own minutes
    (X9) and the means moved by 5 > 1 while the hour did not: it fires by 4.
    """
    rows = np.flatnonzero(is_frozen & np.isfinite(mean))
    m, v = mean[rows], value[rows]
    near = adjacent(series[rows], ts[rows], of(reach_ms, rows))
    near[1:] &= v[1:] == v[:-1]
    moved = np.full(len(rows), np.nan)
    moved[1:] = np.where(near[1:], np.abs(m[1:] - m[:-1]), np.nan)
    both = np.fmax(moved, np.append(moved[1:], np.nan))
    movement = np.full(len(ts), np.nan)
    movement[rows] = both
    ran = np.isfinite(movement) & np.isfinite(allowed)
    fired = is_contradicted & (movement > allowed * (1 + ROUNDING))
    return outcome(fired, ran, movement, allowed, movement - allowed)
