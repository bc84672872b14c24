"""Reads of the register of certificates that acts and lists share.

Promises: on a legal day the newest word that has begun by it counts; before the first one begins, that one.
"""

from dataclasses import fields
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from cases.rules.certificates import Certificate
from cases.tables import CertificateEntry

NAMES = [field.name for field in fields(Certificate)]


def certificate(row: CertificateEntry) -> Certificate:
    """An entry as the rules know it."""
    return Certificate(**{name: getattr(row, name) for name in NAMES})


def as_of(on: date) -> Select[CertificateEntry]:
    """One entry a number, by number: the one that holds on a legal day."""
    of = CertificateEntry
    return (
        select(of)
        .ext(distinct_on(of.number))
        .order_by(of.number, (of.state_from <= on).desc(), of.entry_no.desc())
    )


async def known(session: AsyncSession, numbers: set[str], on: date) -> dict[str, Certificate]:
    """What the registers of all departments say of these numbers on a legal day."""
    found = await session.scalars(as_of(on).where(CertificateEntry.number.in_(numbers)))
    return {row.number: certificate(row) for row in found}


async def is_kept(session: AsyncSession, dept: str | None, region: str | None) -> bool:
    """Whether any certificate of this department is on record: from the first one on, all have to be."""
    of = CertificateEntry
    some = select(of.entry_no).where(of.dept == dept, of.region == region).limit(1)
    return await session.scalar(some) is not None
