"""The rule pack: which rules judge which series with which figures, since when, and on whose authority.

Promises: a pack is dated data (YAML in `qc/packs`), checked against its schema when read; `version` is the
hash of its content, so that a verdict names exactly the rules it was made with. Leaves judging to
`qc.rules.assess`.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Literal

import msgspec
import numpy as np
import yaml
from contracts.ingest import SeriesRef
from contracts.qc import Severity
from numpy.typing import NDArray

from qc.rules import source

PERIOD_MS = {"rtd": 1_000, "min": 60_000, "hour": 3_600_000, "day": 86_400_000}

Function = Literal[
    "is_marked",
    "has_unknown_mark",
    "is_missing",
    "is_out_of_range",
    "is_revised",
    "exceeds_limit",
    "has_step",
    "is_flat",
    "follows_gap",
    "part_exceeds_whole",
    "differs_from_minutes",
    "is_frozen_against_minutes",
]

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "is_marked": (),
    "has_unknown_mark": (),
    "is_missing": (),
    "is_out_of_range": ("low", "high"),
    "is_revised": (),
    "exceeds_limit": ("limit",),
    "has_step": ("limit", "spike", "reach"),
    "is_flat": ("min_run", "reach", "coarse", "min_count", "relative"),
    "follows_gap": ("horizon",),
    "part_exceeds_whole": ("absolute", "relative", "min_run", "reach"),
    "differs_from_minutes": ("min_count", "relative"),
    "is_frozen_against_minutes": ("reach", "relative"),
}
# What a source says of its own value can condemn it, but makes nothing good.
SAID_BY_SOURCE = frozenset({"is_marked", "has_unknown_mark", "is_missing", "is_revised"})
POINTWISE = frozenset({"is_marked", "has_unknown_mark", "is_missing", "is_out_of_range", "is_revised"})


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which series a set of figures is for: every field that is given must match (`*` allowed in factors)."""

    factor: tuple[str, ...] = ()
    period: tuple[Literal["rtd", "min", "hour", "day"], ...] = ()
    statistic: tuple[str, ...] = ()
    site_kind: tuple[str, ...] = ()
    unit: tuple[str, ...] = ()

    def matches(self, ref: SeriesRef) -> bool:
        """Whether the series belongs here. Worked example: factor ("a*",) matches a34004, not w01018."""
        if self.factor and not any(fnmatchcase(ref.factor, pattern) for pattern in self.factor):
            return False
        return all(
            not wanted or has in wanted
            for wanted, has in (
                (self.period, ref.period),
                (self.statistic, ref.statistic),
                (self.site_kind, ref.site_kind),
                (self.unit, ref.unit),
            )
        )


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters for the series that match; the first match of a rule wins. Null: not judged."""

    when: When = When()
    set: dict[str, float | None]


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule contributes to a suspicion: weight × clip((measure - threshold) / (strong - threshold)).

    `hours` counts the hours of the episode on which it fired, `longest` their longest run of equal values,
    `hours_in_run` those inside one run of the constant-value rule it builds on (`of`).
    """

    weight: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    measure: Literal["hours", "longest", "hours_in_run"]
    threshold: float
    strong: float
    source: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule in one period of validity; `number` is its bit in a verdict's `tests`, for ever."""

    id: str
    number: Annotated[int, msgspec.Meta(ge=0, le=61)]
    function: Function
    severity: Severity
    zh: str
    en: str
    text_zh: str
    text_en: str
    source: str
    valid_from: date
    valid_to: date | None = None
    code: Literal[1, 3, 4, 9] | None = None
    masks: bool = False
    alarm: bool = False
    letters: str = ""
    pair: tuple[str, str] | None = None
    of: tuple[str, str] | None = None
    evidence: Evidence | None = None
    parameters: tuple[Figures, ...]

    @property
    def bit(self) -> int:
        return 1 << self.number

    @property
    def verdict(self) -> int:
        """The QARTOD code of a value on which this rule fired."""
        by_severity = {"inform": 1, "suspect": 3, "hold": 3, "case": 3, "invalid": 4}
        return self.code if self.code is not None else by_severity[self.severity]

    def figures_for(self, ref: SeriesRef) -> Mapping[str, float | None] | None:
        """The parameters for a series, or None: the rule does not judge it."""
        return next((entry.set for entry in self.parameters if entry.when.matches(ref)), None)


class Discovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share `q` of false discoveries that is put up with over a network."""

    q: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    source: str
    valid_from: date
    valid_to: date | None = None


class RulePack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Every rule, and the thresholds that turn findings into a suspicion (docs/falsification-tests.md)."""

    id: str
    title_zh: str
    title_en: str
    case_threshold: float
    queue_threshold: float
    join_hours: int
    overdue_periods: Mapping[str, float]
    overdue_days: float
    discoveries: tuple[Discovery, ...]
    score_source: str
    rules: tuple[Rule, ...]

    @cached_property
    def version(self) -> str:
        content = msgspec.json.encode(self, order="sorted")
        return f"{self.id}@{hashlib.sha256(content).hexdigest()[:12]}"

    @cached_property
    def mean_reach_periods(self) -> int:
        """How many hours away the mean of an hour's minutes can still change another hour's verdict: by what
        they say of its neighbours, or because its flat line is borne out, behind which no step is seen.
        """
        rules = [rule for rule in self.rules if rule.function in ("is_frozen_against_minutes", "has_step")]
        return int(max((entry.set["reach"] or 0.0 for rule in rules for entry in rule.parameters), default=0))

    @cached_property
    def vectors(self) -> dict[SeriesRef, NDArray[np.float64]]:
        """Parameters looked up so far, per series (see `qc.rules.frame`)."""
        return {}

    def false_discoveries(self, on: date) -> float:
        """The share of false discoveries in force on a day. LookupError if the pack names none."""
        for one in reversed(self.discoveries):
            if one.valid_from <= on and (one.valid_to is None or on < one.valid_to):
                return one.q
        raise LookupError(f"the rule pack has no share of false discoveries on {on}")

    def named(self, rule_id: str, on: date | None = None) -> Rule:
        """The rule of that id in force on a day (the latest one without a day)."""
        found = [rule for rule in self.rules if rule.id == rule_id]
        if on is not None:
            found = [r for r in found if r.valid_from <= on and (r.valid_to is None or on < r.valid_to)]
        return found[-1]

    @cached_property
    def reach_periods(self) -> dict[str, int]:
        """Per kind of period: how many periods away a value can still change another one's verdict."""
        reach = {}
        for period in PERIOD_MS:
            own = {rule.id: _reach(rule, period) for rule in self.rules}
            built_on = [own[rule.id] + own[rule.of[0]] for rule in self.rules if rule.of]
            flat = [own[rule.id] for rule in self.rules if rule.function == "is_flat"]
            # A step is not seen right behind a flat line; its own reach is two values on each side.
            behind = [
                own[rule.id] // 2 + max(flat, default=0) for rule in self.rules if rule.function == "has_step"
            ]
            reach[period] = max([*own.values(), *built_on, *behind], default=0)
        return reach

    @cached_property
    def in_order(self) -> tuple[int, ...]:
        """The places of the rules: what masks goes first, then flat lines, which steps have to know."""

        def stage(place: int) -> int:
            function = self.rules[place].function
            return 0 if function in POINTWISE else 1 if function == "is_flat" else 2

        return tuple(sorted(range(len(self.rules)), key=stage))

    @cached_property
    def by_verdict(self) -> tuple[int, ...]:
        """The places of the rules, from the mildest verdict to the worst."""
        return tuple(sorted(range(len(self.rules)), key=lambda place: self.rules[place].verdict))


def _reach(rule: Rule, period: str) -> int:
    reaches = [0.0]
    for entry in rule.parameters:
        if entry.when.period and period not in entry.when.period:
            continue
        figures = {name: value or 0.0 for name, value in entry.set.items()}
        if rule.function == "has_step":
            reaches.append(2 * figures["reach"])
        elif rule.function in ("is_flat", "part_exceeds_whole"):
            reaches.append((figures["min_run"] - 1) * figures["reach"])
        elif rule.function == "is_frozen_against_minutes":
            reaches.append(figures["reach"])
        elif rule.function == "follows_gap":
            reaches.append(figures["horizon"])
    return int(max(reaches))


def read_pack(text: str) -> RulePack:
    """Read and check a pack; ValueError names the first thing that is wrong."""
    try:
        pack = msgspec.convert(yaml.load(text, Loader=yaml.CSafeLoader), RulePack)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"rule pack: {error}") from error
    return checked(pack)


def checked(pack: RulePack) -> RulePack:
    """The pack itself, if its rules agree with each other; ValueError names the first that does not."""
    for rule in pack.rules:
        _check(rule, pack)
    return pack


def _check(rule: Rule, pack: RulePack) -> None:
    for entry in rule.parameters:
        if set(entry.set) != set(PARAMETERS[rule.function]):
            raise ValueError(
                f"rule pack: {rule.id} needs exactly {PARAMETERS[rule.function]}, has {entry.set}"
            )
        if rule.function == "is_flat" and (entry.set["min_run"] or 2) < 2:
            raise ValueError(f"rule pack: {rule.id}: a run has two values or more")
    if rule.masks != (rule.function in POINTWISE and rule.verdict in (4, 9)):
        raise ValueError(
            f"rule pack: {rule.id}: what makes a single value bad masks it, and nothing else does"
        )
    if rule.of and not set(rule.of) <= {earlier.id for earlier in pack.rules}:
        raise ValueError(f"rule pack: {rule.id} builds on unknown rules {rule.of}")
    for other in pack.rules:
        if (other.id == rule.id) != (other.number == rule.number):
            raise ValueError(f"rule pack: {rule.id} and {other.id} mix up id and number")
        if other is not rule and other.id == rule.id and _overlap(rule, other):
            raise ValueError(f"rule pack: two versions of {rule.id} are in force on the same day")


def _overlap(one: Rule, other: Rule) -> bool:
    return (one.valid_to is None or other.valid_from < one.valid_to) and (
        other.valid_to is None or one.valid_from < other.valid_to
    )


def load_pack(name: str = "core") -> RulePack:
    """The pack of that name, from what the process judges with (`qc.rules.source`)."""
    return read_pack(source.text(f"{name}.yaml"))


@source.once
def core_pack() -> RulePack:
    """The core pack of the rules the process judges with."""
    return load_pack()
