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
from standards import factors, units

from ingest.rules.limits import Limits
from ingest.rules.numbers import convert_number, decimals_of, parse_number
from ingest.rules.refusals import Flaw, Refusal, flaw
from ingest.rules.registry import Channel, Registry, SeriesKey, Site, Target
from ingest.rules.rows import KEY, MISSING, Columns
from ingest.rules.times import SECOND, earliest, is_aligned, judge_time, parse_time, start_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NO_FLAG = b""
_REMEMBERED = 1_000_000
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


def judge(
    batch: Columns, registry: Registry, may_submit: Callable[[Site], bool], now: int, limits: Limits
) -> Judged:
    """Judge every row. `now` is microseconds since 1970 UTC; `may_submit` asks the sender's scope."""
    flaws = dict(batch.flaws)
    targets, which = _resolve(batch, registry, may_submit, flaws)
    starts, is_late = _starts(batch, targets, which, now, limits, flaws)
    value, decimals = _values(batch.values, flaws)
    for at in np.flatnonzero(np.abs(value) > limits.value_magnitude).tolist():
        flaws.setdefault(at, flaw("value", "value-too-large", batch.values[at]))
    flag = _flags(batch.flags, batch.size, flaws)
    _convert(targets, which, value, decimals)
    kept = np.ones(batch.size, dtype=bool)
    kept[list(flaws)] = False
    rows = np.flatnonzero(kept).astype(np.int32)
    numbers = np.arange(batch.size, dtype=np.int32) if batch.numbers is None else batch.numbers
    return Judged(
        [target.channel for target in targets],
        which[rows],
        starts[rows],
        value[rows],
        decimals[rows],
        flag[rows],
        is_late[rows],
        numbers[rows],
        [flaws[at].at(int(numbers[at]), _site(batch.keys[at])) for at in sorted(flaws)],
    )


def _site(key: tuple[Any, ...]) -> str | None:
    """The site a refused row names, as far as it is one; kept so that refusals can be found by it."""
    return key[0] if isinstance(key[0], str) and 0 < len(key[0]) <= 64 and key[0].isprintable() else None


def find_target(key: tuple[Any, ...], source: str, registry: Registry) -> Target | Flaw:
    """The series a KEY tuple means, or what is wrong with it. Remembered with its registry."""
    known = registry.targets.get((source, key))
    if known is not None:
        return known
    if len(key) == 1:
        # A sender of SensorThings names the series itself; its values are in the unit of the series.
        channel = registry.by_id.get(key[0])
        return flaw("Datastream", "unknown-series", str(key[0])) if channel is None else Target(channel, None)
    found = _target(key, source, registry)
    if isinstance(found, Target) and len(registry.targets) < _REMEMBERED:
        registry.targets[source, key] = found
    return found


def _target(key: tuple[Any, ...], source: str, registry: Registry) -> Target | Flaw:
    for name, cell in zip(KEY, key, strict=True):
        if cell is MISSING:
            return flaw(name, "field-missing", name)
        if not isinstance(cell, str) and not (name == "unit" and cell is None):
            return flaw(name, "field-type", f"{name} is {cell!r}")
    site_code, factor, statistic, basis, period, unit = key
    site = registry.sites.get(site_code)
    if site is None:
        return flaw("site", "unknown-site", site_code)
    wanted = SeriesKey(site_code, factor, statistic, basis, period, source)
    channel = registry.channels.get(wanted)
    if channel is None:
        code = factors.normalise(factor)
        if code is None:
            return flaw("factor", "unknown-factor", factor)
        channel = registry.channels.get(wanted._replace(factor=code))
    if channel is None:
        return flaw("factor", "unknown-series", str(wanted))
    return _in_unit(channel, unit)


def _in_unit(channel: Channel, unit: str | None) -> Target | Flaw:
    sent = channel.sent_unit if unit is None else units.ucum(unit)
    if sent is None:
        return flaw("unit", "unknown-unit", unit)
    if sent == channel.ref.unit:
        return Target(channel, None)
    if not units.are_compatible(sent, channel.ref.unit):
        return flaw("unit", "unit-mismatch", f"{sent} ≠ {channel.ref.unit}")
    return Target(channel, sent)


