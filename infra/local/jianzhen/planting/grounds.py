"""What `--data` names: one of the described sets, a folder of them, or any file of series.

Promises: says what a folder was taken for; refuses what it cannot read, with what would be read. Leaves the
described sets to `sources`.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from qc.rules.falsify.finding import PROFILES
from qc.rules.falsify.panel import HOUR_MS, LOCAL_MS, Panel, resolution_of
from qc.rules.offline.profile import load_profile
from qc.rules.offline.readings import NO_TIME, Member, Readings, ordered

from jianzhen.planting import sources
from jianzhen.planting.scene import role_of
from jianzhen.planting.trial import Ground
from jianzhen.screen import say
from jianzhen.selfcheck.columns import plan
from jianzhen.selfcheck.filemap import FileMap, load_map
from jianzhen.selfcheck.opening import opened
from jianzhen.selfcheck.reading import sheet
from jianzhen.selfcheck.told import Notes
from jianzhen.state import Refused

LOCAL = timezone(timedelta(hours=8))
# History before the planted part of a source without dates of its own.
HISTORY = 0.4
# Where no limit is known: what share of the history would have kept it.
PERMITTED = 0.9
# No instrument reports more; and a panel of more cells does not fit a desk's memory.
LARGEST, CELLS = 1e15, 200_000_000


def grounds(path: Path, profile: str, mapping: Path | None = None) -> Iterator[Ground]:
    """The grounds a path offers. Worked example: the folder of the twelve Beijing files → one, "beijing"."""
    if not path.exists():
        raise Refused(f"{path} is neither a file nor a folder")
    name = _recognised(path)
    if name:
        yield _described(name, path)
    elif path.is_file():
        yield _any_file(path, profile, load_map(mapping))
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


def _any_file(path: Path, profile: str, mapped: FileMap) -> Ground:
    """Any file `jianzhen qc run` reads, as it reads it. The grid is the commonest distance of times."""
    if profile not in PROFILES:
        raise Refused(f"{path}: say what it is with --profile {' | '.join(PROFILES)}")
    notes, chosen = Notes(), load_profile(profile)
    table = opened(path, notes)
    columns = plan(table.cells.columns, mapped, chosen, notes)
    read = sheet(table, columns, mapped, chosen, LOCAL_MS, notes)
    lost = np.flatnonzero(read.readings.ts == NO_TIME)
    if len(lost):
        line = int(table.line[int(lost[0]) // read.columns])
        notes.add(
            f"{len(lost)} 个值没有可读的时间，首见第 {line} 行：不参与。",
            f"{len(lost)} values without a readable time, first on line {line}: left out.",
        )
    for note in notes.made:
        say(str(note))
    panel = _gridded(path, read.readings, read.members)
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


def _gridded(path: Path, readings: Readings, members: Sequence[Member]) -> Panel:
    """Of two values for one instant the first stands; series of words only are left out."""
    known = ordered(readings, len(members)).columns
    value = np.where(np.abs(known.value) < LARGEST, known.value, np.nan)
    numbered = np.unique(known.series[np.isfinite(value)])
    if not len(numbered):
        raise Refused(f"{path}: not one number")
    kept = np.isin(known.series, numbered)
    row, ts = np.searchsorted(numbered, known.series[kept]), known.ts[kept]
    gaps, often = np.unique(np.diff(np.unique(ts)), return_counts=True)
    step, first = int(gaps[often.argmax()]) if len(gaps) else HOUR_MS, int(ts.min())
    shape = (len(numbered), int((ts.max() - first) // step) + 1)
    if shape[0] * shape[1] > CELLS:
        span = f"{shape[1]:,} periods of {step / 1000:g} s from first to last time"
        raise Refused(f"{path}: {span}; look for a stray time, or name a shorter file")
    at = (row, (ts - first) // step)
    values, marks, present = np.full(shape, np.nan), np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
    values[at], marks[at], present[at] = value[kept], np.maximum(known.flag[kept], 0), True
    named = [members[int(one)] for one in numbered]
    unknown = np.full(len(named), np.nan)
    return Panel(
        first, step, tuple(one.station or path.name.split(".")[0] for one in named),
        tuple(one.factor for one in named), tuple(one.unit for one in named), values, marks, present,
        np.array([resolution_of(one) for one in values]), unknown.copy(), unknown.copy(), unknown.copy(),
        unknown.copy(), np.full((len(named), 2), np.nan),
    )  # fmt: skip
