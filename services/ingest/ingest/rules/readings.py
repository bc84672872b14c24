"""What the pairs of data frames mean: which series of the device's site, in which unit, at which instant.

Promises: pure; what depends only on the *names* in a frame is decided once per set of names (`make_plan`),
since a logger repeats them for years; the values of many frames are read as columns (`read_group`). A wrong
time costs the whole frame, a wrong value only itself. Leaves identity, CRC and flood to `flows.frames`.
"""

import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from standards import factors, units

from ingest.rules.grammar import split_name
from ingest.rules.limits import Limits
from ingest.rules.numbers import GAPS, MAX_DECIMALS, convert_number, parse_number
from ingest.rules.refusals import Flaw, Refusal, flaw
from ingest.rules.registry import Channel, Device, Registry, SeriesKey
from ingest.rules.times import PERIOD_SECONDS, SECOND, earliest, is_aligned, judge_time, parse_time

# HJ 212-2017 table 4: x-Rtd … x-Cou as measured, x-Zs… converted to reference conditions (折算), SBn-RS the
# state and SBn-RT the hours of a treatment facility, Lxx-Data a noise level.
FIELDS = {
    "Rtd": ("rtd", "raw"),
    "Avg": ("avg", "raw"),
    "Min": ("min", "raw"),
    "Max": ("max", "raw"),
    "Cou": ("cou", "raw"),
    "ZsRtd": ("rtd", "converted"),
    "ZsAvg": ("avg", "converted"),
    "ZsMin": ("min", "converted"),
    "ZsMax": ("max", "converted"),
    "RS": ("rtd", "raw"),
    "RT": ("cou", "raw"),
    "Data": ("avg", "raw"),
    "DayData": ("avg", "raw"),
    "NightData": ("avg", "raw"),
}
# Two levels of one day: each is a series of its own, `Leq-DayData` and `Leq-NightData`.
_HALVES = frozenset({"DayData", "NightData"})
_MARKS = frozenset(["", *"NFMSDCTB"])
_LONGEST = 64
_PLAIN = b"0123456789.;-"
WHOLE_FRAME = -1
Refuse = Callable[[int, str, str], None]


class Plan(msgspec.Struct, frozen=True):
    """What to do with frames that have these names. Columns of equal length, one row per value.

    `shift` is what the label convention of the device moves each start by (µs); `convert` lists (value, from,
    to); `flaws` are (pair, flaw) such frames always have; `extras` pairs that are facts, not values; `notes`
    what is tolerated in the names.
    """

    period: str
    channels: tuple[Channel, ...]
    ids: NDArray[np.int64]
    rows: NDArray[np.int32]
    shift: NDArray[np.int64]
    shifts: tuple[int, ...]
    values_of: Callable[[Sequence[str]], tuple[str, ...]]
    marks_of: Callable[[Sequence[str]], tuple[str, ...]]
    convert: tuple[tuple[int, str, str], ...]
    time_at: int
    groups: int
    flaws: tuple[tuple[int, Flaw], ...]
    extras: tuple[int, ...]
    notes: tuple[str, ...]


class Reading(msgspec.Struct):
    """A frame to be read: `values` by pair, `now` the time of receipt in microseconds since 1970 UTC."""

    plan: Plan
    values: Sequence[str]
    now: int


class Columns(msgspec.Struct):
    """The accepted values of a group: `ids` are series, `reading` says whose, `row` which pair."""

    ids: NDArray[np.int64]
    start: NDArray[np.int64]
    value: NDArray[np.float64]
    decimals: NDArray[np.int16]
    flag: NDArray[np.bytes_]
    is_late: NDArray[np.bool_]
    reading: NDArray[np.int32]
    row: NDArray[np.int32]


def make_plan(
    names: Sequence[str], period: str, system: str | None, device: Device, registry: Registry
) -> Plan:
    """Decide for the names of a frame once.

    Worked example: `("DataTime", "a34004-Avg", "a34004-Flag")` of an hour frame is one value: pair 1, mark in
    pair 2, into `<site>/a34004/avg-raw-hour/<source>`.
    """
    split = [split_name(name) for name in names]
    flags = {factor: at for at, (factor, field) in enumerate(split) if field == "Flag"}
    channels: list[Channel] = []
    places: list[tuple[int, int]] = []
    flaws, extras, notes = [], [], []
    for at, (factor, field) in enumerate(split):
        if not factor or field == "Flag":
            continue
        if field not in FIELDS:
            extras.append(at)
            continue
        found = _channel(factor, field, period, system, device, registry)
        if isinstance(found, Flaw):
            flaws.append((at, found))
            continue
        if found.ref.factor != factor and field not in _HALVES:
            notes.append(f"{factor[:16]!r} is read as {found.ref.factor}")
        channels.append(found)
        places.append((at, flags.get(factor, -1)))
    shift = [channel.period_seconds * SECOND if device.label == "end" else 0 for channel in channels]
    return Plan(
        period,
        tuple(channels),
        np.array([channel.ref.id for channel in channels], dtype=np.int64),
        np.array([at for at, _ in places], dtype=np.int32),
        np.array(shift, dtype=np.int64),
        tuple(set(shift)) or (0,),
        _picker([at for at, _ in places]),
        _picker([mark for _, mark in places]),
        tuple(
            (number, channel.sent_unit, channel.ref.unit)
            for number, channel in enumerate(channels)
            if channel.sent_unit != channel.ref.unit
        ),
        names.index("DataTime") if "DataTime" in names else -1,
        len(dict.fromkeys(factor or name for (factor, _), name in zip(split, names, strict=True))),
        tuple(flaws),
        tuple(extras),
        tuple(dict.fromkeys(notes)),
    )


