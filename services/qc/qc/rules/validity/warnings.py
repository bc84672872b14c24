"""Warnings before and beyond a limit: soil (exceedance, trend, densified sampling) and radiation (dose rate).

Promises: a trend below the limit warns by itself; the reasons carry their figures. Leaves to the flows which
series is soil or radiation, and to people what is done.
"""

from dataclasses import dataclass
from math import erfc, sqrt
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify.panel import DAY_MS, HOUR_MS
from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.source import once
from qc.rules.validity.dated import Dated, read

Four = Annotated[tuple[float, ...], msgspec.Meta(min_length=4, max_length=4)]
YEAR_MS = 365.25 * DAY_MS
QUIET, SCREENING, INTERVENTION = 0, 1, 2
UNKNOWN, NORMAL, INVESTIGATE, ALARM = 0, 1, 2, 3


class Soil(Dated, frozen=True, kw_only=True):
    """Screening and intervention values (mg/kg) of a substance, one per band of pH."""

    land: Literal["farmland", "industrial"]
    factor: str
    screening: Four
    intervention: Four
    zh: str
    en: str


class Trend(Dated, frozen=True, kw_only=True):
    """When a rise warns: significant (`chance`) and large enough (`rise`), or `run` results each above the
    last.
    """

    at_least: int
    chance: float
    rise: float
    run: int


class Densified(Dated, frozen=True, kw_only=True):
    """How much more often to sample after a warning, and how many quiet results end it."""

    times: int
    until: int


class Radiation(Dated, frozen=True, kw_only=True):
    """Dose rate: alarm level in `unit`, and the background (hours before) with its number of standard
    deviations.
    """

    unit: str
    alarm: float
    sigmas: float
    background_hours: int
    at_least: int


class WarningRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `warnings.yaml`."""

    soil: tuple[Soil, ...]
    ph_bounds: tuple[float, float, float]
    trend: tuple[Trend, ...]
    densified: tuple[Densified, ...]
    radiation: tuple[Radiation, ...]

    def band(self, ph: float) -> int:
        """The band of pH a figure is read from; the upper bound belongs to the band. 5.5 → 0, 7.6 → 3."""
        return sum(ph > bound for bound in self.ph_bounds)


@once
def warning_rules() -> WarningRules:
    """The packaged thresholds."""
    return read("warnings", WarningRules)


def soil_levels(value: Floats, soil: Soil, band: int) -> NDArray[np.uint8]:
    """0 not above the screening value, 1 above it, 2 above the intervention value, per result (mg/kg).

    Source: GB 15618-2018, GB 36600-2018. Worked example: cadmium on farmland at pH 7: 0.3 → 0, 0.4 → 1, 3.1
    → 2.
    """
    above = (value > soil.screening[band]).astype(np.uint8)
    return above + (value > soil.intervention[band]).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Rise:
    """A series of results as a whole: slope per year, chance of so many rises by accident (one-sided),
    longest run of results each above the last (ending with the newest), years until `limit` at that slope
    (inf: never).
    """

    slope: float
    chance: float
    run: int
    years_to_limit: float
    warns: bool


def rising(ts: Ints, value: Floats, limit: float, rule: Trend) -> Rise:
    """The trend of a series of results, by Mann-Kendall and Theil-Sen; needs at least `rule.at_least` of
    them.

    Source: the rule. Worked example: 0.10, 0.12, 0.15, 0.19, 0.22 mg/kg in five years → slope 0.030 a
    year, chance 0.014, warns although the limit of 0.3 is 2.7 years away.
    """
    order = np.argsort(ts, kind="stable")
    ts, value = ts[order], value[order]
    known = np.isfinite(value)
    ts, value = ts[known], value[known]
    run = _rising_run(value)
    if len(value) < 2:
        return Rise(0.0, 1.0, run, np.inf, False)
    first, second = np.triu_indices(len(value), 1)
    apart = ts[second] > ts[first]
    slopes = (value[second] - value[first])[apart] / ((ts[second] - ts[first])[apart] / YEAR_MS)
    slope = float(np.median(slopes)) if len(slopes) else 0.0
    chance = _chance(value, float(np.sign(value[second] - value[first]).sum()))
    span = (ts[-1] - ts[0]) / YEAR_MS
    is_large = slope * span >= rule.rise * abs(float(np.median(value)))
    is_rising = len(value) >= rule.at_least and slope > 0 and chance <= rule.chance and is_large
    years = max(0.0, (limit - float(value[-1])) / slope) if slope > 0 else np.inf
    return Rise(slope, chance, run, years, bool(is_rising or run >= rule.run))


def _rising_run(value: Floats) -> int:
    """How many results in a row, up to the newest, are each above the last: [3, 1, 2, 4] → 2."""
    falls = np.flatnonzero(np.diff(value) <= 0)
    return int(len(value) - 1 - (falls[-1] + 1)) if len(falls) else max(0, len(value) - 1)


def _chance(value: Floats, score: float) -> float:
    """The one-sided chance of a Mann-Kendall score, corrected for ties and continuity."""
    n = len(value)
    _, ties = np.unique(value, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    if variance <= 0 or score <= 0:
        return 1.0
    return float(0.5 * erfc((score - 1) / sqrt(2 * variance)))


def is_densified(warned: Flags, rule: Densified) -> bool:
    """Whether sampling is densified after these results, oldest first.

    Source: HJ 1209-2021. Worked example (until 2): [yes, no] → densified; [yes, no, no] → not any more.
    """
    at = np.flatnonzero(warned)
    return bool(len(at)) and len(warned) - 1 - int(at[-1]) < rule.until


@dataclass(frozen=True, slots=True)
class Dose:
    """Per hour: 0 unknown, 1 normal, 2 investigate, 3 alarm; above which dose rate it is investigated."""

    state: NDArray[np.uint8]
    threshold: Floats


def dose_rates(ts: Ints, value: Floats, is_valid: Flags, rule: Radiation) -> Dose:
    """Judge dose rates (ascending, in the rule's unit) by alarm level and by the background before them.

    Hours at or above the alarm level are no background. Source: the rule. Worked example: 100 ± 5 nGy/h for
    30 days, then 118 → investigate (above 115), 1,200 → alarm.
    """
    usable = is_valid & np.isfinite(value)
    counts = usable & (value < rule.alarm)
    base = float(value[counts].mean()) if counts.any() else 0.0
    centred = np.where(counts, value - base, 0.0)
    sums = [np.concatenate([[0.0], np.cumsum(c)]) for c in (counts.astype(float), centred, centred**2)]
    first = np.searchsorted(ts, ts - rule.background_hours * HOUR_MS)
    here = np.arange(len(ts))
    n, total, squares = (s[here] - s[first] for s in sums)
    enough = n >= rule.at_least
    mean = total / np.maximum(n, 1)
    sigma = np.sqrt(np.maximum(squares / np.maximum(n, 1) - mean**2, 0.0))
    threshold = np.where(enough, base + mean + rule.sigmas * sigma, np.nan)
    state = np.where(usable, np.where(value > threshold, INVESTIGATE, NORMAL), UNKNOWN)
    return Dose(np.where(usable & (value >= rule.alarm), ALARM, state).astype(np.uint8), threshold)
