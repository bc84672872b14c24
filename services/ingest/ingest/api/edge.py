"""What the routes share: paging, regions in reach, the parts of this process.

Promises: a page is at most 1,000 rows and names the next one. Leaves the rows to the routes.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from inspect import signature
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from kit.auth import Grant
from kit.turns import whole_or_cut
from sqlalchemy import ColumnElement, and_, any_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from standards.tables import rows

from ingest.flows.catalog import Catalog
from ingest.flows.change import Change
from ingest.flows.submit import Desk
from ingest.queries import history
from ingest.rules.times import CHINA

REGIONS = frozenset(row["code"] for row in rows("regions"))
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows on a page 每页行数")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before 上一页的 next")]
AsOf = Annotated[
    datetime | None, Query(alias="asOf", description="As known at this moment 截至该时刻所知（历史版本）")
]
On = Annotated[date | None, Query(description="Valid on this day 该日有效")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=40, description="Version that is edited (ETag) 所改版本")
]


class Listing:
    """Which part of a list, and as of when."""

    def __init__(self, limit: Limit = 100, cursor: Cursor = None, as_of: AsOf = None, on: On = None) -> None:
        self.limit, self.cursor, self.as_of, self.on = limit, cursor, as_of, on


def inline(made: Callable[..., Any]) -> Callable[..., Any]:
    """A dependency that is made where the request is: what is not async, FastAPI makes in a thread."""

    async def make(**given: Any) -> Any:
        return made(**given)

    make.__signature__ = signature(made)  # type: ignore[attr-defined]
    return make


Listed = Annotated[Listing, Depends(inline(Listing))]


def page(items: Sequence[Any], limit: int, last: Callable[[Any], object], shown: Callable[[Any], Any]) -> Any:
    """A page of `limit` rows out of `limit + 1` fetched; `next` is None on the last."""
    kept = items[:limit]
    more = str(last(kept[-1])) if len(items) > limit else None
    return {"items": [shown(item) for item in kept], "next": more}


def number_of(cursor: str | None) -> int:
    """A cursor that is a number; anything else begins at the start."""
    return int(cursor) if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else 0


def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


def catalog(request: Request) -> Catalog:
    found: Catalog = request.app.state.catalog
    return found


def change_of(session: AsyncSession, grant: Grant) -> Change:
    """`async with change_of(…) as change:` is one numbered change by who asks."""
    who = grant.principal
    return Change(session, f"{who.text} {who.subject}", datetime.now(UTC))


def reach(grant: Grant, of: Any) -> ColumnElement[bool]:
    """Which rows with a scope of their own (records, changes) a grant reaches.

    Of data sets the region sees what is shared with everybody; the rest is for owner and recipients.
    """
    shared = {"region": of.region, "owner_dept": of.dept, "is_published": of.is_published}
    shared |= {"owner_uscc": of.uscc, "addressed_to": any_(of.recipients)}
    mine = grant.clause(REGIONS, **shared)
    if grant.permission == "sharing:read":
        named = replace(grant.decision, scopes=grant.decision.scopes - {"region"})
        mine = or_(and_(mine, of.is_published), replace(grant, decision=named).clause(REGIONS, **shared))
    return or_(mine, grant.clause(REGIONS, owner_uscc=of.counterpart))


def aware(moment: datetime) -> datetime:
    """Without an offset, +08:00 is meant."""
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


async def page_as_of(
    session: AsyncSession, grant: Grant, kind: str, asked: Listing, shape: Callable[[Any], Any] = dict
) -> Any:
    """A page of the objects of a kind as they were known at `asked.as_of`, by code."""
    assert asked.as_of is not None
    span = (asked.cursor or "", asked.limit + 1)
    found = await history.known_at(session, kind, aware(asked.as_of), partial(reach, grant), span)
    return page(found, asked.limit, lambda row: row.code, lambda row: shape(row.after))


async def one_as_of(session: AsyncSession, grant: Grant, key: tuple[str, str], at: datetime) -> Any:
    """One object as it was known at a moment; None if it was not, or is out of reach."""
    found = await history.known_at(session, key[0], aware(at), partial(reach, grant), ("", 1), key[1])
    return found[0].after if found else None


def csv_file(lines: AsyncIterator[bytes], name: str) -> StreamingResponse:
    """A CSV of everything, streamed. One that cannot be finished says so in its last line, without end mark.

    Worked example: `# INCOMPLETE 未完: the time limit of 900 s …`, then the connection is cut.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    pieces = whole_or_cut(lines, lambda reason: f"# INCOMPLETE 未完: {reason}\n".encode())
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=headers)
