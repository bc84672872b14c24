"""A panel: series of one network or file on one regular grid, as the falsification tests see them.

Promises: every matrix is [series, period]; a period nobody reported, or without a value, is NaN.
Leaves reading files and databases to the callers.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify.extras import Extras
from qc.rules.outcome import Flags, Floats, Ints

T = TypeVar("T")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# Legal days are +08:00 without summer time.
LOCAL_MS = 8 * HOUR_MS


@dataclass(frozen=True)
class Panel:
    """S series × N periods. `start_ms` is the UTC instant at which period 0 begins; `step_ms` its length.

    `station`, `factor` (code of HJ 524/525 where known, else the name as given) and `unit` have S entries.
    `value` float64 [S, N] in that unit; `mark` int [S, N], the code point of the data mark, 0 where none;
    `present` bool [S, N]: a row exists, with or without a value. [S] arrays, NaN where unknown: `resolution`
    (one step of the last digit reported), `detection_limit`, `limit` (permit or ambient limit value with the
    period's own averaging), `low`/`high` (measuring range). `place` [S, 2] longitude and latitude in degrees.

    Worked example: two stations with 24 hours of PM2.5 → value.shape == (2, 24), step_ms == 3,600,000.
    """

    start_ms: int
    step_ms: int
    station: tuple[str, ...]
    factor: tuple[str, ...]
    unit: tuple[str, ...]
    value: Floats
    mark: Ints
    present: Flags
    resolution: Floats
    detection_limit: Floats
    limit: Floats
    low: Floats
    high: Floats
    place: Floats
    extras: Extras = field(default_factory=Extras)

    @property
    def shape(self) -> tuple[int, int]:
        """(series, periods)."""
        return self.value.shape[0], self.value.shape[1]

    @property
    def per_day(self) -> int:
        """Periods in a day; 1 where a period is longer than a day."""
        return max(1, DAY_MS // self.step_ms)

    @cached_property
    def starts_ms(self) -> Ints:
        """The instant each period begins, UTC milliseconds [N]."""
        return self.start_ms + np.arange(self.shape[1], dtype=np.int64) * self.step_ms

    @cached_property
    def hour_of_day(self) -> Ints:
        """The local (+08:00) hour in which each period begins [N]."""
        return (self.starts_ms + LOCAL_MS) % DAY_MS // HOUR_MS

    @cached_property
    def day(self) -> Ints:
        """The number of the local day of each period since 1970-01-01 [N]."""
        return (self.starts_ms + LOCAL_MS) // DAY_MS

    @cached_property
    def digits(self) -> NDArray[np.int64]:
        """Values as whole steps of the last digit [S, N]; the smallest int64 where there is no value.

        Exact repeats are judged on these: 0.1 + 0.2 and 0.3 are the same reported value.
        """
        steps = np.rint(self.value / self.resolution[:, None])
        return np.where(np.isfinite(steps), steps, np.iinfo(np.int64).min).astype(np.int64)

    @cached_property
    def of_station(self) -> dict[str, Ints]:
        """The rows of each station, in the order of first appearance."""
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.station):
            rows.setdefault(name, []).append(row)
        return {name: np.array(places, dtype=np.int64) for name, places in rows.items()}

    @cached_property
    def of_factor(self) -> dict[str, Ints]:
        """The rows of each factor: who can be compared with whom across stations."""
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.factor):
            rows.setdefault(name, []).append(row)
        return {name: np.array(places, dtype=np.int64) for name, places in rows.items()}

    def row(self, station: str, factor: str) -> int:
        """The row of a station's factor, -1 if there is none."""
        return next((int(r) for r in self.of_station.get(station, ()) if self.factor[int(r)] == factor), -1)


def once_per_panel(make: Callable[[Panel], T]) -> Callable[[Panel], T]:
    """Keep what is made of a panel while the panel lives: several tests look at the same columns."""
    kept: dict[int, T] = {}

    @wraps(make)
    def cached(panel: Panel) -> T:
        key = id(panel)
        if key not in kept:
            kept[key] = make(panel)
            weakref.finalize(panel, kept.pop, key, None)
        return kept[key]

    return cached


def resolution_of(value: Floats) -> float:
    """One step of the last digit of a series, from its values alone: the largest power of ten that all fit.

    A handful of odd values (1 in 200) does not make a series finer. Worked example: [12.0, 3.5, 7.2] → 0.1.
    """
    known = value[np.isfinite(value)]
    for exponent in range(3, -7, -1):
        step = 10.0**exponent
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = known / step
            near = np.abs(scaled - np.rint(scaled)) <= 1e-6 * np.fmax(1.0, np.abs(scaled))
        if len(known) and near.mean() >= 0.995 and (exponent <= 0 or len(np.unique(known)) > 1):
            return step
    return 1e-6
