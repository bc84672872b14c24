"""Events of `qc`: verdicts, alarms and their desk, holds, checks, suspicions, findings, scores, proofs."""

from typing import ClassVar, Literal

import msgspec

from contracts.envelope import TELEMETRY_LANES, Event
from contracts.ingest import SeriesRef

Severity = Literal["inform", "suspect", "invalid", "hold", "case"]


class Assessed(Event, frozen=True, kw_only=True):
    """Verdicts as columns. `code` is QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 bad, 9 missing.

    `tests[i]` is the bit set of the rules that spoke (bit n = rule number n of `rule_pack`); `revision[i]`
    counts the verdicts on that value, so a higher revision replaces a lower one in any order of arrival.
    `by[i]` is the place in `traces` of the reading that gave this verdict (-1: none); empty in older events.
    """

    PRODUCER: ClassVar[str] = "qc"
    LANES: ClassVar[int] = TELEMETRY_LANES

    rule_pack: str
    assessed_at_ms: int
    traces: list[str]
    series: list[SeriesRef]
    at: list[int]
    ts_ms: list[int]
    value: list[float | None]
    decimals: list[int]
    code: list[int]
    tests: list[int]
    revision: list[int]
    sent_at_ms: list[int]
    by: list[int] = msgspec.field(default_factory=list)


class AlarmRaised(Event, frozen=True, kw_only=True):
    """Something to look at now: one rule, one series, one window."""

    PRODUCER: ClassVar[str] = "qc"

    alarm_id: str
    rule: str
    rule_pack: str
    severity: Severity
    series: SeriesRef
    from_ms: int
    to_ms: int
    value: float | None
    threshold: float | None
    message_zh: str
    message_en: str
    source_clause: str
    raised_at_ms: int


class AlarmWithdrawn(Event, frozen=True, kw_only=True):
    """The values now known no longer support the alarm."""

    PRODUCER: ClassVar[str] = "qc"

    alarm_id: str
    site: str
    region: str
    reason_zh: str
    reason_en: str
    withdrawn_at_ms: int


class DeskStepTaken(Event, frozen=True, kw_only=True):
    """Somebody, or the clock, did something about an alarm or a hold: every step is said once, in order.

    `level` is the level of the duty roster that is now asked, `assignee` who of it; `actor` is a person or
    `qc/rule`. `cause` is a slug of the dated list of causes, given when an alarm is closed.
    """

    PRODUCER: ClassVar[str] = "qc"

    subject: Literal["alarm", "hold"]
    subject_id: str
    step: str
    site: str
    region: str
    uscc: str | None = None
    level: int
    actor: str
    assignee: str | None = None
    cause: str | None = None
    note: str = ""
    taken_at_ms: int


class HoldPlaced(Event, frozen=True, kw_only=True):
    """The figures of a site's factor in [from_ms, to_ms) wait for a person's decision, due at `due_at_ms`.

    Said again with a later `placed_at_ms` when the window grows. `series` are those that gave reason.
    """

    PRODUCER: ClassVar[str] = "qc"

    hold_id: str
    kind: Literal["rule", "consistency"]
    site: str
    region: str
    uscc: str | None = None
    factor: str
    series: list[int]
    from_ms: int
    to_ms: int
    due_at_ms: int
    reason_zh: str
    reason_en: str
    source_clause: str
    placed_at_ms: int


class HoldDecided(Event, frozen=True, kw_only=True):
    """A hold ended: released or kept out by a person, or lifted because its reason fell away.

    `release` lets the figures of `released` (none named: all) be used although the rules of `tests` (bit n =
    rule number n) spoke; a rule that speaks later is not covered. `keep-out` bars every figure of the window.
    """

    PRODUCER: ClassVar[str] = "qc"

    hold_id: str
    site: str
    region: str
    uscc: str | None = None
    decision: Literal["release", "keep-out", "lifted"]
    released: list[int] = msgspec.field(default_factory=list)
    tests: int = 0
    reason: str
    decided_at_ms: int


class CheckOrdered(Event, frozen=True, kw_only=True):
    """An instrument is to be checked from afar; `ingest` asks the logger of the site, or `mn` of them.

    `check` is zero or span (calibration), sample (at once), standard (a standard sample is measured) or
    compare (comparison sampling), `factor` the code of the factor.
    """

    PRODUCER: ClassVar[str] = "qc"

    order_id: str
    check: Literal["zero", "span", "sample", "standard", "compare"]
    site: str
    region: str
    uscc: str | None = None
    factor: str
    mn: str | None = None
    reason: str
    ordered_by: str
    ordered_at_ms: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule's contribution to a suspicion, with what a reader needs to check it."""

    rule: str
    statistic: float
    threshold: float
    weight: float
    score: float
    from_ms: int
    to_ms: int
    message_zh: str
    message_en: str
    source_clause: str


class SuspicionRaised(Event, frozen=True, kw_only=True):
    """The combined score of several findings reached a case (docs/falsification-tests.md)."""

    PRODUCER: ClassVar[str] = "qc"

    suspicion_id: str
    rule_pack: str
    score: float
    series: list[SeriesRef]
    from_ms: int
    to_ms: int
    findings: list[Finding]
    raised_at_ms: int


class SuspicionWithdrawn(Event, frozen=True, kw_only=True):
    """The values now known no longer reach the threshold; whoever acted on it must look again.

    `merged_into` names the suspicion that now carries the same findings: then nothing has fallen away.
    """

    PRODUCER: ClassVar[str] = "qc"

    suspicion_id: str
    site: str
    region: str
    score: float
    reason_zh: str
    reason_en: str
    withdrawn_at_ms: int
    merged_into: str | None = None


class RegisterFindingRaised(Event, frozen=True, kw_only=True):
    """A register shows what a supervisor must see: a missed deadline, a failed check, an excess of scope.

    `finding` is its slug, `record` is kind/code; `due_at_ms`: until when it is to be mended, by rule.
    """

    PRODUCER: ClassVar[str] = "qc"

    finding_id: str
    finding: str
    record: str
    region: str
    dept: str | None = None
    uscc: str | None = None
    site: str | None = None
    found_at_ms: int
    due_at_ms: int | None = None
    message_zh: str
    message_en: str
    source_clause: str


class OperatorScored(Event, frozen=True, kw_only=True):
    """A third-party comparison gave an operator its score, 0 to 100.

    `score_id` is the code of the register's record; `held_on` is a legal date.
    """

    PRODUCER: ClassVar[str] = "qc"

    score_id: str
    operator: str
    third_party: str | None = None
    region: str
    held_on: str
    period: str
    score: float
    is_poor: bool
    source_clause: str
    scored_at_ms: int


class SelfProofMoved(Event, frozen=True, kw_only=True):
    """A unit was asked to prove a flagged period, answered, let the deadline pass, or was believed or not.

    `step` overdue is a finding: the unit gave nothing in time. `suspicion_id` names what raised the question.
    """

    PRODUCER: ClassVar[str] = "qc"

    proof_id: str
    suspicion_id: str | None = None
    step: Literal["requested", "answered", "overdue", "accepted", "rejected"]
    site: str
    region: str
    uscc: str
    series_id: int
    from_ms: int
    to_ms: int
    due_at_ms: int
    message_zh: str
    message_en: str
    reason: str
    source_clause: str
    moved_at_ms: int
