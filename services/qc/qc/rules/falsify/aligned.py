"""D1, D2: how well two columns go along with each other, period by period, as the letters of two texts do.

Promises: every value that is equal or one step off counts by how seldom that is at such a level, after such a
value and such a move; a retouched copy is told, a plateau is not. Leaves what is compared with what to
`copies` and `sites`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qc.rules.outcome import Flags, Floats

# Levels in steps of the last digit within which values meet alike.
LEVELS = np.array([2.5, 4.5, 8.5, 16.5, 32.5, 64.5])
# Shares of a copy, also of one that was retouched: equal values, one step off, others (proposal).
COPIED = np.array([0.72, 0.26, 0.02])
# What a missing period takes off, and how many values each kind of meeting is believed to have had.
MISSING, PRIOR = -0.3, 20.0
# Kinds of meeting: level, how far apart the values before were (0, 1, more), how far both moved (0, 1, more).
KINDS = (len(LEVELS) + 1) * 9
# More steps than that are no reading.
LARGEST = 2.0**29

Whole = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """A series in whole steps: `digits` [N], which are `known`, how far each `moved` (0, 1, 2: more), and its
    `level`.
    """

    digits: Whole
    known: Flags
    moved: Whole
    level: Whole


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two columns period by period [M]: how far `apart` (0, 1, 2: more), of which kind, are both `known`."""

    apart: Whole
    kind: Whole
    known: Flags

    def counts(self) -> Floats:
        """How many of each kind were how far apart [KINDS, 3]."""
        place = (self.kind * 3 + self.apart)[self.known]
        return np.bincount(place, minlength=KINDS * 3).reshape(KINDS, 3).astype(np.float64)

    def part(self, from_i: int, to_i: int) -> "Meeting":
        """Periods [from_i, to_i) of it."""
        return Meeting(self.apart[from_i:to_i], self.kind[from_i:to_i], self.known[from_i:to_i])


@dataclass(frozen=True, slots=True)
class Along:
    """Periods [from_i, to_i) go along; `gain` in powers of ten, `equal` the share of equal values."""

    from_i: int
    to_i: int
    gain: float
    equal: float


def column_of(x: Floats, step: float) -> Column:
    """A row of readings in whole steps.

    Worked example: [1.0, 1.2, nan] in steps of 0.1 → digits 10, 12; moved 0, 2, 0.
    """
    known = np.abs(x) < LARGEST * step
    digits = np.rint(np.where(known, x, 0.0) / step).astype(np.int32)
    moved = np.zeros(len(x), dtype=np.int8)
    moved[1:] = np.where(known[1:] & known[:-1], np.minimum(np.abs(np.diff(digits)), 2), 0)
    return Column(digits, known, moved, np.searchsorted(LEVELS, np.abs(digits)).astype(np.int8))


def meeting(one: Column, other: Column, a: slice = slice(None), b: slice = slice(None)) -> Meeting:
    """Periods `a` of one column beside as many, `b`, of another."""
    known = one.known[a] & other.known[b]
    apart = np.minimum(np.abs(one.digits[a] - other.digits[b]), 2).astype(np.int8)
    apart[~known] = 2
    kind = np.minimum(one.level[a], other.level[b]) * np.int8(9)
    kind += np.maximum(one.moved[a], other.moved[b])
    kind[:1] += np.int8(6)
    kind[1:] += apart[:-1] * np.int8(3)
    return Meeting(apart, kind.astype(np.int16), known)


def usual(counts: Floats, beforehand: Floats | None = None) -> Floats:
    """How often each kind of meeting is how far apart [KINDS, 3]: from counts, and from what is believed
    `beforehand`, of which equal and nearly equal values are at least as usual.

    By default the same kind at any level is believed, and of that all kinds together.
    """
    if beforehand is None:
        every = (counts.sum(axis=0) + 1) / (counts.sum() + 3)
        alike = _towards(counts.reshape(-1, 9, 3).sum(axis=0), every)
        return _towards(counts, np.tile(alike, (len(LEVELS) + 1, 1)))
    shares = np.fmax(_towards(counts, beforehand), beforehand)
    shares[:, 2] = 1.0 - shares[:, :2].sum(axis=1)
    return shares


def _towards(counts: Floats, believed: Floats) -> Floats:
    shares: Floats = (counts + PRIOR * believed) / (counts.sum(axis=-1, keepdims=True) + PRIOR)
    return shares


def gains(met: Meeting, shares: Floats) -> Floats:
    """What each period says for a copy against what is usual, in powers of ten [M]."""
    return said(met, worth(shares))


def worth(shares: Floats) -> Floats:
    """What a meeting of a kind, so far apart, says against usual `shares` [KINDS × 3]."""
    table: Floats = np.log10(COPIED / np.fmax(shares, [1e-6, 1e-6, COPIED[2]])).ravel()
    return table


def said(met: Meeting, table: Floats) -> Floats:
    """`gains` by what is known of every kind."""
    return np.where(met.known, table[met.kind * 3 + met.apart], MISSING)


def stretches(met: Meeting, gain: Floats, least: float) -> list[Along]:
    """The stretches whose gains add up to at least `least`, each from where its sum was lowest to its top.

    Worked example: gains -1, 2, 2, -1, 1 → periods 1 and 2 with 4.
    """
    total = np.zeros(len(gain) + 1)
    np.cumsum(gain, out=total[1:])
    lowest = np.minimum.accumulate(total)
    at = np.flatnonzero(total - lowest >= least)
    found: list[Along] = []
    for part in np.split(at, np.flatnonzero(np.diff(lowest[at])) + 1) if len(at) else ():
        end = int(part[np.argmax(total[part])])
        begin = int(np.flatnonzero(total[:end] == lowest[end])[-1])
        equal = float((met.apart[begin:end] == 0).mean())
        found.append(Along(begin, end, float(total[end] - total[begin]), equal))
    return found
