"""What the columns of a table mean: by their Chinese or English names, or by a mapping the sender gives.

A mapping is written in the language of `jianzhen replay`:
`{source, station, period, time: {column, format, label}, columns: {PM2.5: {factor, unit, divide}}}`.

Promises: pure; raises only `BatchRefused`. Leaves what a cell holds to `cells`.
"""

import re
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from standards import factors, units

from ingest.rules.rows import FIELDS, BatchRefused

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
NAMES: dict[str, tuple[str, ...]] = {
    "site": (
        "site",
        "station",
        "点位",
        "站点",
        "点位编码",
        "站点编码",
        "排口",
        "排口编码",
        "点位编号",
        "站点编号",
    ),
    "factor": ("factor", "因子", "因子编码", "污染物", "污染物编码", "监测因子", "监测项目"),
    "statistic": ("statistic", "统计量"),
    "basis": ("basis", "口径"),
    "period": ("period", "周期", "数据类型"),
    "unit": ("unit", "单位"),
    "time": ("time", "datetime", "date", "时间", "监测时间", "数据时间", "采样时间", "日期", "监测日期"),
    "value": ("value", "数值", "监测值", "浓度", "结果", "监测结果"),
    "flag": ("flag", "标记", "数据标记", "标识"),
}
_WITH_UNIT = re.compile(r"(.+?)\s*[(\uff08\[]([^()\uff08\uff09\[\]]+)[)\uff09\]]", re.DOTALL)
# What tables write instead of a name; HJ 633-2012 and HJ 915-2017 abbreviate so.
FORMULAS = {
    "so2": "a21026", "no2": "a21004", "co": "a21005", "o3": "a05024", "nox": "a21002", "codcr": "w01018",
    "codmn": "w01019", "nh3-n": "w21003", "tp": "w21011", "tn": "w21001", "do": "w01009",
}  # fmt: skip
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9.]*")


class Time(msgspec.Struct, frozen=True):
    """Which column is the time, how it is written (strptime), and what it labels."""

    column: Text | None = None
    format: Text | None = None
    label: Literal["start", "end"] | None = None


class To(msgspec.Struct, frozen=True):
    """What one column of a wide table is."""

    factor: Text
    unit: Text | None = None
    divide: Annotated[float, msgspec.Meta(gt=0)] = 1
    statistic: Text | None = None


class InColumn(msgspec.Struct, frozen=True):
    """Where the site stands, if not in the mapping itself."""

    column: Text


class Mapping(msgspec.Struct, frozen=True):
    """A mapping as sent; what it does not know (how to register) is for other readers."""

    source: Text
    station: Text | InColumn | None = None
    period: Text = "hour"
    statistic: Text = "avg"
    basis: Text = "raw"
    historical: bool = False
    time: Time = Time()
    columns: dict[str, To] = {}


class Plan(msgspec.Struct, frozen=True):
    """Where each field stands in a record. `wide`: where each value of a wide table is, and what it is."""

    mapping: Mapping
    at: dict[str, int]
    wide: tuple[tuple[int, To], ...]
    names: tuple[str, ...]


def read_mapping(given: Any) -> Mapping:
    """A mapping from what JSON or query parameters hold. Raises BatchRefused."""
    try:
        found = msgspec.convert(given, Mapping)
    except msgspec.ValidationError as error:
        raise BatchRefused("mapping", "mapping-wrong", str(error)) from None
    if len(found.source) > 64 or not found.source.isprintable():
        raise BatchRefused("source", "batch-source", found.source)
    return found


def plan_of(header: list[Any], mapping: Mapping) -> Plan:
    """How to read the records below this header. Raises BatchRefused.

    Worked example: `["监测时间", "PM2.5(μg/m³)"]` with a station is a wide table of a34004 in ug/m3.
    """
    names = [_name(cell) for cell in header]
    at = {field: place for field in FIELDS if (place := _place(names, NAMES[field])) is not None}
    _apply(mapping, names, at)
    taken = set(at.values())
    wide = tuple(
        (place, to)
        for place, name in enumerate(names)
        if place not in taken and (to := _column(name, mapping)) is not None
    )
    is_long = "factor" in at and "value" in at and not mapping.columns
    if absent := sorted(set(mapping.columns) - {names[place] for place, _ in wide}):
        raise BatchRefused("columns", "table-columns", ", ".join(absent))
    if (
        "time" not in at
        or not (is_long or wide)
        or ("site" not in at and not isinstance(mapping.station, str))
    ):
        raise BatchRefused("columns", "table-columns", ", ".join(names))
    shown = ("value",) if is_long else tuple(names[place] for place, _ in wide)
    return Plan(mapping, at, () if is_long else wide, shown)


def _name(cell: Any) -> str:
    return " ".join(str("" if cell is None else cell).replace("\ufeff", "").split())[:100]


def _place(names: list[str], spellings: tuple[str, ...]) -> int | None:
    lowered = [name.lower() for name in names]
    return next((lowered.index(one) for one in spellings if one in lowered), None)


def _apply(mapping: Mapping, names: list[str], at: dict[str, int]) -> None:
    """The columns that the mapping names itself."""
    named = {"time": mapping.time.column}
    if isinstance(mapping.station, InColumn):
        named["site"] = mapping.station.column
    elif mapping.station is not None:
        at.pop("site", None)
    for field, column in named.items():
        if column is not None:
            if column not in names:
                raise BatchRefused("mapping", "table-columns", column)
            at[field] = names.index(column)


def _column(name: str, mapping: Mapping) -> To | None:
    if mapping.columns:
        return mapping.columns.get(name)
    found = _WITH_UNIT.fullmatch(name)
    unit = units.ucum(found[2]) if found else None
    bare = found[1] if found and unit is not None else name
    factor = factor_called(bare)
    return None if factor is None else To(factor, unit)


def factor_called(name: str) -> str | None:
    """The code of the one factor with this code, name or formula: `臭氧`, `O3` and `a05024` are the same."""
    return _factors().get(name.strip().lower())


@cache
def _factors() -> dict[str, str]:
    """Factor codes by what people call them: code, Chinese and English name, and the Latin part of one."""
    known: dict[str, set[str]] = {}
    for code, factor in factors.every().items():
        for name in {code, factor.zh, factor.en, *_LATIN.findall(factor.zh), _LATIN.sub("", factor.zh)}:
            known.setdefault(name.strip().lower(), set()).add(code)
    known |= {name: {code} for name, code in FORMULAS.items()}
    known |= {code.lower(): {code} for code in factors.every()}
    return {name: next(iter(codes)) for name, codes in known.items() if name and len(codes) == 1}
