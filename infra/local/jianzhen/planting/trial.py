"""One benchmark: a source, seeds, plantings; our tests and the peers on the same panels.

Promises: seeds of the report are none of those that thresholds were looked at with; every suspicion on the
untouched series is listed. Leaves what a report looks like to `told` and `pictures`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.panel import Panel

from jianzhen.planting import judge, peers
from jianzhen.planting.plant import Planted, plant_all
from jianzhen.planting.score import Claim, Score, merged, score, station_months

TUNING_SEEDS = range(1, 11)
REPORT_SEEDS = range(101, 121)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
OURS = "Jianzhen"
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
    """What is to be planted, and for how many of the seeds the peers are asked too (0: for none)."""

    kinds: tuple[Kind, ...]
    seeds: tuple[int, ...]
    each: int
    peer_seeds: int


@dataclass(frozen=True)
class Trial:
    """Everything one source gave. `planted` and `claims` are per seed; `not_run` our tests without inputs."""

    ground: Ground
    wish: Wish
    planted: tuple[Planted, ...]
    claims: tuple[tuple[Claim, ...], ...]
    tools: tuple[Tool, ...]
    missing: dict[str, str]
    not_run: dict[str, tuple[str, ...]]

    @property
    def station_months(self) -> float:
        return station_months(self.ground.panel, self.ground.window)


def plantings(ground: Ground, kinds: Sequence[Kind], seed: int, each: int) -> Planted:
    """The planted panel of one seed: every kind `each` times, in an order of the seed's own.

    Worked example: two calls with seed 101 give the same panel.
    """
    rng = np.random.default_rng([seed, 0])
    order = [kind for kind in kinds for _ in range(each)]
    rng.shuffle(order)
    return plant_all(ground.panel, order, rng, ground.window)


def run(ground: Ground, wish: Wish, tell: Tell) -> Trial:
    """Plant, judge, score. `tell(stage, done, of)` as it goes."""
    planted = []
    for number, seed in enumerate(wish.seeds):
        planted.append(plantings(ground, wish.kinds, seed, wish.each))
        tell("plant", number + 1, len(wish.seeds))
    ours, by_seed, not_run = _ours(ground, planted, tell)
    tools, missing = [ours], peers.missing() if wish.peer_seeds else {}
    if wish.peer_seeds and not missing:
        tools += _peers(ground, planted[: wish.peer_seeds], tell)
    return Trial(ground, wish, tuple(planted), by_seed, tuple(tools), missing, not_run)


def _ours(
    ground: Ground, planted: Sequence[Planted], tell: Tell
) -> tuple[Tool, tuple[tuple[Claim, ...], ...], dict[str, tuple[str, ...]]]:
    begun, today = time.perf_counter(), datetime.now(BEIJING).date()
    panels = [(ground.panel, ()), *((one.panel, one.parameters) for one in planted)]
    said: list[dict[float, list[Claim]]] = []
    not_run: dict[str, tuple[str, ...]] = {}
    for number, (panel, logged) in enumerate(panels):
        report = judge.found(panel, ground.profile, today, logged)
        not_run = dict(report.not_run)
        said.append({one: judge.claims(report, ground.window, one) for one in THRESHOLDS})
        tell("ours", number + 1, len(panels))
    scored = {one: _scored(ground, planted, [claims[one] for claims in said]) for one in THRESHOLDS}
    months = station_months(ground.panel, ground.window)
    curve = tuple(Point(one, scored[one].recall, len(said[0][one]) / months) for one in THRESHOLDS)
    own = judge.THRESHOLD
    tool = Tool(OURS, "", scored[own], tuple(said[0][own]), time.perf_counter() - begun, curve)
    return tool, tuple(tuple(claims[own]) for claims in said[1:]), not_run


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
