"""Tables of self-proof: what a unit was asked to prove, what it gave, and what became of it.

Promises: evidence and steps are written once; of a proof only its state moves. Leaves files to the object
store: here are their sha256 and reference.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKey, Identity, Index, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables.declared import Base, Instant


class SelfProof(Base):  # type: ignore[misc,valid-type]
    """A request to prove that a flagged period is true. `suspicion_id` is not shown to the unit."""

    __tablename__ = "self_proofs"

    proof_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str] = mapped_column(Text)
    series_id: Mapped[int] = mapped_column(BigInteger)
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    suspicion_id: Mapped[UUID | None] = mapped_column(UuidType)
    question_zh: Mapped[str] = mapped_column(Text)
    question_en: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    due_on: Mapped[date] = mapped_column(Date)
    due_at: Mapped[datetime] = mapped_column(Instant)
    is_due_provisional: Mapped[bool]
    source: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    is_overdue: Mapped[bool]
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (Index(None, "region", "proof_id"), Index(None, "state", "due_at"))


class SelfProofEvidence(Base):  # type: ignore[misc,valid-type]
    """A document the unit gave: its kind, sha256 and where it lies. `is_late`: after the deadline."""

    __tablename__ = "self_proof_evidence"

    evidence_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    proof_id: Mapped[UUID] = mapped_column(ForeignKey("self_proofs.proof_id"))
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    object: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(Instant)
    given_at: Mapped[datetime] = mapped_column(Instant)
    given_by: Mapped[str] = mapped_column(Text)
    is_late: Mapped[bool]

    __table_args__ = (Index(None, "proof_id", "evidence_id"),)


class SelfProofStep(Base):  # type: ignore[misc,valid-type]
    """One entry of the history: requested, answered, overdue, accepted or rejected."""

    __tablename__ = "self_proof_steps"

    step_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    proof_id: Mapped[UUID] = mapped_column(ForeignKey("self_proofs.proof_id"))
    step: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    actor_text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (Index(None, "proof_id", "step_id"),)
