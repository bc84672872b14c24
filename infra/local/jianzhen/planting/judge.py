"""Our own tests as one of the judged tools: findings once, suspicions at any threshold.

Promises: uses the tests as a station's owner would, with the inputs the panel has. Leaves the tests to
`qc.rules.falsify`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

from qc.rules.falsify import catalogue, combine
from qc.rules.falsify.combine import Suspicion
from qc.rules.falsify.extras import Extras, ParameterChange
from qc.rules.falsify.finding import FalsificationTest, Finding
from qc.rules.falsify.panel import Panel

from jianzhen.planting.scene import ParameterRecord, role_of
from jianzhen.planting.score import Claim

THRESHOLD = 0.8
LEARNED = "learned"


@cache
def known_tests() -> tuple[FalsificationTest, ...]:
    """Every packaged test."""
    return catalogue.load()


def found(panel: Panel, profile: str, on: date, logged: Sequence[ParameterRecord] = ()) -> catalogue.Report:
    """What every test in force on a day says about a panel, whose instruments' logs say `logged`.

    The learned detector is asked by `learned`, not here.
    """
    changes = tuple(
        ParameterChange(one.row, one.at_i, one.name, one.before, one.after, one.before, False)
        for one in logged
    )
    panel = replace(panel, extras=Extras(changes=changes or None))
    has_load = any(role_of(factor) == "load" for factor in panel.factor)
    have = catalogue.inputs_of(panel) | ({"load"} if has_load else frozenset())
    return catalogue.run(panel, profile, known_tests(), on, have)


def learned(panel: Panel, profile: str, on: date) -> tuple[Finding, ...]:
    """What the learned detector says about a panel."""
    asked = [test for test in known_tests() if LEARNED in test.needs]
    have = catalogue.inputs_of(panel) | {LEARNED}
    return catalogue.run(panel, profile, asked, on, have).findings


def claims(report: catalogue.Report, window: tuple[int, int], threshold: float = THRESHOLD) -> list[Claim]:
    """The suspicions that reach into a window."""
    tests = {test.id: test for test in known_tests()}
    return [
        claim_of(one, tests, threshold)
        for one in combine.suspicions(report.findings, tests, threshold)
        if one.where.to_i > window[0] and one.where.from_i < window[1]
    ]


def claim_of(suspicion: Suspicion, tests: Mapping[str, FalsificationTest], threshold: float) -> Claim:
    """A suspicion as a claim; known when the findings that had ended by then reach the threshold."""
    ordered = sorted(suspicion.findings, key=lambda finding: finding.where.to_i)
    known = next(
        (
            finding.where.to_i
            for number, finding in enumerate(ordered)
            if combine.score_of(ordered[: number + 1], tests) >= threshold
        ),
        suspicion.where.to_i,
    )
    return Claim(
        suspicion.where.row, suspicion.where.from_i, suspicion.where.to_i, suspicion.kind,
        tuple(sorted({finding.test for finding in suspicion.findings})), known, suspicion.score,
    )  # fmt: skip
