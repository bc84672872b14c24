"""A table of texts as readings: one row per value in the file's order, and the series they belong to.

Promises: rows in = values out (wide: line by line, column by column); what had to be assumed is noted. Leaves
opening files to `opening`, the parts of columns to `columns`, and judging to `qc.rules.offline`.
"""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from qc.rules.offline.catalogue import file_tests
from qc.rules.offline.judge import ranges_of
from qc.rules.offline.parameters import parameter_of
from qc.rules.offline.profile import Profile
from qc.rules.offline.readings import NO_TIME, Member, Readings, middle
from qc.rules.offline.sentinels import Taken, taken_for_missing
from qc.rules.outcome import Floats, Ints
from standards import units

from jianzhen.selfcheck.cells import marks, numbers
from jianzhen.selfcheck.columns import Plan
from jianzhen.selfcheck.filemap import Entry, FileMap
from jianzhen.selfcheck.opening import Table
from jianzhen.selfcheck.times import instants
from jianzhen.selfcheck.told import Notes, refusal

# A column is taken for words if it has at least so many of them and not one number.
WORDS = 10
_STEP = re.compile(r"(\d+)\s*(s|min|h|d)")
_STEP_MS = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The file as readings. `time`, `station` are texts per line, `names` the series per column (wide) or
    per line (long), `values` the texts per column; row r is cell (r // columns, r % columns). `taken` are
    the numbers that were taken for missing: they are no values among the readings.
    """

    readings: Readings
    members: tuple[Member, ...]
    time: pl.Series
    station: pl.Series | None
    names: pl.Series
    values: tuple[pl.Series, ...]
    is_wide: bool
    taken: tuple[Taken, ...]

    @property
    def columns(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one name: factor, unit, and value × `scale` + `shift` is in that unit."""

    factor: str
    is_known: bool
    unit: str
    scale: float
    shift: float
    entry: Entry


def sheet(table: Table, plan: Plan, mapped: FileMap, profile: Profile, naive_ms: int, notes: Notes) -> Sheet:
    """Read every cell. Worked example: two lines of `time,PM2.5,CO` → four rows, two members."""
    cells, lines, wide = table.cells, table.cells.height, plan.series is None
    time, at = _times(table, plan, mapped, naive_ms)
    station = None if plan.station is None else cells[plan.station].fill_null("")
    names = pl.Series(plan.values) if wide else cells[plan.series or ""].fill_null("")
    words: set[str] = set()
    read = [numbers(cells[name], table.has_decimal_comma) for name in plan.values]
    value = np.stack([one[0] for one in read], axis=1)
    noted = np.stack([one[1] for one in read], axis=1)
    if wide:
        words = _note_words(cells, plan, value, noted, notes)
    for missing in mapped.missing:
        value[value == missing] = np.nan
    noted[table.is_ragged.to_numpy()] |= file_tests()["ragged"].bit
    noted[at == NO_TIME] |= file_tests()["no-time"].bit
    flag = np.stack([_marks(cells, name, lines, mapped) for name in plan.flags], axis=1)
    place, members, scale, shift = _members(
        station, names, value, table, (plan, mapped, profile, notes), words
    )
    with np.errstate(over="ignore"):
        low, high = ranges_of(members, profile)
        absent, taken = taken_for_missing(
            value.reshape(-1), place.reshape(-1), low, high, scale.reshape(-1), shift.reshape(-1)
        )
        absent = absent.reshape(value.shape)
        noted[absent] |= file_tests()["sentinel"].bit
        value = np.where(absent, np.nan, value * scale + shift)
    _say_taken(taken, members, notes)
    noted[np.isinf(value)] |= file_tests()["unreadable"].bit
    value[np.isinf(value)] = np.nan
    columns = len(plan.values)
    readings = Readings(
        place.reshape(-1), np.repeat(at, columns), value.reshape(-1), flag.reshape(-1), noted.reshape(-1)
    )
    values = tuple(cells[name] for name in plan.values)
    return Sheet(readings, members, time, station, names, values, wide, tuple(taken))


def _times(table: Table, plan: Plan, mapped: FileMap, naive_ms: int) -> tuple[pl.Series, Ints]:
    cells = table.cells
    if not plan.time:
        return _numbered(cells.height, mapped, naive_ms)
    parts = [cells[name] for name in plan.time]
    if len(parts) > 2:
        padded = [part.str.strip_chars().str.replace(r"\.0$", "") for part in parts]
        time = padded[0] + "-" + padded[1] + "-" + padded[2]
        time = time + " " + padded[3] + ":00" if len(padded) > 3 else time
    elif len(parts) == 2 and parts[1].str.contains(r"\d[-/年]\d").any():
        # Beside a date, `time` may be a whole instant.
        time = parts[1]
    else:
        time = parts[0] if len(parts) == 1 else parts[0].str.strip_chars() + " " + parts[1].str.strip_chars()
    at = instants(time, naive_ms, mapped.time.format)
    if np.all(at == NO_TIME):
        seen = "、".join(repr(one) for one in time.drop_nulls().head(3).to_list()) or "(空 empty)"
        line = int(table.line[0])
        raise refusal(
            f"没有一个时间能读出（第 {line} 行起：{seen}）；请用 ISO 8601，或在 --mapping 中写 "
            'time: {column: 列名, format: "%d/%m/%Y %H:%M"}',
            f"not one time can be read (from line {line}: {seen}); use ISO 8601, or say in --mapping "
            'time: {column: NAME, format: "%d/%m/%Y %H:%M"}',
        )
    return time.fill_null(""), at


def _numbered(lines: int, mapped: FileMap, naive_ms: int) -> tuple[pl.Series, Ints]:
    parts = _STEP.fullmatch(mapped.time.step or "1h")
    start = instants(pl.Series([mapped.time.start]), naive_ms, None)[0]
    if parts is None or start == NO_TIME or int(parts[1]) == 0:
        raise refusal(
            "映射文件 time: 需要 start（ISO 时间）和 step（如 1h、5min、1d）",
            "the mapping's time: needs a start (ISO) and a step like 1h, 5min, 1d",
        )
    at = start + np.arange(lines, dtype=np.int64) * int(parts[1]) * _STEP_MS[parts[2]]
    shown = pl.Series(at + naive_ms).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S")
    return shown, at


def _marks(cells: pl.DataFrame, name: str | None, lines: int, mapped: FileMap) -> Ints:
    return np.zeros(lines, dtype=np.int64) if name is None else marks(cells[name], mapped.marks)


def _note_words(cells: pl.DataFrame, plan: Plan, value: Floats, noted: Ints, notes: Notes) -> set[str]:
    """A column without a single number is no measurement: said once, not cell by cell."""
    found = set()
    unreadable, text = file_tests()["unreadable"].bit, file_tests()["text"].bit
    for place, name in enumerate(plan.values):
        words = (noted[:, place] & unreadable) != 0
        if np.count_nonzero(words) >= WORDS and not np.isfinite(value[:, place]).any():
            noted[words, place] = noted[words, place] & ~unreadable | text
            found.add(name)
            notes.add(
                f"列 {name} 全为文字（如 {cells[name].drop_nulls()[0]}），不是监测量，保留不评价。",
                f"Column {name} holds words only (such as {cells[name].drop_nulls()[0]}): kept, not judged.",
            )
    return found


def _codes(text: pl.Series) -> tuple[list[str], Ints]:
    distinct = text.unique(maintain_order=True)
    at: Ints = text.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int64)
    return distinct.to_list(), at


