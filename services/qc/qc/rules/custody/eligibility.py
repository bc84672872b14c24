"""May an hour of automatic data be evidence: calibrated, normal, unbroken and logged, each with its reasons.

Promises: the answer is a pure function of what is known of the hour; every reason is given, in Chinese and
English, with its clause. Leaves the state of instruments to their registers, and the court's judgement to the
court.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qc.rules.custody.law import CONDITIONS, Condition, Reason
from qc.rules.validity.marks import Edition

GOOD, NOT_EVALUATED, SUSPECT, MISSING = 1, 2, 3, 9


class ToldReason(Protocol):
    """A reason of the registers."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def bars(self) -> bool: ...


class Instruments(Protocol):
    """The state of the instruments behind a series at an instant, as the registers tell it."""

    @property
    def is_calibrated(self) -> bool: ...
    @property
    def reasons(self) -> Sequence[ToldReason]: ...


@dataclass(frozen=True)
class Hour:
    """What is known of one hour of one series. `received_ms` None: nothing was ever received for it."""

    ts_ms: int
    value: float | None
    flag: str
    code: int
    received_ms: int | None
    is_revised: bool


@dataclass(frozen=True)
class Against:
    """One reason against the hour: the condition it fails, and why."""

    condition: Condition
    reason: str
    zh: str
    en: str
    source: str


@dataclass(frozen=True)
class Eligibility:
    """The four conditions of one hour. `is_eligible` is their conjunction."""

    ts_ms: int
    against: tuple[Against, ...]

    def holds(self, condition: Condition) -> bool:
        """Whether nothing speaks against a condition."""
        return all(one.condition != condition for one in self.against)

    @property
    def is_eligible(self) -> bool:
        return all(self.holds(condition) for condition in CONDITIONS)


@dataclass(frozen=True)
class Surroundings:
    """What holds for several hours: reasons of the day's law, marks, rejected proofs [from, to) (ms), and
    since when the evidence log lacks witnesses (None: it does not).
    """

    reasons: dict[str, Reason]
    edition: Edition
    rejected: Sequence[tuple[int, int]]
    unwitnessed_since_ms: int | None


def eligibility(hour: Hour, instruments: Instruments, around: Surroundings) -> Eligibility:
    """Evidence eligibility = calibrated ∧ normal ∧ unbroken chain ∧ logged. Source: LN-15, 辽宁省方案（十）.

    Worked example: 35.0 marked N, code 1, a passed calibration → eligible; the same hour with another value
    told later → not eligible: revised.
    """
    named = [*_normal(hour, around), *_chain(hour, around)]
    against = [_against(around.reasons[id]) for id in named]
    if not instruments.is_calibrated:
        told = [reason for reason in instruments.reasons if reason.bars]
        against += [Against("calibrated", "uncalibrated", r.zh, r.en, r.source) for r in told]
        if not told:
            against.append(_against(around.reasons["uncalibrated"]))
    order = {condition: at for at, condition in enumerate(CONDITIONS)}
    return Eligibility(hour.ts_ms, tuple(sorted(against, key=lambda one: order[one.condition])))


def _against(reason: Reason) -> Against:
    return Against(reason.condition, reason.id, reason.zh, reason.en, reason.source)


def _normal(hour: Hour, around: Surroundings) -> list[str]:
    if hour.received_ms is None or hour.value is None or hour.code == MISSING:
        return ["missing"]
    valid = {mark.letter for mark in around.edition.marks if mark.standing == "valid"}
    found = ["marked"] if hour.flag and hour.flag not in valid else []
    if hour.code == NOT_EVALUATED:
        return [*found, "not_assessed"]
    if hour.code != GOOD:
        found.append("suspect" if hour.code == SUSPECT else "invalid")
    return found


def _chain(hour: Hour, around: Surroundings) -> list[str]:
    found = ["revised"] if hour.is_revised else []
    if any(start <= hour.ts_ms < end for start, end in around.rejected):
        found.append("unproved")
    since = around.unwitnessed_since_ms
    if since is not None and hour.received_ms is not None and hour.received_ms >= since:
        found.append("unwitnessed")
    return found
