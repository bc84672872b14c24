"""The declarative base of this service's tables."""

from kit.db import NAMES
from sqlalchemy import DateTime, MetaData
from sqlalchemy.orm import DeclarativeBase

Instant = DateTime(timezone=True)


class Base(DeclarativeBase):
    """Constraint names follow kit's convention."""

    metadata = MetaData(naming_convention=NAMES)
