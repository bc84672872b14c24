"""Rows of many series in pieces that stay in the processor's cache while every rule looks at them.

Promises: whole sites together where they fit, long ones in stretches of time, each with what its rules reach
for on both sides; every row is judged in exactly one piece. Leaves judging to `qc.rules.assess`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qc.rules.frame import Columns, Roster
from qc.rules.outcome import Flags, Ints

# Rows judged in one go: the rules' columns then stay in the processor's cache, and their memory is bounded.
PIECE = 32_768
# So far from where a stretch should end it may end, so that a run of equal values is not cut.
SLACK = 512
Rows = Ints | slice


@dataclass(frozen=True, slots=True)
class Piece:
    """`rows` to look at, which of them to judge (`kept`), and where these stand among all (`at`)."""

    rows: Rows
    kept: Flags | slice
    at: Rows


def pieces(columns: Columns, roster: Roster) -> Iterator[Piece]:
    """The pieces of sorted rows, in their order.

    Worked example: a year of minutes of one series → 17 stretches that overlap by twice its rules' reach.
    """
    starts = np.searchsorted(columns.series, np.arange(len(roster.refs) + 1))
    begun = at = 0
    for places in _sites(roster):
        first, last = int(starts[places.start]), int(starts[places.stop])
        if last - first > PIECE:
            if first > begun:
                yield _whole(begun, first)
            yield from _stretches(columns, starts, places, roster)
            begun = last
        elif last - begun > PIECE and first > begun:
            yield _whole(begun, first)
            begun = first
        at = last
    if at > begun:
        yield _whole(begun, at)


def _whole(first: int, last: int) -> Piece:
    return Piece(slice(first, last), slice(None), slice(first, last))


def _sites(roster: Roster) -> Iterator[slice]:
    """The series of each site; all of them together if those of a site do not stand side by side."""
    if not len(roster.site):
        return
    opens = np.flatnonzero(np.append(True, roster.site[1:] != roster.site[:-1])).tolist()
    if len(opens) > len(np.unique(roster.site)):
        opens = [0]
    for first, last in pairwise([*opens, len(roster.site)]):
        yield slice(first, last)


def _stretches(columns: Columns, starts: Ints, places: slice, roster: Roster) -> Iterator[Piece]:
    """One site in stretches of time, all its series together."""
    spans = [slice(int(starts[k]), int(starts[k + 1])) for k in range(places.start, places.stop)]
    reach = 2 * int(roster.reach_ms[places].max())
    ts = columns.ts
    longest = max(spans, key=lambda span: span.stop - span.start)
    count = (spans[-1].stop - spans[0].start) // PIECE + 1
    wanted = np.linspace(longest.start, longest.stop, count + 1).astype(int)[1:-1]
    edges = [min(int(ts[span.start]) for span in spans if span.stop > span.start)]
    for edge in wanted.tolist():
        at = int(ts[_between_runs(columns, edge, longest)])
        # A stretch much shorter than the reach would be looked at many times over.
        if at - edges[-1] > 4 * reach:
            edges.append(at)
    end = max(int(ts[span.stop - 1]) for span in spans if span.stop > span.start) + 1
    for low, high in pairwise([*edges, end]):
        near = [
            slice(*(span.start + np.searchsorted(ts[span], [low - reach, high + reach])).tolist())
            for span in spans
        ]
        if len(near) == 1:
            yield _of_one(ts, near[0], low, high)
        else:
            rows = np.concatenate([np.arange(n.start, n.stop) for n in near])
            own = (ts[rows] >= low) & (ts[rows] < high)
            yield Piece(rows, own, rows[own])


def _of_one(ts: Ints, rows: slice, low: int, high: int) -> Piece:
    """A stretch of one series: slices, which are not copied."""
    first, last = np.searchsorted(ts[rows], [low, high]).tolist()
    return Piece(rows, slice(first, last), slice(rows.start + first, rows.start + last))


def _between_runs(columns: Columns, row: int, within: slice) -> int:
    """The next row whose value differs from the one before it, so that how long a run is stays as it is."""
    first, last = max(row, within.start + 1), min(row + SLACK, within.stop)
    change = np.flatnonzero(columns.value[first:last] != columns.value[first - 1 : last - 1])
    return first + int(change[0]) if len(change) else row