def _members(
    station: pl.Series | None,
    names: pl.Series,
    value: Floats,
    table: Table,
    given: tuple[Plan, FileMap, Profile, Notes],
    words: set[str],
) -> tuple[Ints, tuple[Member, ...], Floats, Floats]:
    """Per cell its member, scale and shift; members of one station side by side."""
    plan, mapped, profile, notes = given
    lines, columns = value.shape
    own = mapped.station
    stations, at_station = ([own], np.zeros(lines, dtype=np.int64)) if station is None else _codes(station)
    if plan.series is None:
        told, at_name = list(plan.values), np.tile(np.arange(columns), (lines, 1))
    else:
        told, at_name = _codes(names)
        at_name = at_name.reshape(-1, 1)
    label, at_label, given_units = _with_units(told, at_name, plan, table)
    known = [
        _known(told[name], given_units[unit], value[at_label == place], mapped, profile, notes)
        for place, (name, unit) in enumerate(label)
    ]
    strange = {told[n] for (n, _), one in zip(label, known, strict=True) if not one.is_known} - words
    _say_unknown(sorted(strange, key=told.index), notes)
    pairs = at_station.reshape(-1, 1) * len(told) + at_name
    distinct, place = np.unique(pairs, return_inverse=True)
    by_name = {name: known[number] for number, (name, _) in reversed(list(enumerate(label)))}
    members = tuple(
        _member(stations[pair // len(told)], told[pair % len(told)], by_name[pair % len(told)], mapped)
        for pair in distinct.tolist()
    )
    scale, shift = (np.array([getattr(one, name) for one in known])[at_label] for name in ("scale", "shift"))
    return place.reshape(lines, columns).astype(np.int64), members, scale, shift


def _with_units(
    told: list[str], at_name: Ints, plan: Plan, table: Table
) -> tuple[list[tuple[int, int]], Ints, list[str]]:
    """Distinct (name, unit) pairs and which one each cell has; unit texts, empty where the file has none."""
    if plan.unit is None:
        return [(name, 0) for name in range(len(told))], at_name, [""]
    texts, at_unit = _codes(table.cells[plan.unit].fill_null("").str.strip_chars())
    distinct, place = np.unique(at_name * len(texts) + at_unit.reshape(-1, 1), return_inverse=True)
    pairs = [(pair // len(texts), pair % len(texts)) for pair in distinct.tolist()]
    return pairs, place.reshape(at_name.shape).astype(np.int64), texts


def _known(
    name: str, unit_text: str, value: Floats, mapped: FileMap, profile: Profile, notes: Notes
) -> Known:
    entry = mapped.columns.get(name, Entry())
    if entry.factor is None and (parameter := parameter_of(name)):
        return Known(parameter[1], True, "1", 1 / entry.divide, 0.0, entry)
    found, unit_in_name = profile.factor_of(entry.factor or name)
    written = entry.unit or unit_in_name or units.ucum(unit_text) or ""
    if found and unit_text and not units.ucum(unit_text):
        notes.add(
            f"{name}：单位 {unit_text} 不认识，数值未换算。",
            f"{name}: unit {unit_text} is not known, values are taken as they are.",
        )
    if found is None:
        return Known(entry.factor or name, False, written or "1", 1 / entry.divide, 0.0, entry)
    sent = written or found.unit
    if not written and found.or_unit and found.above is not None:
        finite = value[np.isfinite(value)]
        usual = middle(finite) if len(finite) else found.above
        if usual > found.above:
            sent = found.or_unit
            notes.add(
                f"{name}：中位数 {usual:g}，按 {units.text(sent)} 读取（可在 --mapping 中指定单位）。",
                f"{name}: median {usual:g}, read as {units.text(sent)} (--mapping can say otherwise).",
            )
    if entry.unit is not None and not units.are_compatible(sent, found.unit):
        return Known(found.code, True, sent, 1 / entry.divide, 0.0, entry)
    if not units.are_compatible(sent, found.unit):
        notes.add(
            f"{name}：{sent} 不能换算为 {found.unit}，数值未换算。",
            f"{name}: {sent} cannot be converted to {found.unit}, values are taken as they are.",
        )
        return Known(found.code, True, sent, 1 / entry.divide, 0.0, entry)
    zero, one = (float(units.convert(number, sent, found.unit)) for number in (0, 1))
    return Known(found.code, True, found.unit, (one - zero) / entry.divide, zero, entry)


def _member(station: str, name: str, known: Known, mapped: FileMap) -> Member:
    limits, factor = known.entry.series, known.scale * known.entry.divide

    def told(number: float | None) -> float | None:
        return None if number is None else number * factor + known.shift

    return Member(
        station=station,
        name=name,
        factor=known.factor,
        is_known=known.is_known,
        unit=known.unit,
        low=told(limits.low),
        high=told(limits.high),
        detection_limit=told(limits.detection_limit),
        limit=told(limits.permit_limit),
        place=mapped.places.get(station),
    )


def _say_taken(taken: list[Taken], members: tuple[Member, ...], notes: Notes) -> None:
    """Each number once, with the series it was taken for missing in."""
    for value in dict.fromkeys(one.value for one in taken):
        own = [one for one in taken if one.value == value]
        names = [f"{members[one.member].station} {members[one.member].name}".strip() for one in own]
        zh, en = (
            [f"{name}{times.format(one.times)}" for name, one in zip(names, own, strict=True)]
            for times in ("（{:,} 次）", " ({:,} times)")
        )
        more = [f"… ({len(own)})"] if len(own) > 10 else []
        notes.add(
            f"数值 {value:.12g} 视为缺失：{'、'.join(zh[:10] + more)}；在 --mapping 中写 "
            f"missing: [{value:.12g}] 即不再提示。",
            f"Value {value:.12g} was taken for missing, series {', '.join(en[:10] + more)}; "
            f"map it with missing: [{value:.12g}] in --mapping to silence this.",
        )


def _say_unknown(unknown: list[str], notes: Notes) -> None:
    if unknown:
        shown = unknown if len(unknown) <= 30 else [*unknown[:30], f"… ({len(unknown)})"]
        notes.add(
            f"本规则包不认识、只按通用规则（标记、缺失、恒值、缺口）评价的列：{'、'.join(shown)}。",
            "Not known to this profile, judged by the general rules only (mark, missing, constant, gap): "
            f"{', '.join(shown)}.",
        )
