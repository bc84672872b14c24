"""The current verdict: a pure function of the values known, the register of series, and the rule pack.

Promises: `assess` gives the same codes whatever the order in which the values became known, and for a window
the same codes as for the whole history, wherever the window contains `reach` on both sides (property-tested).
Leaves to `qc.rules.windows` which window a new value reopens, and to the flows how verdicts are kept.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache

import numpy as np

from qc.rules import points
from qc.rules.frame import HOUR_MS, LARGEST, MICRO, Columns, HourSums, Roster, find, keys_of
from qc.rules.outcome import NOWHERE, Codes, Figures, Flags, Ints, Outcome, outcome, silent, told_only
from qc.rules.pack import POINTWISE, SAID_BY_SOURCE, Rule, RulePack
from qc.rules.pieces import PIECE, Piece, pieces
from qc.rules.sight import Minutes, Sight, run

GOOD, NOT_EVALUATED, SUSPECT, BAD, MISSING = 1, 2, 3, 4, 9
BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Per value: QARTOD code and bit set of the rules that spoke; each rule's outcome, in the pack's order.

    `numbers` are the rules' bits in that order. Of rows that were judged in pieces only those on which a
    rule fired keep its figures.
    """

    code: Codes
    tests: Ints
    outcomes: tuple[Outcome, ...]
    numbers: Ints


def assess(columns: Columns, roster: Roster, pack: RulePack, sums: HourSums | None = None) -> Judgement:
    """Judge every row. `sums` are the minutes per hour, if they are not among the rows themselves.

    Many rows are judged in pieces that overlap by what the rules reach for; it does not show.
    Worked example: hours 42 ×7 of a PM2.5 series with one decimal → code 3 and bit 8 (K1) on all seven.
    """
    if len(columns) <= 2 * PIECE:
        return assess_piece(columns, roster, pack, sums)
    length = len(columns)
    code, tests = np.empty(length, np.uint8), np.empty(length, np.int64)
    ran = [np.zeros(length, dtype=bool) for _ in pack.rules]
    said: list[list[tuple[Ints, Figures]]] = [[] for _ in pack.rules]
    for piece in pieces(columns, roster):
        part = assess_piece(columns.take(piece.rows), roster, pack, sums)
        code[piece.at], tests[piece.at] = part.code[piece.kept], part.tests[piece.kept]
        for r, one in enumerate(part.outcomes):
            if not one.is_silent:
                ran[r][piece.at] = one.ran[piece.kept]
            rows = _kept(one.rows, piece)
            if len(rows):
                said[r].append((_placed(rows, piece), one.at(rows)))
    outcomes = tuple(_joined(parts, where) for parts, where in zip(said, ran, strict=True))
    return Judgement(code, tests, outcomes, _numbers(pack))


def _numbers(pack: RulePack) -> Ints:
    return np.array([rule.number for rule in pack.rules], dtype=np.int64)


def _kept(rows: Ints, piece: Piece) -> Ints:
    """Which of the rows of a piece are judged by it."""
    if isinstance(piece.kept, slice):
        first, last, _ = piece.kept.indices(np.iinfo(np.int64).max)
        return rows[slice(*np.searchsorted(rows, [first, last]).tolist())]
    return rows[piece.kept[rows]]


def _placed(rows: Ints, piece: Piece) -> Ints:
    """Where the rows of a piece stand among all."""
    return rows + piece.rows.start if isinstance(piece.rows, slice) else piece.rows[rows]


def _joined(parts: list[tuple[Ints, Figures]], ran: Flags) -> Outcome:
    """What a rule said of all pieces."""
    if not parts:
        return told_only(NOWHERE, ran, (np.zeros(0), np.zeros(0), np.zeros(0)))
    rows = np.concatenate([rows for rows, _ in parts])
    order = np.argsort(rows, kind="stable")
    one, two, three = (np.concatenate([figures[k] for _, figures in parts])[order] for k in range(3))
    return told_only(rows[order], ran, (one, two, three))


