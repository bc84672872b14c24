"""What the routes of `qc` share: paging, instants in a query, series by number or by key.

Promises: a page is at most 1,000 rows and names the next one; a naive time is +08:00. Leaves the rows to
the routes.
"""

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from contracts.ingest import SeriesRef
from fastapi import Query
from kit.auth import Grant
from kit.problems import Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from standards.tables import rows

from qc.queries import reading
from qc.rules.assess import BEIJING

REGIONS = frozenset(row["code"] for row in rows("regions"))

Limit = Annotated[int, Query(ge=1, le=1000, description="Rows on a page 每页条数")]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before 上一页的 next")]


def moment(text: str, where: str) -> datetime:
    """An instant from ISO 8601 text, or UTC milliseconds. Raises Invalid.

    Worked example: "2026-11-21T08:00" and "1795219200000" are both 00:00 UTC.
    """
    try:
        if text.isdecimal():
            found = datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            found = datetime.fromisoformat(text.replace(" ", "+"))
        # At the ends of the calendar a window around the instant would leave it.
        is_usable = MINYEAR < found.year < MAXYEAR
    except (ValueError, OverflowError, OSError):
        is_usable = False
    if not is_usable:
        fault = {
            "where": where,
            "rule": "ISO 8601",
            "what": text[:100],
            "mend": "e.g. 2026-11-21T08:00:00+08:00",
        }
        raise Invalid("not-an-instant", f"{where} is no ISO 8601 time 时间格式错误", errors=[fault])  # type: ignore[list-item]
    return found if found.tzinfo else found.replace(tzinfo=BEIJING)


async def series_within(session: AsyncSession, grant: Grant, wanted: str) -> SeriesRef:
    """The series by number or by key (`site/factor/stat-basis-period/source`); NotFound, Forbidden."""
    ref = await reading.series_by(session, wanted)
    if ref is None:
        raise NotFound("series-unknown", f"No value of series {wanted[:200]} is known here 数据序列未知")
    grant.require(region=ref.region, owner_uscc=ref.uscc)
    return ref


def page(items: list[dict[str, Any]], limit: int, key: str) -> dict[str, Any]:
    """A page: `next` is the cursor of the following one, None on the last."""
    return {"items": items, "next": items[-1][key] if len(items) == limit else None}
