"""A batch of values on its way through judgement: from an event's columns to the rows that are written.

Promises: pure shaping, no judgement and no input or output; a value already known is left out, so a message
that comes twice changes nothing. Leaves the judgement to `qc.rules.assess`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from contracts.ingest import Recorded
from numpy.typing import NDArray

from qc.queries.windows import Known
from qc.rules.assess import Judgement
from qc.rules.frame import Columns, Roster, find
from qc.rules.outcome import Flags, Floats, Ints, distinct

# A page of traces is enough to follow any one of them.
TRACES_PER_EVENT = 200


class _CodePoints(dict[str, int]):
    def __missing__(self, flag: str) -> int:
        self[flag] = ord(flag) if len(flag) == 1 else (-1 if flag else 0)
        return self[flag]


_CODE_POINTS = _CodePoints()


@dataclass(frozen=True, slots=True)
class Arrived:
    """Rows of some messages, sorted by (series, ts) without doubles.

    `flag` is the mark as sent, `trace` a place in the batch's traces, `message` the number in the lane.
    """

    columns: Columns
    decimals: Ints
    flag: NDArray[np.object_]
    is_live: Flags
    received_ms: Ints
    message: Ints
    trace: Ints

    def take(self, rows: Ints | Flags) -> "Arrived":
        return Arrived(
            self.columns.take(rows),
            self.decimals[rows],
            self.flag[rows],
            self.is_live[rows],
            self.received_ms[rows],
            self.message[rows],
            self.trace[rows],
        )


def arrived(messages: Sequence[tuple[Recorded, int]], roster: Roster, traces: Sequence[str]) -> Arrived:
    """The columns of some messages (event, number in its lane), placed in the roster; the earlier one wins.

    Historical rows are judged, but raise no alarms.
    """
    events = [event for event, _ in messages]
    lengths = [len(event.ts_ms) for event in events]
    # A row's place among the series, and among the submissions, of all messages one after the other.
    series = _joined([event.at for event in events], [len(event.series) for event in events])
    sender = _joined([event.by for event in events], [len(event.modes) for event in events])
    at = {trace: place for place, trace in enumerate(traces)}
    ids = np.array([ref.id for event in events for ref in event.series], dtype=np.int64)
    modes = np.array([mode != "historical" for event in events for mode in event.modes], dtype=bool)
    trace = np.array([at[trace] for event in events for trace in event.traces], dtype=np.int64)
    flag = list(chain.from_iterable(event.flag for event in events))
    columns = Columns(
        np.searchsorted(roster.ids, ids)[series],
        _flat([event.ts_ms for event in events], np.int64),
        _flat([event.value for event in events], np.float64),
        np.fromiter(map(_CODE_POINTS.__getitem__, flag), dtype=np.int64, count=len(flag)),
        np.zeros(len(flag), dtype=np.int64),
    )
    everything = Arrived(
        columns,
        _flat([event.decimals for event in events], np.int64),
        np.array(flag, dtype=object),
        modes[sender],
        np.repeat(np.array([event.received_at_ms for event in events], dtype=np.int64), lengths),
        np.repeat(np.array([number for _, number in messages], dtype=np.int64), lengths),
        trace[sender],
    )
    _, first = np.unique(columns.keys, return_index=True)
    return everything.take(first)


def _flat(parts: Sequence[Sequence[float | None]], kind: type[np.generic]) -> NDArray[Any]:
    """Lists one after the other as one column: one call for all of them; None becomes NaN."""
    return np.array(list(chain.from_iterable(parts)), dtype=kind)


def _joined(parts: Sequence[Sequence[int]], sizes: Sequence[int]) -> Ints:
    """Places in one list each as places in those lists one after the other; `sizes` are the lists'."""
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    shifts: Ints = np.repeat(begins, [len(part) for part in parts])
    places: Ints = shifts + _flat(parts, np.int64)
    return places


def arrived_nothing() -> Arrived:
    """No rows: something else than a value gave reason to judge again."""
    nothing, never = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    columns = Columns(nothing, nothing, np.zeros(0), nothing, nothing)
    return Arrived(columns, nothing, np.zeros(0, dtype=object), never, nothing, nothing, nothing)


def without_known(new: Arrived, known: Known) -> Arrived:
    """The rows of which no value is known yet."""
    _, is_known = find(known.columns.keys, new.columns.keys)
    return new.take(~is_known)


