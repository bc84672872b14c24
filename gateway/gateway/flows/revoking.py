"""Tokens called back before their end: kept here, followed by every service.

Promises: what was said stays; the list that services follow holds every revocation that a living token
could still meet; this process knows of one at once, its replicas and all services within 10 s. Leaves who may
revoke to the policy.
"""

from datetime import UTC, datetime, timedelta

from fastapi import FastAPI
from kit.problems import Invalid
from kit.revocation import LONGEST_LIFE_SECONDS, Revocation
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.tables import Revoked

AHEAD = timedelta(minutes=1)
LIFE = timedelta(seconds=LONGEST_LIFE_SECONDS)


async def revoke(session: AsyncSession, row: Revoked) -> None:
    """Adds it; the same one again changes nothing. Raises Invalid for a moment no living token could meet."""
    if not row.said_at - LIFE < row.not_before <= row.said_at + AHEAD:
        raise Invalid(
            "revocation-moment",
            "not_before lies in the last 24 hours, or now: older tokens have ended 时刻须在最近24小时内",
        )
    columns = {column.name: getattr(row, column.name) for column in Revoked.__table__.columns}
    await session.execute(insert(Revoked).values(columns).on_conflict_do_nothing())


async def current(session: AsyncSession, now: datetime) -> list[Revocation]:
    """What a token that is alive at `now` could meet."""
    rows = await session.scalars(select(Revoked).where(Revoked.not_before > now - LIFE))
    return [Revocation(row.kind, row.value, row.not_before.timestamp()) for row in rows]


async def follow(app: FastAPI) -> None:
    """This process's own list; a change makes the gate forget whom it let through."""
    known, added = app.state.verifier.revocations, -1
    while added != known.added:
        added = known.added
        async with app.state.database.reader() as session:
            found = await current(session, datetime.now(UTC))
    if known.replace(found):
        app.state.gate.forget()
