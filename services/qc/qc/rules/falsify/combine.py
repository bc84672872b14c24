"""From findings to suspicions: which stretch of which series, of what kind, and how sure.

Promises: a suspicion is a function of the findings and the weights alone; a finding by itself is none unless
its own weight reaches the threshold. Leaves raising and withdrawing to the flows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, prod
from typing import NamedTuple

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


class Control(NamedTuple):
    """Among how many `looks` (as in `catalogue.Report`) a share `q` of the discoveries may be false."""

    looks: int
    q: float


def score_of(findings: Sequence[Finding], tests: Mapping[str, FalsificationTest]) -> float:
    """1 - Π(1 - weight × strength) over witnesses; of what one test, or tests of one witness, say, only the
    strongest counts: a level off the network and off the other factors is one level.

    Source: evidence score (proposal), standards §6.2. Worked example: weights .6 and .5 in full → 0.8.
    """
    strongest: dict[str, float] = {}
    for finding in findings:
        name = tests[finding.test].witness or finding.test
        strongest[name] = max(strongest.get(name, 0.0), _weight(finding, tests))
    return 1.0 - prod(1.0 - said for said in strongest.values())


def discovery_limit(p: Sequence[float], looks: int, q: float) -> float:
    """The largest p that is a discovery among `looks` looks (Benjamini and Hochberg 1995), 0 if none is.

    NaN (tests without a p-value) are left out. Source: standards §6.1, multiple testing; q is dated data.
    Worked example: p = .0001, .004, .3 in 100 looks at q = .05 → .0001.
    """
    ordered = sorted(value for value in p if not isnan(value))
    passed = [value for rank, value in enumerate(ordered, start=1) if value <= rank * q / max(looks, 1)]
    return passed[-1] if passed else 0.0


def suspicions(
    findings: Sequence[Finding],
    tests: Mapping[str, FalsificationTest],
    threshold: float,
    control: Control | None = None,
) -> list[Suspicion]:
    """The suspicions of a panel, sorted by row and beginning; without `control` every finding survives.

    The heaviest finding of a row (of equal ones the shortest) names kind, its test the stretch; what overlaps
    it speaks for it too, in full if both lie in each other by half: a weak month says little of each of its
    days. What is left is judged in the same way, so that a year-long finding does not swallow the day in it.
    Worked example: K1 on hours 100–140 and D1 on 90–150 of a row are one suspicion, D1 on 900–940 another.
    """
    limit = 1.0 if control is None else discovery_limit([f.p for f in findings], *control)
    by_row: dict[int, list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: (f.where.from_i, f.where.to_i, f.test)):
        by_row.setdefault(finding.where.row, []).append(finding)
    found: list[Suspicion] = []
    for row in sorted(by_row):
        left = by_row[row]
        while left:
            first = max(left, key=lambda f: (_weight(f, tests), f.where.from_i - f.where.to_i, f.statistic))
            group = [f for f in left if f is first or overlap(f.where, first.where)]
            own = [f for f in group if f.test == first.test and _weight(f, tests) >= _weight(first, tests)]
            where = max((f.where for f in own), key=lambda w: w.to_i - w.from_i)
            group = [f for f in left if overlap(f.where, where)]
            score = score_of([_beside(f, first.where) for f in group], tests)
            if score >= threshold:
                survives = any(not f.p > limit for f in group if f.strength > 0)
                found.append(Suspicion(where, first.kind, score, tuple(group), survives))
            left = [f for f in left if all(f is not other for other in group)]
    return sorted(found, key=lambda s: (s.where.row, s.where.from_i))


def _beside(finding: Finding, where: Stretch) -> Finding:
    """The finding as it speaks for a stretch: its strength by twice what both share of the longer one."""
    mine = finding.where
    common = min(mine.to_i, where.to_i) - max(mine.from_i, where.from_i)
    longer = max(mine.to_i - mine.from_i, where.to_i - where.from_i, 1)
    return replace(finding, strength=finding.strength * min(1.0, 2.0 * common / longer))


def _weight(finding: Finding, tests: Mapping[str, FalsificationTest]) -> float:
    return tests[finding.test].weight * finding.strength