@np.errstate(over="ignore", invalid="ignore")
def assess_piece(columns: Columns, roster: Roster, pack: RulePack, sums: HourSums | None = None) -> Judgement:
    """`assess` in one go."""
    length = len(columns)
    sight = Sight(columns, roster, np.isfinite(columns.value))
    tests, good = np.zeros(length, dtype=np.int64), np.zeros(length, dtype=bool)
    outcomes = [silent(length)] * len(pack.rules)
    masked: list[Ints] = []
    is_masked = False
    for r in pack.in_order:
        rule = pack.rules[r]
        if rule.function not in POINTWISE and not is_masked:
            sight.usable = points.usable(sight.usable, masked)
            sight.minutes = _minutes(columns, roster, sight.usable, sums)
            is_masked = True
        spoken = outcomes[r] = _in_force(rule, sight, r)
        sight.done[rule.id] = _either(sight.done[rule.id], spoken) if rule.id in sight.done else spoken
        if rule.function == "is_flat" and len(spoken.rows):
            sight.still = np.union1d(sight.still, spoken.rows)
        if rule.masks:
            masked.append(spoken.rows)
        is_quiet = rule.severity == "inform" or rule.function in SAID_BY_SOURCE
        if not (is_quiet or spoken.is_silent):
            good |= spoken.ran
        tests[spoken.rows] |= rule.bit
    return Judgement(_codes(good, outcomes, pack), tests, tuple(outcomes), _numbers(pack))


def _codes(good: Flags, outcomes: list[Outcome], pack: RulePack) -> Codes:
    """The worst wins; missing is worst, because there is nothing left to judge."""
    code: Codes = np.uint8(NOT_EVALUATED) - good.view(np.uint8)
    for r in pack.by_verdict:
        code[outcomes[r].rows] = pack.rules[r].verdict
    return code


@cache
def day_start_ms(day: date) -> int:
    """The instant a legal day begins, UTC milliseconds (legal days are +08:00)."""
    return int(datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC).timestamp() * 1000)


def _in_force(rule: Rule, sight: Sight, r: int) -> Outcome:
    """A value is judged by the rules of its own day, and only by rules that are meant for its series."""
    judged = sight.roster.judged[r]
    own, (first, last) = judged[sight.within], sight.span
    begin = day_start_ms(rule.valid_from)
    end = np.iinfo(np.int64).max if rule.valid_to is None else day_start_ms(rule.valid_to)
    if not own.any() or last < begin or end <= first:
        return silent(len(sight.columns))
    spoken = run(rule, sight, sight.roster.figures[r])
    if spoken.is_silent or (own.all() and begin <= first and last < end):
        return spoken
    columns = sight.columns
    return spoken.within(judged[columns.series] & (begin <= columns.ts) & (columns.ts < end))


def _either(one: Outcome, other: Outcome) -> Outcome:
    """Two versions of a rule, in force on different days, read as one."""
    if one.is_silent or other.is_silent:
        return other if one.is_silent else one
    return outcome(
        one.fired | other.fired,
        one.ran | other.ran,
        np.where(one.ran, one.statistic, other.statistic),
        np.where(one.ran, one.threshold, other.threshold),
        np.where(one.ran, one.margin, other.margin),
    )


def sum_minutes(columns: Columns, valid: Flags) -> HourSums:
    """Count and sum the valid minutes of each hour. `valid` are rows of minute series only.

    Worked example: minutes 10.0 and 12.5 of one hour → count 2, micro 22,500,000.
    """
    rows = np.flatnonzero(valid & (np.abs(columns.value) < LARGEST))
    series, ts = columns.series[rows], columns.ts[rows]
    hour = ts - ts % HOUR_MS
    keys = keys_of(series, hour)
    starts = (
        np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, dtype=np.int64)
    )
    micro = np.rint(columns.value[rows] * MICRO).astype(np.int64)
    counts = np.diff(np.append(starts, len(keys)))
    figures = [
        fold.reduceat(micro, starts) if len(starts) else np.zeros(0, dtype=np.int64)
        for fold in (np.add, np.minimum, np.maximum)
    ]
    return HourSums(series[starts], hour[starts], counts, *figures)


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


def _minutes(columns: Columns, roster: Roster, usable: Flags, sums: HourSums | None) -> Minutes | None:
    """The minutes of each hour row; None if none is known of any."""
    if sums is None:
        if not (roster.hour_of >= 0).any():
            return None
        sums = sum_minutes(columns, usable & (roster.hour_of >= 0)[columns.series])
    if not len(sums.count):
        return None
    source = roster.minutes_of[columns.series]
    places, found = find(keys_of(sums.series, sums.hour), keys_of(np.maximum(source, 0), columns.ts))
    found &= source >= 0
    if not found.any():
        return None
    mean, count, swing = np.full((3, len(columns)), np.nan)
    at = places[found]
    count[found] = sums.count[at]
    mean[found] = sums.micro[at] / MICRO / sums.count[at]
    swing[found] = (sums.high[at] - sums.low[at]) / MICRO
    return Minutes(mean, count, swing)
