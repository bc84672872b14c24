"""Suspicions of day closes: those that stand, and how they are kept, raised again and taken back.

Promises: a streaming suspicion is read here, never written. Leaves deciding to the flow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from contracts.ingest import SeriesRef
from contracts.qc import Finding
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from qc.queries.windows import AT
from qc.rules.closing.days import Pass, begins_ms
from qc.tables import Suspicion

STANDING = """
    SELECT suspicion_id, state, series_id, site, region, kind, beside, score, from_at, to_at, findings::text
    FROM suspicions WHERE series_id = ANY($1) AND state IN ('raised', 'queued') AND origin = 'day_close'
    AND to_at > {start} AND to_at <= {end} ORDER BY series_id, from_at, suspicion_id
"""
STREAMING = """
    SELECT suspicion_id, series_id, kind, from_at, to_at FROM suspicions
    WHERE series_id = ANY($1) AND state = 'raised' AND origin = 'streaming'
    AND to_at > {start} AND from_at < {end}
"""
FOREVER = "timestamptz 'infinity'"


@dataclass(frozen=True, slots=True)
class Row:
    """What changes of a suspicion while it stands."""

    suspicion_id: UUID
    state: str
    kind: str
    beside: UUID | None
    score: float
    from_ms: int
    to_ms: int
    findings: Sequence[Finding]


async def standing(connection: asyncpg.Connection, ids: Sequence[int], one: Pass) -> list[asyncpg.Record]:
    """Suspicions of day closes that stand and end in the days a pass decides about."""
    start = AT.format(begins_ms(one.decides_from))
    end = FOREVER if one.decides_to is None else AT.format(begins_ms(one.decides_to))
    rows: list[asyncpg.Record] = await connection.fetch(STANDING.format(start=start, end=end), list(ids))
    return rows


async def streaming(connection: asyncpg.Connection, ids: Sequence[int], one: Pass) -> list[asyncpg.Record]:
    """Streaming suspicions that stand and share an instant with a pass."""
    query = STREAMING.format(start=AT.format(one.start_ms), end=AT.format(one.end_ms))
    rows: list[asyncpg.Record] = await connection.fetch(query, list(ids))
    return rows


async def put_suspicion(session: AsyncSession, row: Row, ref: SeriesRef, version: str, now: datetime) -> None:
    """Keep a suspicion of a day close as it is now, under its number."""
    changing = {
        "state": row.state,
        "kind": row.kind,
        "beside": row.beside,
        "score": row.score,
        "from_at": datetime.fromtimestamp(row.from_ms / 1000, now.tzinfo),
        "to_at": datetime.fromtimestamp(row.to_ms / 1000, now.tzinfo),
        "findings": msgspec.to_builtins(list(row.findings)),
        "rule_pack": version,
        "updated_at": now,
        "withdrawn_at": None,
        "reason_zh": None,
        "reason_en": None,
    }
    fixed = {
        "suspicion_id": row.suspicion_id,
        "origin": "day_close",
        "series_id": ref.id,
        "site": ref.site,
        "region": ref.region,
        "uscc": ref.uscc,
        "series": [msgspec.to_builtins(ref)],
        "raised_at": now,
        "traces": [],
    }
    statement = insert(Suspicion).values(**fixed, **changing)
    await session.execute(statement.on_conflict_do_update(index_elements=["suspicion_id"], set_=changing))


async def withdraw(
    connection: asyncpg.Connection,
    suspicion_id: UUID,
    state: str,
    score: float,
    now: datetime,
    reasons: tuple[str, str],
) -> None:
    """Take a suspicion back for good (withdrawn) or to an analyst's queue (queued)."""
    await connection.execute(
        "UPDATE suspicions SET state = $2, score = $3, withdrawn_at = $4, updated_at = $4, reason_zh = $5, "
        "reason_en = $6 WHERE suspicion_id = $1",
        suspicion_id,
        state,
        score,
        now,
        *reasons,
    )