def _picker(places: list[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Takes these places out of a frame's values; -1 stands for an absent mark and gives ''."""
    if -1 in places:
        return lambda values: tuple("" if at < 0 else values[at] for at in places)
    if len(places) < 2:
        return lambda values: tuple(values[at] for at in places)
    return itemgetter(*places)


def _channel(
    factor: str, field: str, period: str, system: str | None, device: Device, registry: Registry
) -> Channel | Flaw:
    statistic, basis = FIELDS[field]
    if len(factor) > _LONGEST:
        return flaw(field, "unknown-factor", factor)
    code: str | None = f"{factor}-{field}" if field in _HALVES else factor
    wanted = SeriesKey(device.site, code or "", statistic, basis, period, device.source)
    channel = registry.channels.get(wanted)
    if channel is None and field not in ("RS", "RT", *_HALVES):
        code = factors.normalise(factor, system)
        if code is None:
            return flaw(f"{factor}-{field}", "unknown-factor", factor)
        channel = registry.channels.get(wanted._replace(factor=code))
    if channel is None:
        return flaw(f"{factor}-{field}", "unknown-series", str(wanted))
    if not units.are_compatible(channel.sent_unit, channel.ref.unit):
        return flaw(f"{factor}-{field}", "unit-mismatch", f"{channel.sent_unit} ≠ {channel.ref.unit}")
    return channel


class Read(msgspec.Struct):
    """What a group of readings holds; `refused` and `odd` (marks table 8 does not know) by their number."""

    columns: Columns
    refused: dict[int, list[Refusal]]
    odd: dict[int, set[str]]


def read_group(readings: Sequence[Reading], limits: Limits) -> Read:
    """The values of many frames as columns, and what was refused.

    Worked example: two frames of one plan with three values each are six rows, reading 0 and 1.
    """
    refused: dict[int, list[Refusal]] = {}
    texts: list[str] = []
    marks: list[str] = []
    labels, sound = [], []
    first = earliest(limits)
    for number, reading in enumerate(readings):
        plan, values = reading.plan, reading.values
        label, wrong = _label(reading, limits, first)
        if wrong is not None:
            refused[number] = [wrong.at(WHOLE_FRAME)]
            continue
        if plan.flaws:
            refused[number] = [found.at(at) for at, found in plan.flaws]
        if plan.channels:
            texts.extend(plan.values_of(values))
            marks.extend(plan.marks_of(values))
            labels.append(label)
            sound.append(number)
    columns = _columns([readings[number].plan for number in sound], sound, labels)
    kept = np.ones(len(texts), dtype=bool)

    def refuse(at: int, rule: str, found: str) -> None:
        number, row = int(columns.reading[at]), int(columns.row[at])
        plan = readings[number].plan
        where = plan.channels[plan.rows.tolist().index(row)].ref.factor
        kept[at] = False
        refused.setdefault(number, []).append(flaw(where, rule, found).at(row))

    columns.value, columns.decimals = _numbers(texts, refuse)
    _convert(columns, readings, sound, limits, texts, refuse)
    distinct = set(marks)
    columns.flag = _flags(marks, distinct, refuse)
    wait = {one: (length + limits.late_after(one)) * SECOND for one, length in PERIOD_SECONDS.items()}
    due = np.array([readings[number].now - wait[readings[number].plan.period] for number in sound], np.int64)
    columns.is_late = np.repeat(due, [len(readings[number].plan.rows) for number in sound]) > columns.start
    odd = {} if distinct <= _MARKS else _odd_marks(marks, columns.reading)
    return Read(columns if kept.all() else _take(columns, kept), refused, odd)


def _label(reading: Reading, limits: Limits, first: int) -> tuple[int, Flaw | None]:
    """The frame's time as sent, or why it is none that can be taken; `first` is the earliest accepted."""
    plan, latest = reading.plan, reading.now + limits.future_tolerance_seconds * SECOND
    text = reading.values[plan.time_at] if plan.time_at >= 0 else ""
    if not text:
        return 0, flaw("DataTime", "no-data-time", "")
    label = parse_time(text) if len(text) in (14, 17) and text.isdigit() else None
    if label is None:
        return 0, flaw("DataTime", "time-format", text)
    for shift in plan.shifts:
        start = label - shift
        if not first <= start <= latest or not is_aligned(start, plan.period):
            return 0, judge_time(start, plan.period, reading.now, limits, text)
    return label, None


def _columns(plans: Sequence[Plan], numbers: Sequence[int], labels: Sequence[int]) -> Columns:
    """Which series, when, from where; the values follow."""
    nothing: NDArray[Any] = np.array([], dtype=np.int64)
    counts = [len(plan.rows) for plan in plans]
    ids = np.concatenate([plan.ids for plan in plans]) if plans else nothing
    rows = np.concatenate([plan.rows for plan in plans]) if plans else nothing.astype(np.int32)
    shift = np.concatenate([plan.shift for plan in plans]) if plans else nothing
    start = np.repeat(np.array(labels, dtype=np.int64), counts) - shift
    whose = np.repeat(np.array(numbers, dtype=np.int32), counts)
    blank: NDArray[Any] = np.array([], dtype=np.float64)
    return Columns(ids, start, blank, blank, blank, blank, whose, rows)


def _numbers(texts: list[str], refuse: Refuse) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """Values and reported decimals. Plain decimals are read by the hundred, anything else one by one."""
    joined = ";".join(texts).encode(errors="replace")
    if not joined.translate(None, _PLAIN):
        try:
            value = np.array(list(map(float, texts)), dtype=np.float64)
        except ValueError:
            pass
        else:
            places = _places(joined, len(texts))
            if np.isfinite(value).all() and int(places.max(initial=0)) <= MAX_DECIMALS:
                return value, places
    value, decimals = np.full(len(texts), math.nan), np.zeros(len(texts), dtype=np.int16)
    for at, text in enumerate(texts):
        if text in GAPS:
            continue
        read = parse_number(text)
        if read is None:
            bare = text.lower().lstrip("+-")
            is_none = bare in ("nan", "inf", "infinity")
            refuse(at, "value-not-finite" if is_none else "value-format", text)
        else:
            value[at], decimals[at] = read
    return value, decimals


def _places(joined: bytes, count: int) -> NDArray[np.int16]:
    """How many digits stand behind the point of each of `count` numbers that `;` separates.

    Worked example: `b"12.30;7"` gives [2, 0].
    """
    places = np.zeros(count, dtype=np.int16)
    if count:
        marks = np.frombuffer(joined + b";", dtype=np.uint8)
        points, ends = np.flatnonzero(marks == ord(".")), np.flatnonzero(marks == ord(";"))
        number = np.searchsorted(ends, points)
        places[number] = ends[number] - points - 1
    return places


def _convert(
    columns: Columns,
    readings: Sequence[Reading],
    sound: Sequence[int],
    limits: Limits,
    texts: Sequence[str],
    refuse: Refuse,
) -> None:
    """Into the unit of the series, exactly; what no instrument measures is refused."""
    first = 0
    for number in sound:
        plan = readings[number].plan
        for place, sent, wanted in plan.convert:
            at = first + place
            value = float(columns.value[at])
            if value == value:
                columns.value[at], columns.decimals[at] = convert_number(value, sent, wanted)
        first += len(plan.rows)
    for at in np.flatnonzero(np.abs(columns.value) > limits.value_magnitude).tolist():
        refuse(at, "value-too-large", texts[at])


def _flags(marks: list[str], distinct: set[str], refuse: Refuse) -> NDArray[np.bytes_]:
    """Data marks as sent; unknown letters are kept (HJ 212-2017 table 8 is not what the field sends)."""
    known: dict[str, bytes] = {}
    for mark in distinct:
        if len(mark) <= 4 and mark.isascii() and mark.isprintable():
            known[mark] = mark.encode()
    if len(known) == 1 and len(distinct) == 1:
        return np.full(len(marks), known[marks[0]], dtype="S4")
    if len(known) != len(distinct):
        for at, mark in enumerate(marks):
            if mark not in known:
                refuse(at, "flag-format", mark)
    return np.array([known.get(mark, b"") for mark in marks], dtype="S4")


def _take(columns: Columns, kept: NDArray[np.bool_]) -> Columns:
    return Columns(*(getattr(columns, name)[kept] for name in Columns.__struct_fields__))


def _odd_marks(marks: Sequence[str], reading: NDArray[np.int32]) -> dict[int, set[str]]:
    """Marks that HJ 212-2017 table 8 does not know, by reading; they are kept as sent."""
    found: dict[int, set[str]] = {}
    for at, mark in enumerate(marks):
        if mark not in _MARKS:
            found.setdefault(int(reading[at]), set()).add(mark[:8])
    return found
