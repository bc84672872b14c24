"""Reads of `credit` longer than a line.

Promises: lists are newest first and paged by id (uuid v7 sorts by time); a listing comes with the marks of
its case. Leaves who may see a row to the clause handed in.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from kit.problems import NotFound
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from credit.tables import Ban, CaseMark, Listing, ListingStep


async def locked_mark(session: AsyncSession, case_id: str) -> CaseMark:
    """The marks of a case, made if absent, locked: of two events about one case the second waits."""
    await session.execute(insert(CaseMark).values(case_id=case_id).on_conflict_do_nothing())
    found = await session.get(CaseMark, case_id, with_for_update=True, populate_existing=True)
    assert found is not None
    return found


async def listing_of(session: AsyncSession, case_id: str) -> Listing | None:
    """The listing of a case, locked."""
    return await session.scalar(
        select(Listing)
        .where(Listing.case_id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def listing(session: AsyncSession, listing_id: UUID) -> tuple[Listing, CaseMark]:
    """One listing with the marks of its case. Raises NotFound."""
    query = select(Listing, CaseMark).join(CaseMark, CaseMark.case_id == Listing.case_id)
    found = (await session.execute(query.where(Listing.listing_id == listing_id))).one_or_none()
    if found is None:
        raise NotFound("no-such-listing", f"There is no listing {listing_id} 没有该记录")
    return found[0], found[1]


async def listings(
    session: AsyncSession, where: Sequence[ColumnElement[bool]], before: UUID | None, limit: int
) -> Sequence[tuple[Listing, CaseMark]]:
    """Up to `limit` listings older than `before` that meet every condition, newest first."""
    query = select(Listing, CaseMark).join(CaseMark, CaseMark.case_id == Listing.case_id).where(*where)
    if before is not None:
        query = query.where(Listing.listing_id < before)
    found = await session.execute(query.order_by(Listing.listing_id.desc()).limit(limit))
    return [(listing, mark) for listing, mark in found]


async def bearing_on(session: AsyncSession, uscc: str) -> Sequence[tuple[Listing, CaseMark]]:
    """Every listing of a subject that has not ended, newest first."""
    query = select(Listing, CaseMark).join(CaseMark, CaseMark.case_id == Listing.case_id)
    query = query.where(Listing.uscc == uscc, Listing.state.in_(("LISTED", "SUSPENDED")))
    return [
        (listing, mark) for listing, mark in await session.execute(query.order_by(Listing.listing_id.desc()))
    ]


async def past_their_last_day(session: AsyncSession, today: date, limit: int) -> Sequence[str]:
    """Case ids of listings that have not ended although their last day is over."""
    query = select(Listing.case_id).where(
        Listing.state.in_(("LISTED", "SUSPENDED")), Listing.valid_to < today
    )
    return (await session.scalars(query.order_by(Listing.valid_to).limit(limit))).all()


async def steps(session: AsyncSession, listing_id: UUID) -> Sequence[ListingStep]:
    """The history of a listing, oldest first."""
    query = select(ListingStep).where(ListingStep.listing_id == listing_id).order_by(ListingStep.step_id)
    return (await session.scalars(query)).all()


async def lock_ban(session: AsyncSession, decision_no: str, person: str) -> None:
    """One at a time bans this person by this decision."""
    number = func.hashtextextended(f"{decision_no}\n{person}", 1)
    await session.execute(select(func.pg_advisory_xact_lock(number)))


async def ban_by(session: AsyncSession, decision_no: str, person: str) -> Ban | None:
    """The ban of a person by a decision."""
    return await session.scalar(select(Ban).where(Ban.decision_no == decision_no, Ban.person == person))


async def ban(session: AsyncSession, ban_id: UUID) -> Ban:
    """One ban, locked where it is about to change. Raises NotFound."""
    found = await session.get(Ban, ban_id, with_for_update=True)
    if found is None:
        raise NotFound("no-such-ban", f"There is no ban {ban_id} 没有该从业禁止")
    return found


async def bans(
    session: AsyncSession, reach: ColumnElement[bool], person: str | None, before: UUID | None, limit: int
) -> Sequence[Ban]:
    """Bans within reach, newest first."""
    query = select(Ban).where(reach).order_by(Ban.ban_id.desc()).limit(limit)
    if person is not None:
        query = query.where(Ban.person == person)
    if before is not None:
        query = query.where(Ban.ban_id < before)
    return (await session.scalars(query)).all()
