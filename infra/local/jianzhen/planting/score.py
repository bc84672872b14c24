"""How well suspicions meet the truth: recall per kind, precision, false suspicions, delay.

Promises: one rule for every tool. A claim counts for a planting when it lies on one of its rows, overlaps
it, is not so long that it says nothing, and was not made on the untouched series as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.panel import DAY_MS, HOUR_MS, Panel

from jianzhen.planting.plant import Truth

# A claim may be longer than what it is about, within reason: a month, or four times as long.
LONG_DAYS, LONG_TIMES = 31, 4
# What claims must tell of a falsification together: a tenth of it, or a day.
PART = 0.1
MONTH_DAYS = 365.25 / 12
_Spans = dict[tuple[int, str], list[tuple[int, int]]]


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
    old = _spans(before)
    by_row: dict[int, list[Claim]] = {}
    for claim in found:
        by_row.setdefault(claim.row, []).append(claim)
    plantings: dict[int, list[Truth]] = {}
    for truth in truths:
        plantings.setdefault(truth.planting, []).append(truth)
    right: set[Claim] = set()
    by_kind: dict[Kind, list[tuple[bool, bool, float]]] = {}
    for planted in plantings.values():
        hits = [hit for one in planted for hit in _hits(one, by_row.get(one.row, ()), old, step_ms)]
        right.update(hits)
        by_kind.setdefault(planted[0].kind, []).append(_outcome(planted, hits, step_ms))
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
            sum(test in claim.tests for claim in right),
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


def _hits(truth: Truth, claims: Sequence[Claim], old: _Spans, step_ms: int) -> list[Claim]:
    """The claims that tell something new of a truth; none if together they tell too little of it."""
    length = truth.to_i - truth.from_i
    told, hits = np.zeros(length, dtype=np.bool_), []
    for claim in claims:
        if not meets(claim, truth, step_ms):
            continue
        fresh = np.zeros(length, dtype=np.bool_)
        fresh[max(0, claim.from_i - truth.from_i) : max(0, claim.to_i - truth.from_i)] = True
        for begin, end in old.get((claim.row, claim.kind), ()):
            fresh[max(0, begin - truth.from_i) : max(0, end - truth.from_i)] = False
        if fresh.any():
            told |= fresh
            hits.append(claim)
    needed = min(math.ceil(PART * length), max(1, DAY_MS // step_ms))
    return hits if told.sum() >= needed else []


def _outcome(planted: Sequence[Truth], hits: Sequence[Claim], step_ms: int) -> tuple[bool, bool, float]:
    """Found, rightly named, and the delay in hours."""
    begin = min(one.from_i for one in planted)
    # What was known before the falsification began is no detection of it, but the claim's end may be.
    delays = [(max(claim.known_i, begin) - begin) * step_ms / HOUR_MS for claim in hits]
    named = any(claim.kind == planted[0].kind for claim in hits)
    return bool(hits), named, min(delays, default=float("nan"))


def _spans(claims: Sequence[Claim]) -> _Spans:
    spans: _Spans = {}
    for claim in claims:
        spans.setdefault((claim.row, claim.kind), []).append((claim.from_i, claim.to_i))
    return spans
