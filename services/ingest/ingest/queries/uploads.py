"""Uploads, their parts and batches, on a session or on the driver's own connection of a batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import CursorResult, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.tables import Upload, UploadPart

CLAIM = """
UPDATE uploads SET worker = :worker, leased_until = :until, tries = tries + 1 WHERE id = (
    SELECT id FROM uploads WHERE state IN ('received', 'processing') AND coalesce(leased_until < :now, true)
    ORDER BY changed_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""
ADVANCE = """
UPDATE uploads SET records = $3, batches = batches + 1, accepted = accepted + $4, repeated = repeated + $5,
    revised = revised + $6, refused = refused + $7, changed_at = $8, leased_until = $9, tries = 0
WHERE id = $1 AND worker = $2 AND state = 'processing'
"""
KEEP_BATCH = """
INSERT INTO upload_batches (upload, number, submission, first_record, records, answers)
VALUES ($1, $2, $3, $4, $5, $6)
"""


async def create(session: AsyncSession, cells: dict[str, Any]) -> bool:
    """Whether it is new; not, if the sender has this file already, under way or done."""
    done = await session.execute(insert(Upload).values(**cells).on_conflict_do_nothing())
    assert isinstance(done, CursorResult)
    return done.rowcount == 1


async def sealed(session: AsyncSession, sender: str, seal: bytes) -> Upload | None:
    """The sender's upload of this file that is neither refused, failed nor expired."""
    wanted = select(Upload).where(Upload.sender == sender, Upload.seal == seal)
    return await session.scalar(wanted.where(Upload.state.not_in(("refused", "expired", "failed"))))


async def part(session: AsyncSession, upload: UUID, at: int) -> UploadPart | None:
    return await session.get(UploadPart, (upload, at))


async def take_part(session: AsyncSession, cells: dict[str, Any], now: datetime) -> bool:
    """Note a part where the file ends so far; False if it ends elsewhere by now."""
    end = cells["at"] + cells["size"]
    grown = (
        update(Upload)
        .where(Upload.id == cells["upload"], Upload.received == cells["at"], Upload.state == "receiving")
        .values(received=end, changed_at=now)
    )
    done = await session.execute(grown)
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        return False
    await session.execute(insert(UploadPart).values(**cells))
    whole = update(Upload).where(Upload.id == cells["upload"], Upload.received == Upload.size)
    await session.execute(whole.values(state="received"))
    return True


async def parts(session: AsyncSession, upload: UUID) -> Sequence[UploadPart]:
    """In the order of the file."""
    found = await session.scalars(
        select(UploadPart).where(UploadPart.upload == upload).order_by(UploadPart.at)
    )
    return found.all()


async def claim(session: AsyncSession, worker: UUID, now: datetime, until: datetime) -> Upload | None:
    """The upload that waits longest and that nobody works on, leased to `worker`."""
    found = await session.scalar(text(CLAIM), {"worker": worker, "now": now, "until": until})
    return await session.get(Upload, found) if found else None


async def change(session: AsyncSession, upload: UUID, worker: UUID, **cells: Any) -> bool:
    """Change an upload that is leased to `worker`; False if it is not any more."""
    wanted = update(Upload).where(Upload.id == upload, Upload.worker == worker)
    done = await session.execute(wanted.values(**cells))
    assert isinstance(done, CursorResult)
    return done.rowcount == 1


async def keep_batch(
    connection: asyncpg.Connection, batch: Sequence[Any], counts: Sequence[int], lease: Sequence[Any]
) -> bool:
    """In the transaction of the batch itself; False if `lease` (worker, now, until) is lost."""
    upload, _, _, first, records, _ = batch
    worker, now, until = lease
    done = await connection.execute(ADVANCE, upload, worker, first + records, *counts, now, until)
    if not done.endswith(" 1"):
        return False
    await connection.execute(KEEP_BATCH, *batch)
    return True


async def expire(session: AsyncSession, before: datetime) -> None:
    """Give up what nobody went on with."""
    stale = update(Upload).where(Upload.state == "receiving", Upload.changed_at < before)
    await session.execute(stale.values(state="expired"))


async def open_of(session: AsyncSession, sender: str) -> int:
    """How many unfinished uploads a sender has."""
    states = ("receiving", "received", "processing")
    wanted = select(Upload.id).where(Upload.sender == sender, Upload.state.in_(states)).limit(1000)
    return len((await session.scalars(wanted)).all())


async def needed_parts(session: AsyncSession, uploads: set[UUID]) -> set[UUID]:
    """Those of `uploads` whose parts are not yet one file."""
    wanted = select(Upload.id).where(Upload.id.in_(uploads), Upload.state.in_(("receiving", "received")))
    return set(await session.scalars(wanted))


async def needed_files(session: AsyncSession, digests: set[bytes]) -> set[bytes]:
    """Those of `digests` that are the file of an upload, be it refused: it was received."""
    return set(await session.scalars(select(Upload.sha256).where(Upload.sha256.in_(digests))))
