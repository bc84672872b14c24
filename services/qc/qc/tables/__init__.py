"""The tables of `qc`: series and values as they became known, verdicts, alarms, suspicions.

Promises: a known value never changes (the writer may update its verdict columns only); a verdict that is
replaced moves to `earlier_verdicts`, which no runtime role may update or delete; the view `verdicts` is
both together. Leaves the raw bytes and the first-value-wins judgement to `ingest`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables import closes as closes
from qc.tables import custody as custody
from qc.tables import desk as desk
from qc.tables import proofs as proofs
from qc.tables import registers as registers
from qc.tables import timeliness as timeliness
from qc.tables import told as told
from qc.tables.declared import Base as Base
from qc.tables.declared import Instant as Instant


class KnownSeries(Base):  # type: ignore[misc,valid-type]
    """A series as the last event described it. `known_no` grows with each change, so that caches notice."""

    __tablename__ = "known_series"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    site: Mapped[str] = mapped_column(Text, index=True)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    descriptor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    known_no: Mapped[int] = mapped_column(BigInteger, Identity(always=False))
    live_since: Mapped[datetime | None] = mapped_column(Instant)


class RulePackRow(Base):  # type: ignore[misc,valid-type]
    """Every rule pack that ever judged, so that an old verdict can be explained by the rules of its day."""

    __tablename__ = "rule_packs"

    pack_no: Mapped[int] = mapped_column(SmallInteger, Identity(always=True), primary_key=True)
    version: Mapped[str] = mapped_column(Text, unique=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    first_used_at: Mapped[datetime] = mapped_column(Instant)


class KnownValue(Base):  # type: ignore[misc,valid-type]
    """A value, and its current verdict. `message_no` is its place in the lane it came by."""

    __tablename__ = "known_values"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    value: Mapped[float | None]
    decimals: Mapped[int] = mapped_column(SmallInteger)
    flag: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant)
    message_no: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[int] = mapped_column(SmallInteger)
    tests: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(Integer)
    pack_no: Mapped[int] = mapped_column(SmallInteger)
    assessed_at: Mapped[datetime] = mapped_column(Instant)


class EarlierVerdict(Base):  # type: ignore[misc,valid-type]
    """A verdict that was replaced by a later revision."""

    __tablename__ = "earlier_verdicts"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    code: Mapped[int] = mapped_column(SmallInteger)
    tests: Mapped[int] = mapped_column(BigInteger)
    pack_no: Mapped[int] = mapped_column(SmallInteger)
    assessed_at: Mapped[datetime] = mapped_column(Instant)


class FiredDetail(Base):  # type: ignore[misc,valid-type]
    """The figures of a rule that fired, as they were when that revision was made."""

    __tablename__ = "fired_details"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    rule_no: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    statistic: Mapped[float]
    threshold: Mapped[float]
    margin: Mapped[float]


class KnownRevision(Base):  # type: ignore[misc,valid-type]
    """A later, different value for an instant: a fact that counts in judging (test C1)."""

    __tablename__ = "known_revisions"

    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    series_id: Mapped[int] = mapped_column(BigInteger)
    ts: Mapped[datetime] = mapped_column(Instant)
    first_value: Mapped[float | None]
    later_value: Mapped[float | None]
    submission: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "series_id", "ts"),)


class OverduePeriod(Base):  # type: ignore[misc,valid-type]
    """A period of a live series that nobody reported in time: its verdict is 9 until the value arrives."""

    __tablename__ = "overdue_periods"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    noticed_at: Mapped[datetime] = mapped_column(Instant)
    arrived_at: Mapped[datetime | None] = mapped_column(Instant)


class Alarm(Base):  # type: ignore[misc,valid-type]
    """Something to look at now: one rule, one series, one stretch of time, and what the desk did about it.

    `level` is the level of the duty roster that is asked; at `escalate_at` the next one is.
    """

    __tablename__ = "alarms"

    alarm_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    rule: Mapped[str] = mapped_column(Text)
    rule_no: Mapped[int] = mapped_column(SmallInteger)
    rule_pack: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    series_id: Mapped[int] = mapped_column(BigInteger)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    series: Mapped[dict[str, Any]] = mapped_column(JSONB)
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    value: Mapped[float | None]
    threshold: Mapped[float | None]
    message_zh: Mapped[str] = mapped_column(Text)
    message_en: Mapped[str] = mapped_column(Text)
    source_clause: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_zh: Mapped[str | None] = mapped_column(Text)
    reason_en: Mapped[str | None] = mapped_column(Text)
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text))
    level: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    escalate_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by: Mapped[str | None] = mapped_column(Text)
    assignee: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_by: Mapped[str | None] = mapped_column(Text)
    cause: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_alarms_escalate", "escalate_at", postgresql_where=text("escalate_at IS NOT NULL")),
        Index(
            "ix_alarms_on_desk",
            "region",
            postgresql_where=text("withdrawn_at IS NULL AND closed_at IS NULL"),
        ),
        Index("ix_alarms_open", "series_id", "rule_no", postgresql_where=text("withdrawn_at IS NULL")),
        Index(None, "region", "alarm_id"),
    )


class Suspicion(Base):  # type: ignore[misc,valid-type]
    """A stretch whose findings together weigh enough. `state` is queued (an analyst's), raised or withdrawn.

    `origin` streaming: an episode of the rules that judge single values; day_close: of the falsification
    tests, of the `kind` they point to. `beside` is a streaming suspicion that speaks for the same stretch.
    """

    __tablename__ = "suspicions"

    suspicion_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text, server_default=text("'streaming'"))
    kind: Mapped[str | None] = mapped_column(Text)
    beside: Mapped[UUID | None] = mapped_column(UuidType)
    series_id: Mapped[int] = mapped_column(BigInteger)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    series: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    rule_pack: Mapped[str] = mapped_column(Text)
    score: Mapped[float]
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    raised_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_zh: Mapped[str | None] = mapped_column(Text)
    reason_en: Mapped[str | None] = mapped_column(Text)
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (
        Index("ix_suspicions_open", "series_id", postgresql_where=text("state = 'raised'")),
        Index(None, "region", "suspicion_id"),
    )
