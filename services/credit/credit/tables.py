"""The tables of `credit`: listings, what is known to undo a case, scores of operators, bans of persons.

Promises: a case has one row of marks whichever event comes first, so decision, withdrawal and annulment meet
there; the history is append-only. No number of a natural person is stored: a ban names the person by the
subject of the identity realm.
"""

from datetime import date, datetime
from uuid import UUID

from kit.db import declarative_base
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Base: type[DeclarativeBase] = declarative_base()
Instant = DateTime(timezone=True)


class CaseMark(Base):  # type: ignore[misc,valid-type]
    """What is known against a case: its basis withdrawn, itself annulled. Times in milliseconds."""

    __tablename__ = "case_marks"

    case_id: Mapped[str] = mapped_column(Text, primary_key=True)
    basis_withdrawn_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    withdrawn_reason_zh: Mapped[str] = mapped_column(Text, server_default="")
    withdrawn_reason_en: Mapped[str] = mapped_column(Text, server_default="")
    annulled_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    annulled_reason: Mapped[str] = mapped_column(Text, server_default="")


class Listing(Base):  # type: ignore[misc,valid-type]
    """One listing of one decided case. `valid_from` and `valid_to` are legal dates, both included.

    `is_announced`: `Listed` was said, so its suspension and removal are said as well.
    """

    __tablename__ = "listings"

    listing_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_marks.case_id"), unique=True)
    decision_no: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str] = mapped_column(Text)
    organisation_zh: Mapped[str] = mapped_column(Text)
    organisation_en: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    typology: Mapped[str] = mapped_column(Text)
    amount_yuan: Mapped[int] = mapped_column(BigInteger)
    penalty_basis: Mapped[str] = mapped_column(Text)
    ground: Mapped[str] = mapped_column(Text)
    ground_zh: Mapped[str] = mapped_column(Text)
    ground_en: Mapped[str] = mapped_column(Text)
    grade: Mapped[str] = mapped_column(Text)
    grade_zh: Mapped[str] = mapped_column(Text)
    grade_en: Mapped[str] = mapped_column(Text)
    basis_zh: Mapped[str] = mapped_column(Text)
    basis_en: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date] = mapped_column(Date)
    repair_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text)
    is_announced: Mapped[bool]
    listed_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (
        Index(None, "uscc"),
        Index(None, "state", "listing_id"),
        Index(None, "state", "valid_to"),
    )


class ListingStep(Base):  # type: ignore[misc,valid-type]
    """One entry of a listing's history. `actor` is the event or job that moved it."""

    __tablename__ = "listing_steps"

    step_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.listing_id"))
    act: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str | None] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    reason_zh: Mapped[str] = mapped_column(Text)
    reason_en: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index(None, "listing_id", "step_id"),)


class OperatorScore(Base):  # type: ignore[misc,valid-type]
    """The score of an operator in one third-party comparison, 0 to 100. `held_on` is a legal date."""

    __tablename__ = "operator_scores"

    score_id: Mapped[str] = mapped_column(Text, primary_key=True)
    operator: Mapped[str] = mapped_column(Text)
    third_party: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    held_on: Mapped[date] = mapped_column(Date)
    period: Mapped[str] = mapped_column(Text)
    score: Mapped[float]
    is_poor: Mapped[bool]
    source_clause: Mapped[str] = mapped_column(Text)
    scored_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "operator", "held_on"),)


class Ban(Base):  # type: ignore[misc,valid-type]
    """A person's ban from the trade; both days included, without `valid_to` for life."""

    __tablename__ = "bans"

    ban_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    person: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    ground: Mapped[str] = mapped_column(Text)
    decision_no: Mapped[str] = mapped_column(Text)
    legal_basis: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    entered_by: Mapped[str] = mapped_column(Text)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(Text)
    lifted_reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("decision_no", "person"), Index(None, "region", "ban_id"))
