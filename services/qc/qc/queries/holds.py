"""Holds that are undecided, and what spoke about the values they cover.

Promises: rows that will be changed come locked. Leaves deciding to the flows.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables.desk import Hold

TESTS = text(
    "SELECT coalesce(bit_or(v.tests), 0) FROM known_values v JOIN known_series s USING (series_id) "
    "WHERE s.site = ANY(:sites) AND s.descriptor ->> 'factor' = :factor AND v.ts < :until "
    "AND v.ts > CAST(:start AS timestamptz) - interval '1 hour'"
)


async def undecided_of(session: AsyncSession, alarms: Sequence[UUID]) -> Sequence[Hold]:
    """The undecided holds of these alarms."""
    wanted = select(Hold).where(Hold.alarm_id.in_(alarms), Hold.decision.is_(None))
    return (await session.scalars(wanted.with_for_update())).all()


async def tests_within(session: AsyncSession, hold: Hold) -> int:
    """The bits of all rules that spoke about a value of its sites and factor whose hour meets the window."""
    sites = sorted({hold.site} | {one["site"] for one in hold.sources})
    window = {"sites": sites, "factor": hold.factor, "start": hold.from_at, "until": hold.to_at}
    return int((await session.execute(TESTS, window)).scalar_one())
