"""Links to other platforms, what waits for them, what they answered, and what was reconciled.

Passwords and tokens stand in a table of their own that no reader may see.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingest.tables.declared import Base, Instant


class UplinkRow(Base):
    """A link as registered; its changes are in `registry_changes`, kind `uplinks`."""

    __tablename__ = "uplinks"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    peer: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    is_on: Mapped[bool]
    regions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sites: Mapped[list[str]] = mapped_column(ARRAY(Text))
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    periods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    places: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source_as: Mapped[str | None] = mapped_column(Text)
    dialect: Mapped[str] = mapped_column(Text)
    units: Mapped[str] = mapped_column(Text)
    answer_seconds: Mapped[int | None] = mapped_column(Integer)
    resends: Mapped[int | None] = mapped_column(Integer)
    parcels_per_second: Mapped[float | None]
    token_url: Mapped[str | None] = mapped_column(Text)
    client_id: Mapped[str | None] = mapped_column(Text)
    secrets_version: Mapped[int] = mapped_column(Integer)


class UplinkSecret(Base):
    """`bearer`, `client`, or `PW:<site>`. Written and read by the forwarder alone."""

    __tablename__ = "uplink_secrets"

    link: Mapped[str] = mapped_column(Text, ForeignKey("uplinks.name"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    secret: Mapped[str] = mapped_column(Text)


class UplinkState(Base):
    """How a link stands: its circuit, who sends for it, the last number given, values kept from a ring."""

    __tablename__ = "uplink_states"

    link: Mapped[str] = mapped_column(Text, ForeignKey("uplinks.name"), primary_key=True)
    circuit: Mapped[str] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    last_ok_at: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str] = mapped_column(Text)
    holder: Mapped[str] = mapped_column(Text)
    held_until: Mapped[datetime | None] = mapped_column(Instant)
    last_number: Mapped[int] = mapped_column(BigInteger)
    looped: Mapped[int] = mapped_column(BigInteger)


class UplinkParcel(Base):
    """What is sent and answered as one. `state`: waiting, acknowledged, parked, reported (cannot be sent).

    `number` names it to the other side (Idempotency-Key, QN) and changes only when sent anew on purpose.
    """

    __tablename__ = "uplink_parcels"
    __table_args__ = (
        UniqueConstraint("link", "key", "number", name="uq_uplink_parcels_number"),
        Index("ix_uplink_parcels_waiting", "link", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_uplink_parcels_link_day", "link", "day"),
        Index("ix_uplink_parcels_parked", "link", "id", postgresql_where=text("state = 'parked'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    link: Mapped[str] = mapped_column(Text, ForeignKey("uplinks.name"))
    key: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    day: Mapped[date] = mapped_column(Date)
    element: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    resent: Mapped[int] = mapped_column(Integer)
    queued_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text)


class UplinkReceipt(Base):
    """What the other side answered to which parcel under which number, and when. Never changed."""

    __tablename__ = "uplink_receipts"
    __table_args__ = (Index("ix_uplink_receipts_link_id", "link", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    link: Mapped[str] = mapped_column(Text)
    parcel: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(BigInteger)
    answered_at: Mapped[datetime] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)


class UplinkDay(Base):
    """A day of values that a link forwards, and how its comparison stands."""

    __tablename__ = "uplink_days"

    link: Mapped[str] = mapped_column(Text, ForeignKey("uplinks.name"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    touched_at: Mapped[datetime] = mapped_column(Instant)
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text)
    rounds: Mapped[int] = mapped_column(Integer)


class UplinkReconciliation(Base):
    """One comparison of one day. `cells` are the differences by series and hour, at most some hundred."""

    __tablename__ = "uplink_reconciliations"
    __table_args__ = (Index("ix_uplink_reconciliations_link_id", "link", "id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    link: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    made_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text)
    round: Mapped[int] = mapped_column(Integer)
    totals: Mapped[dict[str, Any]] = mapped_column(JSONB)
    cells: Mapped[list[Any]] = mapped_column(JSONB)
    note: Mapped[str] = mapped_column(Text)


class SubmissionHop(Base):
    """The platforms a submission passed before it came here; only submissions that passed any have a row."""

    __tablename__ = "submission_hops"

    submission: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    path: Mapped[list[str]] = mapped_column(ARRAY(Text))
