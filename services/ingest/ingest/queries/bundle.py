"""What belongs into the evidence bundle of one device and period, read with the eyes of whoever asks.

Promises: a device's earlier sites count, too, as far as they may be seen; at most one row more than
asked for comes back, so that the caller sees that it is too much. Leaves limits and the archive
to `flows.bundle`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, false, func, literal, not_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.queries.reading import first_id_after
from ingest.tables import RawBytes, RegistryChange, Submission

HISTORY = """
SELECT DISTINCT after->>'site' AS site, after->>'source' AS source FROM registry_changes
WHERE kind = 'devices' AND code = :mn
"""
SERIES = """
SELECT id, site, factor, statistic, basis, period, source, unit FROM visible_series
WHERE site = ANY(:sites) AND source = ANY(:sources) ORDER BY id
"""
OBSERVATIONS = """
SELECT o.series_id, o.ts, o.value, o.decimals, o.flag, o.mode, o.submission, o.row_no
FROM visible_observations o JOIN submissions s ON s.id = o.submission
WHERE o.series_id = ANY(:series) AND o.ts >= :start AND o.ts < :stop AND s.device = :mn
ORDER BY o.series_id, o.ts LIMIT :limit
"""
REVISIONS = """
SELECT r.series_id, r.ts, r.first_value, r.later_value, r.decimals, r.flag, r.submission, r.row_no
FROM visible_revisions r JOIN submissions s ON s.id = r.submission
WHERE r.series_id = ANY(:series) AND r.ts >= :start AND r.ts < :stop AND s.device = :mn
ORDER BY r.series_id, r.ts, r.submission LIMIT :limit
"""
MILLISECOND = timedelta(milliseconds=1)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """A device and a period, [start, stop)."""

    mn: str
    start: datetime
    stop: datetime


async def series_of(session: AsyncSession, mn: str) -> tuple[list[str], Rows]:
    """The sites where the device stood or stands, and the series it fed there, if they may be seen."""
    known = (await session.execute(text(HISTORY), {"mn": mn})).all()
    sites = sorted({site for site, _ in known if site})
    sources = sorted({source for _, source in known if source})
    return sites, await _rows(session, SERIES, {"sites": sites, "sources": sources})


async def changes_of(
    session: AsyncSession, mn: str, sites: Sequence[str], reach: ColumnElement[bool]
) -> tuple[Rows, int]:
    """Every change of the register about the device, its sites, their organisations and series, by number.

    `reach` is which changes may be seen; also how many of the device, its sites and series may not. An
    organisation comes along with a site that is seen.
    """
    of = RegistryChange
    about = or_(
        and_(of.kind == "devices", of.code == mn),
        and_(of.kind == "sites", of.code.in_(sites)),
        and_(of.kind == "series", of.after["site"].astext.in_(sites)),
    )
    owner = select(of.after["uscc"].astext).where(of.kind == "sites", of.code.in_(sites), reach)
    named = and_(of.kind == "organisations", of.code.in_(owner.scalar_subquery()))
    columns = (of.id, of.kind, of.code, of.changed_at, of.changed_by, of.before, of.after)
    wanted = select(*columns).where(or_(and_(about, reach), named)).order_by(of.id)
    found = [dict(row) for row in (await session.execute(wanted)).mappings()]
    hidden = await session.scalar(
        select(func.count()).select_from(of).where(about, not_(func.coalesce(reach, false())))
    )
    return found, hidden or 0


async def values_of(
    session: AsyncSession, wanted: Wanted, series: Sequence[int], most: int
) -> tuple[Rows, Rows]:
    """First values and revisions of the period that the device sent; at most `most` + 1 of each."""
    asked = {
        "series": list(series), "start": wanted.start, "stop": wanted.stop, "mn": wanted.mn,
        "limit": most + 1,
    }  # fmt: skip
    return await _rows(session, OBSERVATIONS, asked), await _rows(session, REVISIONS, asked)


async def submissions_of(
    session: AsyncSession, wanted: Wanted, ids: Sequence[UUID], most: int
) -> list[Submission]:
    """What the device sent in the period, and what `ids` name: values of the period may come later."""
    first, behind = (UUID(first_id_after(moment - MILLISECOND)) for moment in (wanted.start, wanted.stop))
    named = Submission.id == any_(literal(list(ids), ARRAY(Uuid)))
    sent = and_(Submission.id >= first, Submission.id < behind)
    found = select(Submission).where(Submission.device == wanted.mn, or_(sent, named))
    return list(await session.scalars(found.order_by(Submission.id).limit(most + 1)))


async def raw_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, RawBytes]:
    """The raw bytes of some submissions, as stored."""
    named = RawBytes.submission == any_(literal(list(ids), ARRAY(Uuid)))
    return {row.submission: row for row in await session.scalars(select(RawBytes).where(named))}


async def _rows(session: AsyncSession, query: str, asked: dict[str, Any]) -> Rows:
    return [dict(row) for row in (await session.execute(text(query), asked)).mappings()]
