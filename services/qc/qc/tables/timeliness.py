"""The table of late arrivals: what `ingest` said came later than allowed, added up by day of receipt.

Promises: a row is the same in whatever order its events arrive. Leaves what is systematic to
`qc.rules.timeliness`.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from qc.tables.declared import Base, Instant


class LateArrival(Base):  # type: ignore[misc,valid-type]
    """A day's late values of one period from one source of a site; `device` is empty without a logger."""

    __tablename__ = "late_arrivals"

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    device: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    late: Mapped[int] = mapped_column(BigInteger)
    allowed_seconds: Mapped[int] = mapped_column(Integer)
    longest_seconds: Mapped[int] = mapped_column(BigInteger)
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "day"),)
