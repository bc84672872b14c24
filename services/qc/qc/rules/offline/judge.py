"""Every value of a file judged: rows, rules and falsification tests, one code and one set of tests per row.

Promises: as many verdicts as rows, in the file's order; the rules are those of the platform, run in pieces
whose overlap covers their reach, so that the pieces do not show. Leaves words and pictures to the callers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from contracts.ingest import SeriesRef

from qc.rules.assess import BAD, MISSING, NOT_EVALUATED, SUSPECT, assess
from qc.rules.frame import Roster, roster_of
from qc.rules.offline import panels
from qc.rules.offline.catalogue import file_tests
from qc.rules.offline.profile import Profile
from qc.rules.offline.readings import (
    HOUR_MS,
    Member,
    Ordered,
    Readings,
    decimals_of,
    ordered,
    resolutions_of,
    stations_of,
    steps_of,
)
from qc.rules.outcome import Codes, Flags, Floats, Ints
from qc.rules.pack import RulePack

# Rows judged in one go: bounds the memory of the rules' columns, whatever the size of the file.
PIECE = 1_000_000
# Shares of a series beyond its range between which a second unit is suspected, and how alike it must then be.
FEWEST, MOST, ALIKE = 0.005, 0.6, 5.0

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
    readings: Readings, members: Sequence[Member], profile: Profile, inputs: frozenset[str], tell: Tell
) -> Judged:
    """Judge every row. `inputs` names what the falsification tests may count on beside the values.

    Worked example: one hourly PM2.5 series with 42 seven times running → code 3, bit of K1 on all seven.
    """
    known = ordered(readings, len(members))
    steps, (resolutions, usual) = steps_of(known), resolutions_of(known)
    roster = _roster(members, steps, usual, profile)
    code, tests = np.zeros(len(known.rows), dtype=np.uint8), np.zeros(len(known.rows), dtype=np.int64)
    tell("rules", 0, len(code))
    for inner, outer in _pieces(known, members, roster):
        part = assess(known.columns.take(np.arange(outer.start, outer.stop)), roster, profile.pack)
        own = slice(inner.start - outer.start, inner.stop - outer.start)
        code[inner], tests[inner] = part.code[own], part.tests[own]
        tell("rules", inner.stop, len(code))
    tests |= np.where(_mixed(known, tests, roster, profile), file_tests()["unit"].bit, 0)
    network = panels.Network(known, tuple(members), steps, resolutions, _usable(tests, profile))
    seen = panels.judge(network, profile, inputs, tell)
    code = np.where(seen.is_suspicious, _worse(code, np.uint8(SUSPECT)), code)
    return _in_file_order(readings, known, code, tests, seen, steps, resolutions)


def _usable(tests: Ints, profile: Profile) -> Flags:
    """Values that are values: a mark is for the tests to see, a figure beyond the range is none."""
    refused = sum(rule.bit for rule in profile.pack.rules if rule.function == "is_out_of_range")
    usable: Flags = (tests & refused) == 0
    return usable


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


def _pieces(known: Ordered, members: Sequence[Member], roster: Roster) -> Iterator[tuple[slice, slice]]:
    """(rows to judge, rows to look at): whole stations together, long series in stretches of time."""
    begun = 0
    for inner in _stations(known, members):
        if inner.stop - inner.start <= 2 * PIECE:
            if inner.stop - begun >= PIECE:
                yield slice(begun, inner.stop), slice(begun, inner.stop)
                begun = inner.stop
            continue
        if inner.start > begun:
            yield slice(begun, inner.start), slice(begun, inner.start)
        for at in range(inner.start, inner.stop, PIECE):
            own = slice(at, min(at + PIECE, inner.stop))
            yield own, _with_reach(own, inner, known, roster)
        begun = inner.stop
    if begun < len(known.rows):
        yield slice(begun, len(known.rows)), slice(begun, len(known.rows))


def _stations(known: Ordered, members: Sequence[Member]) -> Iterator[slice]:
    """The rows of each station; the members of a station stand side by side."""
    for places in stations_of(members).values():
        yield slice(int(known.starts[places[0]]), int(known.starts[places[-1] + 1]))


def _with_reach(own: slice, station: slice, known: Ordered, roster: Roster) -> slice:
    columns = known.columns
    reach = 2 * int(roster.reach_ms.max())
    first, last = int(columns.series[own.start]), int(columns.series[own.stop - 1])
    low = known.starts[first] + np.searchsorted(
        columns.ts[known.starts[first] : known.starts[first + 1]], columns.ts[own.start] - reach
    )
    high = known.starts[last] + np.searchsorted(
        columns.ts[known.starts[last] : known.starts[last + 1]], columns.ts[own.stop - 1] + reach, "right"
    )
    return slice(max(station.start, int(low)), min(station.stop, int(high)))


def _mixed(known: Ordered, tests: Ints, roster: Roster, profile: Profile) -> Flags:
    """Rows that look like another unit, by a factor of 1000, of a series else within its range."""
    found = np.zeros(len(tests), dtype=bool)
    number = next(n for n, rule in enumerate(profile.pack.rules) if rule.function == "is_out_of_range")
    rule, high = profile.pack.rules[number], roster.figures[number]["high"]
    for member in np.unique(known.columns.series[(tests & rule.bit) != 0]):
        rows = slice(int(known.starts[member]), int(known.starts[member + 1]))
        value = known.columns.value[rows]
        over = value > high[member]
        rest = value[~over & np.isfinite(value)]
        if FEWEST * len(value) <= np.count_nonzero(over) <= MOST * len(value) and len(rest):
            ratio = float(np.median(value[over])) / 1000 / max(float(np.median(rest)), 1e-12)
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
    code: Codes,
    tests: Ints,
    seen: panels.Seen,
    steps: Ints,
    resolutions: Floats,
) -> Judged:
    """Back to the rows of the file; a repeated row is told what the first was, and that it repeats."""
    length = len(readings)
    whole = np.full(length, NOT_EVALUATED, dtype=np.uint8)
    bits, found, score = readings.noted.copy(), np.zeros(length, dtype=np.int64), np.zeros(length)
    whole[known.rows], found[known.rows], score[known.rows] = code, seen.found, seen.score
    bits[known.rows] |= tests
    revised = _bit_of(seen.pack, "is_revised")
    whole[known.again] = code[known.first]
    bits[known.again] |= tests[known.first] & ~revised | file_tests()["duplicate"].bit
    bits[known.again] |= np.where(known.differs, revised, 0)
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


def names_of(judged: Judged, bits: Mapping[int, str], found: Sequence[str]) -> tuple[list[str], Ints]:
    """The distinct sets of tests, as written (`|` between ids), and which one each row has.

    `bits` are ids by bit, in the order of writing; `found` the ids of the falsification tests.
    """
    pairs = np.stack([judged.tests, judged.found], axis=1)
    distinct, at = np.unique(pairs, axis=0, return_inverse=True)
    written = []
    for tests, later in distinct.tolist():
        ids = [name for bit, name in bits.items() if tests & bit]
        ids += [name for place, name in enumerate(found) if later >> place & 1 and name not in ids]
        written.append("|".join(ids))
    return written, at.reshape(-1).astype(np.int64)
