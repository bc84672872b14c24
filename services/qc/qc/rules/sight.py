"""What the rules see of one window, and how each of them is asked.

Promises: a figure that all series of the window share is one number; what several rules need is worked out
once. Leaves the rules to `points`, `change` and `cross`, and what they make together to `assess`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from qc.rules import change, cross, points
from qc.rules.frame import Columns, Roster, find, keys_of
from qc.rules.outcome import NOWHERE, Flags, Floats, Ints, Outcome, of, silent
from qc.rules.pack import Rule
from qc.rules.track import Track, track_of

Figures = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Minutes:
    """Mean, number and swing of the valid minutes of each hour row; NaN where no minute is known."""

    mean: Floats
    count: Floats
    swing: Floats


@dataclass
class Sight:
    """One window. `usable` are the values that may be compared, once the rules that mask have spoken; `done`
    what each rule said so far, `still` the rows of flat lines.
    """

    columns: Columns
    roster: Roster
    usable: Flags
    minutes: Minutes | None = None
    done: dict[str, Outcome] = field(default_factory=dict)
    still: Ints = field(default_factory=lambda: NOWHERE)

    @cached_property
    def within(self) -> slice:
        """The series of the roster among which those of the window are."""
        series = self.columns.series
        return slice(int(series[0]), int(series[-1]) + 1) if len(series) else slice(0, 0)

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first and the last instant."""
        ts = self.columns.ts
        return (int(ts.min()), int(ts.max())) if len(ts) else (0, 0)

    @cached_property
    def everyone(self) -> Track:
        """All rows, whatever their values."""
        c = self.columns
        return track_of(c.series, c.ts, c.value, np.ones(len(c), dtype=bool))

    @cached_property
    def track(self) -> Track:
        """The usable rows."""
        c = self.columns
        if self.usable.all():
            return self.everyone
        return track_of(c.series, c.ts, c.value, self.usable)

    def per_row(self, column: Floats) -> Floats:
        """A figure per series as a column, or as one number (shape (1,)) if all series here share it."""
        own = column[self.within]
        if (own == own[:1]).all() or np.isnan(own).all():
            return own[:1]
        return column[self.columns.series]

    def periods(self, count: Floats) -> Floats:
        """So many periods of each series, in milliseconds."""
        return self.per_row(count * self.roster.period_ms)


def run(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    """What a rule says of the window, in force or not."""
    return _RUN[rule.function](rule, sight, figures)


def _mark(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    return points.is_marked(sight.columns.flag, rule.letters)


def _unknown_mark(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    return points.has_unknown_mark(sight.columns.flag, rule.letters)


def _missing(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    return points.is_missing(sight.columns.value)


def _revised(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    return points.is_revised(sight.columns.revisions)


def _range(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    row = sight.per_row
    low, high, limit = row(figures["low"]), row(figures["high"]), row(sight.roster.detection_limit)
    return points.is_out_of_range(sight.columns.value, low, high, limit)


def _limit(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    return points.exceeds_limit(sight.columns.value, sight.usable, sight.per_row(figures["limit"]))


def _step(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    limit, spike = sight.per_row(figures["limit"]), sight.per_row(figures["spike"])
    return change.has_step(sight.track, limit, spike, sight.periods(figures["reach"]), sight.still)


def _flat(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    roster, row, minutes = sight.roster, sight.per_row, sight.minutes
    floor = np.fmax(roster.detection_limit, figures["coarse"] * roster.resolution)

    def is_borne_out(rows: Ints) -> Flags:
        if minutes is None:
            return np.zeros(len(rows), dtype=bool)
        return cross.is_borne_out(
            sight.columns.value[rows],
            minutes.mean[rows],
            minutes.count[rows],
            minutes.swing[rows],
            of(row(figures["min_count"]), rows),
            of(row(figures["relative"]), rows),
            of(row(roster.resolution), rows),
        )

    reach = sight.periods(figures["reach"])
    return change.is_flat(sight.track, row(figures["min_run"]), reach, row(floor), is_borne_out)


def _gap(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    period, horizon = sight.per_row(sight.roster.period_ms), sight.periods(figures["horizon"])
    return change.follows_gap(sight.everyone, period, horizon)


def _part(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    c, roster, row = sight.columns, sight.roster, sight.per_row
    at = np.flatnonzero((roster.partner >= 0)[c.series])
    places, found = find(c.keys, keys_of(roster.partner[c.series[at]], c.ts[at]))
    both = found & sight.usable[at] & sight.usable[places]
    at, places = at[both], places[both]
    if not len(at):
        return silent(len(c))
    own, other = np.full(len(c), np.nan), np.full(len(c), np.nan)
    own[at], other[at] = c.value[at], c.value[places]
    is_part = roster.is_part[c.series]
    return cross.part_exceeds_whole(
        c.series,
        c.ts,
        np.where(is_part, own, other),
        np.where(is_part, other, own),
        row(figures["absolute"]),
        row(figures["relative"]),
        row(figures["min_run"]),
        sight.periods(figures["reach"]),
    )


def _minutes_differ(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    row, minutes = sight.per_row, sight.minutes
    if minutes is None:
        return silent(len(sight.columns))
    return cross.differs_from_minutes(
        sight.columns.value,
        sight.usable,
        minutes.mean,
        minutes.count,
        row(figures["min_count"]),
        row(figures["relative"]),
        row(sight.roster.resolution),
    )


def _frozen(rule: Rule, sight: Sight, figures: Figures) -> Outcome:
    c, minutes = sight.columns, sight.minutes
    flat_id, minutes_id = rule.of or ("", "")
    flat, differ = sight.done[flat_id], sight.done[minutes_id]
    if minutes is None or not differ.ran[flat.rows].any():
        return silent(len(c))
    mean = np.where(differ.ran, minutes.mean, np.nan)
    step = sight.per_row(sight.roster.resolution)
    allowed = np.fmax(sight.per_row(figures["relative"]) * np.abs(mean), step)
    reach = sight.periods(figures["reach"])
    return cross.is_frozen_against_minutes(
        c.series, c.ts, c.value, flat.fired, differ.fired, mean, allowed, reach
    )


_RUN: dict[str, Callable[[Rule, Sight, Figures], Outcome]] = {
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
