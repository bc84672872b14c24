"""What probe keeps: one row per effect, so that effects can be counted by business key."""

from kit.db import declarative_base
from sqlalchemy import BigInteger, ForeignKey, Identity, Text
from sqlalchemy.orm import Mapped, mapped_column

Base = declarative_base()


class Effect(Base):
    """No unique key on purpose: a doubled effect must be seen, not absorbed."""

    __tablename__ = "effects"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    n: Mapped[int] = mapped_column(BigInteger)


class Bond(Base):
    """Its foreign key is checked at COMMIT, so a bad row fails there and nowhere earlier."""

    __tablename__ = "bonds"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    other: Mapped[int] = mapped_column(ForeignKey("bonds.id", deferrable=True, initially="DEFERRED"))
