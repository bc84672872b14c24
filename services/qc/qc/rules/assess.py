"""The current verdict: a pure function of the values known, the register of series, and the rule pack.

Promises: `assess` gives the same codes whatever the order in which the values became known, and for a window
the same codes as for the whole history, wherever the window contains `reach` on both sides (property-tested).
Leaves to `qc.rules.windows` which window a new value reopens, and to the flows how verdicts are kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np

from qc.rules import change, cross, points
from qc.rules.frame import HOUR_MS, LARGEST, MICRO, Columns, HourSums, Roster, find, keys_of
from qc.rules.outcome import Codes, Flags, Floats, Ints, Outcome
from qc.rules.pack import POINTWISE, SAID_BY_SOURCE, Rule, RulePack

GOOD, NOT_EVALUATED, SUSPECT, BAD, MISSING = 1, 2, 3, 4, 9
BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Per value: QARTOD code and bit set of the rules that spoke; each rule's outcome, in the pack's order.

    `numbers` are the rules' bits in that order.
    """

    code: Codes
    tests: Ints
    outcomes: tuple[Outcome, ...]
    numbers: Ints


@dataclass(slots=True)
class _Sight:
    """What the rules see of one window, built up rule by rule."""

    columns: Columns
    roster: Roster
    usable: Flags
    mean: Floats
    count: Floats
    swing: Floats
    done: dict[str, Outcome]

    def per_row(self, column: Floats) -> Floats:
        """A figure per series as a column: one number seen many times where all series share it."""
        length, series = len(self.columns), self.columns.series
        if length and column.size and (column[1:] == column[:-1]).all():
            return np.broadcast_to(column[0], (length,))
        return column[series]


@np.errstate(over="ignore", invalid="ignore")
def assess(columns: Columns, roster: Roster, pack: RulePack, sums: HourSums | None = None) -> Judgement:
    """Judge every row. `sums` are the minutes per hour, if they are not among the rows themselves.

    Worked example: hours 42 ×7 of a PM2.5 series with one decimal → code 3 and bit 8 (K1) on all seven.
    """
    length = len(columns)
    blank = np.full(length, np.nan)
    sight = _Sight(columns, roster, np.isfinite(columns.value), blank, blank, blank, {})
    tests = np.zeros(length, dtype=np.int64)
    code = np.zeros(length, dtype=np.uint8)
    masked = np.zeros(length, dtype=bool)
    outcomes: list[Outcome] = []
    ordered = sorted(range(len(pack.rules)), key=lambda r: pack.rules[r].function not in POINTWISE)
    is_aligned = False
    for r in ordered:
        rule = pack.rules[r]
        if rule.function not in POINTWISE and not is_aligned:
            sight.usable = points.usable(columns.value, masked)
            sight.mean, sight.count, sight.swing = _minutes(columns, roster, sight.usable, sums)
            is_aligned = True
        spoken = _in_force(
            _RUN[rule.function](rule, sight, roster.figures[r]), rule, roster.judged[r], columns
        )
        sight.done[rule.id] = _either(sight.done[rule.id], spoken) if rule.id in sight.done else spoken
        outcomes.append(spoken)
        if rule.masks:
            masked |= spoken.fired
        is_silent = rule.severity == "inform" or rule.function in SAID_BY_SOURCE
        if not is_silent:
            np.maximum(code, spoken.ran.view(np.uint8) * np.uint8(_rank(GOOD)), out=code)
        if spoken.fired.any():
            tests[spoken.fired] |= rule.bit
            code[spoken.fired] = np.maximum(code[spoken.fired], np.uint8(_rank(rule.verdict)))
    by_place = dict(zip(ordered, outcomes, strict=True))
    return Judgement(
        _RANKED[code],
        tests,
        tuple(by_place[r] for r in range(len(pack.rules))),
        np.array([rule.number for rule in pack.rules], dtype=np.int64),
    )


_RANKED = np.array([NOT_EVALUATED, GOOD, SUSPECT, BAD, MISSING], dtype=np.uint8)


