"""Alarms that are open, and how they are raised, extended and withdrawn.

Promises: only open alarms change; a withdrawn one keeps its reason for good. Leaves when to the flows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables import Alarm


async def open_alarms(connection: asyncpg.Connection, ids: Sequence[int]) -> list[asyncpg.Record]:
    """Open alarms of these series, oldest stretch first."""
    rows: list[asyncpg.Record] = await connection.fetch(
        "SELECT alarm_id, rule, rule_no, series_id, site, region, from_at, to_at FROM alarms "
        "WHERE series_id = ANY($1) AND withdrawn_at IS NULL ORDER BY from_at",
        list(ids),
    )
    return rows


async def still_supported(connection: asyncpg.Connection, alarm: asyncpg.Record) -> bool:
    """Whether any value in the alarm's stretch still carries its rule."""
    found = await connection.fetchval(
        "SELECT true FROM known_values WHERE series_id = $1 AND ts >= $2 AND ts < $3 "
        "AND tests & $4 <> 0 LIMIT 1",
        alarm["series_id"],
        alarm["from_at"],
        alarm["to_at"],
        1 << alarm["rule_no"],
    )
    return bool(found)


async def still_silent(connection: asyncpg.Connection, alarm: asyncpg.Record) -> bool:
    """Whether a period in the alarm's stretch is still unreported."""
    found = await connection.fetchval(
        "SELECT true FROM overdue_periods WHERE series_id = $1 AND ts >= $2 AND ts < $3 "
        "AND arrived_at IS NULL LIMIT 1",
        alarm["series_id"],
        alarm["from_at"],
        alarm["to_at"],
    )
    return bool(found)


async def extend(connection: asyncpg.Connection, alarm_id: UUID, from_at: datetime, to_at: datetime) -> None:
    """Let an open alarm also cover [from_at, to_at)."""
    await connection.execute(
        "UPDATE alarms SET from_at = least(from_at, $2), to_at = greatest(to_at, $3) WHERE alarm_id = $1",
        alarm_id,
        from_at,
        to_at,
    )


async def withdraw(
    connection: asyncpg.Connection, alarm_id: UUID, now: datetime, reason_zh: str, reason_en: str
) -> None:
    """Close an open alarm for good."""
    await connection.execute(
        "UPDATE alarms SET withdrawn_at = $2, reason_zh = $3, reason_en = $4 "
        "WHERE alarm_id = $1 AND withdrawn_at IS NULL",
        alarm_id,
        now,
        reason_zh,
        reason_en,
    )


async def insert(session: AsyncSession, alarm: dict[str, Any]) -> None:
    """Keep a new alarm."""
    session.add(Alarm(**alarm))
    await session.flush()
