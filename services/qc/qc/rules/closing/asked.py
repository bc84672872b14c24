"""One pass over a panel as plain data: what is known, and what the falsification tests say of it.

Promises: the tests run by the very function that judges a file (`qc.rules.offline.panels.said`), so a day
that closes and a file of the same values end in the same findings. Question and answer hold nothing but
numbers and texts, so that they can be asked of another process. Leaves reading and writing to the flows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from contracts.ingest import SeriesRef

from qc.rules.closing.beside import NOTHING_BESIDE, Beside, extras_of
from qc.rules.falsify.catalogue import Report
from qc.rules.falsify.combine import Suspicion
from qc.rules.falsify.finding import FalsificationTest, Finding, Stretch
from qc.rules.falsify.panel import DAY_MS, LOCAL_MS, Panel
from qc.rules.offline import panels
from qc.rules.offline.readings import Member, Readings, ordered, resolutions_of, steps_of
from qc.rules.offline.words import filled
from qc.rules.outcome import Floats, Ints
from qc.rules.pack import RulePack

# No score is as high: a picture is drawn when somebody asks for it.
NO_PICTURE = 2.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Values of some series: rows as little-endian columns (`member` and `ts` int64, `value` float64, NaN
    where there is none, `flag` int64 as in `Readings`, `usable` one byte each).
    """

    profile: str
    members: list[Member]
    member: bytes
    ts: bytes
    value: bytes
    flag: bytes
    usable: bytes
    beside: Beside = NOTHING_BESIDE


@dataclass(frozen=True, slots=True)
class Rows:
    """Known values of some series by (place of the series, ts): `flag` as in `Readings`, `tests` the bits of
    the rules that judge single values.
    """

    place: Ints
    ts: Ints
    value: Floats
    flag: Ints
    tests: Ints

    def __len__(self) -> int:
        return len(self.ts)


def days_with_values(rows: Rows) -> dict[int, int]:
    """On how many local days each series has a value, by its place."""
    known = np.isfinite(rows.value)
    days = (rows.ts[known] + LOCAL_MS) // DAY_MS
    pairs = np.unique(np.stack([rows.place[known], days], axis=1), axis=0)
    places, counts = np.unique(pairs[:, 0], return_counts=True)
    return dict(zip(places.tolist(), counts.tolist(), strict=True))


def asked_of(
    profile: str,
    refs: Sequence[SeriesRef],
    rows: Rows,
    pack: RulePack,
    beside: Beside = NOTHING_BESIDE,
) -> Asked:
    """The question about these series. A value outside the range is no value, as in a file."""
    refused = sum(rule.bit for rule in pack.rules if rule.function == "is_out_of_range")
    return Asked(
        profile=profile,
        members=[_member(ref, beside) for ref in refs],
        member=rows.place.tobytes(),
        ts=rows.ts.tobytes(),
        value=rows.value.tobytes(),
        flag=rows.flag.tobytes(),
        usable=((rows.tests & refused) == 0).tobytes(),
        beside=beside,
    )


def _member(ref: SeriesRef, beside: Beside) -> Member:
    return Member(
        station=ref.site,
        name=f"{ref.name_zh} {ref.name_en}".strip() or ref.factor,
        factor=ref.factor,
        is_known=True,
        unit=ref.unit,
        low=ref.low,
        high=ref.high,
        detection_limit=ref.detection_limit,
        limit=ref.permit_limit,
        place=beside.places.get(ref.site),
    )


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch [from_ms, to_ms) of a member."""

    member: int
    from_ms: int
    to_ms: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A finding in instants; `p` None where the test has no chance of its own."""

    test: str
    where: Piece
    statistic: float
    threshold: float
    p: float | None
    strength: float
    kind: str
    evidence: list[Piece]
    figures: dict[str, float | None]
    message_zh: str
    message_en: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch and the findings that speak for it (places in `Answer.findings`), with their score.

    `survives` as in `qc.rules.falsify.combine.Suspicion`.
    """

    where: Piece
    kind: str
    score: float
    survives: bool
    findings: list[int]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What all tests said. `not_run` names what a test lacked that ran nowhere, `left_out` members without a
    regular step; `expected_false` are the suspicions a month brings if nobody cheats.
    """

    findings: list[Said]
    groups: list[Group]
    not_run: dict[str, list[str]]
    left_out: list[int]
    expected_false: float


