"""What `--data` names: one of the described sets, a folder of them, or any file of series.

Promises: says what a folder was taken for; refuses what it cannot read, with what would be read. Leaves the
described sets to `sources`.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from qc.rules.falsify.finding import PROFILES
from qc.rules.falsify.panel import HOUR_MS, Panel, resolution_of

from jianzhen.planting import sources
from jianzhen.planting.scene import role_of
from jianzhen.planting.trial import Ground
from jianzhen.state import Refused

LOCAL = timezone(timedelta(hours=8))
# History before the planted part of a source without dates of its own.
HISTORY = 0.4
# Where no limit is known: what share of the history would have kept it.
PERMITTED = 0.9
# No instrument reports more; and a panel of more cells does not fit a desk's memory.
LARGEST, CELLS = 1e15, 200_000_000
TIMES = ("time", "datetime", "date", "timestamp", "时间")


def grounds(path: Path, profile: str) -> Iterator[Ground]:
    """The grounds a path offers. Worked example: the folder of the twelve Beijing files → one, "beijing"."""
    if not path.exists():
        raise Refused(f"{path} is neither a file nor a folder")
    name = _recognised(path)
    if name:
        yield _described(name, path)
    elif path.is_file():
        yield _any_file(path, profile)
    else:
        inner = sorted(folder for folder in path.iterdir() if folder.is_dir() and _recognised(folder))
        if not inner:
            known = ", ".join(sources.described())
            raise Refused(f"{path}: no set of those that can be read from a folder ({known}); or name a file")
        for folder in inner:
            yield _described(_recognised(folder), folder)


def _recognised(path: Path) -> str:
    """The described set whose columns the first file has; "" if none."""
    for name, about in sources.described().items():
        files = sorted(path.glob(about["files"])) if path.is_dir() else [path]
        wanted = {*about["columns"], *([about["time"]] if "time" in about else [])}
        for file in files[:1]:
            try:
                with sources.opened(file) as lines:
                    header = next(csv.reader(lines), [])
            except (UnicodeDecodeError, OSError, csv.Error):
                continue
            if wanted <= set(header):
                return name
    return ""


def _described(name: str, path: Path) -> Ground:
    about = sources.described()[name]
    bounds = [datetime.fromisoformat(about[key]) if key in about else None for key in ("begin", "end")]
    panel = sources.load(name, path, *bounds)
    first = round(panel.shape[1] * HISTORY)
    if "planted_from" in about:
        start = datetime.fromisoformat(about["planted_from"]).replace(tzinfo=LOCAL)
        first = max(0, (round(start.timestamp() * 1000) - panel.start_ms) // panel.step_ms)
    return _ground(name, about["profile"], panel, first)


def _any_file(path: Path, profile: str) -> Ground:
    """A CSV, wide (time, a column per series, optional station) or long (time, series, value, optional
    station).

    Naive times are +08:00; the grid is the commonest distance of times.
    """
    if profile not in PROFILES:
        raise Refused(f"{path}: say what it is with --profile {' | '.join(PROFILES)}")
    try:
        with sources.opened(path) as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, OSError, csv.Error) as wrong:
        raise Refused(f"{path} cannot be read as CSV: {wrong}") from None
    if not rows:
        raise Refused(f"{path}: a header at most, not one row")
    cells = list(_cells(path, rows))
    if all(value != value for *_, value in cells):
        raise Refused(f"{path}: not one number")
    panel = _gridded(path, cells)
    return _ground(path.name, profile, panel, round(panel.shape[1] * HISTORY))


def _ground(name: str, profile: str, panel: Panel, first: int) -> Ground:
    """With a limit for every pollutant, so that tests that ask for one judge the untouched panel, too.

    An assumed limit is the 90th percentile of the history in two digits.
    """
    limit, assumed = panel.limit.copy(), []
    for row, factor in enumerate(panel.factor):
        known = panel.value[row, :first]
        known = known[np.isfinite(known)]
        if np.isnan(limit[row]) and len(known) and role_of(factor) in ("pollutant", "dust"):
            limit[row] = float(f"{np.quantile(known, PERMITTED):.2g}")
            assumed.append(row)
    return Ground(name, profile, replace(panel, limit=limit), (first, panel.shape[1]), tuple(assumed))


def _cells(path: Path, rows: list[dict[str, str]]) -> Iterator[tuple[int, str, str, float]]:
    header = list(rows[0])
    time = next((name for name in header if name and name.lower() in TIMES), None)
    if time is None:
        raise Refused(f"{path}: no column {' | '.join(TIMES)}; the header is {', '.join(map(str, header))}")
    is_long = {"series", "value"} <= set(header)
    for number, row in enumerate(rows, start=2):
        try:
            when = datetime.fromisoformat(row[time])
            at = round((when if when.tzinfo else when.replace(tzinfo=LOCAL)).timestamp() * 1000)
        except (ValueError, TypeError, OverflowError):
            raise Refused(f"{path}, line {number}: {row[time]!r} is no ISO time") from None
        named = {row["series"]: row["value"]} if is_long else row
        for name, text in named.items():
            if name not in (time, "station") and isinstance(text, str):
                yield at, row.get("station") or path.name.split(".")[0], name, _number(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if abs(value) < LARGEST else float("nan")


def _gridded(path: Path, cells: list[tuple[int, str, str, float]]) -> Panel:
    times = np.unique([at for at, *_ in cells])
    gaps = np.diff(times)
    step = int(np.bincount(np.unique(gaps, return_inverse=True)[1]).argmax()) if len(gaps) else 0
    step_ms = int(np.unique(gaps)[step]) if len(gaps) else HOUR_MS
    first = int(times[0])
    # Words are no series: a name without a single number is left out.
    numbers = {(station, name) for _, station, name, value in cells if value == value}
    keys = {key: row for row, key in enumerate(sorted(numbers))}
    shape = (len(keys), int((times[-1] - first) // step_ms) + 1)
    if shape[0] * shape[1] > CELLS:
        span = f"{shape[1]:,} periods of {step_ms / 1000:g} s from first to last time"
        raise Refused(f"{path}: {span}; look for a stray time, or name a shorter file")
    value, present = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    for at, station, name, number in cells:
        row = keys.get((station, name))
        if row is not None:
            value[row, (at - first) // step_ms] = number
            present[row, (at - first) // step_ms] = True
    unknown: Any = np.full(len(keys), np.nan)
    return Panel(
        first, step_ms, tuple(key[0] for key in keys), tuple(key[1] for key in keys), ("",) * len(keys),
        value, np.zeros(shape, dtype=np.int64), present, np.array([resolution_of(one) for one in value]),
        unknown, unknown.copy(), unknown.copy(), unknown.copy(), np.full((len(keys), 2), np.nan),
    )  # fmt: skip
