"""SQL over sites and listings."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from publish.tables import FigureRow, Listing, Series, Site


async def stations(
    session: AsyncSession, after: str = "", limit: int = 1000, code: str | None = None
) -> list[Site]:
    """Monitoring stations in code order, starting after a code."""
    query = select(Site).where(Site.kind == "station", Site.code > after).order_by(Site.code).limit(limit)
    if code is not None:
        query = query.where(Site.code == code)
    return list((await session.scalars(query)).all())


async def assessed_stations(session: AsyncSession) -> list[Site]:
    """The air stations that count for their region's figure."""
    query = select(Site).where(Site.kind == "station", Site.element == "air", Site.is_assessed)
    return list((await session.scalars(query.order_by(Site.code))).all())


async def sites(session: AsyncSession, codes: list[str]) -> list[Site]:
    """These sites in code order."""
    return list((await session.scalars(select(Site).where(Site.code.in_(codes)).order_by(Site.code))).all())


async def save_site(session: AsyncSession, row: dict[str, Any]) -> None:
    """Inserts or replaces a site by its code."""
    statement = insert(Site).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=row))


async def factors_of(session: AsyncSession, site: str) -> list[Series]:
    """The public series of a station, in factor order."""
    query = select(Series).where(Series.site == site, Series.is_public).order_by(Series.factor, Series.id)
    return list((await session.scalars(query)).all())


async def newest_hours(session: AsyncSession, codes: list[str]) -> dict[str, datetime]:
    """The latest hour with a figure, per station: one index descent per series, not a scan."""
    newest = (
        select(FigureRow.ts)
        .where(FigureRow.series_id == Series.id)
        .order_by(FigureRow.ts.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(Series.site, func.max(newest).label("ts"))
        .where(Series.site.in_(codes), Series.is_public)
        .group_by(Series.site)
    )
    return {row.site: row.ts for row in await session.execute(query) if row.ts is not None}


async def listings(session: AsyncSession) -> list[Listing]:
    """Every listing not known to be removed, newest first."""
    query = select(Listing).where(Listing.listed_at.is_not(None), Listing.removed_at.is_(None))
    return list((await session.scalars(query.order_by(Listing.listed_at.desc(), Listing.listing_id))).all())
