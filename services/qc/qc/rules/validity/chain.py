"""From minutes to hours to days to months, quarters and years: which of them are valid, and their means.

Promises: an hour counts by its own verdict and by its minutes, where any are known; a mean is made of valid
parts only and not shown for an invalid period. Leaves reading the series to the flows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.validity.completeness import NO_CLAUSE, Met, Parts, Validity, clauses_for, counted, judged
from qc.rules.validity.ozone import PER_DAY, daily_maxima
from qc.rules.validity.periods import Period, number_of, start_ms
from qc.rules.validity.recompute import plain_means, weighted_means

Profile = Literal["ambient-air", "flue-gas", "waste-water", "surface-water"]
OZONE = "a05024"
SOUND_BELOW = 4
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Hours:
    """Hour rows of one series, ascending: start (UTC milliseconds), value, QARTOD code, data mark; the
    number of valid minutes (-1: no minute of the hour is known) and the flow (NaN unknown) beside them.
    """

    ts: Ints
    value: Floats
    code: Ints
    flag: Ints
    minutes: Ints
    flow: Floats


@dataclass(frozen=True, slots=True)
class JudgedHours:
    """Per hour row: is it valid, was it not due (no waste water flowed), could its minutes be counted."""

    is_valid: Flags
    is_exempt: Flags
    is_checked: Flags
    met: tuple[Met, ...]


def judge_hours(profile: Profile, factor: str, hours: Hours) -> JudgedHours:
    """Which hours are valid: a value that is not bad, enough valid minutes, and water that flowed.

    Source: GB 3095 table 4, HJ 75-2017 (minutes); HJ 356-2019 (no concentration without flow).
    Worked example: flue gas, code 1, 44 valid minutes → invalid; no minute known → valid, but not checked.
    """
    checked = hours.minutes >= 0
    length = len(hours.ts)
    met = tuple(
        Met(
            clause,
            clause.covers(hours.ts) & checked,
            hours.minutes,
            np.full(length, clause.at_least or 0),
            np.zeros(length, dtype=np.int64),
        )
        for clause in clauses_for(profile, factor, "hour")
    )
    sound = np.isfinite(hours.value) & (hours.code < SOUND_BELOW)
    for one in met:
        sound &= ~one.is_unmet
    exempt = (hours.flow == 0) if profile == "waste-water" else np.zeros(length, dtype=bool)
    return JudgedHours(sound & ~exempt, exempt, checked, met)


@dataclass(frozen=True, slots=True)
class Means:
    """P periods and their lawful means, NaN where the period is invalid: plain, and weighted by flow."""

    validity: Validity
    plain: Floats
    weighted: Floats


def judge_days(
    profile: Profile, factor: str, number: Ints, hours: Hours, done: JudgedHours, limit: float = np.nan
) -> Means:
    """Days `number` (ascending) of hours; ozone by its 8-hour means, `limit` being that of MDA8 (NaN:
    none).

    Source: GB 3095 table 4, HJ 663-2013, HJ 75-2017, HJ 356-2019. Worked example: 20 valid hours of PM2.5 →
    valid.
    """
    if factor == OZONE and profile == "ambient-air":
        return _ozone_days(number, hours, done, limit)
    parts = Parts("hour", hours.ts, done.is_valid, done.is_exempt)
    validity = judged("day", number, parts, clauses_for(profile, factor, "day"))
    return _means(validity, hours.ts, hours.value, hours.flow, done.is_valid)


def judge_periods(
    profile: Profile, factor: str, period: Period, number: Ints, days: Means, parts: Parts
) -> Means:
    """Months, quarters or years `number` of judged days; `parts` are the hours, for clauses that count hours.

    Source: GB 3095 table 4, HJ 76-2017 appendix B, HJ 75-2017, HJ 356-2019.
    """
    asked = clauses_for(profile, factor, period)
    of_days = days.validity
    # A day without a clause is what its own hours make it.
    counts = (of_days.state == 1) | ((of_days.state == NO_CLAUSE) & (of_days.have > 0))
    nothing_due = of_days.due == 0
    by_day = judged(period, number, Parts("day", of_days.start, counts, nothing_due), asked)
    by_hour = judged(period, number, parts, asked)
    validity = Validity(
        period, number, _both(by_day.state, by_hour.state), by_day.have, by_day.due, by_day.met + by_hour.met
    )
    return _means(validity, of_days.start, days.plain, np.full(len(of_days.start), np.nan), counts)


def _both(one: Ints, other: Ints) -> Ints:
    """Valid if nothing speaks against it and something for it."""
    neither = (one == NO_CLAUSE) & (other == NO_CLAUSE)
    return np.where(neither, NO_CLAUSE, ((one != 0) & (other != 0)).astype(np.int64))


def _means(validity: Validity, ts: Ints, value: Floats, flow: Floats, is_valid: Flags) -> Means:
    group, inside = _placed(validity.period, validity.number, ts)
    rows = inside & is_valid & np.isfinite(value)
    size = len(validity.number)
    plain = plain_means(group, size, value, rows).value
    weighted = weighted_means(group, size, value, flow, rows).value
    is_shown = validity.state != 0
    return Means(validity, np.where(is_shown, plain, np.nan), np.where(is_shown, weighted, np.nan))


def _placed(period: Period, number: Ints, ts: Ints) -> tuple[Ints, Flags]:
    """The place of each row's period in `number`, and whether it is there."""
    whose = number_of(period, ts)
    group = np.minimum(np.searchsorted(number, whose), max(0, len(number) - 1))
    inside: Flags = number[group] == whose if len(number) else np.zeros(len(ts), dtype=bool)
    return group, inside


def _ozone_days(number: Ints, hours: Hours, done: JudgedHours, limit: float) -> Means:
    group, inside = _placed("day", number, hours.ts)
    rows = inside & done.is_valid
    grid = np.full((len(number), PER_DAY), np.nan)
    grid[group[rows], number_of("hour", hours.ts[rows]) % PER_DAY] = hours.value[rows]
    needed = _least("8h")
    found = daily_maxima(grid, limit, needed, _least("day"))
    begins = start_ms("day", number)
    met = tuple(
        Met(
            clause,
            clause.covers(begins) & ~found.is_by_excess,
            found.count,
            np.full(len(number), clause.at_least or 0),
            np.zeros(len(number), dtype=np.int64),
        )
        for clause in clauses_for("ambient-air", OZONE, "day")
    )
    have = counted(number_of("day", hours.ts[done.is_valid]), number)
    validity = Validity(
        "day", number, found.is_valid.astype(np.int64), have, np.full(len(number), PER_DAY), met
    )
    return Means(validity, found.value, np.full(len(number), np.nan))


def _least(period: str) -> int:
    return clauses_for("ambient-air", OZONE, period)[0].at_least or 0


def unmet(met: Sequence[Met], place: int) -> list[Met]:
    """The clauses a period does not meet."""
    return [one for one in met if bool(one.is_unmet[place])]
