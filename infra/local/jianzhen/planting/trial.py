"""One benchmark: a source, seeds, plantings; our tests and the peers on the same panels.

Promises: seeds of the report are none of those that thresholds were looked at with; every suspicion on the
untouched series is listed. Leaves what a report looks like to `told` and `pictures`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from math import ceil, prod, sqrt

import numpy as np
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.panel import HOUR_MS, Panel

from jianzhen.planting import judge, oracle, peers
from jianzhen.planting.plant import Planted, plant_all
from jianzhen.planting.scene import PLANTERS, UNTOUCHED, role_of
from jianzhen.planting.score import Claim, KindScore, Score, merged, score, station_months

TUNING_SEEDS = range(1, 11)
REPORT_SEEDS = range(101, 121)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
# The share of the values of a planted panel that is falsified at most, in the mean.
CROWDED = 0.15
# The recall a kind is to reach; of kinds below it the judge who knows the place is asked.
WANTED_RECALL = 0.90
OURS = "Jianzhen"
WITH_LEARNED = "Jianzhen + L1"
BEIJING = timezone(timedelta(hours=8))
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Ground:
    """A source to plant into: a panel, its profile, the periods reported on, the rows with assumed limits."""

    name: str
    profile: str
    panel: Panel
    window: tuple[int, int]
    assumed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold on the curve: mean recall over kinds, false suspicions per station-month."""

    threshold: float
    recall: float
    false_rate: float


