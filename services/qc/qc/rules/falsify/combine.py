"""From findings to suspicions: which stretch of which series, of what kind, and how sure.

Promises: a suspicion is a function of the findings and the weights alone; a finding by itself is none unless
its own weight reaches the threshold. Leaves raising and withdrawing to the flows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from qc.rules.falsify.finding import FalsificationTest, Finding, Kind, Stretch


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A stretch of one row whose findings together weigh `score` (0–1); `kind` is that of the heaviest."""

    where: Stretch
    kind: Kind
    score: float
    findings: tuple[Finding, ...]


def score_of(findings: Sequence[Finding], tests: Mapping[str, FalsificationTest]) -> float:
    """1 - Π(1 - weight × strength); of several findings of one test only the strongest counts.

    Source: evidence score (proposal), standards §6.2. Worked example: weights .6 and .5 in full → 0.8.
    """
    strongest: dict[str, float] = {}
    for finding in findings:
        strongest[finding.test] = max(strongest.get(finding.test, 0.0), finding.strength)
    return 1.0 - prod(1.0 - tests[name].weight * share for name, share in strongest.items())


def suspicions(
    findings: Sequence[Finding], tests: Mapping[str, FalsificationTest], threshold: float
) -> list[Suspicion]:
    """The suspicions of a panel, sorted by row and beginning; overlapping findings of one row are one."""
    found: list[Suspicion] = []
    ordered = sorted(findings, key=lambda f: (f.where.row, f.where.from_i))
    group: list[Finding] = []
    for finding in ordered:
        end = max((f.where.to_i for f in group), default=-1)
        if group and (finding.where.row != group[0].where.row or finding.where.from_i > end):
            found += _judged(group, tests, threshold)
            group = []
        group.append(finding)
    return found + _judged(group, tests, threshold)


def _judged(
    group: Sequence[Finding], tests: Mapping[str, FalsificationTest], threshold: float
) -> list[Suspicion]:
    score = score_of(group, tests) if group else 0.0
    if score < threshold:
        return []
    heaviest = max(group, key=lambda f: tests[f.test].weight * f.strength)
    where = Stretch(heaviest.where.row, min(f.where.from_i for f in group), max(f.where.to_i for f in group))
    return [Suspicion(where, heaviest.kind, score, tuple(group))]
