"""Tables of manual monitoring: who did what to a sample, who answers for a result, and which report says it.

Promises: every table here is written once: no runtime role may update or delete a row, a correction is a row
beside the first, a person who leaves is a row beside the person. An `institution` is the USCC of an
organisation, or `dept@region` of a department. Leaves the order of acts to `qc.rules.custody`.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables.declared import Base, Instant


class LabPerson(Base):  # type: ignore[misc,valid-type]
    """A person of an institution and the posts held since a day. A change of posts is a later row.

    `subject` is the person as the identity realm knows them; no identity number is kept here.
    """

    __tablename__ = "lab_people"

    entry_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    institution: Mapped[str] = mapped_column(Text)
    owner_dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    posts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    since: Mapped[date] = mapped_column(Date)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    entered_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index(None, "institution", "number", "entry_id"),)


class PersonDeparture(Base):  # type: ignore[misc,valid-type]
    """A person left the institution; liability for what was signed stays."""

    __tablename__ = "person_departures"

    institution: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[str] = mapped_column(Text, primary_key=True)
    left_on: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    entered_by: Mapped[str] = mapped_column(Text)


class LabStep(Base):  # type: ignore[misc,valid-type]
    """One step of a sample as the laboratory's system told it. `revision` 0 is the first telling and counts;
    what was told differently afterwards is kept beside it.
    """

    __tablename__ = "lab_steps"

    step_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    institution: Mapped[str] = mapped_column(Text)
    owner_dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    sample: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    stage: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(Instant)
    persons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    instruments: Mapped[list[str]] = mapped_column(ARRAY(Text))
    materials: Mapped[list[str]] = mapped_column(ARRAY(Text))
    method: Mapped[str | None] = mapped_column(Text)
    environment: Mapped[dict[str, Any]] = mapped_column(JSONB)
    measurement: Mapped[str | None] = mapped_column(Text)
    place: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    detail: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[str | None] = mapped_column(Text)
    raw_sha256: Mapped[str | None] = mapped_column(Text)
    raw_object: Mapped[str | None] = mapped_column(Text)
    content_sha256: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant)
    received_from: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("institution", "sample", "number", "revision"),)


class ManualResult(Base):  # type: ignore[misc,valid-type]
    """A figure found by hand. `value` is as written, "<0.02" too; `corrects` names an earlier one."""

    __tablename__ = "manual_results"

    result_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    institution: Mapped[str] = mapped_column(Text)
    owner_dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    sample: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    corrects: Mapped[UUID | None] = mapped_column(ForeignKey("manual_results.result_id"))
    entered_at: Mapped[datetime] = mapped_column(Instant)
    entered_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("institution", "number"),
        UniqueConstraint("corrects"),
        Index(None, "site", "result_id"),
    )


class Signature(Base):  # type: ignore[misc,valid-type]
    """A post's signature under a result, or its return. `signed_sha256` is what was before the signer."""

    __tablename__ = "signatures"

    result_id: Mapped[UUID] = mapped_column(ForeignKey("manual_results.result_id"), primary_key=True)
    post: Mapped[str] = mapped_column(Text, primary_key=True)
    outcome: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    grade: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    signed_sha256: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(Instant)


class ManualReport(Base):  # type: ignore[misc,valid-type]
    """A report as filed."""

    __tablename__ = "manual_reports"

    report_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    institution: Mapped[str] = mapped_column(Text)
    owner_dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    object: Mapped[str | None] = mapped_column(Text)
    filed_at: Mapped[datetime] = mapped_column(Instant)
    filed_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("institution", "number"),)


class ReportedResult(Base):  # type: ignore[misc,valid-type]
    """A result of a report."""

    __tablename__ = "reported_results"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("manual_reports.report_id"), primary_key=True)
    result_id: Mapped[UUID] = mapped_column(ForeignKey("manual_results.result_id"), primary_key=True)


class Answer(Base):  # type: ignore[misc,valid-type]
    """The answer given under an Idempotency-Key of one subject, and to which request (its sha256)."""

    __tablename__ = "answers"

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_sha256: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    given_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "given_at"),)
