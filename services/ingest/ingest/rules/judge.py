"""Which rows of a batch are acceptable, as numpy columns; and why each of the others is not.

Promises: a bad row never touches its neighbours; work per *distinct* key, time and mark, not per row; values
are finite, in the unit of their series. Leaves to `flows` what is already recorded.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.rules.limits import Limits
from ingest.rules.numbers import convert_number, decimals_of, parse_number
from ingest.rules.refusals import Flaw, Refusal, flaw
from ingest.rules.registry import Channel, Registry, Site
from ingest.rules.rows import MISSING, Columns
from ingest.rules.targets import PERIODS, Facts, Resolved, is_plain, resolve
from ingest.rules.times import SECOND, earliest, is_aligned, judge_time, parse_time, start_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NO_FLAG = b""
BAD_FLAG = "not a mark"


class Judged(msgspec.Struct):
    """Accepted rows as columns of equal length: `at` indexes `channels`; `value` NaN is a declared gap.

    `row` is the row's place in what was sent; `start` is microseconds since 1970 UTC.
    """

    channels: list[Channel]
    at: NDArray[np.int32]
    start: Ints
    value: Floats
    decimals: NDArray[np.int16]
    flag: NDArray[np.bytes_]
    is_late: NDArray[np.bool_]
    row: NDArray[np.int32]
    refused: list[Refusal]
    facts: Facts | None = None


def judge(
    batch: Columns, registry: Registry, may_submit: Callable[[Site], bool], now: int, limits: Limits
) -> Judged:
    """Judge every row. `now` is microseconds since 1970 UTC; `may_submit` asks the sender's scope."""
    flaws = dict(batch.flaws)
    found = resolve(batch, registry, may_submit, flaws)
    which = found.which
    starts, is_late = _starts(batch, found, now, limits, flaws)
    value, decimals = _values(batch.values, flaws)
    for at in np.flatnonzero(np.abs(value) > limits.value_magnitude).tolist():
        flaws.setdefault(at, flaw("value", "value-too-large", batch.values[at]))
    flag = _flags(batch.flags, batch.size, flaws)
    _convert(found, value, decimals)
    numbers = np.arange(batch.size, dtype=np.int32) if batch.numbers is None else batch.numbers
    if not flaws:
        columns = (which, starts, value, decimals, flag, is_late, numbers)
        return Judged(found.channels, *columns, [], found.facts)
    kept = np.ones(batch.size, dtype=bool)
    kept[list(flaws)] = False
    rows = np.flatnonzero(kept).astype(np.int32)
    return Judged(
        found.channels,
        which[rows],
        starts[rows],
        value[rows],
        decimals[rows],
        flag[rows],
        is_late[rows],
        numbers[rows],
        [flaws[at].at(int(numbers[at]), _site(batch.keys[at])) for at in sorted(flaws)],
        found.facts,
    )


def _site(key: tuple[Any, ...]) -> str | None:
    """The site a refused row names, as far as it is one; kept so that refusals can be found by it."""
    return key[0] if isinstance(key[0], str) and 0 < len(key[0]) <= 64 and key[0].isprintable() else None


def _starts(
    batch: Columns, found: Resolved, now: int, limits: Limits, flaws: dict[int, Flaw]
) -> tuple[Ints, NDArray[np.bool_]]:
    starts = np.zeros(batch.size, dtype=np.int64)
    is_late = np.zeros(batch.size, dtype=bool)
    if not found.channels:
        return starts, is_late
    labels = _labels(batch.times, flaws)
    if (labels == labels[0]).all() and (same := _one_time(int(labels[0]), batch, found, now, limits)):
        return same
    seconds = found.facts.seconds[found.which]
    starts = start_of(labels, batch.label, seconds)  # type: ignore[arg-type, assignment]
    latest, first = now + limits.future_tolerance_seconds * SECOND, earliest(limits)
    periods = np.where(found.which >= 0, found.facts.periods[found.which], -1)
    for number in np.unique(found.facts.periods).tolist():
        period = PERIODS[number]
        rows = np.flatnonzero(periods == number)
        mine = starts[rows]
        is_astray = np.logical_not(is_aligned(mine, period))  # type: ignore[arg-type]
        for at in rows[(mine > latest) | is_astray | (mine < first)].tolist():
            wrong = judge_time(int(starts[at]), period, now, limits, str(batch.times[at]))
            if wrong is not None:
                flaws.setdefault(at, wrong)
        is_late[rows] = now - (mine + seconds[rows] * SECOND) > limits.late_after(period) * SECOND
    return starts, is_late


