"""D1: whole days of a series that are earlier days of it, value by value, also where some were retouched.

Promises: only lags of whole days are looked at, as one pastes days in a table, so that little is left to
chance; a place is scored only where moves come again. Leaves exact repeats at any lag and which of two
stretches is the copy to `copies`.
"""

from collections.abc import Iterator

import numpy as np

from qc.rules.falsify import aligned
from qc.rules.falsify.aligned import Along, Column, Whole
from qc.rules.outcome import Ints

# How many days are looked back, and those lags of which is learnt how often values come again.
REACH_DAYS, LEARNT_FROM = 120, range(3, 120, 13)
# Moves to the same value are counted over twice so many periods; a place is scored where as many are as rare
# as that, at least so many; around it so many periods.
BYTE, RARE, LEAST, AROUND = 8, 3e-4, 5, 96
# Digits of nothing: no reading has as many steps (`aligned.LARGEST`).
UNKNOWN, STILL = np.int32(2**30), np.int32(-(2**30))


def comes_again(column: Column, day: int, least: float) -> Iterator[tuple[int, Along]]:
    """Stretches of a column that go along with what it was a whole number of days before: (lag, stretch).

    `day` and lags in periods, `least` the gain in powers of ten. Worked example: a day pasted 3 days later
    into hourly values → one stretch of about 24 periods at lag 72.
    """
    n = len(column.digits)
    counts = np.zeros((aligned.KINDS, 3))
    for days in LEARNT_FROM:
        if days * day < n:
            counts += _beside(column, days * day, days * day, n).counts()
    if not counts.sum():
        return
    worth = aligned.worth(aligned.usual(counts))
    moved = counts.reshape(-1, 3, 3)[:, 1:].sum(axis=(0, 1))
    enough = _enough(float(moved[0] / max(1.0, moved.sum())))
    known = column.known
    # What is unknown equals nothing, and what has not moved comes again from nowhere.
    earlier = np.where(known, column.digits, UNKNOWN)
    later = np.where(known & (column.moved > 0), column.digits, STILL)
    for lag in range(day, min(REACH_DAYS * day, n - 1) + 1, day):
        until = 0
        for at in _places(earlier, later, lag, enough).tolist():
            if at < until:
                continue
            begin, end = max(lag, at - AROUND), min(n, at + AROUND)
            met = _beside(column, lag, begin, end)
            gain = aligned.said(met, worth)
            # No stretch gains more than all that gains at all.
            if float(np.maximum(gain, 0.0).sum()) < least - 1e-6:
                continue
            for e in aligned.stretches(met, gain, least):
                until = max(until, begin + e.to_i)
                yield lag, Along(begin + e.from_i, begin + e.to_i, e.gain, e.equal)


def _beside(column: Column, lag: int, begin: int, end: int) -> aligned.Meeting:
    return aligned.meeting(column, column, slice(begin, end), slice(begin - lag, end - lag))


def _enough(share: float) -> int:
    """How many of 16 moves to the same value are rarer than RARE, if a share of them is. Worked example: 0.1
    → 8 (chance 6e-5; of 7 it is 5e-4).
    """
    n = 2 * BYTE
    ways = np.cumprod(np.r_[1.0, [(n - k) / (k + 1) for k in range(n)]])
    k = np.arange(n + 1)
    tail = np.cumsum((ways * share**k * (1 - share) ** (n - k))[::-1])[::-1]
    return max(LEAST, int(np.count_nonzero(tail > RARE)))


def _places(earlier: Whole, later: Whole, lag: int, enough: int) -> Ints:
    """Where so many moves within 16 periods lead to the value of `lag` periods before, counted by bytes."""
    count = np.bitwise_count(np.packbits(later[lag:] == earlier[:-lag]))
    return np.flatnonzero(count[:-1] + count[1:] >= enough) * BYTE + lag