@dataclass(frozen=True)
class Tool:
    """How one tool did: planted files together, and its claims on the untouched panel."""

    name: str
    version: str
    score: Score
    untouched: tuple[Claim, ...]
    seconds: float
    curve: tuple[Point, ...] = ()
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be planted, and for how many of the seeds the peers are asked too (0: for none).

    `learned`: our tests are also counted with the learned detector beside them.
    """

    kinds: tuple[Kind, ...]
    seeds: tuple[int, ...]
    each: int
    peer_seeds: int
    learned: bool = False


@dataclass(frozen=True)
class Trial:
    """Everything one source gave. `planted` and `claims` are per planted panel; `not_run` our tests without
    inputs.
    """

    ground: Ground
    wish: Wish
    planted: tuple[Planted, ...]
    claims: tuple[tuple[Claim, ...], ...]
    tools: tuple[Tool, ...]
    missing: dict[str, str]
    not_run: dict[str, tuple[str, ...]]
    # Per kind below the wanted recall what a judge who knows the place would tell at most.
    oracle: dict[Kind, float] = field(default_factory=dict)
    # Per such kind how our tests did on the plantings that this judge tells, and on no others.
    traced: tuple[KindScore, ...] = ()

    @property
    def station_months(self) -> float:
        return station_months(self.ground.panel, self.ground.window)


def sheets(ground: Ground, kinds: Sequence[Kind], each: int) -> int:
    """Into how many copies of the panel the plantings of a seed are dealt, so that in the mean no more than
    CROWDED of the values that can be falsified are: a short file that is falsified from end to end has no
    honest history, and shows how tests do on such a file only.

    Worked example: twenty kinds twice into seventy-two rows of a year → 1; into two rows → some ten.
    """
    panel, (first, last) = ground.panel, ground.window
    rows = sum(role_of(factor) not in UNTOUCHED for factor in panel.factor)
    ways = [PLANTERS[kind] for kind in kinds]
    hours = panel.step_ms / HOUR_MS
    long = sum(sqrt(prod(way.hours)) / hours if hours <= 1 else sqrt(prod(way.periods)) for way in ways)
    wanted = ceil(each * long / (CROWDED * max(1, rows) * max(1, last - first)))
    return max(1, min(each * len(kinds), wanted))


def plantings(ground: Ground, kinds: Sequence[Kind], seed: int, each: int) -> list[Planted]:
    """The planted panels of one seed: every kind `each` times in all, in an order of the seed's own.

    Worked example: two calls with seed 101 give the same panels.
    """
    rng = np.random.default_rng([seed, 0])
    order = [kind for kind in kinds for _ in range(each)]
    rng.shuffle(order)
    many = sheets(ground, kinds, each)
    return [plant_all(ground.panel, order[one::many], rng, ground.window) for one in range(many)]


def run(ground: Ground, wish: Wish, tell: Tell) -> Trial:
    """Plant, judge, score. `tell(stage, done, of)` as it goes."""
    planted: list[Planted] = []
    for number, seed in enumerate(wish.seeds):
        planted += plantings(ground, wish.kinds, seed, wish.each)
        tell("plant", number + 1, len(wish.seeds))
    ours, by_seed, not_run = _ours(ground, planted, tell, wish.learned)
    tools, missing = [*ours], peers.missing() if wish.peer_seeds else {}
    if wish.peer_seeds and not missing:
        asked = wish.peer_seeds * sheets(ground, wish.kinds, wish.each)
        tools += _peers(ground, planted[:asked], tell)
    short = {one.kind for one in ours[0].score.kinds if one.recall < WANTED_RECALL}
    judged = oracle.told(ground.panel, planted, short)
    traced = _scored(ground, with_trace(planted, judged), [ours[0].untouched, *by_seed]).kinds
    return Trial(
        ground, wish, tuple(planted), by_seed, tuple(tools), missing, not_run, oracle.shares(judged), traced
    )


def with_trace(planted: Sequence[Planted], judged: Mapping[Kind, Sequence[oracle.Told]]) -> list[Planted]:
    """The planted panels with the truths that the judge who knows the place tells, and no others.

    Worked example: a kind that he was not asked of, or that he never tells, has no truth left.
    """
    told = {(one.sheet, one.number) for some in judged.values() for one in some if one.told}
    return [
        replace(one, truths=tuple(truth for truth in one.truths if (sheet, truth.planting) in told))
        for sheet, one in enumerate(planted)
    ]


def _ours(
    ground: Ground, planted: Sequence[Planted], tell: Tell, learned: bool
) -> tuple[list[Tool], tuple[tuple[Claim, ...], ...], dict[str, tuple[str, ...]]]:
    begun, today, beside = time.perf_counter(), datetime.now(BEIJING).date(), 0.0
    panels = [(ground.panel, ()), *((one.panel, one.parameters) for one in planted)]
    said: list[dict[float, list[Claim]]] = []
    with_learned: list[dict[float, list[Claim]]] = []
    not_run: dict[str, tuple[str, ...]] = {}
    for number, (panel, logged) in enumerate(panels):
        report = judge.found(panel, ground.profile, today, logged)
        not_run = dict(report.not_run)
        said.append({one: judge.claims(report, ground.window, one) for one in THRESHOLDS})
        if learned:
            since = time.perf_counter()
            more = replace(report, findings=report.findings + judge.learned(panel, ground.profile, today))
            with_learned.append({one: judge.claims(more, ground.window, one) for one in THRESHOLDS})
            beside += time.perf_counter() - since
        tell("ours", number + 1, len(panels))
    seconds = time.perf_counter() - begun - beside
    tools = [_counted(OURS, ground, planted, said, seconds)]
    if learned:
        tools.append(_counted(WITH_LEARNED, ground, planted, with_learned, seconds + beside))
    return tools, tuple(tuple(claims[judge.THRESHOLD]) for claims in said[1:]), not_run


def _counted(
    name: str,
    ground: Ground,
    planted: Sequence[Planted],
    said: Sequence[dict[float, list[Claim]]],
    seconds: float,
) -> Tool:
    """A tool of our own at every threshold; `said` of the untouched panel first, then of each planted one."""
    scored = {one: _scored(ground, planted, [claims[one] for claims in said]) for one in THRESHOLDS}
    months = station_months(ground.panel, ground.window)
    curve = tuple(Point(one, scored[one].recall, len(said[0][one]) / months) for one in THRESHOLDS)
    own = judge.THRESHOLD
    return Tool(name, "", scored[own], tuple(said[0][own]), seconds, curve)


def _peers(ground: Ground, planted: Sequence[Planted], tell: Tell) -> list[Tool]:
    found = peers.run(ground.panel, planted, ground.window, lambda done, of: tell("peers", done, of))
    return [
        Tool(
            one.name, one.version, _scored(ground, planted, one.claims), one.claims[0], one.seconds,
            trouble=one.trouble,
        )
        for one in found
    ]  # fmt: skip


def _scored(ground: Ground, planted: Sequence[Planted], claims: Sequence[Sequence[Claim]]) -> Score:
    """`claims` of the untouched panel first, then of each planted one."""
    step = ground.panel.step_ms
    files = zip(planted, claims[1:], strict=True)
    return merged([score(said, one.truths, step, claims[0]) for one, said in files])
