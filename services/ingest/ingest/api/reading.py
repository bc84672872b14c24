"""Monthly means of a series, and what was found wrong while receiving.

Promises: a month is a calendar month in +08:00 and its mean is over the values recorded first, in the unit of
the series. Leaves the values themselves to `values`, verdicts to `qc`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import NotFound
from sqlalchemy import false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.edge import REGIONS, Cursor, Limit, page
from ingest.queries import reading
from ingest.rules.findings import named
from ingest.rules.times import CHINA
from ingest.tables import IngestFinding, SiteRow

router = APIRouter(tags=["values"])
May = Annotated[Grant, Depends(allow("observations", "read"))]
MayFindings = Annotated[Grant, Depends(allow("findings", "read"))]
From = Annotated[datetime | None, Query(alias="from", description="First instant 起始时刻")]
To = Annotated[datetime | None, Query(description="End, not included 结束时刻（不含）")]
AsOf = Annotated[datetime | None, Query(alias="asOf", description="As known at this moment 截至该时刻所知")]
START, STOP = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def aware(moment: datetime | None, default: datetime) -> datetime:
    """A time as asked for; one without an offset is +08:00."""
    if moment is None:
        return default
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


class Asked(NamedTuple):
    """Which values, as known when."""

    span: tuple[datetime, datetime]
    as_of: datetime | None


async def asked_for(start: From = None, to: To = None, as_of: AsOf = None) -> Asked:
    """The query parameters from, to and asOf."""
    known = None if as_of is None else aware(as_of, STOP)
    return Asked((aware(start, START), aware(to, STOP)), known)


async def series_in_reach(session: AsyncSession, grant: Grant, wanted: int) -> dict[str, Any]:
    """The series, its unit and place. Raises NotFound, Forbidden."""
    row = await reading.series_row(session, wanted)
    if row is None:
        raise NotFound("unknown-series", "No such series in your reach 无此序列或超出权限")
    grant.require(region=row["region"], owner_dept=row["dept"], owner_uscc=row["uscc"])
    return row


@router.get("/series/{id}/monthly")
async def list_monthly(
    id: int,
    grant: May,
    session: ReaderSession,
    asked: Annotated[Asked, Depends(asked_for)],
    limit: Limit = 1000,
) -> Any:
    """Means by calendar month (+08:00): `values` counts what the mean is over, `rows` also declared gaps."""
    series = await series_in_reach(session, grant, id)
    rows = await reading.monthly(session, id, asked.span, limit)
    items = [row | {"month": row["month"].strftime("%Y-%m")} for row in rows]
    return {"items": items, "next": None, "series": id, "unit": series["unit"]}


@router.get("/findings")
async def list_findings(
    grant: MayFindings, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Revisions, foreign addresses, wrong passwords, floods; newest first."""
    # A finding about a unit or a record has no site; its own region is the first of its path.
    region = func.coalesce(SiteRow.region, IngestFinding.region_path[1])
    uscc = func.coalesce(SiteRow.uscc, IngestFinding.uscc)
    reach = grant.clause(REGIONS, region=region, owner_dept=SiteRow.dept, owner_uscc=uscc)
    wanted = select(IngestFinding).outerjoin(SiteRow, SiteRow.code == IngestFinding.site).where(reach)
    if cursor:
        before = _uuid(cursor)
        wanted = wanted.where(IngestFinding.id < before) if before else wanted.where(false())
    found = await session.scalars(wanted.order_by(IngestFinding.id.desc()).limit(limit + 1))
    return page(found.all(), limit, lambda row: row.id, _finding)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def utc(moment: datetime) -> str:
    """As every answer writes a time."""
    return moment.astimezone(UTC).isoformat()


def _finding(row: IngestFinding) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "kind_zh": named(row.kind)[0],
        "kind_en": named(row.kind)[1],
        "site": row.site,
        "submission": str(row.submission) if row.submission else None,
        "found_at": utc(row.found_at),
        "detail": row.detail,
    }
