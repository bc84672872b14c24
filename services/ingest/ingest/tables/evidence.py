"""What was received, from whom, and what became of it. Submissions, raw bytes, values never change."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, Index, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingest.tables.declared import Base, Instant


class Submission(Base):
    """One HTTP body or one frame. Ids are uuidv7, so their order is the order of receipt."""

    __tablename__ = "submissions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    channel: Mapped[str] = mapped_column(Text)
    principal: Mapped[str] = mapped_column(Text)
    dept: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    region_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    uscc: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    device: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(Integer)
    content_encoding: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    accepted: Mapped[int] = mapped_column(Integer)
    repeated: Mapped[int] = mapped_column(Integer)
    revised: Mapped[int] = mapped_column(Integer)
    refused: Mapped[int] = mapped_column(Integer)
    trace_id: Mapped[str] = mapped_column(Text)


class RawBytes(Base):
    """The bytes of a submission as received, stored as `encoding` (identity or zstd)."""

    __tablename__ = "raw_bytes"

    submission: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    encoding: Mapped[str] = mapped_column(Text)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class RefusedRow(Base):
    """A row that was not accepted. Its cells are in the raw bytes; `found` is what a person needs to see."""

    __tablename__ = "refused_rows"

    submission: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    row_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    field: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)
    found: Mapped[str] = mapped_column(Text)


class Observation(Base):
    """The first committed value of a series at an instant. Partitioned by month; NULL is a declared gap.

    `mode` is the place in (live, late, backfill, historical); `flag` the data mark as sent, '' for none.
    """

    __tablename__ = "observations"
    __table_args__ = (
        Index("ix_observations_ts", "ts", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (ts)"},
    )

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    value: Mapped[float | None]
    decimals: Mapped[int] = mapped_column(SmallInteger)
    flag: Mapped[str] = mapped_column(Text)
    mode: Mapped[int] = mapped_column(SmallInteger)
    submission: Mapped[UUID] = mapped_column(Uuid)
    row_no: Mapped[int] = mapped_column(Integer)


class Revision(Base):
    """A later, different value for an instant already recorded."""

    __tablename__ = "revisions"
    __table_args__ = (Index("ix_revisions_series_id_ts", "series_id", "ts"),)

    submission: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    row_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    series_id: Mapped[int] = mapped_column(BigInteger)
    ts: Mapped[datetime] = mapped_column(Instant)
    first_value: Mapped[float | None]
    later_value: Mapped[float | None]
    decimals: Mapped[int] = mapped_column(SmallInteger)
    flag: Mapped[str] = mapped_column(Text)


class IngestFinding(Base):
    """Something a supervisor should see: a revision, a foreign address, a wrong password, a flood."""

    __tablename__ = "ingest_findings"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    site: Mapped[str | None] = mapped_column(Text)
    region_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    uscc: Mapped[str | None] = mapped_column(Text)
    submission: Mapped[UUID | None] = mapped_column(Uuid)
    found_at: Mapped[datetime] = mapped_column(Instant)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class LatestValue(Base):
    """The newest value of a series by `ts`; written behind the commit, so it may trail by a second."""

    __tablename__ = "latest_values"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant)
    value: Mapped[float | None]
    decimals: Mapped[int] = mapped_column(SmallInteger)
    flag: Mapped[str] = mapped_column(Text)


class IdempotentAnswer(Base):
    """The answer given for an Idempotency-Key of a sender; the same body gets it again."""

    __tablename__ = "idempotent_answers"

    sender: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    answered_at: Mapped[datetime] = mapped_column(Instant)


class FloodCount(Base):
    """How many refused frames of one sender were kept and how many only counted on a day."""

    __tablename__ = "flood_counts"

    sender: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    rule: Mapped[str] = mapped_column(Text, primary_key=True)
    kept: Mapped[int] = mapped_column(Integer)
    counted: Mapped[int] = mapped_column(BigInteger)