def _one_time(
    label: int, batch: Columns, found: Resolved, now: int, limits: Limits
) -> tuple[Ints, NDArray[np.bool_]] | None:
    """Starts and lateness where all rows have one time, judged once for each period; None if it is wrong."""
    starts, is_late = [], []
    for number, seconds in found.facts.kinds:
        period, start = PERIODS[number], start_of(label, batch.label, seconds)
        if judge_time(start, period, now, limits, "") is not None:
            return None
        starts.append(start)
        is_late.append(now - (start + seconds * SECOND) > limits.late_after(period) * SECOND)
    kind = found.facts.kind[found.which]
    return np.array(starts, dtype=np.int64)[kind], np.array(is_late, dtype=np.bool_)[kind]


def _labels(times: Sequence[Any], flaws: dict[int, Flaw]) -> Ints:
    """Each row's time as sent, in microseconds; 0 and a flaw where it is none."""
    known: dict[Any, int] = {}
    try:
        distinct = set(times)
    except TypeError:
        times = [time if is_plain(time) else None for time in times]
        distinct = set(times)
    bad = set()
    for time in distinct:
        parsed = parse_time(time) if isinstance(time, str) and len(time) <= 40 else None
        if parsed is None:
            bad.add(time)
        known[time] = parsed or 0
    if len(distinct) == 1 and not bad:
        return np.full(len(times), next(iter(known.values())), dtype=np.int64)
    if bad:
        for at, time in enumerate(times):
            if time in bad:
                is_missing = time is MISSING
                flaws.setdefault(
                    at,
                    flaw(
                        "time",
                        "field-missing" if is_missing else "time-format",
                        "time" if is_missing else time,
                    ),
                )
    return np.fromiter(map(known.__getitem__, times), np.int64, len(times))


def _values(values: Sequence[Any], flaws: dict[int, Flaw]) -> tuple[Floats, NDArray[np.int16]]:
    kinds = set(map(type, values))
    try:
        if kinds <= {float, int}:
            column = np.array(values, dtype=np.float64)
        elif kinds <= {float, int, type(None)}:
            column = np.array([math.nan if cell is None else cell for cell in values], dtype=np.float64)
        else:
            return _mixed_values(values, flaws)
    except OverflowError:
        return _mixed_values(values, flaws)
    for at in np.flatnonzero(~np.isfinite(column)).tolist():
        if values[at] is not None:
            flaws.setdefault(at, flaw("value", "value-not-finite", values[at]))
    return column, decimals_of(column)


def _mixed_values(values: Sequence[Any], flaws: dict[int, Flaw]) -> tuple[Floats, NDArray[np.int16]]:
    column = np.full(len(values), math.nan)
    places = np.full(len(values), -1, dtype=np.int16)
    for at, cell in enumerate(values):
        read = _one_value(cell)
        if isinstance(read, Flaw):
            flaws.setdefault(at, read)
        elif read is not None:
            column[at] = read[0]
            places[at] = read[1]
    return column, np.where(places < 0, decimals_of(column), places).astype(np.int16)


def _one_value(cell: Any) -> tuple[float, int] | Flaw | None:
    """(value, decimals or -1 if only the shortest form tells), None for a declared gap, or a flaw."""
    if cell is None:
        return None
    if cell is MISSING:
        return flaw("value", "field-missing", "value")
    if isinstance(cell, str):
        text = cell.strip()
        if parsed := parse_number(text):
            return parsed
        finite = text.lower().lstrip("+-") not in ("nan", "inf", "infinity")
        return flaw("value", "value-format" if finite else "value-not-finite", cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return flaw("value", "value-format", cell)
    try:
        number = float(cell)
    except OverflowError:
        number = math.inf
    return (number, -1) if math.isfinite(number) else flaw("value", "value-not-finite", cell)


def _flags(flags: Sequence[Any] | None, size: int, flaws: dict[int, Flaw]) -> NDArray[np.bytes_]:
    if flags is None:
        return np.full(size, NO_FLAG, dtype="S4")
    try:
        known = {cell: _mark(cell) for cell in set(flags)}
    except TypeError:
        flags = [cell if is_plain(cell) else BAD_FLAG for cell in flags]
        known = {cell: _mark(cell) for cell in set(flags)}
    if None in known.values():
        for at, cell in enumerate(flags):
            if known[cell] is None:
                flaws.setdefault(at, flaw("flag", "flag-format", cell))
    return np.array([known[cell] or NO_FLAG for cell in flags], dtype="S4")


def _mark(cell: Any) -> bytes | None:
    """A data mark as kept; None if it is none."""
    if cell is None or cell is MISSING:
        return NO_FLAG
    is_mark = isinstance(cell, str) and len(cell) <= 4 and cell.isascii() and cell.isprintable()
    return cell.strip().encode() if is_mark else None


def _convert(found: Resolved, value: Floats, decimals: NDArray[np.int16]) -> None:
    for index, target in found.converted:
        for at in np.flatnonzero((found.which == index) & np.isfinite(value)).tolist():
            value[at], decimals[at] = convert_number(float(value[at]), target.unit, target.channel.ref.unit)
