"""What a file holds, as columns: its series and its values, sorted, freed of doubles, with their step.

Promises: every row of the file has a row here, in the file's order; of two rows for one instant of one series
the first stands. Leaves reading text to the callers and judging to `qc.rules.offline.judge`.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qc.rules.frame import TS_BITS, Columns, keys_of
from qc.rules.outcome import Flags, Floats, Ints

# Where a row has no readable time.
NO_TIME = -1
LATEST_MS = 1 << TS_BITS
HOUR_MS = 3_600_000
# Steps that instruments and reports have; a series' own step is the nearest of them, else its median.
STEPS_MS = tuple(
    seconds * 1000
    for seconds in (
        1, 5, 10, 15, 20, 30, 60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, 1800, 3600, 7200, 10_800,
        14_400, 21_600, 28_800, 43_200, 86_400, 604_800,
    )
)  # fmt: skip
NEAR = 0.1
# Enough values to see the last digit of a series, and its usual size.
SAMPLE = 20_000
HALF, ALL = 0.5, 0.995


@dataclass(frozen=True, slots=True)
class Member:
    """One series of a file: whose, what it is called there, what it measures.

    `factor` is the code of HJ 524/525, or the name as given if nobody knows it (`is_known` false); `unit` is
    UCUM, and values are in it. `low`/`high` (measuring range), `detection_limit` and `limit` (permit) are
    None where the mapping does not give them; `place` is longitude and latitude.
    """

    station: str
    name: str
    factor: str
    is_known: bool
    unit: str
    low: float | None = None
    high: float | None = None
    detection_limit: float | None = None
    limit: float | None = None
    place: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """Rows in the file's order. `member` is a place among the members, `ts` UTC ms or NO_TIME, `value` NaN
    where there is none, `flag` the code point of the mark (0 none, -1 not one letter), `noted` the bits of
    what the reader has to say (`qc/packs/file-tests.yaml`).
    """

    member: Ints
    ts: Ints
    value: Floats
    flag: Ints
    noted: Ints

    # Members of one station stand side by side, so that a station is one stretch of the sorted rows.
    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Rows by (member, ts) without doubles: `rows[i]` is the place in the file of row i of `columns`.

    `again` are the places of later rows for an instant that has one, `first` which row of `columns` they
    repeat, `differs` whether they say something else; `starts[m]` … `starts[m + 1]` are the rows of member m.
    """

    columns: Columns
    rows: Ints
    again: Ints
    first: Ints
    differs: Flags
    starts: Ints


def ordered(readings: Readings, members: int) -> Ordered:
    """Sort the rows that have a time. Worked example: 09:00 7, 08:00 5, 09:00 8 → 5, 7; the third differs."""
    timed = np.flatnonzero((readings.ts >= 0) & (readings.ts < LATEST_MS))
    keys = keys_of(readings.member[timed], readings.ts[timed])
    is_sorted = not np.any(keys[1:] < keys[:-1])
    if not is_sorted:
        order = np.argsort(keys, kind="stable")
        timed, keys = timed[order], keys[order]
    if is_sorted and len(keys) == len(readings) and np.all(keys[1:] != keys[:-1]):
        return _as_it_is(readings, members)
    opens = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
    rows, group = timed[opens], np.cumsum(opens) - 1
    again, first = timed[~opens], group[~opens]
    value, flag = readings.value, readings.flag
    kept = rows[first]
    same = (value[again] == value[kept]) | (np.isnan(value[again]) & np.isnan(value[kept]))
    differs = ~(same & (flag[again] == flag[kept]))
    revisions = np.bincount(first[differs], minlength=len(rows)).astype(np.int64)
    # A file in order is not copied: its columns may be most of the memory there is.
    at = slice(None) if len(rows) == len(value) and is_sorted else rows
    columns = Columns(readings.member[at], readings.ts[at], value[at], flag[at], revisions)
    starts = np.searchsorted(columns.series, np.arange(members + 1))
    return Ordered(columns, rows, again, first, differs, starts.astype(np.int64))


