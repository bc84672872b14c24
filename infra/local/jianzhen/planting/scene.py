"""What a falsifier sees of a panel: which values can be touched, how they are written, what they are.

Promises: knows the series only; nothing here, and no figure of the planters, comes from a test or its pack,
so that a test cannot be right by construction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.random import Generator
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.panel import HOUR_MS, Panel
from qc.rules.outcome import Flags, Floats, Ints

NORMAL = (0, ord("N"))
# What the columns of a file are to a falsifier, by factor code (HJ 524, HJ 525) or by the usual names.
ROLES = {
    "flow": ("w00000", "a00000", "a01011", "Q*", "*flow*"),
    "conductivity": ("w01014", "COND*", "EC", "*conductivity*"),
    "oxygen": ("a19001", "O2"),
    "temperature": ("a01012", "w01010", "TAT", "TEMP*", "*temperature*"),
    "air": ("AT",),
    "load": ("TEY", "load*", "*power*"),
    "ph": ("w01001", "PH*", "pH*"),
    "dust": ("a34002", "a34004", "a34013", "PM*", "TSP"),
    "context": (
        "AP", "AH", "AFDP", "GTEP", "TIT", "CDP", "PRES*", "DEWP", "RAIN", "WSPM", "wd", "a01001", "a01002",
        "a01006", "a01007", "a01008", "a01013", "a01014", "a01015", "a01016", "a01017", "RD-*", "ZN*", "SED*",
        "SSV*",
    ),
}  # fmt: skip
# Rows a falsifier leaves alone unless the kind is about them.
UNTOUCHED = ("flow", "oxygen", "temperature", "air", "load", "context")


def role_of(factor: str) -> str:
    """`pollutant`, or what else a column is. Worked example: role_of("a19001") == "oxygen"."""
    for role, patterns in ROLES.items():
        if any(fnmatchcase(factor, pattern) for pattern in patterns):
            return role
    return "pollutant"


@dataclass(frozen=True, slots=True)
class Change:
    """New values, marks and presence of one row from period `from_i` on; three arrays of one length."""

    row: int
    from_i: int
    value: Floats
    mark: Ints
    present: Flags


@dataclass(frozen=True, slots=True)
class ParameterRecord:
    """What the instrument's log says: at period `at_i` of `row` a parameter went from `before` to `after`."""

    row: int
    at_i: int
    name: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Deed:
    """What one planting changes; `limit` where the falsifier worked to a limit the panel did not know."""

    changes: tuple[Change, ...]
    parameters: tuple[ParameterRecord, ...] = ()
    limit: float = float("nan")


@dataclass(frozen=True)
class Scene:
    """A panel and a place in it: row `row`, `n` periods from `at` on."""

    panel: Panel
    row: int
    at: int
    n: int

    @property
    def value(self) -> Floats:
        """The values of the stretch [n]."""
        return self.panel.value[self.row, self.at : self.at + self.n]

    def free(self, row: int | None = None) -> Flags:
        """Which values of the stretch a falsifier would touch: reported, finite, marked normal."""
        row = self.row if row is None else row
        here = slice(self.at, self.at + self.n)
        normal = np.isin(self.panel.mark[row, here], NORMAL)
        free: Flags = normal & self.panel.present[row, here] & np.isfinite(self.panel.value[row, here])
        return free

    def around(self, row: int | None = None) -> Floats:
        """The known values of the stretch and of as long a time, at least 60 days, on both sides."""
        row = self.row if row is None else row
        reach = max(self.n, 60 * self.panel.per_day)
        near = self.panel.value[row, max(0, self.at - reach) : self.at + self.n + reach]
        return near[np.isfinite(near)]

    def decimals(self, row: int | None = None) -> int:
        """With how many decimals values around the stretch are written (negative: tens, hundreds)."""
        known = self.around(row)
        return next((d for d in range(-2, 6) if _fit(known, d)), 6)

    def step(self, row: int | None = None) -> float:
        """One step of the last digit written."""
        return float(10.0 ** -self.decimals(row))

    def role(self, role: str) -> list[int]:
        """The rows of the same station with a role."""
        same = self.panel.of_station[self.panel.station[self.row]]
        return [int(row) for row in same if role_of(self.panel.factor[int(row)]) == role]

    def written(self, new: Floats, row: int | None = None, where: Flags | None = None) -> Change:
        """`new` [n] as it would be reported: rounded like its neighbours, never below zero unless they are,
        never beyond the range; values that are not free, or not `where`, stay.
        """
        row = self.row if row is None else row
        here = slice(self.at, self.at + self.n)
        old, step = self.panel.value[row, here], self.step(row)
        near = self.around(row)
        # An analyser's output ends at its smallest value; only series that do go negative may.
        low = min(float(near.min()), step) if len(near) else 0.0
        high = self.panel.high[row] if np.isfinite(self.panel.high[row]) else np.inf
        tidy = np.round(np.clip(new, low, high), self.decimals(row))
        touched = self.free(row) & np.isfinite(tidy) & (new != old)
        if where is not None:
            touched &= where
        return Change(
            row,
            self.at,
            np.where(touched, tidy, old),
            self.panel.mark[row, here].copy(),
            self.panel.present[row, here].copy(),
        )

    def kept(self) -> Change:
        """The stretch as it is, for kinds that leave the values alone."""
        here = slice(self.at, self.at + self.n)
        mark, present = self.panel.mark[self.row, here], self.panel.present[self.row, here]
        return Change(self.row, self.at, self.value.copy(), mark.copy(), present.copy())

    def days(self, days: float) -> int:
        """How many periods `days` days are."""
        return max(1, round(days * self.panel.per_day))

    @property
    def is_hourly(self) -> bool:
        """Periods of an hour or less."""
        return self.panel.step_ms <= HOUR_MS


def _fit(known: Floats, decimals: int) -> bool:
    if not len(known) or (decimals < 0 and len(np.unique(known)) < 3):
        return False
    scaled = known * 10.0**decimals
    return bool((np.abs(scaled - np.rint(scaled)) <= 1e-6 * np.fmax(1.0, np.abs(scaled))).mean() >= 0.98)


def drawn(rng: Generator, low: float, high: float) -> float:
    """A strength, log-uniform: half as strong is as likely as twice as strong."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


Plant = Callable[[Scene, Generator], Deed | None]


@dataclass(frozen=True, slots=True)
class Planter:
    """How one kind is planted: the function, how long (hours for hourly series, periods for daily ones), on
    which roles, what share of the free values must change, and how many at least, to call it done.
    """

    kind: Kind
    plant: Plant
    hours: tuple[float, float]
    periods: tuple[int, int]
    roles: tuple[str, ...] = ("pollutant", "dust", "conductivity")
    share: float = 0.5
    least: int = 6


PLANTERS: dict[Kind, Planter] = {}


def planter(
    kind: Kind,
    hours: tuple[float, float],
    periods: tuple[int, int],
    roles: tuple[str, ...] = ("pollutant", "dust", "conductivity"),
    share: float = 0.5,
    least: int = 6,
) -> Callable[[Plant], Plant]:
    """Make a function the one that plants `kind`."""

    def keep(plant: Plant) -> Plant:
        PLANTERS[kind] = Planter(kind, plant, hours, periods, roles, share, least)
        return plant

    return keep
