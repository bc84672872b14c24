"""Messages that could not be handled: kept with their reason, listed, shown, replayed.

Promises: later messages of the same key are parked behind the first, so a key keeps its order; a replay
handles the message and then those behind it, one transaction each, and stops at the first that fails.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
import uuid_utils
from contracts.packing import shown
from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.auth import allow
from kit.cursor import Place
from kit.db import ReaderSession
from kit.outbox import Meta
from kit.peers import Incoming
from kit.problems import NotFound

COLUMNS = "id, consumer, event, lane, seq, key, reason, attempts, parked_at, replayed_at"


async def park(session: AsyncSession, consumer: str, item: Incoming, reason: str, attempts: int) -> None:
    """Keeps one message with the reason why it could not be handled."""
    meta = item.meta
    await session.execute(
        text(
            "INSERT INTO parked (id, consumer, event, lane, seq, key, data, headers, reason, attempts) "
            "VALUES (:id, :consumer, :event, :lane, :seq, :key, :data, :headers, :reason, :attempts) "
            "ON CONFLICT (consumer, event, lane, seq) DO NOTHING"
        ),
        {
            "id": str(uuid_utils.uuid7()),
            "consumer": consumer,
            "event": meta.event_type,
            "lane": meta.lane,
            "seq": meta.seq,
            "key": meta.key,
            "data": item.data,
            "headers": msgspec.json.encode(meta).decode(),
            "reason": reason[:2000],
            "attempts": attempts,
        },
    )


async def waiting_keys(session: AsyncSession, place: Place, keys: Iterable[str]) -> set[str]:
    """Those of `keys` that have a parked message: what follows must be parked behind it."""
    found = await session.execute(
        text(
            "SELECT DISTINCT key FROM parked WHERE consumer = :consumer AND event = :event "
            "AND key = ANY(:keys) AND replayed_at IS NULL"
        ),
        {"consumer": place.consumer, "event": place.event, "keys": sorted(set(keys))},
    )
    return set(found.scalars())


async def find(session: AsyncSession, id: str) -> Any:
    """The whole row. Raises NotFound."""
    row = (await session.execute(text("SELECT * FROM parked WHERE id = :id"), {"id": id})).one_or_none()
    if row is None:
        raise NotFound("parked-message-unknown", f"There is no parked message {id}")
    return row


def meta_of(row: Any) -> Meta:
    """What was known of the message when it came."""
    return msgspec.convert(row.headers, Meta)


async def following(session: AsyncSession, row: Any, after: int) -> Any:
    """The next message of the same key that still waits, None when there is none."""
    found = await session.execute(
        text(
            "SELECT * FROM parked WHERE consumer = :consumer AND event = :event AND lane = :lane "
            "AND key = :key AND seq > :after AND replayed_at IS NULL ORDER BY seq LIMIT 1"
        ),
        {**{name: getattr(row, name) for name in ("consumer", "event", "lane", "key")}, "after": after},
    )
    return found.one_or_none()


async def settle(session: AsyncSession, id: str, reason: str | None = None) -> bool:
    """Marks a message as replayed, or given up for `reason`; False when it was already."""
    found = await session.execute(
        text(
            "UPDATE parked SET replayed_at = now(), attempts = attempts + 1, "
            "reason = coalesce(:reason, reason) WHERE id = :id AND replayed_at IS NULL RETURNING id"
        ),
        {"id": id, "reason": reason},
    )
    return found.one_or_none() is not None


async def blame(session: AsyncSession, id: str, reason: str) -> None:
    """Counts a failed replay and keeps its reason."""
    await session.execute(
        text("UPDATE parked SET attempts = attempts + 1, reason = :reason WHERE id = :id"),
        {"id": id, "reason": reason[:2000]},
    )


router = APIRouter(tags=["parked"])


@router.get("/parked", dependencies=[Depends(allow("parked", "read"))])
async def list_parked(
    session: ReaderSession,
    replayed: bool = False,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Messages that wait, oldest first; `replayed=true` lists those already replayed."""
    found = await session.execute(
        text(
            f"SELECT {COLUMNS} FROM parked WHERE (replayed_at IS NOT NULL) = :replayed AND id > :cursor "  # noqa: S608
            "ORDER BY id LIMIT :limit"
        ),
        {"replayed": replayed, "cursor": cursor, "limit": limit},
    )
    items = [dict(row._mapping) for row in found]
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}


@router.get("/parked/{id}", dependencies=[Depends(allow("parked", "read"))])
async def show_parked(session: ReaderSession, id: str) -> dict[str, Any]:
    """One message with its headers and its body as text."""
    row = await find(session, id)
    return dict(row._mapping) | {"data": shown(row.data)}


@router.post("/parked/{id}/replay", dependencies=[Depends(allow("parked", "replay"))])
async def replay_parked(request: Request, id: str, skip: bool = False) -> dict[str, Any]:
    """Handles the message and those of its key behind it; `skip=true` gives this one up, then goes on."""
    return {"replayed": await request.app.state.bus.replay(id, skip=skip)}
