"""Every value of a file judged: rows, rules and falsification tests, one code and one set of tests per row.

Promises: as many verdicts as rows, in the file's order; the rules are those of the platform, run in pieces
whose overlap covers their reach, so that the pieces do not show. Leaves words and pictures to the callers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from contracts.ingest import SeriesRef

from qc.rules.assess import BAD, MISSING, NOT_EVALUATED, SUSPECT, assess, assess_piece
from qc.rules.frame import Columns, Roster, roster_of
from qc.rules.offline import panels
from qc.rules.offline.catalogue import file_tests
from qc.rules.offline.profile import Profile
from qc.rules.offline.readings import (
    HOUR_MS,
    Member,
    Ordered,
    Readings,
    decimals_of,
    middle,
    ordered,
    resolutions_of,
    steps_of,
)
from qc.rules.outcome import Codes, Flags, Floats, Ints
from qc.rules.pack import POINTWISE, RulePack
from qc.rules.pieces import pieces

# Shares of a series beyond its range between which a second unit is suspected, and how alike it must then be.
FEWEST, MOST, ALIKE = 0.005, 0.6, 5.0
# A bound as wide as the profiles have for whatever they do not know says nothing of a quantity.
ANYTHING = 1e9

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """One entry per row of the file: QARTOD code, bits of rules and rows (`tests`), bits of falsification
    tests in the order of `catalogue.falsification_tests` (`found`), and the combined score 0–1.

    `steps` and `resolutions` are per member, `seen` the suspicions with what their pictures need.
    """

    code: Codes
    tests: Ints
    found: Ints
    score: Floats
    known: Ordered
    steps: Ints
    resolutions: Floats
    seen: panels.Seen

    def count(self, bit: int) -> int:
        """Rows on which the rule or row test of that bit spoke."""
        return int(np.count_nonzero(self.tests & bit))


def judge(
    readings: Readings,
    members: Sequence[Member],
    profile: Profile,
    inputs: frozenset[str],
    tell: Tell,
    each: panels.Each | None = None,
) -> Judged:
    """Judge every row. `inputs` names what the falsification tests may count on beside the values; `each`
    runs these panel by panel elsewhere.

    Worked example: one hourly PM2.5 series with 42 seven times running → code 3, bit of K1 on all seven.
    """
    known = ordered(readings, len(members))
    steps, (resolutions, usual) = steps_of(known), resolutions_of(known)
    roster = _roster(members, steps, usual, profile)
    code, tests = np.zeros(len(known.rows), dtype=np.uint8), np.zeros(len(known.rows), dtype=np.int64)
    tell("rules", 0, len(code))
    done = 0
    for piece in pieces(known.columns, roster):
        part = assess_piece(known.columns.take(piece.rows), roster, profile.pack)
        code[piece.at], tests[piece.at] = part.code[piece.kept], part.tests[piece.kept]
        done += len(part.code[piece.kept])
        tell("rules", done, len(code))
    tests |= np.where(_mixed(known, tests, roster, profile), file_tests()["unit"].bit, 0)
    network = panels.Network(known, tuple(members), steps, resolutions, _usable(tests, profile))
    seen = panels.judge(network, profile, inputs, tell, each)
    code = np.where(seen.is_suspicious, _worse(code, np.uint8(SUSPECT)), code)
    again = _alone(readings, known.again, roster, profile.pack)
    return _in_file_order(readings, known, (code, tests), again, seen, steps, resolutions)


def _usable(tests: Ints, profile: Profile) -> Flags:
    """Values that are values: a mark is for the tests to see, a figure beyond the range is none."""
    refused = sum(rule.bit for rule in profile.pack.rules if rule.function == "is_out_of_range")
    usable: Flags = (tests & refused) == 0
    return usable


def ranges_of(members: Sequence[Member], profile: Profile) -> tuple[Floats, Floats]:
    """The least and the largest value that each member can have, in its unit [M]; NaN where nobody knows.

    Worked example: PM2.5 under ambient-air → 0 and 1000; a column nobody knows → NaN and NaN.
    """
    refs = [ref_of(place, member, HOUR_MS, 1.0, profile) for place, member in enumerate(members)]
    figures = roster_of(refs, profile.pack).figures[_range_rule(profile)]
    told = figures["low"], figures["high"]
    low, high = (np.where(np.abs(bound) < ANYTHING, bound, np.nan) for bound in told)
    return low, high


def _range_rule(profile: Profile) -> int:
    return next(n for n, rule in enumerate(profile.pack.rules) if rule.function == "is_out_of_range")


def ref_of(place: int, member: Member, step: int, resolution: float, profile: Profile) -> SeriesRef:
    """A series of a file as the rules know series."""
    return SeriesRef(
        id=place,
        site=member.station,
        site_kind=profile.site_kind,
        region="",
        element=profile.element,
        factor=member.factor if member.is_known else f"~{member.name}",
        statistic="avg",
        basis="raw",
        period="rtd"
        if step < 60_000
        else "min"
        if step < HOUR_MS
        else "hour"
        if step < 24 * HOUR_MS
        else "day",
        source="file",
        unit=member.unit,
        decimals=decimals_of(resolution),
        low=member.low,
        high=member.high,
        detection_limit=member.detection_limit,
        resolution=resolution,
        permit_limit=member.limit,
    )


def _roster(members: Sequence[Member], steps: Ints, resolutions: Floats, profile: Profile) -> Roster:
    refs = [
        ref_of(place, member, int(steps[place]), float(resolutions[place]), profile)
        for place, member in enumerate(members)
    ]
    roster = roster_of(refs, profile.pack)
    reach = roster.reach_ms / roster.period_ms
    # Figures for minutes are given for one step; a run of two hours stays one in steps of a minute.
    is_minute = np.array([ref.period == "min" for ref in refs], dtype=bool)
    longer = np.where(is_minute, np.fmax(1.0, profile.minute_step_seconds * 1000 / steps), 1.0)
    for figures in roster.figures:
        if "min_run" in figures:
            figures["min_run"] = np.ceil(figures["min_run"] * longer)
    period = steps.astype(np.float64)
    return replace(roster, period_ms=period, reach_ms=np.ceil(reach * longer * period).astype(np.int64))


def _alone(readings: Readings, rows: Ints, roster: Roster, pack: RulePack) -> tuple[Codes, Ints]:
    """What can be said of repeated rows by themselves: their marks, their range."""
    if not len(rows):
        return np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.int64)
    kept = [place for place, rule in enumerate(pack.rules) if rule.function in POINTWISE]
    fewer = msgspec.structs.replace(pack, rules=tuple(pack.rules[place] for place in kept))
    figures = tuple(roster.figures[place] for place in kept)
    smaller = replace(roster, figures=figures, judged=tuple(roster.judged[place] for place in kept))
    ts, value, flag = readings.ts[rows], readings.value[rows], readings.flag[rows]
    columns = Columns(readings.member[rows], ts, value, flag, np.zeros(len(rows), dtype=np.int64))
    part = assess(columns, smaller, fewer)
    return part.code, part.tests


def _mixed(known: Ordered, tests: Ints, roster: Roster, profile: Profile) -> Flags:
    """Rows that look like another unit, by a factor of 1000, of a series else within its range."""
    found = np.zeros(len(tests), dtype=bool)
    number = _range_rule(profile)
    rule, high = profile.pack.rules[number], roster.figures[number]["high"]
    for member in np.unique(known.columns.series[(tests & rule.bit) != 0]):
        rows = slice(int(known.starts[member]), int(known.starts[member + 1]))
        value = known.columns.value[rows]
        over = value > high[member]
        rest = value[~over & np.isfinite(value)]
        if FEWEST * len(value) <= np.count_nonzero(over) <= MOST * len(value) and len(rest):
            ratio = middle(value[over]) / 1000 / max(middle(rest), 1e-12)
            found[rows] = over & (1 / ALIKE <= ratio <= ALIKE)
    return found


# Rank by code: the worst wins.
_RANK = np.array([0, 1, 0, 2, 3, 0, 0, 0, 0, 4], dtype=np.uint8)


def _worse(one: Codes, other: Codes | np.uint8) -> Codes:
    """The worse of two codes, row by row."""
    worse: Codes = np.where(_RANK[other] > _RANK[one], other, one).astype(np.uint8)
    return worse


def _in_file_order(  # noqa: PLR0913 - what was found, column by column
    readings: Readings,
    known: Ordered,
    judged: tuple[Codes, Ints],
    again: tuple[Codes, Ints],
    seen: panels.Seen,
    steps: Ints,
    resolutions: Floats,
) -> Judged:
    """Back to the rows of the file; a repeated row is told what the first was, and that it repeats."""
    (code, tests), length = judged, len(readings)
    whole = np.full(length, NOT_EVALUATED, dtype=np.uint8)
    bits, found, score = readings.noted.copy(), np.zeros(length, dtype=np.int64), np.zeros(length)
    whole[known.rows], found[known.rows], score[known.rows] = code, seen.found, seen.score
    bits[known.rows] |= tests
    revised = _bit_of(seen.pack, "is_revised")
    own, said = again
    whole[known.again] = np.where(known.differs, _worse(own, np.uint8(SUSPECT)), code[known.first])
    bits[known.again] |= np.where(known.differs, said | revised, tests[known.first] & ~revised)
    bits[known.again] |= file_tests()["duplicate"].bit
    missing = np.isnan(readings.value) & (readings.noted & file_tests()["unreadable"].bit == 0)
    whole[missing & (readings.ts < 0)] = MISSING
    for test in file_tests().values():
        spoken = np.flatnonzero(bits & test.bit)
        worse = np.full(len(spoken), test.code, dtype=np.uint8)
        is_lost = test.code in (BAD, NOT_EVALUATED)
        # A text has no value, which the rules call missing; what there is counts more than what there is not.
        whole[spoken] = worse if is_lost else _worse(whole[spoken], worse)
        if is_lost:
            bits[spoken] &= ~_bit_of(seen.pack, "is_missing")
    return Judged(whole, bits, found, score, known, steps, resolutions, seen)


def _bit_of(pack: RulePack, function: str) -> int:
    return sum(rule.bit for rule in pack.rules if rule.function == function)


def sets_of(judged: Judged, rows: slice) -> tuple[Ints, Ints]:
    """The distinct pairs (bits of `tests`, of `found`) among some rows [k, 2], and which each row has."""
    tests, which = np.unique(judged.tests[rows], return_inverse=True)
    found, what = np.unique(judged.found[rows], return_inverse=True)
    pairs, at = np.unique(which * len(found) + what, return_inverse=True)
    return np.stack([tests[pairs // len(found)], found[pairs % len(found)]], axis=1), at


def written(pair: Sequence[int], bits: Mapping[int, str], found: Sequence[str]) -> list[str]:
    """The ids of one set of tests. `bits` are ids by bit, as they are written; `found` those of the
    falsification tests. A test that spoke as a rule and as a falsification test is named once.
    """
    ids = [name for bit, name in bits.items() if pair[0] & bit]
    later = [name for place, name in enumerate(found) if pair[1] >> place & 1]
    return ids + [name for name in later if name not in ids]
