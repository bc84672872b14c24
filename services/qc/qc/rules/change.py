"""Rules that compare a value with its neighbours in the same series: step, flat line, gap.

Promises: they see a track, from which rows that are not usable are taken out, so that a bad value never
condemns its neighbours; whether a row fires depends only on rows within the reach the rule pack computes.
Leaves parameters to the rule pack: a column, or one figure all rows share; NaN means: not judged.
"""

from collections.abc import Callable

import numpy as np

from qc.rules.outcome import NOWHERE, Figures, Flags, Floats, Ints, Outcome, full, of
from qc.rules.track import Track


def has_step(track: Track, limit: Floats, spike: Floats, reach_ms: Floats, still: Ints = NOWHERE) -> Outcome:
    """The value differs from the usable value before it by more than `limit`; or, there and back, from both
    beside it by more than `spike` × `limit`.

    A spike is charged once: the return to the level of two values before does not fire. `still` are rows of
    a flat line: what comes after such a line is not compared with it.
    Source: HJ 356-2019 (sudden jumps are to be reviewed); limits are data of the pack.
    Worked example: limit 200, spike 0.7: 50 900 60 55 → only 900 fires, by 650; 50 195 45 → 195, by 5.
    """
    v, limit = track.value, track.along(limit)
    lower = limit * track.along(spike)
    ran = track.near(reach_ms)
    ran &= ~np.isnan(limit)
    change = np.full(len(v), np.nan)
    np.subtract(v[1:], v[:-1], out=change[1:])
    is_up = change > 0
    np.abs(change, out=change)
    moves = np.flatnonzero(change > np.fmin(lower, limit))
    moves = moves[ran[moves]]
    over = moves[change[moves] > of(limit, moves)]
    charged = np.zeros(len(v), dtype=bool)
    charged[over] = True
    charged[_peaks(moves, change, is_up, lower)] = True
    # Whoever is back at the level of two values before has returned from a jump that was charged already.
    back = np.flatnonzero(charged[1:] & charged[:-1]) + 1
    back = back[np.abs(v[back] - v[back - 2]) <= of(limit, back)]
    past = _after(track, still)
    charged[back] = charged[past] = ran[past] = False
    fired = np.flatnonzero(charged)
    lone = fired[change[fired] <= of(limit, fired)]
    allowed = limit
    if len(lone):
        change[lone] = np.fmin(change[lone], change[lone + 1])
        allowed = np.broadcast_to(limit, v.shape).copy()
        allowed[lone] = of(lower, lone)
    return track.outcome(fired, ran, change, allowed)


def _peaks(moves: Ints, change: Floats, is_up: Flags, lower: Floats) -> Ints:
    """The moves that the next one takes back, both by more than `lower`."""
    large = moves[change[moves] > of(lower, moves)]
    there, back = large[:-1], large[1:]
    peaks: Ints = there[(back == there + 1) & (is_up[there] != is_up[back])]
    return peaks


def _after(track: Track, still: Ints) -> Ints:
    """The places right behind each stretch of `still` rows."""
    places = track.places_of(still)
    ends = places[np.append(places[1:] != places[:-1] + 1, True)[: len(places)]] + 1
    within: Ints = ends[ends < len(track.value)]
    return within


def is_flat(
    track: Track,
    min_run: Floats,
    reach_ms: Floats,
    floor: Floats,
    is_borne_out: Callable[[Ints], Flags],
) -> Outcome:
    """`min_run` or more equal values in a row; every value of the run fires that nothing bears out.

    Source: falsification test K1. Guard: values at or below `floor` never count (the detection limit, and the
    level below which one step of the last digit is coarser than a natural hourly change). An hour that is
    borne out by its own moving minutes counts in the run, but does not fire; `is_borne_out` is asked for the
    rows in question only.
    Worked example: min_run 6, floor 10: 42 ×7 → seven values fire with statistic 7; 2 ×200 → nothing.
    """
    v, need = track.value, track.along(min_run)
    informative = v > track.along(floor)
    informative &= ~np.isnan(need)
    same = np.flatnonzero(v[1:] == v[:-1]) + 1
    first, length = _runs(same[track.apart[same] <= of(track.along(reach_ms), same)])
    long = length >= of(need, first)
    rows = _expanded(first[long], length[long])
    rows = rows[informative[rows]]
    rows = rows[~is_borne_out(track.rows_of(rows))] if len(rows) else rows

    def tell(wanted: Ints) -> Figures:
        at = track.places_of(wanted)
        measured, needed = _length_at(at, first, length), full(need, at)
        return measured, needed, measured - needed

    return Outcome(track.rows_of(rows), track.spread(informative), tell)


def _runs(joined: Ints) -> tuple[Ints, Ints]:
    """First place and length of each run, from the places that continue the one before.

    Worked example: 4 5 9 → runs of 3 from 3 and of 2 from 8.
    """
    opens = np.flatnonzero(np.append(True, joined[1:] != joined[:-1] + 1)[: len(joined)])
    return joined[opens] - 1, np.diff(opens, append=len(joined)) + 1


def _expanded(first: Ints, length: Ints) -> Ints:
    """All places of runs. Worked example: 3 and 8, lengths 3 and 2 → 3 4 5 8 9."""
    ends = np.cumsum(length)
    places: Ints = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - length), length)
    return places


def _length_at(places: Ints, first: Ints, length: Ints) -> Floats:
    """The length of the run at each place, 1 outside them."""
    if not len(first):
        return np.ones(len(places))
    run = np.maximum(np.searchsorted(first, places, side="right") - 1, 0)
    inside = (places >= first[run]) & (places < first[run] + length[run])
    return np.where(inside, length[run], 1).astype(np.float64)


def follows_gap(track: Track, period_ms: Floats, horizon_ms: Floats) -> Outcome:
    """Periods without any report lie between this row and the one before it, of a track of all rows.

    Source: GB 3095 6.3. The statistic counts the absent periods. Beyond `horizon_ms` silence is the business
    of the missing-value alarm, not of the next value. Worked example: hours 3 and 6 → hour 6 fires with 2.
    """
    near = track.near(horizon_ms)

    def tell(rows: Ints) -> Figures:
        absent = track.apart[rows] / of(period_ms, rows) - 1.0
        return absent, np.zeros(len(rows)), absent

    return Outcome(np.flatnonzero(near & ~track.near(period_ms)), near, tell)
