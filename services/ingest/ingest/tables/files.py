"""Files sent in parts: what was declared, which parts are here, and what became of each batch of rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingest.tables.declared import Base, Instant

_CURRENT = text("state <> 'refused' AND state <> 'expired' AND state <> 'failed'")


class Upload(Base):
    """One file. `received` bytes are here; `records` of its lines are committed.

    state: receiving → received → processing → done; or refused (with `problem`), or expired, or failed: after
    so many `tries` without progress nobody tries again (with `problem`).
    """

    __tablename__ = "uploads"
    # The same file, meant in the same way, sent again by the same sender is the same upload.
    __table_args__ = (Index("uq_uploads_seal", "sender", "seal", unique=True, postgresql_where=_CURRENT),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    format: Mapped[str] = mapped_column(Text)
    charset: Mapped[str | None] = mapped_column(Text)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sender: Mapped[str] = mapped_column(Text)
    principal: Mapped[dict[str, Any]] = mapped_column(JSONB)
    dept: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    region_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    uscc: Mapped[str | None] = mapped_column(Text)
    trace_id: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text)
    received: Mapped[int] = mapped_column(BigInteger)
    records: Mapped[int] = mapped_column(BigInteger)
    batches: Mapped[int] = mapped_column(Integer)
    accepted: Mapped[int] = mapped_column(BigInteger)
    repeated: Mapped[int] = mapped_column(BigInteger)
    revised: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    tries: Mapped[int] = mapped_column(Integer)
    worker: Mapped[UUID | None] = mapped_column(Uuid)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)


class UploadPart(Base):
    """Bytes of a file that are in the object store, by where they begin."""

    __tablename__ = "upload_parts"

    upload: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)


class UploadBatch(Base):
    """Lines of a file that were committed together. `answers` is their part of the answer file, zstd."""

    __tablename__ = "upload_batches"

    upload: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    submission: Mapped[UUID] = mapped_column(Uuid)
    first_record: Mapped[int] = mapped_column(BigInteger)
    records: Mapped[int] = mapped_column(Integer)
    answers: Mapped[bytes] = mapped_column(LargeBinary)
