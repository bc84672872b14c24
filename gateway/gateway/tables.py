"""The tables of `gateway`: who was refused, who was let through to write; tokens called back. Append-only."""

from datetime import datetime
from uuid import UUID

from kit.db import declarative_base
from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, Integer, SmallInteger, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Base: type[DeclarativeBase] = declarative_base()


class Audit(Base):  # type: ignore[misc,valid-type]
    """One decision, or `times` equal refusals within the same half second."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    request_id: Mapped[UUID] = mapped_column(UuidType)
    subject: Mapped[str] = mapped_column(Text)
    principal: Mapped[str] = mapped_column(Text)
    client: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    service: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    permission: Mapped[str | None] = mapped_column(Text)
    status: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(Text)
    times: Mapped[int] = mapped_column(Integer)
    policy_version: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index(None, "subject", "id"),)


class Revoked(Base):  # type: ignore[misc,valid-type]
    """Tokens of `value` that were issued before `not_before` are void."""

    __tablename__ = "revocations"

    not_before: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    said_by: Mapped[str] = mapped_column(Text)
    said_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (CheckConstraint("kind IN ('subject', 'session', 'client', 'all')", "kind"),)
