"""The alarm desk: who is on duty, what was done about alarms and holds, what is suppressed and for how long.

Promises: steps and differing pairs are append-only (no runtime role may update or delete them). Leaves the
alarms themselves to `qc.tables.values`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, Text, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables.declared import Base, Instant


class SitePlace(Base):  # type: ignore[misc,valid-type]
    """Where a site lies, as the registry said last: its area (park), and the department that owns it."""

    __tablename__ = "site_places"

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    area: Mapped[str | None] = mapped_column(Text, index=True)
    dept: Mapped[str | None] = mapped_column(Text)
    change: Mapped[int] = mapped_column(BigInteger)


class AreaPlace(Base):  # type: ignore[misc,valid-type]
    """A park or another area, as the registry said last."""

    __tablename__ = "area_places"

    area: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    change: Mapped[int] = mapped_column(BigInteger)


class AnomalyReport(Base):  # type: ignore[misc,valid-type]
    """What the unit reported of a transmission that failed, as the registry said last."""

    __tablename__ = "anomaly_reports"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str] = mapped_column(Text)
    began_at: Mapped[datetime] = mapped_column(Instant)
    reported_at: Mapped[datetime] = mapped_column(Instant)
    repaired_at: Mapped[datetime | None] = mapped_column(Instant)
    cause: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    change: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "site", "began_at"),)


class DutyShift(Base):  # type: ignore[misc,valid-type]
    """One person's turn at one level of a region's roster, [starts_at, ends_at)."""

    __tablename__ = "duty_shifts"

    shift_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    dept: Mapped[str] = mapped_column(Text)
    level: Mapped[int] = mapped_column(SmallInteger)
    person: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    entered_by: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    cancelled_by: Mapped[str | None] = mapped_column(Text)
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index(None, "ends_at", "level"), Index(None, "region", "shift_id"))


class DeskStep(Base):  # type: ignore[misc,valid-type]
    """One step about an alarm or a hold, by a person or by the clock (`qc/rule`)."""

    __tablename__ = "desk_steps"

    step_no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID] = mapped_column(UuidType)
    step: Mapped[str] = mapped_column(Text)
    level: Mapped[int] = mapped_column(SmallInteger)
    actor: Mapped[str] = mapped_column(Text)
    assignee: Mapped[str | None] = mapped_column(Text)
    cause: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "subject_id", "step_no"),)


class Suppression(Base):  # type: ignore[misc,valid-type]
    """What raises no alarm until `expires_at`: a rule, a series, a site, or what they have in common."""

    __tablename__ = "suppressions"

    suppression_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    rule: Mapped[str | None] = mapped_column(Text)
    series_id: Mapped[int | None] = mapped_column(BigInteger)
    site: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    imposed_by: Mapped[str] = mapped_column(Text)
    imposed_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(Text)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    lift_reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index(None, "expires_at"), Index(None, "region", "suppression_id"))


class SuppressedAlarm(Base):  # type: ignore[misc,valid-type]
    """What of one rule and series a suppression kept from being raised: one row, however often it spoke."""

    __tablename__ = "suppressed_alarms"

    suppression_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    rule: Mapped[str] = mapped_column(Text, primary_key=True)
    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    site: Mapped[str] = mapped_column(Text)
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    value: Mapped[float | None]
    hidden_at: Mapped[datetime] = mapped_column(Instant)


class Hold(Base):  # type: ignore[misc,valid-type]
    """Figures that wait for a person: for an alarm of severity `hold`, or because two sources differ.

    `sources` describes the series concerned; `decision` is release, keep-out or lifted. A proposal waits for
    a second person where the dated rule asks for two.
    """

    __tablename__ = "holds"

    hold_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    alarm_id: Mapped[UUID | None] = mapped_column(UuidType)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text)
    series_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    sources: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    reason_zh: Mapped[str] = mapped_column(Text)
    reason_en: Mapped[str] = mapped_column(Text)
    source_clause: Mapped[str] = mapped_column(Text)
    persons: Mapped[int] = mapped_column(SmallInteger)
    level: Mapped[int] = mapped_column(SmallInteger)
    placed_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    escalate_at: Mapped[datetime | None] = mapped_column(Instant)
    proposed: Mapped[str | None] = mapped_column(Text)
    proposed_by: Mapped[str | None] = mapped_column(Text)
    released: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    decision: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decision_reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_holds_open", "site", "factor", postgresql_where=text("decision IS NULL")),
        Index("ix_holds_escalate", "escalate_at", postgresql_where=text("decision IS NULL")),
        Index("ix_holds_alarm", "alarm_id", postgresql_where=text("alarm_id IS NOT NULL")),
        Index(None, "region", "hold_id"),
    )


class DifferingPair(Base):  # type: ignore[misc,valid-type]
    """Two values of one indicator, site and time from two sources that differ by more than is tolerated."""

    __tablename__ = "differing_pairs"

    series_a: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    series_b: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    hold_id: Mapped[UUID] = mapped_column(UuidType, index=True)
    value_a: Mapped[float]
    value_b: Mapped[float]
    tolerance: Mapped[float]
    unit: Mapped[str] = mapped_column(Text)
    source_clause: Mapped[str] = mapped_column(Text)
    noticed_at: Mapped[datetime] = mapped_column(Instant)


class CheckDraw(Base):  # type: ignore[misc,valid-type]
    """A list of points fixed first, and later the published random value by which some of them are drawn."""

    __tablename__ = "check_draws"

    draw_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    candidates: Mapped[list[str]] = mapped_column(ARRAY(Text))
    list_sha256: Mapped[str] = mapped_column(Text)
    take: Mapped[int] = mapped_column(SmallInteger)
    announced: Mapped[str] = mapped_column(Text)
    listed_by: Mapped[str] = mapped_column(Text)
    listed_at: Mapped[datetime] = mapped_column(Instant)
    value_after: Mapped[datetime] = mapped_column(Instant)
    value: Mapped[str | None] = mapped_column(Text)
    value_source: Mapped[str | None] = mapped_column(Text)
    drawn: Mapped[list[str]] = mapped_column(ARRAY(Text))
    drawn_by: Mapped[str | None] = mapped_column(Text)
    drawn_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index(None, "region", "draw_id"),)


class CheckOrder(Base):  # type: ignore[misc,valid-type]
    """A remote check that was ordered, and what came of it (`ingest.check_ended`)."""

    __tablename__ = "check_orders"

    order_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text)
    mn: Mapped[str | None] = mapped_column(Text)
    alarm_id: Mapped[UUID | None] = mapped_column(UuidType)
    draw_id: Mapped[UUID | None] = mapped_column(UuidType)
    reason: Mapped[str] = mapped_column(Text)
    ordered_by: Mapped[str] = mapped_column(Text)
    ordered_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text)
    command: Mapped[str | None] = mapped_column(Text)
    result: Mapped[list[Any]] = mapped_column(JSONB)
    message_zh: Mapped[str] = mapped_column(Text)
    message_en: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index(None, "region", "order_id"),
        Index("ix_check_orders_alarm", "alarm_id", postgresql_where=text("alarm_id IS NOT NULL")),
    )
