"""The alarm desk as dated data: clocks and levels, suppression, causes, sets, tolerances, who decides.

Promises: pure; every figure of `packs/desk.yaml` carries its source and its days. Leaves who is on duty, and
the time, to the flows.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Literal, Protocol, TypeVar

import msgspec
from contracts.qc import Severity
from standards.regions import is_within

from qc.rules.validity.dated import Dated, in_force, parse

ClockName = Literal["acknowledge", "settle", "decide"]
HoldKind = Literal["rule", "consistency"]


class Clock(Dated, frozen=True, kw_only=True):
    """Within `minutes`, then every `again` minutes the next level, up to `levels`."""

    clock: ClockName
    severity: tuple[Severity, ...]
    minutes: int
    again: int
    levels: int


class SuppressionLimit(Dated, frozen=True, kw_only=True):
    hours: int


class Cause(Dated, frozen=True, kw_only=True):
    id: str
    zh: str
    en: str
    opens_lead: bool = False
    needs_report: bool = False


class AnswerRetention(Dated, frozen=True, kw_only=True):
    """An answer under an Idempotency-Key is kept for so many days."""

    days: int


class ReportClock(Dated, frozen=True, kw_only=True):
    """The unit reports an anomaly within `hours` of its beginning, and repairs it within `repair_hours`."""

    hours: int
    repair_hours: int


class AlarmSet(Dated, frozen=True, kw_only=True):
    id: str
    factors: tuple[str, ...]
    zh: str
    en: str


class Tolerance(Dated, frozen=True, kw_only=True):
    """For these factors (none named: all of them); `digits` counts last digits of the coarser source."""

    relative: float
    digits: int
    factors: tuple[str, ...] = ()


class Decision(Dated, frozen=True, kw_only=True):
    kind: HoldKind
    persons: Literal[1, 2]


class DeskRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    clocks: tuple[Clock, ...]
    suppressions: tuple[SuppressionLimit, ...]
    causes: tuple[Cause, ...]
    reports: tuple[ReportClock, ...]
    answers: tuple[AnswerRetention, ...]
    sets: tuple[AlarmSet, ...]
    tolerances: tuple[Tolerance, ...]
    decisions: tuple[Decision, ...]


@lru_cache(maxsize=1)
def desk_rules() -> DeskRules:
    """The packaged rules of the desk."""
    text = resources.files("qc").joinpath("packs", "desk.yaml").read_text(encoding="utf-8")
    return parse(text, "desk", DeskRules)


One = TypeVar("One", bound=Dated)


def _last(entries: Iterable[One], on: date, what: str) -> One:
    held = in_force(entries, on)
    if not held:
        raise LookupError(f"the desk has no {what} in force on {on}")
    return held[-1]


@lru_cache(maxsize=256)
def clock_of(name: ClockName, severity: Severity, on: date) -> Clock:
    """The clock in force for that severity. LookupError if there is none."""
    fitting = [one for one in desk_rules().clocks if one.clock == name and severity in one.severity]
    return _last(fitting, on, f"clock {name} for {severity}")


def due(clock: Clock, since: datetime) -> datetime:
    """When the first level's time is over. Worked example: raised 08:00, 30 minutes → 08:30."""
    return since + timedelta(minutes=clock.minutes)


def escalated(clock: Clock, level: int, now: datetime) -> tuple[int, datetime | None]:
    """The next level, and when the one after it is asked (None: there is none).

    Worked example: three levels, again every 60 minutes: level 1 at 08:30 → (2, 09:30), level 2 → (3, None).
    """
    raised = min(level + 1, clock.levels)
    return raised, now + timedelta(minutes=clock.again) if raised < clock.levels else None


def longest_suppression(on: date) -> tuple[timedelta, str]:
    """How long anything may be suppressed, and by which rule."""
    limit = _last(desk_rules().suppressions, on, "limit of suppressions")
    return timedelta(hours=limit.hours), limit.source


def causes_on(on: date) -> dict[str, Cause]:
    return {cause.id: cause for cause in in_force(desk_rules().causes, on)}


def answers_kept_since(now: datetime, on: date) -> datetime:
    """Answers given before this instant are not kept any more. Worked example: 30 days before now."""
    return now - timedelta(days=_last(desk_rules().answers, on, "retention of answers").days)


def report_clock(on: date) -> ReportClock:
    """How soon a unit reports what its devices do not transmit."""
    return _last(desk_rules().reports, on, "clock of anomaly reports")


def set_named(name: str, on: date) -> AlarmSet | None:
    return next((one for one in in_force(desk_rules().sets, on) if one.id == name), None)


def persons_for(kind: HoldKind, on: date) -> int:
    """How many persons decide about such a hold."""
    fitting = [one for one in desk_rules().decisions if one.kind == kind]
    return _last(fitting, on, f"decision for {kind}").persons


def tolerance_for(factor: str, on: date) -> Tolerance:
    fitting = [one for one in desk_rules().tolerances if not one.factors or factor in one.factors]
    return _last(sorted(fitting, key=lambda one: bool(one.factors)), on, "tolerance")


def tolerated(one: float, other: float, last_digit: float, rule: Tolerance) -> float:
    """By how much two sources may differ, in their unit.

    Worked example: 50 and 60 with last digit 1, 5 % → max(1, 2.75) = 2.75.
    """
    return max(rule.digits * last_digit, rule.relative * abs(one + other) / 2)


class Shift(Protocol):
    """What is asked of a shift: `DutyShift` fits."""

    @property
    def region(self) -> str: ...
    @property
    def level(self) -> int: ...


AnyShift = TypeVar("AnyShift", bound=Shift)


def on_duty(shifts: Sequence[AnyShift], region: str, level: int) -> AnyShift | None:
    """Of the running shifts the one nearest to the region at this level: its own region's before those above.

    Worked example: shifts of 131000 and 130000, alarm in 131002 → the one of 131000.
    """
    fitting = [one for one in shifts if one.level == level and is_within(region, one.region)]
    return max(
        fitting, key=lambda one: sum(is_within(one.region, far.region) for far in fitting), default=None
    )


class Hiding(Protocol):
    """What is asked of a suppression: `Suppression` fits."""

    @property
    def region(self) -> str: ...
    @property
    def rule(self) -> str | None: ...
    @property
    def series_id(self) -> int | None: ...
    @property
    def site(self) -> str | None: ...


AnyHiding = TypeVar("AnyHiding", bound=Hiding)


def hidden_by(
    active: Iterable[AnyHiding], rule: str, series: int, site: str, region: str
) -> AnyHiding | None:
    """The suppression that keeps this alarm from being raised: everything it names must fit."""
    for one in active:
        fits = one.rule in (None, rule) and one.series_id in (None, series) and one.site in (None, site)
        if fits and is_within(region, one.region):
            return one
    return None


def list_digest(candidates: Sequence[str]) -> str:
    """SHA-256 (hex) of the sorted list, one point a line: what is fixed before the value is known."""
    return hashlib.sha256("\n".join(sorted(candidates)).encode()).hexdigest()


def draw(candidates: Sequence[str], take: int, value: str) -> list[str]:
    """The points that a published random value draws, in order: lowest sha256("value|list digest|point").

    Anybody can recompute it: `printf '%s' "VALUE|DIGEST|POINT" | sha256sum`, sort, take the first `take`.
    """
    digest = list_digest(candidates)
    lot = {
        point: hashlib.sha256(f"{value}|{digest}|{point}".encode()).hexdigest() for point in set(candidates)
    }
    return sorted(lot, key=lambda point: (lot[point], point))[:take]
