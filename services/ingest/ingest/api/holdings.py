"""How many values are held, by series and hour: what a platform below asks to reconcile.

Promises: counts recorded first values only, and only those in reach. Leaves comparing to who asks.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.described import NAMED
from kit.problems import Invalid, NotFound

from ingest.api.edge import Cursor, Limit, page
from ingest.queries import reading
from ingest.rules.times import CHINA
from ingest.tables import SiteRow

router = APIRouter(tags=["values"])
May = Annotated[Grant, Depends(allow("observations", "read"))]
From = Annotated[datetime, Query(alias="from", description="First instant 起始时刻")]
To = Annotated[datetime, Query(description="End, not included, at most 32 days on 结束时刻（不含）")]
_MOST_DAYS = 32


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


async def _span(start: From, to: To) -> tuple[datetime, datetime]:
    span = (_aware(start), _aware(to))
    if not 0 <= (span[1] - span[0]).days <= _MOST_DAYS:
        raise Invalid("span-too-long", f"At most {_MOST_DAYS} days at once 每次最多 {_MOST_DAYS} 天")
    return span


@router.get("/holdings", responses=NAMED)
async def list_holdings(
    site: str,
    span: Annotated[tuple[datetime, datetime], Depends(_span)],
    grant: May,
    session: ReaderSession,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """Values held of one site: `count` of each series and `hour` (UTC), by series and hour."""
    row = await session.get(SiteRow, site)
    if row is None:
        raise NotFound("unknown-site", f"The site {site} is not registered 点位未登记")
    grant.require(region=row.region, owner_dept=row.dept, owner_uscc=row.uscc)
    rows = await reading.holdings(session, site, span, _place(cursor), limit + 1)
    return page(rows, limit, lambda one: f"{one['series']}|{one['hour'].isoformat()}", _shown)


def _place(cursor: str | None) -> tuple[int, datetime]:
    if cursor is None:
        return 0, reading.LONG_AGO
    series, _, hour = cursor.partition("|")
    try:
        return int(series), _aware(datetime.fromisoformat(hour))
    except ValueError:
        raise Invalid("unknown-cursor", "No such page 无此页") from None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"hour": row["hour"].isoformat()}