def _resolve(
    batch: Columns, registry: Registry, may_submit: Callable[[Site], bool], flaws: dict[int, Flaw]
) -> tuple[list[Target], NDArray[np.int32]]:
    keys = batch.keys
    try:
        distinct = set(keys)
    except TypeError:
        keys = [key if all(map(_is_plain, key)) else _no_key(at, key, flaws) for at, key in enumerate(keys)]
        distinct = set(keys)
    targets: list[Target] = []
    index: dict[tuple[Any, ...], int] = {}
    bad: dict[tuple[Any, ...], Flaw] = {}
    for key in distinct:
        found = find_target(key, batch.source, registry)
        if isinstance(found, Target) and not may_submit(registry.sites[found.channel.ref.site]):
            found = flaw("site", "out-of-scope", key[0])
        if isinstance(found, Target):
            index[key] = len(targets)
            targets.append(found)
        else:
            index[key] = -1
            bad[key] = found
    if bad:
        for at, key in enumerate(keys):
            if key in bad:
                flaws.setdefault(at, bad[key])
    return targets, np.fromiter(map(index.__getitem__, keys), np.int32, batch.size)


def _no_key(at: int, key: tuple[Any, ...], flaws: dict[int, Flaw]) -> tuple[Any, ...]:
    """A stand-in for a key that holds an array or an object."""
    name, cell = next(pair for pair in zip(KEY, key, strict=True) if not _is_plain(pair[1]))
    flaws.setdefault(at, flaw(name, "field-type", f"{name} is {cell!r}"))
    return (MISSING,) * len(KEY)


def _is_plain(cell: object) -> bool:
    return cell is None or cell is MISSING or isinstance(cell, str | int | float)


def _starts(
    batch: Columns,
    targets: Sequence[Target],
    which: NDArray[np.int32],
    now: int,
    limits: Limits,
    flaws: dict[int, Flaw],
) -> tuple[Ints, NDArray[np.bool_]]:
    starts = np.zeros(batch.size, dtype=np.int64)
    is_late = np.zeros(batch.size, dtype=bool)
    if not targets:
        return starts, is_late
    labels = _labels(batch.times, flaws)
    seconds = np.array([target.channel.period_seconds for target in targets], dtype=np.int64)
    starts = start_of(labels, batch.label, seconds[which])  # type: ignore[arg-type, assignment]
    for period in {target.channel.ref.period for target in targets}:
        mine = np.array([target.channel.ref.period == period for target in targets])[which] & (which >= 0)
        rows = np.flatnonzero(mine)
        found = starts[rows]
        suspect = rows[
            (found > now + limits.future_tolerance_seconds * SECOND)
            | ~is_aligned(found, period)  # type: ignore[arg-type]
            | (found < earliest(limits))
        ]
        for at in suspect.tolist():
            wrong = judge_time(int(starts[at]), period, now, limits, str(batch.times[at]))
            if wrong is not None:
                flaws.setdefault(at, wrong)
        ends = found + seconds[which[rows]] * SECOND
        is_late[rows] = now - ends > limits.late_after(period) * SECOND
    return starts, is_late


def _labels(times: Sequence[Any], flaws: dict[int, Flaw]) -> Ints:
    """Each row's time as sent, in microseconds; 0 and a flaw where it is none."""
    known: dict[Any, int] = {}
    try:
        distinct = set(times)
    except TypeError:
        times = [time if _is_plain(time) else None for time in times]
        distinct = set(times)
    bad = set()
    for time in distinct:
        parsed = parse_time(time) if isinstance(time, str) and len(time) <= 40 else None
        if parsed is None:
            bad.add(time)
        known[time] = parsed or 0
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
        flags = [cell if _is_plain(cell) else BAD_FLAG for cell in flags]
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


def _convert(
    targets: Sequence[Target], which: NDArray[np.int32], value: Floats, decimals: NDArray[np.int16]
) -> None:
    for index, target in enumerate(targets):
        if target.unit is None:
            continue
        for at in np.flatnonzero((which == index) & np.isfinite(value)).tolist():
            value[at], decimals[at] = convert_number(float(value[at]), target.unit, target.channel.ref.unit)
