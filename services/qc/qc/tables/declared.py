"""What every table of `qc` is declared with."""

from kit.db import declarative_base
from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase

Base: type[DeclarativeBase] = declarative_base()
Instant = DateTime(timezone=True)
