"""SQL over the catalogue, releases, their versions and steps.

Promises: whoever changes a release holds its row lock first (`locked`), so publication and correction of one
release never overlap. Lists are keyset-paginated: newest hour first, then id.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from publish.tables import CatalogueItem, LogQuorum, Release, ReleaseStep, ReleaseVersion

Position = tuple[datetime, str]
Published = Row[Release, ReleaseVersion]


async def items_in_force(session: AsyncSession, on: date) -> list[CatalogueItem]:
    """The catalogue as it stands on a legal date."""
    held = and_(
        CatalogueItem.valid_from <= on, or_(CatalogueItem.valid_to.is_(None), CatalogueItem.valid_to >= on)
    )
    query = select(CatalogueItem).where(held).order_by(CatalogueItem.item_code)
    return list((await session.scalars(query)).all())


async def locked(session: AsyncSession, release_id: str) -> Release | None:
    """The release with its row locked until the end of the transaction."""
    query = select(Release).where(Release.id == release_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def find(session: AsyncSession, item_code: str, region: str, from_at: datetime) -> Release | None:
    """The release of one item, region and hour, locked; where there is none, nobody else may make it now."""
    name = f"{item_code}/{region}/{from_at.isoformat()}"
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
    key = (Release.item_code == item_code, Release.region == region, Release.from_at == from_at)
    return (await session.scalars(select(Release).where(*key).with_for_update())).one_or_none()


async def known_hours(session: AsyncSession, item_code: str, region: str, since: datetime) -> set[datetime]:
    """The hours for which the item already has a release."""
    query = select(Release.from_at).where(
        Release.item_code == item_code, Release.region == region, Release.from_at >= since
    )
    return set((await session.scalars(query)).all())


async def of_hours(session: AsyncSession, hours: Sequence[datetime]) -> list[Release]:
    """The releases of these hours, locked in id order."""
    query = select(Release).where(Release.from_at.in_(hours)).order_by(Release.id).with_for_update()
    return list((await session.scalars(query)).all())


async def log_quorum(session: AsyncSession, log: str) -> LogQuorum:
    """What is known of the quorum of a log; its row is locked, and made if there is none."""
    await session.execute(insert(LogQuorum).values(log=log).on_conflict_do_nothing())
    query = select(LogQuorum).where(LogQuorum.log == log).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def log_quorums(session: AsyncSession) -> list[LogQuorum]:
    """What is known of every log's quorum."""
    return list((await session.scalars(select(LogQuorum))).all())


async def version(session: AsyncSession, release_id: str, number: int) -> ReleaseVersion | None:
    """One published version."""
    return await session.get(ReleaseVersion, (release_id, number))


async def versions(session: AsyncSession, release_id: str) -> list[ReleaseVersion]:
    """All published versions, newest first."""
    query = select(ReleaseVersion).where(ReleaseVersion.release_id == release_id)
    return list((await session.scalars(query.order_by(ReleaseVersion.version.desc()))).all())


async def steps(session: AsyncSession, release_id: str) -> list[ReleaseStep]:
    """Everything done with a release, in order."""
    query = select(ReleaseStep).where(ReleaseStep.release_id == release_id).order_by(ReleaseStep.id)
    return list((await session.scalars(query)).all())


def _after(position: Position | None) -> list[ColumnElement[bool]]:
    return [] if position is None else [tuple_(Release.from_at, Release.id) < position]


def _current() -> Select[Release, ReleaseVersion]:
    is_current = and_(ReleaseVersion.release_id == Release.id, ReleaseVersion.version == Release.version)
    return select(Release, ReleaseVersion).join(ReleaseVersion, is_current)


async def published(
    session: AsyncSession, region: str | None, position: Position | None, limit: int
) -> list[Published]:
    """Published releases with their current version, newest hour first, starting after `position`."""
    query = _current().where(Release.status == "published", *_after(position))
    query = query.options(defer(ReleaseVersion.snapshot, raiseload=True))
    if region is not None:
        query = query.where(Release.region == region)
    query = query.order_by(Release.from_at.desc(), Release.id.desc()).limit(limit)
    return list((await session.execute(query)).all())


# One index descent per item and region, however many hours have been released.
_NEWEST = text("""
WITH RECURSIVE pairs AS (
    (SELECT item_code, region FROM releases WHERE status = 'published' ORDER BY 1, 2 LIMIT 1)
    UNION ALL
    SELECT n.item_code, n.region FROM pairs p CROSS JOIN LATERAL (
        SELECT r.item_code, r.region FROM releases r
        WHERE r.status = 'published' AND (r.item_code, r.region) > (p.item_code, p.region)
        ORDER BY 1, 2 LIMIT 1) AS n
)
SELECT newest.id FROM pairs p CROSS JOIN LATERAL (
    SELECT r.id FROM releases r
    WHERE r.item_code = p.item_code AND r.region = p.region AND r.status = 'published'
    ORDER BY r.from_at DESC LIMIT 1) AS newest
""")


async def newest_published(session: AsyncSession) -> list[Published]:
    """Per item and region the published release of the latest hour."""
    ids = [str(found) for found in (await session.execute(_NEWEST)).scalars()]
    query = _current().where(Release.id.in_(ids)).order_by(Release.item_code, Release.region)
    return list((await session.execute(query)).all())


async def officer_list(
    session: AsyncSession,
    regions: ColumnElement[bool],
    status: str | None,
    position: Position | None,
    limit: int,
) -> list[Release]:
    """Releases of any status within the officer's reach, newest hour first."""
    query = select(Release).where(regions, *_after(position))
    if status is not None:
        query = query.where(Release.status == status)
    query = query.order_by(Release.from_at.desc(), Release.id.desc()).limit(limit)
    return list((await session.scalars(query)).all())
