"""What the API reads: series, verdicts now or as judged then, alarms, suspicions.

Promises: bounded by `limit`; by index. Leaves permission to the routes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from contracts.ingest import SeriesRef
from sqlalchemy import ColumnElement, Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables import Alarm, KnownSeries, Suspicion

CURRENT = """
    SELECT x.ts, x.value, x.decimals, x.flag, x.code, x.tests, x.revision, x.assessed_at, p.version
    FROM (
        SELECT ts, value, decimals, flag, code, tests, revision, assessed_at, pack_no
        FROM known_values WHERE series_id = :id AND ts >= :start AND ts < :end
        UNION ALL
        SELECT o.ts, NULL, :decimals, '', e.code, e.tests, e.revision, e.assessed_at, e.pack_no
        FROM overdue_periods o JOIN earlier_verdicts e USING (series_id, ts)
        WHERE o.series_id = :id AND o.ts >= :start AND o.ts < :end AND o.arrived_at IS NULL AND e.revision = 1
    ) x JOIN rule_packs p USING (pack_no) ORDER BY x.ts LIMIT :limit
"""
AS_OF = """
    SELECT DISTINCT ON (v.ts) v.ts,
        CASE WHEN k.assessed_at <= :known_at OR k.received_at <= :known_at THEN k.value END AS value,
        coalesce(k.decimals, :decimals) AS decimals, coalesce(k.flag, '') AS flag,
        v.code, v.tests, v.revision, v.assessed_at, p.version
    FROM verdicts v JOIN rule_packs p USING (pack_no) LEFT JOIN known_values k USING (series_id, ts)
    WHERE v.series_id = :id AND v.ts >= :start AND v.ts < :end AND v.assessed_at <= :known_at
    ORDER BY v.ts, v.revision DESC LIMIT :limit
"""

ON_DESK = (Alarm.withdrawn_at.is_(None), Alarm.closed_at.is_(None))
ALARM_STATES: dict[str, tuple[ColumnElement[bool], ...]] = {
    "raised": (Alarm.withdrawn_at.is_(None),),
    "withdrawn": (Alarm.withdrawn_at.is_not(None),),
    "open": ON_DESK,
    "unacknowledged": (*ON_DESK, Alarm.acknowledged_at.is_(None)),
    "closed": (Alarm.closed_at.is_not(None),),
}


async def series_by(session: AsyncSession, wanted: str) -> SeriesRef | None:
    """A series by its number or by its key, None when no value of it ever came."""
    if wanted.isdecimal() and wanted.isascii():
        condition: list[ColumnElement[bool]] = [KnownSeries.series_id == min(int(wanted), 2**63 - 1)]
    else:
        site, _, rest = wanted.partition("/")
        factor, _, rest = rest.partition("/")
        kind, _, source = rest.partition("/")
        parts = (*kind.split("-"), "", "")[:3]
        told = dict(zip(("statistic", "basis", "period"), parts, strict=True))
        condition = [
            KnownSeries.site == site,
            KnownSeries.descriptor.contains(told | {"factor": factor, "source": source}),
        ]
    found = (await session.execute(select(KnownSeries.descriptor).where(*condition).limit(1))).scalar()
    return None if found is None else msgspec.convert(found, SeriesRef)


async def series_of_site(session: AsyncSession, site: str) -> list[SeriesRef]:
    """All series of a site, ascending by number."""
    query = select(KnownSeries.descriptor).where(KnownSeries.site == site).order_by(KnownSeries.series_id)
    return [msgspec.convert(row, SeriesRef) for row in (await session.execute(query)).scalars()]


async def verdicts(
    session: AsyncSession, id: int, start: datetime, end: datetime, known_at: datetime | None, limit: int
) -> Sequence[Row[Any]]:
    """Values and verdicts of a series in [start, end), as they are or as judged at `known_at`."""
    values = {"id": id, "start": start, "end": end, "limit": limit, "decimals": 0}
    if known_at is None:
        return (await session.execute(text(CURRENT), values)).all()
    return (await session.execute(text(AS_OF), values | {"known_at": known_at})).all()


async def verdict_at(session: AsyncSession, id: int, ts: datetime) -> Row[Any] | None:
    """The stored value and verdict of one instant, with the rule pack that judged it."""
    query = text(
        "SELECT k.value, k.decimals, k.flag, k.code, k.tests, k.revision, k.assessed_at, p.version, "
        "cast(p.content AS text) AS content "
        "FROM known_values k JOIN rule_packs p USING (pack_no) WHERE k.series_id = :id AND k.ts = :ts"
    )
    return (await session.execute(query, {"id": id, "ts": ts})).one_or_none()


async def history_at(session: AsyncSession, id: int, ts: datetime) -> list[dict[str, Any]]:
    """Every verdict on one instant, oldest first."""
    query = text(
        "SELECT v.revision, v.code, v.tests, v.assessed_at, p.version FROM verdicts v "
        "JOIN rule_packs p USING (pack_no) WHERE v.series_id = :id AND v.ts = :ts ORDER BY v.revision"
    )
    rows = await session.execute(query, {"id": id, "ts": ts})
    return [dict(row._mapping) | {"assessed_at": row.assessed_at.isoformat()} for row in rows]


async def alarms(
    session: AsyncSession,
    reach: Sequence[ColumnElement[bool]],
    state: str | None,
    equal: Mapping[str, str | None],
    cursor: UUID | None,
    limit: int,
) -> Sequence[Alarm]:
    """Alarms within reach, newest first."""
    query = select(Alarm).where(*reach).order_by(Alarm.alarm_id.desc()).limit(limit)
    for name, value in equal.items():
        query = query if value is None else query.where(getattr(Alarm, name) == value)
    if state is not None:
        query = query.where(*ALARM_STATES[state])
    if cursor is not None:
        query = query.where(Alarm.alarm_id < cursor)
    return (await session.execute(query)).scalars().all()


async def suspicions(
    session: AsyncSession,
    reach: Sequence[ColumnElement[bool]],
    equal: Mapping[str, str | None],
    cursor: UUID | None,
    limit: int,
) -> Sequence[Suspicion]:
    """Suspicions within reach, newest first."""
    query = select(Suspicion).where(*reach).order_by(Suspicion.suspicion_id.desc()).limit(limit)
    for name, value in equal.items():
        query = query if value is None else query.where(getattr(Suspicion, name) == value)
    if cursor is not None:
        query = query.where(Suspicion.suspicion_id < cursor)
    return (await session.execute(query)).scalars().all()
