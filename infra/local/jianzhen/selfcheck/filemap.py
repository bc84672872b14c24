"""The mapping file: which column or series is which factor, in which unit, and how the file writes time.

Promises: the format of `jianzhen replay --map`, with more that is optional; checked against its schema,
Refused names what is wrong. Leaves applying it to `columns` and `reading`.
"""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from jianzhen.selfcheck.told import refusal


class Time(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the time stands.

    Without a `column`, rows are numbered from `start` by `step` (`1h`, `5min`, `1d`).
    """

    column: str | None = None
    format: str | None = None
    label: str = "start"
    start: str | None = None
    step: str | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the register would say of a series, in the unit of the entry."""

    decimals: int | None = None
    resolution: float | None = None
    low: float | None = None
    high: float | None = None
    detection_limit: float | None = None
    permit_limit: float | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column or series: value ÷ `divide` is in `unit`; `flag` names the column of its marks."""

    factor: str | None = None
    unit: str | None = None
    divide: float = 1.0
    flag: str | None = None
    series: Limits = Limits()


class FileMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole mapping. Fields that only a replay needs are read and not used."""

    time: Time = Time()
    columns: dict[str, Entry] = {}
    station: str = ""
    station_column: str | None = None
    series_column: str | None = None
    value_column: str | None = None
    flag_column: str | None = None
    missing: tuple[float, ...] = ()
    marks: dict[str, str] = {}
    ignore: tuple[str, ...] = ()
    places: dict[str, tuple[float, float]] = {}
    name: Any = None
    source: Any = None
    site: Any = None
    period: Any = None
    statistic: Any = None
    basis: Any = None


def load_map(path: Path | None) -> FileMap:
    """The mapping file, or one that says nothing."""
    if path is None:
        return FileMap()
    try:
        return msgspec.convert(
            yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}, FileMap
        )
    except OSError as wrong:
        raise refusal(
            f"{path} 无法读取：{wrong.strerror}", f"{path} cannot be read: {wrong.strerror}"
        ) from None
    except (msgspec.ValidationError, yaml.YAMLError, UnicodeDecodeError) as wrong:
        said = " ".join(str(wrong).split())
        raise refusal(f"{path.name} 不是映射文件：{said}", f"{path.name} is no mapping: {said}") from None
