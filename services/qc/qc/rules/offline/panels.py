"""From the rows of a file to panels, through the falsification tests, and back to the rows they speak of.

Promises: every test that is registered runs where its inputs exist; what cannot run is named with what it
lacks. A finding alone informs, a combined score at the case threshold is a suspicion. Leaves the statistics
to `qc.rules.falsify` and the pictures to the callers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from qc.rules.falsify import catalogue, combine
from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.panel import LOCAL_MS, Panel
from qc.rules.offline.catalogue import falsification_tests
from qc.rules.offline.pictured import Pictured, pictured
from qc.rules.offline.profile import Profile
from qc.rules.offline.readings import Member, Ordered, is_regular
from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.pack import RulePack

# Series × periods in memory at a time (17 bytes each); longer files are judged in stretches.
CELLS = 20_000_000
# Suspicions kept with what a picture needs.
PICTURES = 200

Tell = Callable[[str, int, int], None]


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
    """A suspicion: member, [from_ms, to_ms), kind, combined score, ids of its tests, and its picture."""

    member: int
    kind: str
    from_ms: int
    to_ms: int
    score: float
    tests: tuple[str, ...]
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


def judge(network: Network, profile: Profile, inputs: frozenset[str], tell: Tell) -> Seen:
    """Run every falsification test on every panel of the file."""
    rows = len(network.known.rows)
    seen = Seen(profile.pack, np.zeros(rows, dtype=np.int64), np.zeros(rows), np.zeros(rows, dtype=bool))
    ran: set[str] = set()
    stretches = list(_stretches(network, seen))
    whole = len(stretches) * len(falsification_tests())
    for number, (places, start, periods) in enumerate(stretches):
        panel, at = _panel(network, places, start, periods)
        done = number * len(falsification_tests())
        report = _run(panel, profile, inputs | catalogue.inputs_of(panel), Steps(tell, done, whole))
        ran |= {test.id for test in falsification_tests()} - set(report.not_run)
        seen.not_run |= report.not_run
        _note(seen, network, panel, places, at, report)
    seen.not_run = {test: lacks for test, lacks in seen.not_run.items() if test not in ran}
    seen.raised.sort(key=lambda one: (-one.score, one.member, one.from_ms))
    return seen


@dataclass(frozen=True, slots=True)
class Steps:
    """How far the tests of one panel are, among those of all panels."""

    tell: Tell
    done: int
    whole: int


def _run(panel: Panel, profile: Profile, inputs: frozenset[str], steps: Steps) -> catalogue.Report:
    """All tests on one panel, one by one, so that a long run can be followed."""
    last = int(panel.starts_ms[-1]) + LOCAL_MS
    on = datetime.fromtimestamp(last / 1000, UTC).date()
    findings: list[Finding] = []
    not_run: dict[str, tuple[str, ...]] = {}
    for number, test in enumerate(falsification_tests(), start=1):
        said = catalogue.run(panel, profile.id, (test,), on, inputs)
        findings += said.findings
        not_run |= said.not_run
        steps.tell("falsification", steps.done + number, steps.whole)
    return catalogue.Report(tuple(findings), not_run)


def _stretches(network: Network, seen: Seen) -> Iterator[tuple[list[int], int, int]]:
    """(members, first instant, periods) of each panel: one per step, cut where it would grow too large."""
    known, by_step = network.known, dict[int, list[int]]()
    for member in range(len(network.members)):
        ts = known.columns.ts[known.starts[member] : known.starts[member + 1]]
        if is_regular(ts, int(network.steps[member])):
            by_step.setdefault(int(network.steps[member]), []).append(member)
        elif len(ts):
            seen.left_out.append(member)
    for step, places in sorted(by_step.items()):
        spans = [known.columns.ts[known.starts[m] : known.starts[m + 1]] for m in places]
        start = min(int(ts[0]) for ts in spans) // step * step
        longest = max(1, CELLS // len(places))
        blocks = np.unique(np.concatenate([np.unique((ts - start) // step // longest) for ts in spans]))
        for block in blocks.tolist():
            low, high = start + block * longest * step, start + (block + 1) * longest * step
            inside = [ts[(ts >= low) & (ts < high)] for ts in spans]
            first = min(int(ts[0]) for ts in inside if len(ts)) // step * step
            last = max(int(ts[-1]) for ts in inside if len(ts))
            yield places, first, (last - first) // step + 1


def _panel(network: Network, places: list[int], start: int, periods: int) -> tuple[Panel, list[slice]]:
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
    ), at


def _note(
    seen: Seen,
    network: Network,
    panel: Panel,
    places: list[int],
    at: list[slice],
    report: catalogue.Report,
) -> None:
    """Write what the tests said to the rows they said it of."""
    tests = {test.id: test for test in falsification_tests()}
    number = {name: place for place, name in enumerate(tests)}
    for finding in report.findings:
        seen.found[_rows(network, panel, at, finding.where)] |= 1 << number[finding.test]
    weighed = combine.suspicions(report.findings, tests, 1e-9)
    for group in weighed:
        rows = _rows(network, panel, at, group.where)
        seen.score[rows] = np.fmax(seen.score[rows], group.score)
        if group.score < seen.pack.case_threshold:
            continue
        seen.is_suspicious[rows] = True
        from_ms = panel.start_ms + group.where.from_i * panel.step_ms
        to_ms = panel.start_ms + group.where.to_i * panel.step_ms
        names = tuple(dict.fromkeys(finding.test for finding in group.findings))
        picture = pictured(panel, group) if len(seen.raised) < PICTURES else None
        member = places[group.where.row]
        seen.raised.append(Raised(member, group.kind, from_ms, to_ms, group.score, names, picture))


def _rows(network: Network, panel: Panel, at: list[slice], where: Stretch) -> slice:
    """The rows of `Ordered.columns` in periods [from_i, to_i) of one row of the panel."""
    rows = at[where.row]
    ends = panel.start_ms + np.array([where.from_i, where.to_i]) * panel.step_ms
    low, high = np.searchsorted(network.known.columns.ts[rows], ends)
    return slice(rows.start + int(low), rows.start + int(high))


def lacking(seen: Seen) -> Mapping[str, tuple[str, ...]]:
    """Test → inputs it lacks, for tests that ran on no panel at all."""
    return dict(sorted(seen.not_run.items()))
