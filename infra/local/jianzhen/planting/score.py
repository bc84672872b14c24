"""How well suspicions meet the truth: recall per kind, precision, false suspicions, delay.

Promises: one rule for every tool. A claim counts for a planting when it lies on one of its rows, overlaps
it, is not so long that it says nothing, and was not made on the untouched series as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.panel import DAY_MS, HOUR_MS, Panel

from jianzhen.planting.plant import Truth

# A claim may be longer than what it is about, within reason: a month, or four times as long.
LONG_DAYS, LONG_TIMES = 31, 4
SAME = 0.8
MONTH_DAYS = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Claim:
    """A tool says periods [from_i, to_i) of a row are falsified; `kind` "" where it does not say how.

    `known_i`: the period by whose end it could say so; `score` 0–1 (1 for tools without one).
    """

    row: int
    from_i: int
    to_i: int
    kind: Kind | str
    tests: tuple[str, ...]
    known_i: int
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class KindScore:
    """One kind: how many were planted, found, found and named rightly; delays in hours of those found."""

    kind: Kind
    planted: int
    found: int
    named: int
    delays: tuple[float, ...]

    @property
    def recall(self) -> float:
        """Found of planted."""
        return self.found / self.planted

    @property
    def delay(self) -> float:
        """Median hours from the first falsified value to the suspicion; NaN if nothing was found."""
        return median(self.delays) if self.delays else float("nan")


@dataclass(frozen=True, slots=True)
class Score:
    """Kinds, the worst first; how many claims were right of all; per test how many right claims it is in."""

    kinds: tuple[KindScore, ...]
    right: int
    claims: int
    by_test: tuple[tuple[str, int, int], ...]

    @property
    def recall(self) -> float:
        """The mean over kinds: a kind is a kind, however often planted."""
        return sum(one.recall for one in self.kinds) / len(self.kinds) if self.kinds else float("nan")

    @property
    def precision(self) -> float:
        """Right claims of all claims; NaN without any."""
        return self.right / self.claims if self.claims else float("nan")


def station_months(panel: Panel, window: tuple[int, int]) -> float:
    """Stations × months of a window. Worked example: 12 stations, 396 days → 156.1."""
    return len(panel.of_station) * (window[1] - window[0]) * panel.step_ms / DAY_MS / MONTH_DAYS


def score(
    found: Sequence[Claim], truths: Sequence[Truth], step_ms: int, before: Sequence[Claim] = ()
) -> Score:
    """Judge the claims on a planted panel; `before` are the same tool's on the untouched one.

    Worked example: a claim on hours 90–110 of row 3 finds a freeze on hours 100–124 of row 3, delay 10 h if
    known at hour 110.
    """
    old = _Old(before)
    new = [claim for claim in found if claim not in old]
    right = {number for number, claim in enumerate(new) if any(meets(claim, one, step_ms) for one in truths)}
    plantings: dict[int, list[Truth]] = {}
    for truth in truths:
        plantings.setdefault(truth.planting, []).append(truth)
    by_kind: dict[Kind, list[tuple[bool, bool, float]]] = {}
    for planted in plantings.values():
        by_kind.setdefault(planted[0].kind, []).append(_outcome(planted, new, step_ms))
    kinds = [
        KindScore(
            kind, len(all_), sum(hit for hit, _, _ in all_), sum(named for _, named, _ in all_),
            tuple(delay for hit, _, delay in all_ if hit),
        )
        for kind, all_ in by_kind.items()
    ]  # fmt: skip
    tests = sorted({test for claim in found for test in claim.tests})
    by_test = tuple(
        (
            test,
            sum(test in new[number].tests for number in right),
            sum(test in claim.tests for claim in found),
        )
        for test in tests
    )
    kinds.sort(key=lambda one: (one.recall, one.kind))
    return Score(tuple(kinds), len(right), len(found), by_test)


def merged(scores: Sequence[Score]) -> Score:
    """Several files as one."""
    kinds: dict[Kind, KindScore] = {}
    tests: dict[str, tuple[int, int]] = {}
    for one in scores:
        for kind in one.kinds:
            old = kinds.get(kind.kind, KindScore(kind.kind, 0, 0, 0, ()))
            kinds[kind.kind] = KindScore(
                kind.kind, old.planted + kind.planted, old.found + kind.found, old.named + kind.named,
                old.delays + kind.delays,
            )  # fmt: skip
        for test, right, all_ in one.by_test:
            before = tests.get(test, (0, 0))
            tests[test] = (before[0] + right, before[1] + all_)
    return Score(
        tuple(sorted(kinds.values(), key=lambda one: (one.recall, one.kind))),
        sum(one.right for one in scores),
        sum(one.claims for one in scores),
        tuple((test, *counts) for test, counts in sorted(tests.items())),
    )


def meets(claim: Claim, truth: Truth, step_ms: int) -> bool:
    """Does the claim speak about the truth: same row, overlapping, not endless."""
    length, own = claim.to_i - claim.from_i, truth.to_i - truth.from_i
    return (
        claim.row == truth.row
        and claim.from_i < truth.to_i
        and truth.from_i < claim.to_i
        and length <= max(LONG_TIMES * own, LONG_DAYS * DAY_MS // step_ms)
    )


def _outcome(planted: Sequence[Truth], new: Sequence[Claim], step_ms: int) -> tuple[bool, bool, float]:
    """Found, rightly named, and the delay in hours."""
    hits = [claim for claim in new if any(meets(claim, one, step_ms) for one in planted)]
    begin = min(one.from_i for one in planted)
    # What was known before the falsification began is no detection of it, but the claim's end may be.
    delays = [(max(claim.known_i, begin) - begin) * step_ms / HOUR_MS for claim in hits]
    named = any(claim.kind == planted[0].kind for claim in hits)
    return bool(hits), named, min(delays, default=float("nan"))


class _Old:
    """Claims on the untouched series: one of the same row and kind with nearly the same stretch is in."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        stretches: dict[tuple[int, str], list[tuple[int, int]]] = {}
        for claim in claims:
            stretches.setdefault((claim.row, claim.kind), []).append((claim.from_i, claim.to_i))
        self._ends = {key: np.array(pairs).T for key, pairs in stretches.items()}

    def __contains__(self, claim: Claim) -> bool:
        if (claim.row, claim.kind) not in self._ends:
            return False
        begins, ends = self._ends[claim.row, claim.kind]
        shared = np.minimum(ends, claim.to_i) - np.maximum(begins, claim.from_i)
        whole = np.maximum(ends, claim.to_i) - np.minimum(begins, claim.from_i)
        return bool((shared >= SAME * whole).any())
