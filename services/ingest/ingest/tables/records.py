"""Records of declared kinds, the runs of monitoring plans, and what cameras report."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingest.tables.declared import Base, Instant
from ingest.tables.registry import Dated, Scoped


class RegistryRecord(Dated, Scoped, Base):
    """One record of a kind of `rules.kinds`; `body` holds its fields, `flags` what is amiss with it."""

    __tablename__ = "registry_records"
    __table_args__ = (
        Index("ix_registry_records_kind_site", "kind", "site"),
        Index("ix_registry_records_kind_uscc", "kind", "uscc"),
        Index(
            "ix_registry_records_sample",
            text("(body ->> 'sample')"),
            postgresql_where=text("kind = 'lims-steps'"),
        ),
    )

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str | None] = mapped_column(Text, ForeignKey("sites.code"))
    uscc: Mapped[str | None] = mapped_column(Text, ForeignKey("organisations.uscc"))
    state: Mapped[str] = mapped_column(Text)
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    entered_by: Mapped[str] = mapped_column(Text)


class PlanRun(Base):
    """One run a plan asks for, in [start, stop): `outcome` is done, late or missing."""

    __tablename__ = "plan_runs"
    __table_args__ = (Index("ix_plan_runs_newest", text("start DESC"), "plan", "item"),)

    plan: Mapped[str] = mapped_column(Text, primary_key=True)
    item: Mapped[str] = mapped_column(Text, primary_key=True)
    start: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    stop: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    site: Mapped[str] = mapped_column(Text, ForeignKey("sites.code"), index=True)
    factor: Mapped[str] = mapped_column(Text)
    wanted: Mapped[int] = mapped_column(Integer)
    found: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime | None] = mapped_column(Instant)
    late_hours: Mapped[float | None]


class VideoReport(Base):
    """A camera said, or somebody said of it, that it is online or not."""

    __tablename__ = "video_reports"

    device: Mapped[str] = mapped_column(Text, primary_key=True)
    reported_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    is_online: Mapped[bool]
    reported_by: Mapped[str] = mapped_column(Text)


class SaidOnce(Base):
    """What a job has said already: the same finding is not said twice."""

    __tablename__ = "said_once"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    said_at: Mapped[datetime] = mapped_column(Instant)
