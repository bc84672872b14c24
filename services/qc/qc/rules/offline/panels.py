"""From the rows of a file to panels, through the falsification tests, and back to the rows they speak of.

Promises: every test that is registered runs where its inputs exist; what cannot run is named with what it
lacks. A finding alone informs, a combined score at the case threshold is a suspicion. Leaves the statistics
to `qc.rules.falsify` and the pictures to the callers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from qc.rules.falsify import catalogue, combine
from qc.rules.falsify.combine import Suspicion
from qc.rules.falsify.extras import Extras
from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.panel import HOUR_MS, LOCAL_MS, Panel
from qc.rules.offline.catalogue import falsification_tests
from qc.rules.offline.parameters import changes_of, parameter_of
from qc.rules.offline.pictured import Pictured, pictured
from qc.rules.offline.profile import BEGINNING, Profile
from qc.rules.offline.readings import Member, Ordered, is_regular
from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.pack import RulePack, core_pack

# Series × periods judged together (some hundred bytes each while they are); larger files are judged by
# neighbourhoods of so many series, and these in stretches of whole months.
CELLS, SERIES = 6_000_000, 300
MONTH_MS = 30 * 24 * HOUR_MS
# So long without a value of anybody is no gap but another record; fewer steps than so many are never one.
YEAR_MS, EMPTY_STEPS = 366 * 24 * HOUR_MS, 60
# Suspicions kept with what a picture needs.
PICTURES = 200

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One panel to be judged, under which profile, with which inputs beside the values; only findings that
    reach `threshold` together get a picture.
    """

    panel: Panel
    profile: str
    inputs: frozenset[str]
    threshold: float


@dataclass(frozen=True, slots=True)
class Said:
    """What the tests said of one panel: findings grouped, each with its picture or without."""

    report: catalogue.Report
    groups: tuple[Suspicion, ...]
    pictures: tuple[Pictured | None, ...]


# Hears how many tests are done.
Heard = Callable[[int], None]
# Runs a function on every task, here or in other processes, and gives what it says in the order of the tasks.
Each = Callable[[Callable[[Task, Heard], Said], Iterable[Task], Heard], Iterable[Said]]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a panel's rows and periods lie: members, per row of it the rows of `Ordered.columns`."""

    places: list[int]
    at: list[slice]
    start_ms: int
    step_ms: int


@dataclass(frozen=True, slots=True)
class Network:
    """All rows of a file as the panels need them; `usable` false: out of range, no value to compare."""

    known: Ordered
    members: tuple[Member, ...]
    steps: Ints
    resolutions: Floats
    usable: Flags


@dataclass(frozen=True, slots=True)
class Raised:
    """A suspicion: member, [from_ms, to_ms), kind, combined score, ids of its tests, and its picture.

    `survives`: it is a discovery over the whole panel, too (Benjamini and Hochberg).
    """

    member: int
    kind: str
    from_ms: int
    to_ms: int
    score: float
    tests: tuple[str, ...]
    survives: bool
    picture: Pictured | None


@dataclass(slots=True)
class Seen:
    """What the tests saw, per row of `Ordered.columns`; `not_run` = test → the inputs it lacks.

    `left_out` are members without a regular step, which no panel can hold.
    """

    pack: RulePack
    found: Ints
    score: Floats
    is_suspicious: Flags
    raised: list[Raised] = field(default_factory=list)
    not_run: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)


def judge(
    network: Network, profile: Profile, inputs: frozenset[str], tell: Tell, each: Each | None = None
) -> Seen:
    """Run every falsification test on every panel of the file, one after the other or as `each` does."""
    rows = len(network.known.rows)
    seen = Seen(profile.pack, np.zeros(rows, dtype=np.int64), np.zeros(rows), np.zeros(rows, dtype=bool))
    ran: set[str] = set()
    cut = list(stretches(network, seen.left_out))
    tests = falsification_tests()
    placed: list[Placed] = []

    def tasks() -> Iterator[Task]:
        for places, start, periods in cut:
            panel, at = panel_of(network, places, start, periods)
            placed.append(Placed(places, at, panel.start_ms, panel.step_ms))
            yield Task(panel, profile.id, inputs, seen.pack.case_threshold)

    whole = len(cut) * len(tests)
    tell("falsification", 0, whole)
    answers = (each or one_by_one)(said, tasks(), lambda done: tell("falsification", done, whole))
    for number, answer in enumerate(answers):
        ran |= {test.id for test in tests} - set(answer.report.not_run)
        seen.not_run |= answer.report.not_run
        _note(seen, network, placed[number], answer)
    seen.not_run = {test: lacks for test, lacks in seen.not_run.items() if test not in ran}
    seen.raised.sort(key=lambda one: (-one.score, one.member, one.from_ms))
    return seen


