"""Cross-region grants: kept here, followed by every service.

Promises: what was given or ended stays; the list that services follow holds every grant that is not over,
also one that begins later, so that it begins and ends at its second by itself. Leaves to the policy who may
give one.
"""

from datetime import datetime
from uuid import UUID

from contracts.gateway import RegionGrantEnded, RegionGrantGiven
from fastapi import FastAPI
from kit.outbox import put
from kit.problems import Conflict, NotFound
from policy import RegionGrant
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.tables import Granted, GrantEnd


def over() -> Conflict:
    """What is said of a grant that is not live any more."""
    return Conflict("grant-over", "授权已经期满或终止 · the grant is over already")


def as_grant(row: Granted) -> RegionGrant:
    """What services need to know of it."""
    return RegionGrant(
        id=str(row.id),
        subject=row.subject,
        regions=tuple(row.regions),
        permissions=frozenset(row.permissions),
        begins=row.valid_from.timestamp(),
        ends=row.valid_to.timestamp(),
    )


async def give(session: AsyncSession, row: Granted) -> None:
    """Adds it, and tells the bus."""
    session.add(row)
    event = RegionGrantGiven(
        grant_id=str(row.id),
        subject=row.subject,
        regions=row.regions,
        permissions=row.permissions,
        purpose=row.purpose,
        begins_ms=_ms(row.valid_from),
        ends_ms=_ms(row.valid_to),
    )
    await put(session, event, key=str(row.id))


async def end(session: AsyncSession, row: GrantEnd) -> None:
    """Ends it for good, and tells the bus. Raises Conflict if somebody was faster: the first reason stays."""
    columns = {column.name: getattr(row, column.name) for column in GrantEnd.__table__.columns}
    added = await session.execute(insert(GrantEnd).values(columns).on_conflict_do_nothing())
    if not added.rowcount:  # type: ignore[attr-defined]
        raise over()
    event = RegionGrantEnded(grant_id=str(row.grant_id), ended_at_ms=_ms(row.ended_at), reason=row.reason)
    await put(session, event, key=str(row.grant_id))


async def one(session: AsyncSession, id: UUID) -> tuple[Granted, GrantEnd | None]:
    """A grant and its early end, if any. Raises NotFound."""
    row = await session.get(Granted, id)
    if row is None:
        raise NotFound("grant-unknown", "There is no such grant 无此授权")
    return row, await session.get(GrantEnd, id)


async def current(session: AsyncSession, now: datetime) -> list[RegionGrant]:
    """Those that hold at `now` or are to hold."""
    ended = exists().where(GrantEnd.grant_id == Granted.id)
    rows = await session.scalars(select(Granted).where(Granted.valid_to > now, ~ended))
    return [as_grant(row) for row in rows]


async def follow(app: FastAPI, now: datetime) -> None:
    """This process's own list."""
    known, changed = app.state.verifier.grants, -1
    while changed != known.changed:
        changed = known.changed
        async with app.state.database.reader() as session:
            found = await current(session, now)
    known.replace(found)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
