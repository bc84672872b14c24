"""Events of `qc`: the current verdict on each value, alarms and suspicions, and their withdrawal."""

from typing import ClassVar, Literal

import msgspec

from contracts.envelope import TELEMETRY_LANES, Event
from contracts.ingest import SeriesRef

Severity = Literal["inform", "suspect", "invalid", "hold", "case"]


class Assessed(Event, frozen=True, kw_only=True):
    """Verdicts as columns. `code` is QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 bad, 9 missing.

    `tests[i]` is the bit set of the rules that spoke (bit n = rule number n of `rule_pack`); `revision[i]`
    counts the verdicts on that value, so a higher revision replaces a lower one in any order of arrival.
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
