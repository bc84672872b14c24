"""Our own tests as one of the judged tools: findings once, suspicions at any threshold.

Promises: uses the tests as a station's owner would, with the inputs the panel has. Leaves the tests to
`qc.rules.falsify`.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources

import numpy as np
from qc.rules import falsify
from qc.rules.falsify import catalogue, combine
from qc.rules.falsify.combine import Suspicion
from qc.rules.falsify.finding import FalsificationTest
from qc.rules.falsify.panel import Panel

from jianzhen.planting.scene import role_of
from jianzhen.planting.score import Claim

THRESHOLD = 0.8


def inputs(panel: Panel) -> frozenset[str]:
    """Which inputs a panel has, by the names the tests ask for."""
    has = {
        "marks": bool((panel.mark != 0).any()),
        "limit": bool(np.isfinite(panel.limit).any()),
        "place": bool(np.isfinite(panel.place).all()),
        "network": len(panel.of_station) > 1,
        "load": any(role_of(factor) == "load" for factor in panel.factor),
    }
    return frozenset(name for name, there in has.items() if there)


@cache
def known_tests() -> tuple[FalsificationTest, ...]:
    """Every packaged test, its function registered."""
    for module in pkgutil.iter_modules(falsify.__path__):
        importlib.import_module(f"{falsify.__name__}.{module.name}")
    folder = resources.files("qc").joinpath("packs", "falsification")
    return catalogue.load() if folder.is_dir() else ()


def found(panel: Panel, profile: str, on: date) -> catalogue.Report:
    """What every test in force on a day says about a panel."""
    return catalogue.run(panel, profile, known_tests(), on, inputs(panel))


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
