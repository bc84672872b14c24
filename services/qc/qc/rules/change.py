"""Rules that compare a value with its neighbours in the same series: step, flat line, gap.

Promises: rows come sorted by (series, ts); rows that are not `usable` are taken out before differencing, so
that a bad value never condemns its neighbours; whether a row fires depends only on rows within the reach
the rule pack computes. Leaves parameters to the rule pack; a NaN parameter means: not judged.
"""

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints, Outcome, outcome, places, run_lengths, spread


def adjacent(series: Ints, ts: Ints, reach_ms: Floats) -> Flags:
    """Row i continues row i - 1: same series, and not further apart than `reach_ms` of row i."""
    near = np.zeros(len(ts), dtype=bool)
    np.less_equal(ts[1:] - ts[:-1], reach_ms[1:], out=near[1:])
    near[1:] &= series[1:] == series[:-1]
    return near


def has_step(
    series: Ints, ts: Ints, value: Floats, usable: Flags, limit: Floats, reach_ms: Floats
) -> Outcome:
    """The value differs from the usable value before it by more than `limit`.

    A spike is charged once: the return to the level of two values before does not fire.
    Source: HJ 356-2019 (sudden jumps are to be reviewed); limits are data of the pack.
    Worked example: limit 200, values 50 900 60 55 → only 900 fires, by 650.
    """
    rows = places(usable & np.isfinite(limit))
    v, lim = value[rows], limit[rows]
    near = adjacent(series[rows], ts[rows], reach_ms[rows])
    change = np.full(len(v), np.nan)
    change[1:] = np.abs(v[1:] - v[:-1])
    change[~near] = np.nan
    fired = change > lim
    after = np.flatnonzero(fired) + 1
    after = after[after < len(v)]
    # The value after a jump has returned if it is back at the level of two values before.
    returned = near[after] & near[after - 1] & (np.abs(v[after] - v[after - 2]) <= lim[after])
    fired[after[returned]] = False
    return _back(rows, len(ts), fired, ~np.isnan(change), change, lim)


def is_flat(  # noqa: PLR0913 - one column each, no hidden state
    series: Ints,
    ts: Ints,
    value: Floats,
    usable: Flags,
    min_run: Floats,
    reach_ms: Floats,
    floor: Floats,
    is_borne_out: Flags,
) -> Outcome:
    """`min_run` or more equal values in a row; every value of the run fires that nothing bears out.

    Source: falsification test K1. Guard: values at or below `floor` never count (the detection limit, and the
    level below which one step of the last digit is coarser than a natural hourly change). An hour that is
    borne out by its own moving minutes counts in the run, but does not fire.
    Worked example: min_run 6, floor 10: 42 ×7 → seven values fire with statistic 7; 2 ×200 → nothing.
    """
    rows = places(usable & np.isfinite(min_run))
    v = value[rows]
    linked = adjacent(series[rows], ts[rows], reach_ms[rows])
    linked[1:] &= v[1:] == v[:-1]
    length = run_lengths(linked).astype(np.float64)
    need = min_run[rows]
    informative = v > floor[rows]
    fired = informative & (length >= need) & ~is_borne_out[rows]
    return _back(rows, len(ts), fired, informative, length, need)


def follows_gap(series: Ints, ts: Ints, period_ms: Floats, horizon_ms: Floats) -> Outcome:
    """Periods without any report lie between this value and the one before it.

    Source: GB 3095 6.3. The statistic counts the absent periods. Beyond `horizon_ms` silence is the business
    of the missing-value alarm, not of the next value. Worked example: hours 3 and 6 → hour 6 fires with 2.
    """
    near = adjacent(series, ts, horizon_ms)
    absent = np.zeros(len(ts))
    absent[1:] = (ts[1:] - ts[:-1]) / period_ms[1:] - 1.0
    zero = np.zeros(len(ts))
    return outcome(near & (absent > 0), near, absent, zero, absent)


def _back(
    rows: Ints | slice, length: int, fired: Flags, ran: Flags, statistic: Floats, threshold: Floats
) -> Outcome:
    if isinstance(rows, slice):
        return outcome(fired, ran, statistic, threshold, statistic - threshold)
    return Outcome(
        spread(rows, fired & ran, length, False).astype(bool),
        spread(rows, ran, length, False).astype(bool),
        *(
            spread(rows, np.where(ran, column, np.nan), length, np.nan).astype(np.float64)
            for column in (statistic, threshold, statistic - threshold)
        ),
    )
