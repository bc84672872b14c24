"""Real series as panels: the public sets that `sources.yaml` describes.

Promises: every column the description names, on one regular grid, in its unit; what is missing is NaN. Leaves
planting to `plant`.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import yaml
from qc.rules.falsify.panel import HOUR_MS, LOCAL_MS, Panel, resolution_of
from qc.rules.outcome import Floats, Ints

from jianzhen.state import Refused


@dataclass(frozen=True, slots=True)
class Column:
    """One series of a set: where it stands in the files, and what it is."""

    station: str
    factor: str
    unit: str
    limit: float
    high: float
    place: tuple[float, float]
    starts_ms: Ints
    values: Floats


@cache
def described() -> dict[str, Any]:
    """The sets and their columns."""
    text = resources.files("jianzhen.planting").joinpath("sources.yaml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=yaml.CSafeLoader))


def load(name: str, folder: Path, begin: datetime | None = None, end: datetime | None = None) -> Panel:
    """The set `name` of `sources.yaml` from a folder, local times [begin, end); Refused says what lacks."""
    about = described()[name]
    files = sorted(folder.glob(about["files"])) if folder.is_dir() else [folder]
    files = [file for file in files if file.is_file()]
    if not files:
        raise Refused(f"{folder}: no file {about['files']}; `{name}` is read from files of that name")
    columns = [column for file in files for column in _columns(about, file)]
    return _panel(about, columns, begin, end)


def load_beijing(folder: Path, begin: datetime | None = None, end: datetime | None = None) -> Panel:
    """Twelve stations, six pollutants, hourly. Worked example: shape (72, 35064) without bounds."""
    return load("beijing", folder, begin, end)


def load_gas_turbine(folder: Path) -> Panel:
    """NOx and CO with load and temperatures, hourly from a start that is ours. Shape (6, 36733)."""
    return load("gas-turbine", folder)


def load_waste_water(folder: Path) -> Panel:
    """Inlet and outlet of a municipal plant, daily, 1990-01-01 to 1991-10-30. Shape (11, 668)."""
    return load("waste-water", folder)


def _columns(about: dict[str, Any], file: Path) -> Iterator[Column]:
    with opened(file) as lines:
        reader = csv.reader(lines)
        header = next(reader, [])
        rows = [row for row in reader if row]
    wanted = [about["time"]] if "time" in about else []
    for name in (*wanted, *about["columns"]):
        if name not in header:
            raise Refused(f"{file}: no column {name}")
    starts = _starts(about, header, rows)
    for name, to in about["columns"].items():
        station = to.get("station") or about.get("station") or file.name.split(".")[0]
        place = about.get("places", {}).get(station, (np.nan, np.nan))
        at = header.index(name)
        numbers = np.array([row[at] or "nan" for row in rows], dtype=np.float64) / to.get("divide", 1.0)
        yield Column(
            station, to["factor"], to["unit"], to.get("limit", np.nan), to.get("high", np.nan),
            tuple(place), starts, numbers,
        )  # fmt: skip


def opened(file: Path) -> TextIO:
    """A text file, also compressed."""
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _panel(
    about: dict[str, Any], columns: list[Column], begin: datetime | None, end: datetime | None
) -> Panel:
    step = about["period_hours"] * HOUR_MS
    first = min(int(column.starts_ms[0]) for column in columns)
    last = max(int(column.starts_ms[-1]) for column in columns) + step
    first = max(first, _millis(begin)) if begin else first
    last = min(last, _millis(end)) if end else last
    shape = (len(columns), (last - first) // step)
    value, present = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    for row, column in enumerate(columns):
        at = (column.starts_ms - first) // step
        inside = (at >= 0) & (at < shape[1])
        value[row, at[inside]] = column.values[inside]
        present[row, at[inside]] = True
    nothing = np.full(len(columns), np.nan)
    return Panel(
        first, step,
        tuple(column.station for column in columns),
        tuple(column.factor for column in columns),
        tuple(column.unit for column in columns),
        value, np.zeros(shape, dtype=np.int64), present,
        np.array([resolution_of(one) for one in value]), nothing.copy(),
        np.array([column.limit for column in columns]), np.zeros(len(columns)),
        np.array([column.high for column in columns]),
        np.array([column.place for column in columns]),
    )  # fmt: skip


def _starts(about: dict[str, Any], header: list[str], rows: list[list[str]]) -> Ints:
    """The instant each row's period begins; a set without times is counted from its `start`."""
    if "start" in about:
        hours: Ints = np.arange(len(rows), dtype=np.int64) * int(about["period_hours"])
        return hours * HOUR_MS + _millis(datetime.fromisoformat(about["start"]))
    at = header.index(about["time"])
    local = np.array([row[at].replace(" ", "T") for row in rows], dtype="datetime64[ms]")
    starts: Ints = local.astype(np.int64) - LOCAL_MS
    return starts


def _millis(local: datetime) -> int:
    return round(local.replace(tzinfo=UTC).timestamp() * 1000) - LOCAL_MS
