"""How facts leave: rows of the same transaction, later numbered and published by `kit.relay`.

Promises: `put` is part of the caller's transaction, so there is no event without its effect and no effect
without its event; numbered lanes have no gaps and can be read again over HTTP by a consumer that missed some.
Leaves numbering and publishing to `kit.relay`, the table to `kit/migrations`.
"""

import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from contracts.envelope import MAX_EVENT_BYTES, Event, event_type, lane_of
from contracts.packing import Packed, packed, unpacked
from fastapi import APIRouter, Depends, Query, Response
from policy import Row
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit import telemetry
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Gone

# The trace ids of the message in hand: what a handler says carries them on unless it names its own.
incoming: ContextVar[tuple[str, ...]] = ContextVar("incoming", default=())
_INTO = "INSERT INTO outbox (event, lane, key, data, traceparent, trace_ids, occurred_at)"
PUT = f"{_INTO} VALUES ($1, $2, $3, $4, $5, $6, $7)"
PUT_MANY = _INTO + (  # noqa: S608
    " SELECT e, l, k, d, p, string_to_array(t, ','), o FROM unnest($1::text[], $2::text[], $3::text[], "
    "$4::bytea[], $5::text[], $6::text[], $7::timestamptz[]) AS r (e, l, k, d, p, t, o)"
)


class EventTooLarge(ValueError):
    """The event exceeds the limit of the bus; its producer must split it."""


@dataclass(frozen=True)
class Meta:
    """Where a message comes from. `seq` counts 1, 2, … without gaps in its (event_type, lane)."""

    event_type: str
    lane: str
    seq: int
    event_id: str
    key: str
    traceparent: str
    traces: tuple[str, ...]
    occurred_at: datetime


def _traces(given: Iterable[str] | None, parent: str = "") -> tuple[str, list[str]]:
    """The traceparent to carry on, and the trace ids (32 hex digits) under which the row is found."""
    parent = parent or telemetry.traceparent() or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    ids = [trace.split("-")[1] if "-" in trace else trace for trace in given or incoming.get()]
    return parent, list(dict.fromkeys(ids or [parent.split("-")[1]]))


async def put(
    session: AsyncSession | asyncpg.Connection, event: Event, *, key: str, traces: Iterable[str] | None = None
) -> None:
    """Say `event` when the transaction of `session` commits. `key` orders it: one key, one lane, one order.

    `traces` are the trace ids (or traceparents) of what the event rests on; without them, those of the
    message in hand or of the current span. Raises EventTooLarge above 256 KB.
    Worked example: `await put(session, AlarmRaised(...), key=series.site)`.
    """
    row = _row(event, key, traces)
    if isinstance(session, AsyncSession):
        await (await session.connection()).exec_driver_sql(PUT, row)
    else:
        await session.execute(PUT, *row)


Said = tuple[Event | Packed, str, Iterable[str]]


async def put_many(connection: asyncpg.Connection, said: Iterable[Said], beside: str = "", *own: Any) -> None:
    """Say several (event, key, traces) in one round trip, in this order.

    `beside` are WITH clauses of the same statement that take their `own` values as $8, $9 …; they are
    executed only if something is said.
    """
    parent = _traces(None)[0]
    rows = [_row(event, key, traces, parent) for event, key, traces in said]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        columns[5] = [",".join(ids) for ids in columns[5]]
        await connection.execute(f"WITH {beside}{PUT_MANY}" if beside else PUT_MANY, *columns, *own)


def _row(event: Event | Packed, key: str, traces: Iterable[str] | None, parent: str = "") -> tuple[Any, ...]:
    cls, size, data = packed(event)
    if size > MAX_EVENT_BYTES:
        raise EventTooLarge(f"{event_type(cls)} for {key}: {size} bytes > {MAX_EVENT_BYTES}, split it")
    parent, ids = _traces(traces, parent)
    return (event_type(cls), lane_of(cls, key), key, data, parent, ids, datetime.now(UTC))


def _json(payload: Any) -> Response:
    return Response(msgspec.json.encode(payload), media_type="application/json")


def _shown(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(unpacked(data), type=dict[str, Any])
    except ValueError:
        return {"unreadable": data}


def _within_reach(grant: Grant, data: Any) -> bool:
    """Every region and organisation the event speaks of must be within reach; one that names none is not."""
    refs = [ref for ref in [data, data.get("series"), *_listed(data.get("series"))] if isinstance(ref, dict)]
    rows = [Row(region=ref["region"], owner_uscc=ref.get("uscc")) for ref in refs if "region" in ref]
    return all(grant.covers(row) for row in rows or [Row()])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


router = APIRouter(tags=["outbox"])


@router.get("/outbox/heads", dependencies=[Depends(allow("outbox", "read"))])
async def heads(session: ReaderSession, event: str) -> dict[str, int]:
    """The last number of each lane of `event`, e.g. `{"00": 41}`."""
    found = await session.execute(text("SELECT lane, seq FROM outbox_heads WHERE event = :e"), {"e": event})
    return {lane: seq for lane, seq in found}


@router.get(
    "/outbox/{event}/{lane}",
    dependencies=[Depends(allow("outbox", "read"))],
    response_class=Response,
    responses={410: {"description": "Some are no longer kept 部分已清理"}},
)
async def messages(
    session: ReaderSession,
    event: str,
    lane: str,
    after: int = Query(ge=0),
    limit: int = Query(default=200, ge=1, le=500),
) -> Response:
    """The numbered messages of one lane after `after`, in order; `data` is base64 (`contracts.packing`).

    410 where some of them are no longer kept: who has not had them must be rebuilt from its source's data.
    """
    asked = {"event": event, "lane": lane}
    select = text("SELECT pruned_seq FROM outbox_heads WHERE event = :event AND lane = :lane")
    if after < (pruned := (await session.execute(select, asked)).scalar() or 0):
        raise Gone("outbox-pruned", f"Numbers up to {pruned} are no longer kept 该序号之前的事件已清理")
    found = await session.execute(
        text(
            "SELECT id, seq, key, traceparent, trace_ids, occurred_at, data FROM outbox "
            "WHERE event = :event AND lane = :lane AND seq > :after ORDER BY seq LIMIT :limit"
        ),
        asked | {"after": after, "limit": limit},
    )
    return _json([dict(row._mapping) for row in found])


@router.get("/traces/{trace_id}", response_class=Response)
async def followed(
    grant: Annotated[Grant, Depends(allow("traces", "read"))], session: ReaderSession, trace_id: str
) -> Response:
    """What this service said on behalf of one trace id (32 hex digits), oldest first."""
    found = await session.execute(
        text(
            "SELECT event, lane, seq, occurred_at, key, data FROM outbox "
            "WHERE trace_ids @> ARRAY[:trace] ORDER BY id LIMIT 1000"
        ),
        {"trace": trace_id},
    )
    shown = [dict(row._mapping) | {"data": _shown(row.data)} for row in found]
    return _json([row for row in shown if _within_reach(grant, row["data"])])
