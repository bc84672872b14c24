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
        "SELECT alarm_id, rule, rule_no, severity, series_id, site, region, from_at, to_at, closed_at "
        "FROM alarms WHERE series_id = ANY($1) AND withdrawn_at IS NULL ORDER BY from_at",
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


async def extend(
    connection: asyncpg.Connection, stretches: Sequence[tuple[UUID, datetime, datetime]]
) -> None:
    """Let open alarms also cover (alarm, from, to)."""
    await connection.execute(
        "UPDATE alarms a SET from_at = least(a.from_at, n.from_at), to_at = greatest(a.to_at, n.to_at) FROM ("
        "SELECT alarm_id, min(from_at) AS from_at, max(to_at) AS to_at "
        "FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) u (alarm_id, from_at, to_at) "
        "GROUP BY 1) n WHERE a.alarm_id = n.alarm_id",
        *(list(column) for column in zip(*stretches, strict=True)),
    )


async def withdraw(
    connection: asyncpg.Connection, alarm_id: UUID, now: datetime, reason_zh: str, reason_en: str
) -> None:
    """Close an open alarm for good."""
    await connection.execute(
        "UPDATE alarms SET withdrawn_at = $2, reason_zh = $3, reason_en = $4, escalate_at = NULL "
        "WHERE alarm_id = $1 AND withdrawn_at IS NULL",
        alarm_id,
        now,
        reason_zh,
        reason_en,
    )


async def insert(session: AsyncSession, alarms: Sequence[dict[str, Any]]) -> None:
    """Keep new alarms."""
    session.add_all(Alarm(**alarm) for alarm in alarms)
    await session.flush()
