"""What is said to data loggers, and what is known of their being there.

Promises: every state of a command is a row of its own that no runtime role can change; a secret (a new
password, a key) stands apart, where no reader sees it, until the command has ended.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingest.tables.declared import Base, Instant


class DeviceManners(Base):
    """How one data logger is dealt with; a device without a row is not spoken to. NULL is the dated term."""

    __tablename__ = "device_manners"

    mn: Mapped[str] = mapped_column(Text, ForeignKey("devices.mn"), primary_key=True)
    accepts_commands: Mapped[bool]
    greets: Mapped[bool]
    pulls_back: Mapped[bool]
    answer_seconds: Mapped[int | None] = mapped_column(Integer)
    resends: Mapped[int | None] = mapped_column(Integer)
    realtime_interval: Mapped[int | None] = mapped_column(Integer)
    minute_interval: Mapped[int | None] = mapped_column(Integer)
    streams_realtime: Mapped[bool | None]
    streams_status: Mapped[bool | None]
    frame_interval: Mapped[int | None] = mapped_column(Integer)


class CommandRow(Base):
    """One request to a device. `number` is the order of asking; `qn` identifies the exchange on the wire."""

    __tablename__ = "commands"
    __table_args__ = (
        UniqueConstraint("mn", "qn", name="uq_commands_mn_qn"),
        Index("ix_commands_mn_number", "mn", "number"),
        Index("ix_commands_waiting", "mn", postgresql_where=text("state = 'requested'")),
        Index(
            "uq_commands_open",
            "mn",
            unique=True,
            postgresql_where=text("state IN ('sent', 'accepted', 'executing')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    mn: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    region_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    cn: Mapped[int] = mapped_column(Integer)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    needs_approval: Mapped[bool]
    approved_by: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    qn: Mapped[str | None] = mapped_column(Text)
    holder: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    answer_seconds: Mapped[int] = mapped_column(Integer)
    resends: Mapped[int] = mapped_column(Integer)
    execution_seconds: Mapped[int] = mapped_column(Integer)
    packets: Mapped[int] = mapped_column(Integer)
    qn_rtn: Mapped[int | None] = mapped_column(Integer)
    exe_rtn: Mapped[int | None] = mapped_column(Integer)
    result: Mapped[list[Any]] = mapped_column(JSONB)
    gap: Mapped[UUID | None] = mapped_column(Uuid)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    executing_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    deadline_at: Mapped[datetime | None] = mapped_column(Instant)


class CommandSecret(Base):
    """What must be sent and never shown; gone when the command has ended."""

    __tablename__ = "command_secrets"

    command: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


class CommandStep(Base):
    """What happened to a command, in order: states, resends, late answers, who approved or cancelled."""

    __tablename__ = "command_steps"
    __table_args__ = (Index("ix_command_steps_command_number", "command", "number"),)

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    command: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(Instant)
    step: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class CheckCommand(Base):
    """The command that carries out a remote check ordered by `qc`; `said_at` once its end is said."""

    __tablename__ = "check_commands"
    __table_args__ = (Index("ix_check_commands_unsaid", "command", postgresql_where=text("said_at IS NULL")),)

    order_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    command: Mapped[UUID] = mapped_column(Uuid)
    said_at: Mapped[datetime | None] = mapped_column(Instant)


class PendingPassword(Base):
    """A password that a device may already use: set before 1072 is sent, resolved by what the device does."""

    __tablename__ = "pending_passwords"

    mn: Mapped[str] = mapped_column(Text, ForeignKey("devices.mn"), primary_key=True)
    command: Mapped[UUID] = mapped_column(Uuid)
    password_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    is_overdue: Mapped[bool]


class DeviceContact(Base):
    """When a device was last heard, and what is known of its clock and its silence. Trails by seconds."""

    __tablename__ = "device_contacts"

    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(Instant)
    address: Mapped[str] = mapped_column(Text)
    certificate: Mapped[str | None] = mapped_column(Text)
    observed_interval: Mapped[float | None]
    drift_seconds: Mapped[float | None]
    drift_found_on: Mapped[date | None] = mapped_column(Date)
    greeted_at: Mapped[datetime | None] = mapped_column(Instant)
    silent_since: Mapped[datetime | None] = mapped_column(Instant)
    alarmed_at: Mapped[datetime | None] = mapped_column(Instant)


class GapMark(Base):
    """Up to where the periods of a device were looked through for missing ones."""

    __tablename__ = "gap_marks"

    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime] = mapped_column(Instant)


class GapRow(Base):
    """Missing periods of a device, [start, stop), without a hole. `state` is open, filled or lost."""

    __tablename__ = "gaps"
    __table_args__ = (
        UniqueConstraint("mn", "period", "start", name="uq_gaps_mn_period_start"),
        Index("ix_gaps_open", "next_try_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    mn: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    start: Mapped[datetime] = mapped_column(Instant)
    stop: Mapped[datetime] = mapped_column(Instant)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    region_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    series: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    missing: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    asked_until: Mapped[datetime | None] = mapped_column(Instant)
    found_at: Mapped[datetime] = mapped_column(Instant)
    next_try_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