def _rank(code: int) -> int:
    """The worst wins; missing is worst, because there is nothing left to judge."""
    return {NOT_EVALUATED: 0, GOOD: 1, SUSPECT: 2, BAD: 3, MISSING: 4}[code]


def day_start_ms(day: date) -> int:
    """The instant a legal day begins, UTC milliseconds (legal days are +08:00)."""
    return int(datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC).timestamp() * 1000)


def _in_force(spoken: Outcome, rule: Rule, judged: Flags, columns: Columns) -> Outcome:
    """A value is judged by the rules of its own day, and only by rules that are meant for its series."""
    begins = columns.ts >= day_start_ms(rule.valid_from)
    if rule.valid_to is None and judged.all() and begins.all():
        return spoken
    applies = judged[columns.series] & begins
    if rule.valid_to is not None:
        applies &= columns.ts < day_start_ms(rule.valid_to)
    return Outcome(
        spoken.fired & applies, spoken.ran & applies, spoken.statistic, spoken.threshold, spoken.margin
    )


def _either(one: Outcome, other: Outcome) -> Outcome:
    """Two versions of a rule, in force on different days, read as one."""
    return Outcome(
        one.fired | other.fired,
        one.ran | other.ran,
        np.where(one.ran, one.statistic, other.statistic),
        np.where(one.ran, one.threshold, other.threshold),
        np.where(one.ran, one.margin, other.margin),
    )


def sum_minutes(columns: Columns, valid: Flags) -> HourSums:
    """Count and sum the valid minutes of each hour. `columns` are rows of minute series only.

    Worked example: minutes 10.0 and 12.5 of one hour → count 2, micro 22,500,000.
    """
    rows = columns.take(valid & (np.abs(columns.value) < LARGEST))
    hour = rows.ts - rows.ts % HOUR_MS
    keys = keys_of(rows.series, hour)
    starts = (
        np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, dtype=np.int64)
    )
    micro = np.rint(rows.value * MICRO).astype(np.int64)
    counts = np.diff(np.append(starts, len(keys)))
    figures = [
        fold.reduceat(micro, starts) if len(starts) else np.zeros(0, dtype=np.int64)
        for fold in (np.add, np.minimum, np.maximum)
    ]
    return HourSums(rows.series[starts], hour[starts], counts, *figures)


def added(first: HourSums, second: HourSums) -> HourSums:
    """Both sums together, one row per (series, hour), sorted."""
    keys = np.concatenate([keys_of(first.series, first.hour), keys_of(second.series, second.hour)])
    unique, at = np.unique(keys, return_inverse=True)
    series, hour = np.zeros(len(unique), dtype=np.int64), np.zeros(len(unique), dtype=np.int64)
    series[at] = np.concatenate([first.series, second.series])
    hour[at] = np.concatenate([first.hour, second.hour])
    count, micro = np.zeros(len(unique), dtype=np.int64), np.zeros(len(unique), dtype=np.int64)
    np.add.at(count, at, np.concatenate([first.count, second.count]))
    np.add.at(micro, at, np.concatenate([first.micro, second.micro]))
    most = np.iinfo(np.int64).max
    low, high = np.full(len(unique), most), np.full(len(unique), -most)
    np.minimum.at(low, at, np.concatenate([first.low, second.low]))
    np.maximum.at(high, at, np.concatenate([first.high, second.high]))
    return HourSums(series, hour, count, micro, low, high)


def _minutes(
    columns: Columns, roster: Roster, usable: Flags, sums: HourSums | None
) -> tuple[Floats, Floats, Floats]:
    """Mean, number and swing of the valid minutes of each hour row; NaN where no minute is known."""
    if sums is None:
        is_minute = (roster.hour_of >= 0)[columns.series]
        sums = sum_minutes(columns.take(is_minute), usable[is_minute])
    mean, count, swing = (np.full(len(columns), np.nan) for _ in range(3))
    if not len(sums.count):
        return mean, count, swing
    source = roster.minutes_of[columns.series]
    places, found = find(keys_of(sums.series, sums.hour), keys_of(np.maximum(source, 0), columns.ts))
    found &= source >= 0
    at = places[found]
    count[found] = sums.count[at]
    mean[found] = sums.micro[at] / MICRO / sums.count[at]
    swing[found] = (sums.high[at] - sums.low[at]) / MICRO
    return mean, count, swing


