"""What the routes of `cases` share: paging, the idempotency key, and the regions a grant reaches.

Promises: a page is at most 1,000 rows and names the next one. Leaves the rows to the routes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request
from kit.auth import Grant
from kit.db import WriterSession
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from standards.tables import rows

from cases import queries
from cases.flows.acts import Doer
from cases.flows.asked import Asked
from cases.flows.repeats import Ask, once
from cases.tables import Case

REGIONS = frozenset(row["code"] for row in rows("regions"))

Limit = Annotated[int, Query(ge=1, le=1000, description="Rows on a page")]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before")]


Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=8, max_length=200, description="Repeats get the same answer"),
]


@dataclass(frozen=True)
class Writing:
    """One write: its transaction, its path, and the key under which it may be repeated."""

    session: AsyncSession
    path: str
    key: str | None

    async def answer(
        self, body: Asked, doer: Doer, run: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """The answer of `run`, or the one already given under the key."""
        ask = Ask(doer.grant.principal.subject, self.key, self.path, body.model_dump_json(), doer.now)
        return await once(self.session, ask, run)


async def writing(
    request: Request,
    session: WriterSession,
    key: Key = None,
) -> Writing:
    """The write in hand."""
    return Writing(session, request.url.path, key)


Write = Annotated[Writing, Depends(writing)]


def visible(grant: Grant, region: InstrumentedAttribute[str], **further: Any) -> ColumnElement[bool]:
    """The rows of the regions within reach of the grant; `further` as the columns of `Grant.clause`."""
    return grant.clause(REGIONS, region=region, **further)


async def require_case(session: AsyncSession, grant: Grant, case: Case) -> None:
    """Raises Forbidden unless the case lies within reach, or the reader is on its team now."""
    is_on_team = await queries.is_on_team(session, grant.principal.subject, case.case_id)
    grant.require(region=case.region, is_on_team=is_on_team)


async def equalities(
    state: Annotated[str | None, Query(pattern="^[A-Z_]{1,40}$")] = None,
    site: Annotated[str | None, Query(pattern=r"^[^\x00]{1,200}$")] = None,
    uscc: Annotated[str | None, Query(pattern="^[0-9A-Z]{18}$")] = None,
) -> dict[str, str]:
    """The filters of a list that were given."""
    given = {"state": state, "site": site, "uscc": uscc}
    return {name: value for name, value in given.items() if value is not None}


Wanted = Annotated[dict[str, str], Depends(equalities)]


def doer_of(grant: Grant) -> Doer:
    """Who acts, now."""
    return Doer(grant, datetime.now(UTC))


def page(items: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """A page: `next` is the cursor of the following one, None on the last."""
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}
