"""What loggers say of themselves, who they were when they said it, and which packets of a message came."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from ingest.tables.declared import Base, Instant


class DeviceInformation(Base):
    """One statement of a logger (3020 and others). `said_at` is its own time, `value` the text as sent."""

    __tablename__ = "device_information"
    __table_args__ = (Index("ix_device_information_mn_submission", "mn", "submission"),)

    submission: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    row_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    mn: Mapped[str] = mapped_column(Text)
    command: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    said_at: Mapped[datetime | None] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)


class DeviceIdentity(Base):
    """From `since` on a part (address, certificate, an analyser, the logger's hardware) had this value."""

    __tablename__ = "device_identities"

    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    part: Mapped[str] = mapped_column(Text, primary_key=True)
    submission: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(Instant)


class DeviceKey(Base):
    """An SM4 key of a logger (HJ 212-2025 §6.4). Older ones stay, for what was stored under them."""

    __tablename__ = "device_keys"

    mn: Mapped[str] = mapped_column(Text, ForeignKey("devices.mn"), primary_key=True)
    since: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)


class PacketGroup(Base):
    """A message sent in packets: which of `pnum` came. `state` is open, complete or incomplete."""

    __tablename__ = "packet_groups"
    __table_args__ = (
        Index("ix_packet_groups_last_at", "last_at", postgresql_where="state = 'open'"),
        Index("ix_packet_groups_mn_submission", "mn", "submission"),
    )

    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    command: Mapped[str] = mapped_column(Text, primary_key=True)
    data_time: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    pnum: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    seen: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    state: Mapped[str] = mapped_column(Text)
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant)
    submission: Mapped[UUID] = mapped_column(Uuid)
    site: Mapped[str] = mapped_column(Text)
    region_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    uscc: Mapped[str | None] = mapped_column(Text)
