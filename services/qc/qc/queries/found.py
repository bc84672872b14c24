"""What the API reads of day closes and findings.

Promises: bounded by `limit`; by index. Leaves permission to the routes.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from contracts.ingest import SeriesRef
from sqlalchemy import ColumnElement, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.rules.closing.pack import ClosingPack
from qc.tables.closes import DayClose, FalsificationFinding


async def closes(
    session: AsyncSession,
    reach: Sequence[ColumnElement[bool]],
    equal: Mapping[str, str | date | None],
    cursor: UUID | None,
    limit: int,
) -> Sequence[DayClose]:
    """Day closes within reach, newest first."""
    query = select(DayClose).where(*reach).order_by(DayClose.close_id.desc()).limit(limit)
    for name, value in equal.items():
        query = query if value is None else query.where(getattr(DayClose, name) == value)
    if cursor is not None:
        query = query.where(DayClose.close_id < cursor)
    return (await session.execute(query)).scalars().all()


async def findings(
    session: AsyncSession,
    reach: Sequence[ColumnElement[bool]],
    equal: Mapping[str, str | int | bool | None],
    within: tuple[datetime, datetime] | None,
    cursor: UUID | None,
    limit: int,
) -> Sequence[FalsificationFinding]:
    """Findings within reach, newest first; `within` [from, to): those that share an instant with it."""
    query = select(FalsificationFinding).where(*reach).order_by(FalsificationFinding.finding_id.desc())
    for name, value in equal.items():
        query = query if value is None else query.where(getattr(FalsificationFinding, name) == value)
    if within is not None:
        query = query.where(FalsificationFinding.to_at > within[0], FalsificationFinding.from_at < within[1])
    if cursor is not None:
        query = query.where(FalsificationFinding.finding_id < cursor)
    return (await session.execute(query.limit(limit))).scalars().all()


async def pack_of(session: AsyncSession, version: str) -> ClosingPack:
    """The tests as they were in that version."""
    query = text("SELECT cast(content AS text) FROM rule_packs WHERE version = :version")
    content = (await session.execute(query, {"version": version})).scalar_one()
    return msgspec.json.decode(content, type=ClosingPack)


async def series_by_id(session: AsyncSession, ids: Sequence[int]) -> dict[int, SeriesRef]:
    """Known series by number."""
    query = text("SELECT cast(descriptor AS text) FROM known_series WHERE series_id = ANY(:ids)")
    rows = (await session.execute(query, {"ids": list(ids)})).scalars()
    refs = [msgspec.json.decode(row, type=SeriesRef) for row in rows]
    return {ref.id: ref for ref in refs}


async def alike(session: AsyncSession, panel_id: int, factor: str, but: int, most: int) -> list[int]:
    """Other series of a factor in a panel, by number."""
    query = text(
        "SELECT series_id FROM day_panel_members WHERE panel_id = :panel AND factor = :factor "
        "AND series_id <> :but ORDER BY site, series_id LIMIT :most"
    )
    values = {"panel": panel_id, "factor": factor, "but": but, "most": most}
    return list((await session.execute(query, values)).scalars())
