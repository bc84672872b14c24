"""Emission masses that stand in for missing ones, shown as such beside what was measured.

Promises: the measured column is never changed; a part is substituted by one clause or not at all, and names
the figure it took. Concentrations and flows are never substituted. Leaves why a part is invalid to the
callers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.source import once
from qc.rules.validity.dated import Dated, read
from qc.rules.validity.periods import number_of

VALID, OUT_OF_CONTROL, OTHER, NOT_DUE = 0, 1, 2, 3
NOTHING = -1


class Substitution(Dated, frozen=True, kw_only=True):
    """One line of the table: for which capture rates (%) and gaps, and how many valid parts it looks back."""

    id: str
    profile: str
    of: Literal["hour", "day"]
    period: Literal["quarter"] | None = None
    capture_from: float = 0
    capture_below: float = 1000
    gap_above: int = 0
    gap_to: int = 1_000_000
    last: int
    zh: str
    en: str

    def takes(self, capture: float, gap: int, start_ms: int) -> bool:
        """Whether the line is for a gap of so many parts in a row, at this capture rate, on this day."""
        in_time = bool(self.covers(np.array([start_ms]))[0])
        capture_fits = self.capture_from <= capture < self.capture_below
        return in_time and capture_fits and self.gap_above < gap <= self.gap_to


@once
def substitutions() -> tuple[Substitution, ...]:
    """The packaged table."""
    return read("substitution", tuple[Substitution, ...])


@dataclass(frozen=True, slots=True)
class Substituted:
    """Per part: the mass that stands in (NaN where none), its line (place in the table, -1 none), and the
    place of the part it is taken from (-1 none). `capture` is the capture rate in % of the part's quarter,
    NaN without one.
    """

    mass: Floats
    line: Ints
    taken_from: Ints
    capture: Floats


def capture_rate(period_of: Ints, why: Ints) -> Floats:
    """Valid parts over parts due, in %, of the period each part lies in; NaN where nothing was due.

    Source: HJ 75-2017 missing data. `why`: 0 valid, 1 out of control, 2 otherwise invalid, 3 not due.
    Worked example: a quarter of 2,160 hours, 160 of them shut down, 1,900 valid → 95 %.
    """
    _, at = np.unique(period_of, return_inverse=True)
    due = np.bincount(at, weights=why != NOT_DUE)
    valid = np.bincount(at, weights=why == VALID)
    return np.where(due > 0, 100 * valid / np.maximum(due, 1), np.nan)[at]


def substituted(
    ts: Ints, mass: Floats, why: Ints, profile: str, table: Sequence[Substitution]
) -> Substituted:
    """What stands in for each invalid part of a regular, ascending column of masses (kg).

    Out of control counts back from where it began (the last passing check), anything else from where the
    gap began; a gap ends with a valid part or one that was not due. Source: the table. Worked example:
    1,000 valid hours, then 3 invalid ones, capture 99 % → the maximum of the last 180 valid hours.
    """
    length = len(ts)
    mine = [(at, line) for at, line in enumerate(table) if line.profile == profile]
    capture = np.full(length, np.nan)
    if any(line.period for _, line in mine):
        capture = capture_rate(number_of("quarter", ts), why)
    found = Substituted(np.full(length, np.nan), np.full(length, NOTHING), np.full(length, NOTHING), capture)
    valid = np.flatnonzero((why == VALID) & np.isfinite(mass))
    is_gap = (why == OUT_OF_CONTROL) | (why == OTHER)
    for start, end in _runs(is_gap):
        for a, b in _alike(why, capture, start, end):
            before = start if why[a] == OTHER else a
            rate = 0.0 if np.isnan(capture[a]) else float(capture[a])
            line = next((pair for pair in mine if pair[1].takes(rate, end - start, int(ts[a]))), None)
            known = valid[: np.searchsorted(valid, before)]
            if line is None or not len(known):
                continue
            recent = known[-line[1].last :]
            source = int(recent[np.argmax(mass[recent])])
            found.mass[a:b], found.line[a:b], found.taken_from[a:b] = mass[source], line[0], source
    return found


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """The stretches [from, to) in which the flags are set."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def _alike(why: Ints, capture: Floats, start: int, end: int) -> list[tuple[int, int]]:
    """A gap cut where its cause or its quarter changes."""
    rate = np.nan_to_num(capture[start:end], nan=-1.0)
    turns = np.flatnonzero((np.diff(why[start:end]) != 0) | (np.diff(rate) != 0)) + 1 + start
    cuts = [start, *turns.tolist(), end]
    return list(pairwise(cuts))
