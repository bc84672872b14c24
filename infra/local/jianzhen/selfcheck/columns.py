"""Which column of a file is the time, the station, a value, a mark; long or wide.

Promises: no column is left out without being named in a note; a file without time is refused with the way to
mend it. Pure. Leaves the cells to `reading`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qc.rules.offline.profile import Profile, folded

from jianzhen.selfcheck.filemap import FileMap
from jianzhen.selfcheck.told import Notes, refusal

TIMES = ("time", "datetime", "timestamp", "datatime", "date time", "monitortime", "时间", "监测时间",
         "数据时间", "日期时间", "采样时间", "date", "日期", "监测日期")  # fmt: skip
STATIONS = ("station", "stationname", "site", "sitecode", "mn", "站点", "站点名称", "站名", "点位",
            "点位名称", "测点", "监测点", "企业名称", "排口", "排口名称")  # fmt: skip
SERIES = (
    "series",
    "factor",
    "parameter",
    "pollutant",
    "因子",
    "监测因子",
    "污染物",
    "项目",
    "监测项目",
    "指标",
)
VALUES = ("value", "值", "数值", "监测值", "浓度", "监测浓度")
FLAGS = ("flag", "mark", "标记", "数据标记")
UNITS = ("unit", "units", "单位")
CLOCKS = ("time", "hour", "时间", "时刻")
PARTS = ("year", "month", "day", "hour")
_FLAG_OF = re.compile(r"^(.+?)[ _\-]*(?:flag|mark|标记|数据标记)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """`time` are the columns that make up the time (none: rows are numbered); `series` is the column of names
    in a long file, None in a wide one, whose value columns are `values`; `flags[i]` marks `values[i]`.
    """

    time: tuple[str, ...]
    station: str | None
    series: str | None
    values: tuple[str, ...]
    flags: tuple[str | None, ...]
    unit: str | None


def plan(header: Sequence[str], mapped: FileMap, profile: Profile, notes: Notes) -> Plan:
    """Give every column its part.

    Worked example: time, PM2.5, PM2.5_flag, station → wide, one value column.
    """
    _present(header, mapped)
    by_name = {folded(name): name for name in header}
    left = [name for name in header if name not in mapped.ignore]

    def taken(asked: str | None, names: Sequence[str]) -> str | None:
        found = asked or next((by_name[folded(n)] for n in names if by_name.get(folded(n)) in left), None)
        if found in left:
            left.remove(found)
        return found

    series = taken(mapped.series_column, SERIES)
    value = taken(mapped.value_column, VALUES) if series else None
    if series and value is None:
        left.append(series)
        series = None
    time = _time(left, by_name, mapped)
    left = [name for name in left if name not in time]
    station = taken(mapped.station_column, STATIONS)
    if series and value:
        flag, unit = taken(mapped.flag_column, FLAGS), taken(None, UNITS)
        _say_left(left, notes, "长表中没有用处", "a long file has no use for them")
        return Plan(time, station, series, (value,), (flag,), unit)
    common = taken(mapped.flag_column, FLAGS)
    return _wide(left, time, station, common, mapped, notes)


def _wide(
    left: list[str],
    time: tuple[str, ...],
    station: str | None,
    common: str | None,
    mapped: FileMap,
    notes: Notes,
) -> Plan:
    unnamed = [name for name in left if name.startswith("\x00") or name.startswith("Unnamed:")]
    if unnamed:
        notes.add("没有列名的列（行号）不参与评价。", "A column without a name (row numbers) is left out.")
    left = [name for name in left if name not in unnamed]
    own = {entry.flag: name for name, entry in mapped.columns.items() if entry.flag}
    flag_of = {own[name]: name for name in left if name in own}
    for name in left:
        base = _FLAG_OF.match(name)
        whose = base and next((v for v in left if folded(v) == folded(base[1]) and v != name), None)
        if whose:
            flag_of.setdefault(whose, name)
    values = tuple(name for name in left if name not in flag_of.values())
    if not values:
        raise refusal(
            "没有数值列：长表需要 series 和 value 两列，宽表每个因子一列",
            "there is no column of values: a long file has `series` and `value`, a wide one a column per "
            "factor",
        )
    return Plan(time, station, None, values, tuple(flag_of.get(name, common) for name in values), None)


def _present(header: Sequence[str], mapped: FileMap) -> None:
    asked = [
        mapped.time.column,
        mapped.station_column,
        mapped.series_column,
        mapped.value_column,
        mapped.flag_column,
    ]
    asked += [entry.flag for entry in mapped.columns.values()]
    if mapped.series_column is None and not any(folded(name) in map(folded, SERIES) for name in header):
        asked += mapped.columns
    absent = [name for name in asked if name is not None and name not in header]
    if absent:
        raise refusal(
            f"映射文件所说的列不在文件中：{'、'.join(absent)}；文件有：{'、'.join(_shown(header))}",
            f"the mapping names columns the file has not: {', '.join(absent)}; it has "
            f"{', '.join(_shown(header))}",
        )


def _time(left: Sequence[str], by_name: dict[str, str], mapped: FileMap) -> tuple[str, ...]:
    if mapped.time.column:
        return (mapped.time.column,)
    if mapped.time.start:
        return ()
    present = {key: name for key, name in by_name.items() if name in left}
    date = next(
        (present[folded(name)] for name in ("date", "日期", "监测日期") if folded(name) in present), None
    )
    clock = next((present[folded(name)] for name in CLOCKS if folded(name) in present), None)
    if date and clock:
        return (date, clock)
    for name in TIMES:
        if folded(name) in present:
            return (present[folded(name)],)
    if all(part in present for part in PARTS[:3]):
        return tuple(present[part] for part in PARTS if part in present)
    raise refusal(
        f"没有时间列；文件有：{'、'.join(_shown(left))}。请把时间列命名为 time，或在 --mapping 中写 "
        "time: {column: 列名}；没有时间的文件可写 time: {start: 2026-01-01T00:00:00+08:00, step: 1h}，"
        "按行编号",
        f"there is no column of time; the file has {', '.join(_shown(left))}. Name it `time`, or say in "
        "--mapping time: {column: NAME}; a file without times may be numbered by "
        "time: {start: 2026-01-01T00:00:00+08:00, step: 1h}",
    )


def _shown(names: Sequence[str]) -> list[str]:
    shown = [name if not name.startswith("\x00") else "(?)" for name in names]
    return shown if len(shown) <= 40 else [*shown[:40], f"… ({len(shown)})"]


def _say_left(left: Sequence[str], notes: Notes, zh: str, en: str) -> None:
    if left:
        names = _shown(left)
        notes.add(
            f"未使用的列：{'、'.join(names)}（{zh}）。", f"Columns not used: {', '.join(names)} ({en})."
        )
