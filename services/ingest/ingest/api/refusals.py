"""Refused rows, for whoever sent them: found again by submission, site, rule and time, or as one CSV.

Promises: a sender sees its own, an authority those of its region; newest submission first. Leaves keeping
them to `flows.writing`.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from kit.auth import Grant
from kit.db import Database, ReaderSession
from kit.described import also
from kit.problems import Invalid
from kit.sheets import CSV
from kit.turns import STREAM_SECONDS
from sqlalchemy import Select, and_, or_, select

from ingest.api.edge import Cursor, Limit, csv_file, page
from ingest.api.reading import START, From, To, aware, utc
from ingest.api.submissions import May, reach_of
from ingest.queries.reading import first_id_after, received_at
from ingest.rules.refusals import texts
from ingest.rules.tables import to_csv
from ingest.tables import RefusedRow, Submission

router = APIRouter(tags=["submissions"])
HEADER = [
    "submission", "received_at", "source", "row", "where", "site", "rule",
    "what_zh", "what", "mend_zh", "mend",
]  # fmt: skip
Format = Annotated[Literal["json", "csv"], Query(description="csv: everything, streamed 全量")]


class Wanted(NamedTuple):
    """Which refusals; None where it does not matter."""

    submission: UUID | None
    site: str | None
    rule: str | None
    start: datetime | None
    stop: datetime | None


async def _wanted(
    submission: UUID | None = None,
    site: Annotated[str | None, Query(max_length=64)] = None,
    rule: Annotated[str | None, Query(max_length=64)] = None,
    start: From = None,
    to: To = None,
) -> Wanted:
    return Wanted(submission, site, rule, start, to)


class Form(NamedTuple):
    """In which form, after which row, how many."""

    limit: int
    after: tuple[UUID, int] | None
    format: str


async def _form(limit: Limit = 100, cursor: Cursor = None, format: Format = "json") -> Form:
    return Form(limit, _after(cursor), format)


@router.get("/refusals", responses=also(CSV))
async def list_refusals(
    request: Request,
    grant: May,
    session: ReaderSession,
    wanted: Annotated[Wanted, Depends(_wanted)],
    form: Annotated[Form, Depends(_form)],
) -> Any:
    """Rows that were not accepted, with the rule and how to mend it; `from` and `to` are times of receipt."""
    if form.format == "csv":
        lines = _csv(request.app.state.database, grant, wanted)
        return csv_file(lines, "refusals.csv")
    rows = (await session.execute(_query(grant, wanted, form.after).limit(form.limit + 1))).all()
    return page(rows, form.limit, _cursor, _shown)


def _query(grant: Grant, wanted: Wanted, after: tuple[UUID, int] | None) -> Select[Any]:
    query: Any = select(RefusedRow, Submission.source)
    query = query.join(Submission, Submission.id == RefusedRow.submission).where(reach_of(grant))
    for column, value in (
        (RefusedRow.submission, wanted.submission),
        (RefusedRow.site, wanted.site),
        (RefusedRow.rule, wanted.rule),
    ):
        if value is not None:
            query = query.where(column == value)
    # Ids are uuidv7: a span of time is a span of the primary key.
    if wanted.start is not None:
        query = query.where(RefusedRow.submission >= UUID(_first_of(wanted.start)))
    if wanted.stop is not None:
        query = query.where(RefusedRow.submission < UUID(_first_of(wanted.stop)))
    if after is not None:
        later = and_(RefusedRow.submission == after[0], RefusedRow.row_no > after[1])
        query = query.where(or_(RefusedRow.submission < after[0], later))
    ordered: Select[Any] = query.order_by(RefusedRow.submission.desc(), RefusedRow.row_no)
    return ordered


def _first_of(moment: datetime) -> str:
    """The smallest uuidv7 of the millisecond."""
    return first_id_after(aware(moment, START), milliseconds=0)


def _after(cursor: str | None) -> tuple[UUID, int] | None:
    if cursor is None:
        return None
    submission, _, row = cursor.partition(":")
    try:
        return UUID(submission), int(row)
    except ValueError:
        raise Invalid("unknown-cursor", "No such page 无此页") from None


def _cursor(row: Any) -> str:
    return f"{row.RefusedRow.submission}:{row.RefusedRow.row_no}"


def _shown(row: Any) -> dict[str, Any]:
    wrong: RefusedRow = row.RefusedRow
    return {
        "submission": str(wrong.submission),
        "received_at": utc(received_at(wrong.submission)),
        "source": row.source,
        "row": wrong.row_no,
        "where": wrong.field,
        "site": wrong.site,
        **texts(wrong.rule, wrong.found),
    }


async def _csv(database: Database, grant: Grant, wanted: Wanted) -> AsyncIterator[bytes]:
    """Everything asked for, a page and a short transaction at a time."""
    yield to_csv([HEADER])
    after: tuple[UUID, int] | None = None
    while True:
        async with database.question(grant.principal, STREAM_SECONDS) as session:
            rows = (await session.execute(_query(grant, wanted, after).limit(5000))).all()
        if not rows:
            return
        yield to_csv([_shown(row)[name] for name in HEADER] for row in rows)
        after = (rows[-1].RefusedRow.submission, rows[-1].RefusedRow.row_no)
