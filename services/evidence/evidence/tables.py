"""The tables of `evidence`: entries in their order, the newest checkpoint, what witnesses refused.

Promises: an entry is inserted once and changed by no runtime role; the checkpoint never gets smaller and
never has another root at the same size, whoever writes it (triggers of the migration). Tiles are files.
"""

from datetime import datetime

from kit.db import declarative_base
from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Base: type[DeclarativeBase] = declarative_base()
Instant = DateTime(timezone=True)


class Entry(Base):  # type: ignore[misc,valid-type]
    """One leaf: sha256(nonce ‖ record). `ref` is the id at its sender; `recovered` ones have none."""

    __tablename__ = "entries"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    subject: Mapped[str] = mapped_column(Text)
    ref: Mapped[str | None] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index("ix_entries_entry", "entry", unique=True),)


class Sequence(Base):  # type: ignore[misc,valid-type]
    """How many entries there are. Its one row is locked by whoever appends, so positions have no gaps."""

    __tablename__ = "sequence"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    entries: Mapped[int] = mapped_column(BigInteger)


class SignedCheckpoint(Base):  # type: ignore[misc,valid-type]
    """The newest signed checkpoint; kept here before anybody sees it."""

    __tablename__ = "checkpoint"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(Instant)


class Witnessing(Base):  # type: ignore[misc,valid-type]
    """Since when the quorum is missing, and when that was said."""

    __tablename__ = "witnessing"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    missing_since: Mapped[datetime | None] = mapped_column(Instant)
    lost_at: Mapped[datetime | None] = mapped_column(Instant)


class Refusal(Base):  # type: ignore[misc,valid-type]
    """A checkpoint that a witness would not cosign because it knows another history; said once."""

    __tablename__ = "refusals"

    witness: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    root: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    witness_size: Mapped[int | None] = mapped_column(BigInteger)
    refused_at: Mapped[datetime] = mapped_column(Instant)