@dataclass(frozen=True, slots=True)
class Change:
    """Rows whose verdict is new or different, in order: what is written and said.

    `old_tests` is 0 for new rows; `is_new` tells them apart; `may_alarm` is false for what history alone
    changed. `sent_ms` and `trace` (-1: none) are those of the row, or of the row that reopened it.
    """

    series: Ints
    ts: Ints
    value: Floats
    decimals: Ints
    code: Ints
    tests: Ints
    revision: Ints
    old_tests: Ints
    is_new: Flags
    may_alarm: Flags
    place: Ints
    sent_ms: Ints
    trace: Ints

    def __len__(self) -> int:
        return len(self.ts)


def changes(  # noqa: PLR0913 - what was, what came, what is judged now
    judged: Flags,
    columns: Columns,
    verdict: Judgement,
    known: Known,
    new: Arrived,
    overdue: Ints,
    roster: Roster,
) -> Change:
    """Compare the verdicts of the judged rows with those stored. `overdue` keys begin at revision 2."""
    keys = columns.keys
    at, is_old = find(known.columns.keys, keys)
    here, is_new = find(new.columns.keys, keys)
    at, here = np.minimum(at, max(len(known.code) - 1, 0)), np.minimum(here, max(len(new.decimals) - 1, 0))

    def of(stored: Ints, fresh: Ints | int) -> Ints:
        old = stored[at] if len(stored) else np.zeros(len(keys), dtype=np.int64)
        return np.where(is_old, old, fresh)

    code = verdict.code.astype(np.int64)
    old_tests = of(known.tests, 0)
    differs = is_old & ((of(known.code, 0) != code) | (old_tests != verdict.tests))
    rows = np.flatnonzero(is_new | (judged & differs))
    was_overdue = np.isin(keys, overdue).astype(np.int64)
    fresh_decimals = new.decimals[here] if len(new.decimals) else np.zeros(len(keys), dtype=np.int64)
    live_sites = distinct(roster.site[new.columns.series[new.is_live]])
    return Change(
        series=columns.series[rows],
        ts=columns.ts[rows],
        value=columns.value[rows],
        decimals=of(known.decimals, fresh_decimals)[rows],
        code=code[rows],
        tests=verdict.tests[rows],
        revision=(of(known.revision, was_overdue) + 1)[rows],
        old_tests=old_tests[rows],
        is_new=is_new[rows],
        may_alarm=np.isin(roster.site[columns.series[rows]], live_sites),
        place=rows,
        sent_ms=_of_cause(new.received_ms, is_new[rows], here[rows], new, columns.series[rows], roster),
        trace=_of_cause(new.trace, is_new[rows], here[rows], new, columns.series[rows], roster),
    )


def _of_cause(column: Ints, is_new: Flags, here: Ints, new: Arrived, series: Ints, roster: Roster) -> Ints:
    """A new row's own entry; for a row that was judged again, that of the first new row of its site."""
    if not len(column):
        return np.full(len(series), -1, dtype=np.int64)
    sites, first = np.unique(roster.site[new.columns.series], return_index=True)
    cause = column[first[np.searchsorted(sites, roster.site[series]) % len(sites)]]
    return np.where(is_new, column[here], cause)


def json_numbers(values: Floats) -> list[float | None]:
    """NaN has no JSON: it travels as null."""
    numbers: list[float | None] = values.tolist()
    for place in np.flatnonzero(np.isnan(values)).tolist():
        numbers[place] = None
    return numbers


def stretches(length: int, size: int) -> Sequence[slice]:
    """Slices of at most `size` that cover `length`."""
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def traces_of(places: Ints, traces: Sequence[str]) -> list[str]:
    """The traces at these places, each once."""
    return [traces[place] for place in distinct(places).tolist() if place >= 0][:TRACES_PER_EVENT]


def places_in(own: Sequence[str], places: Ints, traces: Sequence[str]) -> list[int]:
    """Each row's place in `own`, the traces that an event names; -1 where it names none for the row."""
    at = {trace: place for place, trace in enumerate(own)}
    # The last entry is that of -1.
    there: list[int] = np.array([*(at.get(trace, -1) for trace in traces), -1])[places].tolist()
    return there
