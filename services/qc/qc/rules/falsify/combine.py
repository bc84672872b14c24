"""From findings to suspicions: which stretch of which series, of what kind, and how sure.

Promises: a suspicion is a function of the findings and the weights alone; a finding by itself is none unless
its own weight reaches the threshold. Leaves raising and withdrawing to the flows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, prod

from qc.rules.falsify.finding import FalsificationTest, Finding, Kind, Stretch
from qc.rules.falsify.history import overlap


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A stretch of one row whose findings together weigh `score` (0–1); `kind` is that of the heaviest.

    `survives`: one of its findings is a discovery over the whole network, too; a case may be opened without
    asking an analyst first.
    """

    where: Stretch
    kind: Kind
    score: float
    findings: tuple[Finding, ...]
    survives: bool = True


def score_of(findings: Sequence[Finding], tests: Mapping[str, FalsificationTest]) -> float:
    """1 - Π(1 - weight × strength); of several findings of one test only the strongest counts.

    Source: evidence score (proposal), standards §6.2. Worked example: weights .6 and .5 in full → 0.8.
    """
    strongest: dict[str, float] = {}
    for finding in findings:
        strongest[finding.test] = max(strongest.get(finding.test, 0.0), finding.strength)
    return 1.0 - prod(1.0 - tests[name].weight * share for name, share in strongest.items())


def discovery_limit(p: Sequence[float], looks: int, q: float) -> float:
    """The largest p that is a discovery among `looks` looks (Benjamini and Hochberg 1995), 0 if none is.

    NaN (tests without a p-value) are left out. Source: standards §6.1, multiple testing, q = 0.05.
    Worked example: p = .0001, .004, .3 in 100 looks at q = .05 → .0001.
    """
    ordered = sorted(value for value in p if not isnan(value))
    passed = [value for rank, value in enumerate(ordered, start=1) if value <= rank * q / max(looks, 1)]
    return passed[-1] if passed else 0.0


def suspicions(
    findings: Sequence[Finding],
    tests: Mapping[str, FalsificationTest],
    threshold: float,
    looks: int = 0,
    q: float = 0.05,
) -> list[Suspicion]:
    """The suspicions of a panel, sorted by row and beginning; `looks` as in `catalogue.Report`, 0
    = no control.

    The heaviest finding of a row names stretch and kind; what overlaps it speaks for it too. What is left is
    judged in the same way, so that a year-long finding does not swallow the day in it.
    Worked example: K1 on hours 100–140 and D1 on 90–150 of a row are one suspicion, D1 on 900–940 another.
    """
    limit = discovery_limit([f.p for f in findings], looks, q) if looks else 1.0
    by_row: dict[int, list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: (f.where.from_i, f.where.to_i, f.test)):
        by_row.setdefault(finding.where.row, []).append(finding)
    found: list[Suspicion] = []
    for row in sorted(by_row):
        left = by_row[row]
        while left:
            first = max(left, key=lambda f: (tests[f.test].weight * f.strength, f.statistic))
            group = [f for f in left if f is first or overlap(f.where, first.where)]
            score = score_of(group, tests)
            if score >= threshold:
                survives = any(not f.p > limit for f in group if f.strength > 0)
                found.append(Suspicion(first.where, first.kind, score, tuple(group), survives))
            left = [f for f in left if all(f is not other for other in group)]
    return sorted(found, key=lambda s: (s.where.row, s.where.from_i))
