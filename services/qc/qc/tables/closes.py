"""Days that were closed, and what the falsification tests said when they were.

Promises: a finding never changes, it is replaced; which findings stand is what `is_current` says. Leaves the
suspicions that rest on findings to `qc.tables.values`.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Identity, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables.declared import Base, Instant


class DayPanel(Base):  # type: ignore[misc,valid-type]
    """Series that are judged together: one profile, one period, one city, as many as memory allows.

    `closed_through` is the last local day that was closed; `passes` grows with every transaction of a close,
    so that two that began from the same one cannot both count.
    """

    __tablename__ = "day_panels"

    panel_id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    closed_through: Mapped[date | None] = mapped_column(Date)
    passes: Mapped[int] = mapped_column(BigInteger)


class DayPanelMember(Base):  # type: ignore[misc,valid-type]
    """Which panel a series is judged in, for good: a neighbour that joins later moves nobody."""

    __tablename__ = "day_panel_members"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    panel_id: Mapped[int] = mapped_column(Integer, index=True)
    site: Mapped[str] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text)


class LateDay(Base):  # type: ignore[misc,valid-type]
    """Something became known of a local day that is over; gone when the day has been closed with it."""

    __tablename__ = "late_days"

    mark_no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    series_id: Mapped[int] = mapped_column(BigInteger, index=True)
    day: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    marked_at: Mapped[datetime] = mapped_column(Instant)


class DayClose(Base):  # type: ignore[misc,valid-type]
    """A local day of a panel, closed for the `number`-th time: `reason` is first, late or revision.

    It was judged together with the days from `since` to `through`; `finding_count` and `suspicion_count`
    count what stands of them all, `value_count` the values of the day itself.
    """

    __tablename__ = "day_closes"

    close_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    panel_id: Mapped[int] = mapped_column(Integer)
    region: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    number: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[datetime] = mapped_column(Instant)
    since: Mapped[date] = mapped_column(Date)
    through: Mapped[date] = mapped_column(Date)
    site_count: Mapped[int] = mapped_column(Integer)
    series_count: Mapped[int] = mapped_column(Integer)
    value_count: Mapped[int] = mapped_column(BigInteger)
    finding_count: Mapped[int] = mapped_column(Integer)
    suspicion_count: Mapped[int] = mapped_column(Integer)
    expected_false: Mapped[float]
    not_run: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rule_pack: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("panel_id", "day", "number"),
        Index(None, "region", "close_id"),
    )


class FalsificationFinding(Base):  # type: ignore[misc,valid-type]
    """One test on one stretch [from_at, to_at) of one series, as one close found it.

    `day` is the local day in which the stretch ends. `evidence` are the stretches to look at beside it
    (`series_id`, `from_ms`, `to_ms`), `figures` what the sentence and the picture name.
    """

    __tablename__ = "falsification_findings"

    finding_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    is_current: Mapped[bool]
    panel_id: Mapped[int] = mapped_column(Integer)
    series_id: Mapped[int] = mapped_column(BigInteger)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    test: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    statistic: Mapped[float]
    threshold: Mapped[float]
    p: Mapped[float | None]
    strength: Mapped[float]
    weight: Mapped[float]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    since: Mapped[date] = mapped_column(Date)
    through: Mapped[date] = mapped_column(Date)
    rule_pack: Mapped[str] = mapped_column(Text)
    found_at: Mapped[datetime] = mapped_column(Instant)
    replaced_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index("ix_falsification_findings_current", "panel_id", "day", postgresql_where=text("is_current")),
        Index(None, "series_id", "finding_id"),
        Index(None, "region", "finding_id"),
        Index(None, "site", "finding_id"),
    )