def _mark(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    return points.is_marked(sight.columns.flag, rule.letters)


def _unknown_mark(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    return points.has_unknown_mark(sight.columns.flag, rule.letters)


def _missing(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    return points.is_missing(sight.columns.value)


def _revised(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    return points.is_revised(sight.columns.revisions)


def _range(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    row = sight.per_row
    return points.is_out_of_range(
        sight.columns.value, row(figures["low"]), row(figures["high"]), row(sight.roster.detection_limit)
    )


def _limit(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    return points.exceeds_limit(sight.columns.value, sight.usable, sight.per_row(figures["limit"]))


def _step(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    c = sight.columns
    reach = sight.per_row(figures["reach"] * sight.roster.period_ms)
    return change.has_step(c.series, c.ts, c.value, sight.usable, sight.per_row(figures["limit"]), reach)


def _flat(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    c, roster = sight.columns, sight.roster
    floor = np.fmax(roster.detection_limit, figures["coarse"] * roster.resolution)
    reach = sight.per_row(figures["reach"] * roster.period_ms)
    row = sight.per_row
    borne_out = cross.is_borne_out(
        c.value,
        sight.mean,
        sight.count,
        sight.swing,
        row(figures["min_count"]),
        row(figures["relative"]),
        row(roster.resolution),
    )
    return change.is_flat(
        c.series, c.ts, c.value, sight.usable, row(figures["min_run"]), reach, row(floor), borne_out
    )


def _gap(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    c, period = sight.columns, sight.roster.period_ms
    return change.follows_gap(
        c.series, c.ts, sight.per_row(period), sight.per_row(figures["horizon"] * period)
    )


def _part(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    c, roster, row = sight.columns, sight.roster, sight.per_row
    partner = roster.partner[c.series]
    places, found = find(c.keys, keys_of(np.maximum(partner, 0), c.ts))
    both = found & (partner >= 0) & sight.usable & sight.usable[places]
    own, other = np.where(both, c.value, np.nan), np.where(both, c.value[places], np.nan)
    is_part = roster.is_part[c.series]
    return cross.part_exceeds_whole(
        c.series,
        c.ts,
        np.where(is_part, own, other),
        np.where(is_part, other, own),
        row(figures["absolute"]),
        row(figures["relative"]),
        row(figures["min_run"]),
        row(figures["reach"] * roster.period_ms),
    )


def _minutes_differ(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    row = sight.per_row
    return cross.differs_from_minutes(
        sight.columns.value,
        sight.usable,
        sight.mean,
        sight.count,
        row(figures["min_count"]),
        row(figures["relative"]),
        row(sight.roster.resolution),
    )


def _frozen(rule: Rule, sight: _Sight, figures: dict[str, Floats]) -> Outcome:
    c = sight.columns
    flat_id, minutes_id = rule.of or ("", "")
    flat, minutes = sight.done[flat_id], sight.done[minutes_id]
    mean = np.where(minutes.ran, sight.mean, np.nan)
    reach = sight.per_row(figures["reach"] * sight.roster.period_ms)
    step = sight.per_row(sight.roster.resolution)
    allowed = np.fmax(sight.per_row(figures["relative"]) * np.abs(mean), step)
    return cross.is_frozen_against_minutes(
        c.series, c.ts, c.value, flat.fired, minutes.fired, mean, allowed, reach
    )


_RUN: dict[str, Callable[[Rule, _Sight, dict[str, Floats]], Outcome]] = {
    "is_marked": _mark,
    "has_unknown_mark": _unknown_mark,
    "is_missing": _missing,
    "is_out_of_range": _range,
    "is_revised": _revised,
    "exceeds_limit": _limit,
    "has_step": _step,
    "is_flat": _flat,
    "follows_gap": _gap,
    "part_exceeds_whole": _part,
    "differs_from_minutes": _minutes_differ,
    "is_frozen_against_minutes": _frozen,
}