NOTHING = Answer(findings=[], groups=[], not_run={}, left_out=[], expected_false=0.0)


def inputs_of(members: Sequence[Member]) -> frozenset[str]:
    """What the tests may count on beside the values. Worked example: a member 负荷 → load."""
    names = [member.name.lower() for member in members]
    return frozenset({"load"} if any("load" in name or "负荷" in name for name in names) else ())


def network_of(asked: Asked) -> panels.Network:
    """The rows as the panels of a file need them."""
    readings = Readings(
        np.frombuffer(asked.member, dtype=np.int64),
        np.frombuffer(asked.ts, dtype=np.int64),
        np.frombuffer(asked.value, dtype=np.float64),
        np.frombuffer(asked.flag, dtype=np.int64),
        np.zeros(len(asked.usable), dtype=np.int64),
    )
    known = ordered(readings, len(asked.members))
    usable = np.frombuffer(asked.usable, dtype=np.bool_)[known.rows]
    return panels.Network(known, tuple(asked.members), steps_of(known), resolutions_of(known)[0], usable)


def answered(asked: Asked, tests: Sequence[FalsificationTest]) -> Answer:
    """Run every test. `tests` give the words.

    Worked example: 60 days of two stations, the 40th day of one a copy of the 30th → D1 on that day, a group
    of kind copy-day with a score of 0.9.
    """
    by_id = {test.id: test for test in tests}
    answer = Answer(findings=[], groups=[], not_run={}, left_out=[], expected_false=0.0)
    ran: set[str] = set()
    expected, inputs, network = 0.0, inputs_of(asked.members), network_of(asked)
    for places, start, periods in panels.stretches(network, answer.left_out):
        bare, _ = panels.panel_of(network, places, start, periods)
        panel = replace(bare, extras=extras_of(asked.beside, bare, places))
        report, groups = _spoken(panels.Task(panel, asked.profile, inputs, NO_PICTURE))
        ran |= set(by_id) - set(report.not_run)
        answer.not_run.update({test: list(lacks) for test, lacks in report.not_run.items()})
        expected += report.expected_false
        one, first = _Placed(panel, places, report.findings), len(answer.findings)
        answer.findings.extend(_said(finding, one, by_id[finding.test]) for finding in report.findings)
        answer.groups.extend(_group(group, one, first) for group in groups)
    for test in ran & set(answer.not_run):
        del answer.not_run[test]
    return msgspec.structs.replace(answer, expected_false=expected)


def _spoken(task: panels.Task) -> tuple[Report, Sequence[Suspicion]]:
    said = panels.said(task)
    return said.report, said.groups


@dataclass(frozen=True, slots=True)
class _Placed:
    """A panel, the members in its rows, and what was found in it."""

    panel: Panel
    places: Sequence[int]
    findings: Sequence[Finding]


def _said(finding: Finding, one: _Placed, test: FalsificationTest) -> Said:
    return Said(
        test=finding.test,
        where=_piece(finding.where, one.panel, one.places),
        statistic=_finite(finding.statistic),
        threshold=_finite(finding.threshold),
        p=None if np.isnan(finding.p) else float(finding.p),
        strength=float(finding.strength),
        kind=finding.kind,
        evidence=[_piece(piece, one.panel, one.places) for piece in finding.evidence],
        figures={
            name: float(value) if np.isfinite(value) else None for name, value in finding.figures.items()
        },
        message_zh=f"{test.zh}：{filled(test.text_zh, finding)}",
        message_en=f"{test.en}: {filled(test.text_en, finding)}",
    )


def _group(group: Suspicion, one: _Placed, first: int) -> Group:
    places = {id(finding): first + place for place, finding in enumerate(one.findings)}
    return Group(
        where=_piece(group.where, one.panel, one.places),
        kind=group.kind,
        score=float(group.score),
        survives=bool(group.survives),
        findings=sorted(places[id(finding)] for finding in group.findings),
    )


def _piece(where: Stretch, panel: Panel, places: Sequence[int]) -> Piece:
    start, step = panel.start_ms, panel.step_ms
    return Piece(
        member=int(places[where.row]),
        from_ms=int(start + where.from_i * step),
        to_ms=int(start + where.to_i * step),
    )


def _finite(number: float) -> float:
    """A figure that JSON and PostgreSQL take alike."""
    return float(np.nan_to_num(number))