def one_by_one(run: Callable[[Task, Heard], Said], tasks: Iterable[Task], heard: Heard) -> Iterator[Said]:
    """What `run` says of every task, one after the other."""
    done = 0

    def one_more(_: int) -> None:
        nonlocal done
        done += 1
        heard(done)

    for task in tasks:
        yield run(task, one_more)


def said(task: Task, tell: Heard = lambda _: None) -> Said:
    """All tests on one panel, one by one; so that a long run can be followed: `tell` hears how many."""
    panel = task.panel
    last_ms = int(panel.starts_ms[-1]) + LOCAL_MS
    inputs = task.inputs | catalogue.inputs_of(panel)
    # A file may be older than the platform: what is as old as the packs judges it too.
    on = max(BEGINNING, (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=last_ms)).date())
    findings: list[Finding] = []
    not_run: dict[str, tuple[str, ...]] = {}
    looks, expected = 0, 0.0
    for number, test in enumerate(falsification_tests(), start=1):
        found = catalogue.run(panel, task.profile, (test,), on, inputs)
        findings += found.findings
        not_run |= found.not_run
        looks, expected = looks + found.looks, expected + found.expected_false
        tell(number)
    tests = {test.id: test for test in falsification_tests()}
    control = combine.Control(looks, core_pack().false_discoveries(on)) if looks else None
    groups = combine.suspicions(findings, tests, 1e-9, control)
    heavy = [group for group in groups if group.score >= task.threshold][:PICTURES]
    drawn = {id(group): pictured(panel, group) for group in heavy}
    pictures = tuple(drawn.get(id(group)) for group in groups)
    return Said(catalogue.Report(tuple(findings), not_run, looks, expected), tuple(groups), pictures)


