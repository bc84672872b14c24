"""What the routes share: paging, regions in reach, the parts of this process.

Promises: a page is at most 1,000 rows and names the next one. Leaves the rows to the routes.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Query, Request
from standards.tables import rows

from ingest.flows.catalog import Catalog
from ingest.flows.submit import Desk

REGIONS = frozenset(row["code"] for row in rows("regions"))
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows on a page 每页行数")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before 上一页的 next")]


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
