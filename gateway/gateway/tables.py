"""The tables of `gateway`: the audit and its seals, usage, revocations, cross-region grants. Append-only."""

from datetime import date, datetime
from uuid import UUID

from kit.db import declarative_base
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Base: type[DeclarativeBase] = declarative_base()
Instant = DateTime(timezone=True)


class Audit(Base):  # type: ignore[misc,valid-type]
    """One decision, or `times` equal refusals within the same half second.

    `unit` is whose data was asked for (USCC), `uscc` the asker's own organisation, `refs` what the request
    named (`mn=…`, `site=…`), `kind` the kind of data on record. `chain`, `number`, `digest`: `rules.chain`.
    Rows from before there were chains have none. `grants` are the cross-region grants under which it passed,
    `beyond` the regions they add; None without any.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    request_id: Mapped[UUID] = mapped_column(UuidType)
    trace_id: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    principal: Mapped[str] = mapped_column(Text)
    dept: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    client: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    service: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    route: Mapped[str | None] = mapped_column(Text)
    refs: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    permission: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str | None] = mapped_column(Text)
    purpose: Mapped[str | None] = mapped_column(Text)
    case_id: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str | None] = mapped_column(Text)
    status: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(Text)
    times: Mapped[int] = mapped_column(Integer)
    policy_version: Mapped[str] = mapped_column(Text)
    chain: Mapped[UUID | None] = mapped_column(UuidType)
    number: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    grants: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    beyond: Mapped[list[str] | None] = mapped_column(ARRAY(Text))

    __table_args__ = (
        Index(None, "subject", "id"),
        Index(None, "dept", "id"),
        Index(None, "at"),
        Index(None, "chain", "number", unique=True),
        # Partial, for pages of who looked at a unit's data: migration 0006.
        Index(None, "unit", "id"),
        Index(None, "region", "id"),
        Index("ix_audit_lent", "id"),
        Index("ix_audit_refs", "refs", postgresql_using="gin"),
        Index("ix_audit_grants", "grants", postgresql_using="gin"),
    )


class Seal(Base):  # type: ignore[misc,valid-type]
    """Where a chain stood; `entry` is its leaf in the evidence log, sha256(nonce ‖ record)."""

    __tablename__ = "audit_seals"

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    chain: Mapped[UUID] = mapped_column(UuidType)
    number: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(Instant)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    entry: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index(None, "chain", "number"),)


class UsageDay(Base):  # type: ignore[misc,valid-type]
    """How often a department read a data set on one day (Beijing time); counted once, when it may be told."""

    __tablename__ = "usage_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    dept: Mapped[str] = mapped_column(Text, primary_key=True)
    permission: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    reads: Mapped[int] = mapped_column(BigInteger)


class Revoked(Base):  # type: ignore[misc,valid-type]
    """Tokens of `value` that were issued before `not_before` are void."""

    __tablename__ = "revocations"

    not_before: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    said_by: Mapped[str] = mapped_column(Text)
    said_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (CheckConstraint("kind IN ('subject', 'session', 'client', 'all')", "kind"),)


class Granted(Base):  # type: ignore[misc,valid-type]
    """A cross-region grant 交叉执法授权, as it was given. Rows are only added.

    `subject` is the person's subject in the tokens, `person` the name, `given_in` the region of who gave it.
    """

    __tablename__ = "region_grants"

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    regions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    purpose: Mapped[str] = mapped_column(Text)
    order_no: Mapped[str] = mapped_column(Text)
    legal_ground: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime] = mapped_column(Instant)
    valid_to: Mapped[datetime] = mapped_column(Instant)
    given_in: Mapped[str] = mapped_column(Text)
    given_by: Mapped[str] = mapped_column(Text)
    given_by_subject: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (CheckConstraint("valid_from < valid_to", "window"), Index(None, "valid_to"))


class GrantEnd(Base):  # type: ignore[misc,valid-type]
    """A cross-region grant ended before its time. Rows are only added."""

    __tablename__ = "region_grant_ends"

    grant_id: Mapped[UUID] = mapped_column(ForeignKey("region_grants.id"), primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(Instant)
    ended_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
