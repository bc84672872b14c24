"""The tables of `cases`: signals, leads, cases, their history, interventions, and answers already given.

Promises: a signal is one row whatever arrives first, its raising or its withdrawal; the history is
append-only (no runtime role may update or delete it). Leaves documents to the file store: here are hashes.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from kit.db import declarative_base
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Base: type[DeclarativeBase] = declarative_base()
Instant = DateTime(timezone=True)


class Signal(Base):  # type: ignore[misc,valid-type]
    """An alarm or a suspicion. Without `raised_at_ms` only its withdrawal is known so far."""

    __tablename__ = "signals"

    signal_id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    raised_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    withdrawn_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    withdrawn_reason_zh: Mapped[str] = mapped_column(Text, server_default="")
    withdrawn_reason_en: Mapped[str] = mapped_column(Text, server_default="")
    merged_into: Mapped[str | None] = mapped_column(Text)
    series_id: Mapped[int | None] = mapped_column(BigInteger)
    rule: Mapped[str | None] = mapped_column(Text)
    severity: Mapped[str | None] = mapped_column(Text)
    message_zh: Mapped[str] = mapped_column(Text, server_default="")
    message_en: Mapped[str] = mapped_column(Text, server_default="")
    from_at: Mapped[datetime | None] = mapped_column(Instant)
    to_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index(None, "site", "from_at"), Index(None, "merged_into"))


class Lead(Base):  # type: ignore[misc,valid-type]
    """A lead. `origin_id` is its number at the origin, so the same report never opens two; `channel` is the
    way a report came.
    """

    __tablename__ = "leads"

    lead_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    origin: Mapped[str] = mapped_column(Text)
    origin_id: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    organisation_zh: Mapped[str | None] = mapped_column(Text)
    organisation_en: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    series: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    score: Mapped[float | None]
    from_at: Mapped[datetime | None] = mapped_column(Instant)
    to_at: Mapped[datetime | None] = mapped_column(Instant)
    raised_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    file_by: Mapped[date] = mapped_column(Date)
    is_file_by_provisional: Mapped[bool]
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_reason: Mapped[str | None] = mapped_column(Text)
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text))
    channel: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("channel IN ('web', 'wechat', 'phone', 'letter', 'visit')", "channel"),
        UniqueConstraint("origin", "region", "origin_id"),
        Index(None, "region", "lead_id"),
    )


class Case(Base):  # type: ignore[misc,valid-type]
    """A filed case as it stands; `case_steps` tells how it came there. Amounts in yuan."""

    __tablename__ = "cases"

    case_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.lead_id"), unique=True)
    region: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    filed_at: Mapped[datetime] = mapped_column(Instant)
    decide_by: Mapped[date] = mapped_column(Date)
    is_decide_by_provisional: Mapped[bool]
    subject_type: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    organisation_zh: Mapped[str | None] = mapped_column(Text)
    organisation_en: Mapped[str | None] = mapped_column(Text)
    typology: Mapped[str | None] = mapped_column(Text)
    investigation_report: Mapped[str | None] = mapped_column(Text)
    series_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    act_from_at: Mapped[datetime | None] = mapped_column(Instant)
    act_to_at: Mapped[datetime | None] = mapped_column(Instant)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    decision_no: Mapped[str | None] = mapped_column(Text, unique=True)
    legal_basis_id: Mapped[str | None] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    amount_yuan: Mapped[int | None] = mapped_column(BigInteger)
    reasoning: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    is_basis_withdrawn: Mapped[bool]
    basis_withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    basis_withdrawn_reason_zh: Mapped[str | None] = mapped_column(Text)
    basis_withdrawn_reason_en: Mapped[str | None] = mapped_column(Text)
    annulled_at: Mapped[datetime | None] = mapped_column(Instant)
    annulled_reason: Mapped[str | None] = mapped_column(Text)
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (Index(None, "region", "case_id"),)


class CaseStep(Base):  # type: ignore[misc,valid-type]
    """One entry of the history. `actor` is the token subject, or `qc` for what a signal did."""

    __tablename__ = "case_steps"

    step_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.lead_id"))
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.case_id"))
    act: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str | None] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    actor_text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    officers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    documents: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    trace_id: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index(None, "lead_id", "step_id"),)


class SealedDecision(Base):  # type: ignore[misc,valid-type]
    """What was decided, in the words in which it was said, and the nonce of its leaf in the evidence log."""

    __tablename__ = "sealed_decisions"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(Instant)


class Answer(Base):  # type: ignore[misc,valid-type]
    """The answer given under an Idempotency-Key of one subject, and to which request (its sha256)."""

    __tablename__ = "answers"

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_sha256: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    given_at: Mapped[datetime] = mapped_column(Instant)


class Intervention(Base):  # type: ignore[misc,valid-type]
    """干预记录, written once. `intervener` is `dept@region`; who recorded it stands in a table apart.

    `owner_dept`, `owner_uscc` are of the recorder and told to nobody; `addressed_to` is `dept@region`.
    """

    __tablename__ = "interventions"

    intervention_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    category: Mapped[str] = mapped_column(Text)
    form: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    intervener: Mapped[str] = mapped_column(Text)
    intervener_name: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(Instant)
    content: Mapped[str] = mapped_column(Text)
    lead_id: Mapped[UUID | None] = mapped_column(ForeignKey("leads.lead_id"))
    addressed_to: Mapped[str | None] = mapped_column(Text)
    medium: Mapped[str] = mapped_column(Text)
    extraction: Mapped[str] = mapped_column(Text)
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    owner_dept: Mapped[str | None] = mapped_column(Text)
    owner_uscc: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "region", "intervention_id"),)


class Recorder(Base):  # type: ignore[misc,valid-type]
    """Who recorded an intervention: read by one right alone."""

    __tablename__ = "intervention_recorders"

    intervention_id: Mapped[UUID] = mapped_column(
        ForeignKey("interventions.intervention_id"), primary_key=True
    )
    subject: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    principal: Mapped[str] = mapped_column(Text)


class InterventionRead(Base):  # type: ignore[misc,valid-type]
    """依法提取: who read an intervention on which legal ground, and whether who recorded it was told."""

    __tablename__ = "intervention_reads"

    read_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    intervention_id: Mapped[UUID] = mapped_column(ForeignKey("interventions.intervention_id"))
    subject: Mapped[str] = mapped_column(Text)
    principal: Mapped[str] = mapped_column(Text)
    ground: Mapped[str] = mapped_column(Text)
    is_of_recorder: Mapped[bool]
    at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "intervention_id", "read_id"),)


class Reporter(Base):  # type: ignore[misc,valid-type]
    """举报人: who reported a lead. Read by one right alone; no view, event or answer carries it."""

    __tablename__ = "reporters"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.lead_id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(Instant)


class OfficerCertificate(Base):  # type: ignore[misc,valid-type]
    """执法证: what the newest token of its holder said of a certificate. `valid_until` as it stood there."""

    __tablename__ = "officer_certificates"

    number: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    valid_until: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class CertificateEntry(Base):  # type: ignore[misc,valid-type]
    """执法证登记: one word of the department that issues certificates; never changed, the newest one holds.

    `dept`, `region` are the holder's; `holder_sha256` tells persons apart, not who; days are legal days.
    """

    __tablename__ = "certificate_entries"

    entry_no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    number: Mapped[str] = mapped_column(Text)
    dept: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    holder_sha256: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text)
    state_from: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    entered_by: Mapped[str] = mapped_column(Text)
    entered_by_text: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        Index(None, "number", "entry_no"),
        Index(None, "dept", "region"),
        Index(None, "region", "number"),
    )


class KnownBan(Base):  # type: ignore[misc,valid-type]
    """A ban of a person from the trade, as `credit` told it; lifted it bars nobody."""

    __tablename__ = "known_bans"

    ban_id: Mapped[str] = mapped_column(Text, primary_key=True)
    person: Mapped[str] = mapped_column(Text)
    decision_no: Mapped[str | None] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    lifted_at_ms: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "person"),)


class TeamMember(Base):  # type: ignore[misc,valid-type]
    """专案组: who of whichever department sees one case, and from when until when; never removed."""

    __tablename__ = "case_team"

    member_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.case_id"))
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.lead_id"))
    region: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    dept: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    named_by: Mapped[str] = mapped_column(Text)
    from_at: Mapped[datetime] = mapped_column(Instant)
    until_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(Text)
    ended_reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index(None, "case_id"), Index(None, "subject", "until_at"))
