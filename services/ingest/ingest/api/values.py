"""Values of a series: a page, columns in bulk, or a CSV of everything; and the latest of many series.

Promises: `asOf` gives what was known then; the first value is always shown, later ones beside it; counts are
exact below 10,000 and never cost a long scan. Leaves verdicts to `qc`.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from kit.db import Database, ReaderSession
from kit.described import also
from kit.problems import Invalid
from kit.sheets import CSV
from kit.turns import STREAM_SECONDS
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.edge import REGIONS, Cursor, Limit, csv_file, number_of, page
from ingest.api.reading import STOP, Asked, May, asked_for, aware, series_in_reach, utc
from ingest.flows.recorded import MODES
from ingest.queries import reading, values
from ingest.rules.tables import to_csv
from ingest.tables import SeriesRow, SiteRow

router = APIRouter(tags=["values"])
PAGE, BULK = 1000, 100_000
Many = Annotated[int, Query(ge=1, le=BULK, description="Rows: 1,000 at most, as columns 100,000 每页行数")]
Format = Annotated[Literal["json", "columns", "csv"], Query(description="csv: everything, streamed 全量")]
Count = Annotated[bool, Query(description="Also count them; an estimate from 10,000 on 同时计数")]
Site = Annotated[
    list[str], Query(min_length=1, max_length=100, description="Once for each site 点位，可重复")
]
HEADER = ["ts", "value", "flag", "mode", "submission", "row", "revisions"]


class Form(NamedTuple):
    """In which form, from where, how many, and whether to count them."""

    limit: int
    after: datetime | None
    format: str
    is_counted: bool


async def _form(
    limit: Many = 100, cursor: Cursor = None, format: Format = "json", count: Count = False
) -> Form:
    return Form(limit, _moment(cursor), format, count)


@router.get("/series/{id}/observations", responses=also(CSV))
async def list_observations(
    request: Request,
    id: int,
    grant: May,
    session: ReaderSession,
    asked: Annotated[Asked, Depends(asked_for)],
    form: Annotated[Form, Depends(_form)],
) -> Any:
    """Values of a series, oldest first. `ts` is the instant, or the start of the period, in UTC.

    Each value is the one committed first; `revisions` lists what was sent for its instant later. A page ends
    early rather than with more than 10,000 of them; `revisions_cut_at` names an instant that alone has more.
    """
    series = await series_in_reach(session, grant, id)
    if form.format == "csv":
        lines = _csv(request.app.state.database, grant.principal, id, asked)
        return csv_file(lines, f"series-{id}.csv")
    limit = form.limit if form.format == "columns" else min(form.limit, PAGE)
    rows = await reading.observations(session, id, asked.span, form.after, asked.as_of, limit + 1)
    later, rows, limit = await _with_revisions(session, id, rows, limit, asked)
    body = page(rows, limit, lambda row: row["ts"].isoformat(), lambda row: _value(row, later))
    if form.format == "columns":
        body = {"columns": _columns(rows[:limit]), "revisions": _flat(later), "next": body["next"]}
    if form.is_counted:
        found, is_estimate = await values.count(session, id, asked.span, asked.as_of)
        body |= {"count": found, "count_is_estimate": is_estimate}
    if len(rows) and len(later.get(rows[0]["ts"], ())) == values.MOST_REVISIONS:
        body["revisions_cut_at"] = utc(rows[0]["ts"])
    return body | {"series": id, "unit": series["unit"], "latest": await _latest(session, id)}


@router.get("/latest")
async def list_latest(
    grant: May, session: ReaderSession, site: Site, limit: Limit = 1000, cursor: Cursor = None
) -> Any:
    """The newest value of every series of these sites, by series; `latest` is null where none came yet."""
    reach = grant.clause(REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc)
    wanted = values.latest_of(site).where(reach, SeriesRow.id > number_of(cursor))
    rows = (await session.execute(wanted.limit(limit + 1))).all()
    return page(rows, limit, lambda row: row.SeriesRow.id, _latest_of)


async def _with_revisions(
    session: AsyncSession, series: int, rows: list[dict[str, Any]], limit: int, asked: Asked
) -> tuple[values.Later, list[dict[str, Any]], int]:
    """Revisions of the rows, and the rows and the limit of the page that has room for all of them."""
    later, whole = await values.revisions(session, series, rows, asked.as_of)
    return (later, rows, limit) if whole >= len(rows) else (later, rows[: whole + 1], min(whole, limit))


def _latest_of(row: Any) -> dict[str, Any]:
    series: SeriesRow = row.SeriesRow
    names = ("id", "site", "factor", "statistic", "basis", "period", "source", "unit")
    shown = {name: getattr(series, name) for name in names}
    newest = {"ts": row.ts and utc(row.ts), "value": row.value, "decimals": row.decimals, "flag": row.flag}
    return shown | {"latest": newest if row.ts else None}


async def _csv(database: Database, who: Any, series: int, asked: Asked) -> AsyncIterator[bytes]:
    """Everything asked for, a page and a short transaction at a time."""
    yield to_csv([HEADER])
    after: datetime | None = None
    while True:
        async with database.question(who, STREAM_SECONDS) as session:
            rows = await reading.observations(session, series, asked.span, after, asked.as_of, 10_000)
            later = await values.revision_counts(session, series, rows, asked.as_of)
        if not rows:
            return
        yield to_csv([_line(row, later.get(row["ts"], 0)) for row in rows])
        after = rows[-1]["ts"]


def _line(row: dict[str, Any], revisions: int) -> list[Any]:
    value = "" if row["value"] is None else f"{row['value']:.{row['decimals']}f}"
    where = (str(row["submission"]), row["row_no"], revisions)
    return [utc(row["ts"]), value, row["flag"], MODES[row["mode"]], *where]


def _moment(cursor: str | None) -> datetime | None:
    if cursor is None:
        return None
    try:
        return aware(datetime.fromisoformat(cursor), STOP)
    except ValueError:
        raise Invalid("unknown-cursor", "No such page 无此页") from None


async def _latest(session: AsyncSession, series: int) -> dict[str, Any] | None:
    row = await reading.latest(session, series)
    return None if row is None else row | {"ts": utc(row["ts"])}


def _value(row: dict[str, Any], later: values.Later) -> dict[str, Any]:
    return {
        "ts": utc(row["ts"]),
        "value": row["value"],
        "decimals": row["decimals"],
        "flag": row["flag"],
        "mode": MODES[row["mode"]],
        "submission": str(row["submission"]),
        "row": row["row_no"],
        "revisions": [_revision(one) for one in later.get(row["ts"], ())],
    }


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {
        "ts": [utc(row["ts"]) for row in rows],
        "mode": [MODES[row["mode"]] for row in rows],
        **{name: [row[name] for row in rows] for name in ("value", "decimals", "flag")},
    }


def _flat(later: values.Later) -> list[dict[str, Any]]:
    return [{"ts": utc(ts)} | _revision(one) for ts, some in later.items() for one in some]


def _revision(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "value": row["later_value"],
        "decimals": row["decimals"],
        "flag": row["flag"],
        "submission": str(row["submission"]),
        "row": row["row_no"],
        "received_at": utc(row["received_at"]),
    }
