"""Tables of what other services told: bans and listings of `credit`, the witnesses' quorum of `evidence`.

Promises: each row is the same whatever order its events arrive in, because times only grow. Leaves what
follows to `qc.rules.custody`.
"""

from datetime import date

from sqlalchemy import BigInteger, Date, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables.declared import Base


class KnownBan(Base):  # type: ignore[misc,valid-type]
    """A person's ban from the trade. Without `valid_from` only its lifting is known so far; without
    `valid_to` it is for life.
    """

    __tablename__ = "known_bans"

    ban_id: Mapped[str] = mapped_column(Text, primary_key=True)
    person: Mapped[str] = mapped_column(Text)
    decision_no: Mapped[str | None] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    lifted_at_ms: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "person"),)


class KnownListing(Base):  # type: ignore[misc,valid-type]
    """A listed organisation. Suspended or removed it bars nobody."""

    __tablename__ = "known_listings"

    listing_id: Mapped[str] = mapped_column(Text, primary_key=True)
    uscc: Mapped[str] = mapped_column(Text)
    decision_no: Mapped[str | None] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    ended_at_ms: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "uscc"),)


class LogQuorum(Base):  # type: ignore[misc,valid-type]
    """Whether enough witnesses cosign a log: lost after it was regained: values since are unwitnessed."""

    __tablename__ = "log_quorum"

    log: Mapped[str] = mapped_column(Text, primary_key=True)
    since_ms: Mapped[int | None] = mapped_column(BigInteger)
    lost_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    regained_at_ms: Mapped[int | None] = mapped_column(BigInteger)
