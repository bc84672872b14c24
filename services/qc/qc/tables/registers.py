"""The registers of `qc`: records of declared kinds, their history, deadlines and findings.

Promises: a change is a row of its own and no runtime role may delete one; a finding is closed, never removed.
Leaves what a kind holds to `qc/packs/registers/kinds`.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Identity, Index, Text, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables.declared import Base, Instant


class _Owned:
    """Whose a row is: `parties` are the organisations it is about or addressed to, beside its owner."""

    region: Mapped[str] = mapped_column(Text)
    dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    parties: Mapped[list[str]] = mapped_column(ARRAY(Text))


class RegisterRecord(_Owned, Base):  # type: ignore[misc,valid-type]
    """One record: `body` as entered, `judged` what the rules make of it, `flags` what is amiss.

    `about` is the record it belongs to (the instrument of a check, the round of a result), `happened_at` the
    instant it speaks of. `change_no` is its version.
    """

    __tablename__ = "register_records"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str | None] = mapped_column(Text)
    about: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime | None] = mapped_column(Instant)
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    judged: Mapped[dict[str, Any]] = mapped_column(JSONB)
    change_no: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    entered_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index(None, "kind", "uscc"),
        Index(None, "kind", "site"),
        Index(None, "kind", "about", "happened_at"),
    )


class PointSite(Base):  # type: ignore[misc,valid-type]
    """A station declared to measure the same point as the others of this `code`, both days included."""

    __tablename__ = "point_sites"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str] = mapped_column(Text, primary_key=True)
    dept: Mapped[str] = mapped_column(Text)
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (Index(None, "site"),)


class RegisterChange(_Owned, Base):  # type: ignore[misc,valid-type]
    """One version of a record, as it stood after the change, and who made it."""

    __tablename__ = "register_changes"

    change_no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (Index(None, "kind", "code", "change_no"),)


class RegisterDeadline(_Owned, Base):  # type: ignore[misc,valid-type]
    """Until when something of a record is due: `met_at` once it is done, `missed_at` once it is late."""

    __tablename__ = "register_deadlines"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    clock: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(Instant)
    met_at: Mapped[datetime | None] = mapped_column(Instant)
    missed_at: Mapped[datetime | None] = mapped_column(Instant)
    finding: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (
        Index(
            "ix_register_deadlines_running",
            "due_at",
            postgresql_where=text("met_at IS NULL AND missed_at IS NULL"),
        ),
    )


class RegisterFinding(_Owned, Base):  # type: ignore[misc,valid-type]
    """What a supervisor must see about a record; open until `closed_at`, to be mended by `due_at`."""

    __tablename__ = "register_findings"

    finding_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    finding: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(Text)
    site: Mapped[str | None] = mapped_column(Text)
    found_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    message_zh: Mapped[str] = mapped_column(Text)
    message_en: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index(
            "uq_register_findings_open",
            "kind",
            "code",
            "finding",
            "cause",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(None, "region", "finding_id"),
        Index(None, "uscc", "finding_id"),
    )


class KnownSite(Base):  # type: ignore[misc,valid-type]
    """A site as `ingest` last told it: whether it counts in assessments decides which profile applies."""

    __tablename__ = "known_sites"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    element: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    is_assessed: Mapped[bool]
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]


class KnownMethod(Base):  # type: ignore[misc,valid-type]
    """A method of the standards register of `ingest`; `change_no` is the number of its last change there."""

    __tablename__ = "known_methods"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    standard_no: Mapped[str] = mapped_column(Text)
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    change_no: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "standard_no"),)