def stretches(network: Network, left_out: list[int]) -> Iterator[tuple[list[int], int, int]]:
    """(members, first instant, periods) of each panel: one per step, cut where it would grow too large.

    Members without a regular step go to `left_out`. An instrument's parameters are no measurements; a single
    value has no step, and would lie on the grid of others with decades of nothing before it.
    """
    known, by_step = network.known, dict[int, list[int]]()
    for member, told in enumerate(network.members):
        if parameter_of(told.name) or known.starts[member + 1] - known.starts[member] == 1:
            continue
        ts = known.columns.ts[known.starts[member] : known.starts[member + 1]]
        if is_regular(ts, int(network.steps[member])):
            by_step.setdefault(int(network.steps[member]), []).append(member)
        elif len(ts):
            left_out.append(member)
    for step, places in sorted(by_step.items()):
        spans = [known.columns.ts[known.starts[m] : known.starts[m + 1]] for m in places]
        last = max(int(ts[-1]) for ts in spans)
        fits = len(places) * ((last - min(int(ts[0]) for ts in spans)) // step + 1) <= most_cells(step)
        for near in [places] if fits else neighbourhoods(network.members, places):
            yield from _months(known, near, step)


def most_cells(step: int) -> int:
    """Series × periods judged together: half of them where periods are shorter than an hour.

    Their windows of days hold so many values that the tests need twice the memory for each.
    """
    return CELLS if step >= HOUR_MS else CELLS // 2


def neighbourhoods(members: tuple[Member, ...], places: list[int]) -> list[list[int]]:
    """Series in groups of at most SERIES, whole stations: those near each other, else next to each other.

    Worked example: 100 stations of 6 series in a row from west to east → the western and the eastern half.
    """
    stations: dict[str, list[int]] = {}
    for place in places:
        stations.setdefault(members[place].station, []).append(place)
    if len(places) <= SERIES or len(stations) < 2:
        return [places]
    names = list(stations)
    at = np.array([members[stations[name][0]].place or (np.nan, np.nan) for name in names], dtype=float)
    if np.isfinite(at).all():
        wide = int(np.ptp(at[:, 1]) > np.ptp(at[:, 0]))
        names = [names[k] for k in np.argsort(at[:, wide], kind="stable").tolist()]
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    return [
        group
        for half in halves
        for group in neighbourhoods(members, sorted(place for name in half for place in stations[name]))
    ]


def _months(known: Ordered, places: list[int], step: int) -> Iterator[tuple[list[int], int, int]]:
    """The panels of some members one after the other in time; years in which none has a value part them."""
    spans = [known.columns.ts[known.starts[m] : known.starts[m + 1]] for m in places]
    most, month = max(1, most_cells(step) // len(places)), max(1, MONTH_MS // step)
    most -= most % month if most > month else 0
    for begin, end in _told_years(spans, max(YEAR_MS, EMPTY_STEPS * step)):
        part = [ts[slice(*np.searchsorted(ts, [begin, end]))] for ts in spans]
        start = min(int(ts[0]) for ts in part if len(ts)) // step * step
        last = max(int(ts[-1]) for ts in part if len(ts))
        longest = most if step >= HOUR_MS else _even((last - start) // step + 1, most, month)
        blocks = np.unique(np.concatenate([np.unique((ts - start) // step // longest) for ts in part]))
        for block in blocks.tolist():
            low, high = start + block * longest * step, start + (block + 1) * longest * step
            inside = [ts[(ts >= low) & (ts < high)] for ts in part]
            first = min(int(ts[0]) for ts in inside if len(ts)) // step * step
            last = max(int(ts[-1]) for ts in inside if len(ts))
            yield places, first, (last - first) // step + 1


def _even(periods: int, most: int, month: int) -> int:
    """The length of as few parts as do, none longer than `most` or far shorter than the others.

    Worked example: 158,000 periods, most 150,000, months of 4,320 → 82,080, not 150,000 and a rest of 8,000.
    """
    share = -(-periods // -(-periods // most))
    whole = month if most > month else 1
    return min(most, -(-share // whole) * whole)


def _told_years(spans: list[Ints], year: int) -> list[tuple[int, int]]:
    """The stretches [from, to) of time, in whole `year`s, between which at least one whole one is empty.

    Worked example: values in 2011 and in 2015 only → two stretches; a winter without any → one.
    """
    seen = np.unique(np.concatenate([np.unique(ts // year) for ts in spans]))
    parts = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1)
    return [(int(part[0]) * year, (int(part[-1]) + 1) * year) for part in parts]


def panel_of(network: Network, places: list[int], start: int, periods: int) -> tuple[Panel, list[slice]]:
    """The panel, and per row of it the rows of `Ordered.columns` that lie in it."""
    known, step = network.known, int(network.steps[places[0]])
    value = np.full((len(places), periods), np.nan)
    mark = np.zeros((len(places), periods), dtype=np.int64)
    present = np.zeros((len(places), periods), dtype=bool)
    at = []
    for row, member in enumerate(places):
        first = int(known.starts[member])
        ts = known.columns.ts[first : known.starts[member + 1]]
        low, high = np.searchsorted(ts, [start, start + periods * step])
        rows = slice(first + int(low), first + int(high))
        cells = (known.columns.ts[rows] - start) // step
        good = network.usable[rows] & np.isfinite(known.columns.value[rows])
        value[row, cells] = np.where(good, known.columns.value[rows], np.nan)
        mark[row, cells], present[row, cells] = known.columns.flag[rows], True
        at.append(rows)
    own = [network.members[member] for member in places]

    def told(name: str) -> Floats:
        return np.array([np.nan if getattr(m, name) is None else getattr(m, name) for m in own], dtype=float)

    return Panel(
        start_ms=start,
        step_ms=step,
        station=tuple(m.station for m in own),
        factor=tuple(m.factor for m in own),
        unit=tuple(m.unit for m in own),
        value=value,
        mark=mark,
        present=present,
        resolution=network.resolutions[places],
        detection_limit=told("detection_limit"),
        limit=told("limit"),
        low=told("low"),
        high=told("high"),
        place=np.array([m.place or (np.nan, np.nan) for m in own], dtype=float).reshape(len(own), 2),
        extras=Extras(changes=changes_of(known, network.members, places, start, step)),
    ), at


def _note(seen: Seen, network: Network, placed: Placed, answer: Said) -> None:
    """Write what the tests said to the rows they said it of."""
    number = {test.id: place for place, test in enumerate(falsification_tests())}
    for finding in answer.report.findings:
        seen.found[_rows(network, placed, finding.where)] |= 1 << number[finding.test]
    for group, picture in zip(answer.groups, answer.pictures, strict=True):
        rows = _rows(network, placed, group.where)
        seen.score[rows] = np.fmax(seen.score[rows], group.score)
        if group.score < seen.pack.case_threshold:
            continue
        seen.is_suspicious[rows] = True
        from_ms = placed.start_ms + group.where.from_i * placed.step_ms
        to_ms = placed.start_ms + group.where.to_i * placed.step_ms
        names = tuple(dict.fromkeys(finding.test for finding in group.findings))
        shown = picture if len(seen.raised) < PICTURES else None
        member = placed.places[group.where.row]
        raised = Raised(member, group.kind, from_ms, to_ms, group.score, names, group.survives, shown)
        seen.raised.append(raised)


def _rows(network: Network, placed: Placed, where: Stretch) -> slice:
    """The rows of `Ordered.columns` in periods [from_i, to_i) of one row of the panel."""
    rows = placed.at[where.row]
    ends = placed.start_ms + np.array([where.from_i, where.to_i]) * placed.step_ms
    low, high = np.searchsorted(network.known.columns.ts[rows], ends)
    return slice(rows.start + int(low), rows.start + int(high))


def lacking(seen: Seen) -> Mapping[str, tuple[str, ...]]:
    """Test → inputs it lacks, for tests that ran on no panel at all."""
    return dict(sorted(seen.not_run.items()))