def _as_it_is(readings: Readings, members: int) -> Ordered:
    """A file that is in order and has no doubles, not copied."""
    length, none = len(readings), np.zeros(0, dtype=np.int64)
    nothing = np.zeros(length, dtype=np.int64)
    columns = Columns(readings.member, readings.ts, readings.value, readings.flag, nothing)
    starts = np.searchsorted(columns.series, np.arange(members + 1)).astype(np.int64)
    return Ordered(columns, np.arange(length), none, none, np.zeros(0, dtype=bool), starts)


def step_of(ts: Ints) -> int:
    """The usual distance between values of one series, ms; 0 if there are fewer than two. `ts` ascends.

    Worked example: 00:00 01:00 02:00 05:00 → one hour.
    """
    if len(ts) < 2:
        return 0
    median = float(np.median(np.diff(ts)))
    nearest = min(STEPS_MS, key=lambda step: abs(step - median) / step)
    return nearest if abs(nearest - median) <= NEAR * nearest else max(1, round(median))


def steps_of(known: Ordered) -> Ints:
    """The step of each member, ms; a member of a single row takes that of the others, else an hour."""
    ts, starts = known.columns.ts, known.starts
    found = np.array([step_of(ts[a:b]) for a, b in pairwise(starts)], dtype=np.int64)
    told = found[found > 0]
    usual = int(np.bincount(np.unique(told, return_inverse=True)[1]).argmax()) if len(told) else 0
    found[found == 0] = np.unique(told)[usual] if len(told) else HOUR_MS
    return found


def is_regular(ts: Ints, step: int) -> bool:
    """Whether nine of ten values stand on one grid of that step."""
    if len(ts) < 2:
        return False
    phase = ts % step
    usual = np.bincount(np.unique(phase, return_inverse=True)[1]).max()
    return bool(usual >= 0.9 * len(ts))


def sampled(value: Floats) -> Floats:
    """Up to SAMPLE finite values of a series, evenly spread over it."""
    finite = value[:: max(1, len(value) // SAMPLE)]
    return finite[np.isfinite(finite) & (np.abs(finite) < 1e9)]


def resolutions_of(known: Ordered) -> tuple[Floats, Floats]:
    """Per member one step of the last digit: the finest that is used at all, and the one in usual use.

    A series may change its way of reporting (whole µg/m³, then converted decimals): what repeats is judged by
    the step in usual use, or a plateau of whole numbers would pass for a standstill of decimals.
    """
    value, starts = known.columns.value, known.starts
    steps = np.array([digit_steps(sampled(value[a:b])) for a, b in pairwise(starts)], dtype=np.float64)
    return steps.reshape(-1, 2)[:, 0], steps.reshape(-1, 2)[:, 1]


def digit_steps(value: Floats) -> tuple[float, float]:
    """The largest powers of ten that all of the values (but a handful) and half of them are multiples of.

    Worked example: 3, 4, 7.25, 5, 6 → 0.01 and 1.
    """
    usual = None
    for exponent in range(3, -7, -1):
        step = 10.0**exponent
        steps = value / step
        fits = np.abs(steps - np.rint(steps)) <= 1e-6 * np.fmax(1.0, np.abs(steps))
        share = fits.mean() if len(value) else 0.0
        if share >= HALF and (exponent <= 0 or len(np.unique(value)) > 1):
            usual = usual or step
            if share >= ALL:
                return step, usual
    return 1e-6, usual or 1e-6


def middle(value: Floats) -> float:
    """The upper median, which no two values are added for. Worked example: 1, 1e308, 1e308 → 1e308."""
    return float(np.partition(value, len(value) // 2)[len(value) // 2])


def decimals_of(resolution: float) -> int:
    """Decimals behind the point. Worked example: 0.1 → 1; 1.0 and 10.0 → 0."""
    return max(0, round(-float(np.log10(resolution))))
