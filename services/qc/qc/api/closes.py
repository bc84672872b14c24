"""Day closes and the findings of the falsification tests over HTTP.

Promises: newest first; a finding only of a series within reach, a close only of a city within reach. Leaves
judging to the flows.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.described import NAMED
from kit.problems import Fault, Invalid, NotFound
from policy import Row
from sqlalchemy.orm import DeclarativeBase

from qc.api.edge import REGIONS, Cursor, Limit, page, series_within
from qc.flows.finding import explain_finding
from qc.flows.setting import closing_pack
from qc.queries import found
from qc.rules.assess import BEIJING
from qc.tables.closes import DayClose, FalsificationFinding

router = APIRouter(tags=["day closes and findings"])
May = Annotated[Grant, Depends(allow("suspicions", "read"))]
Day = Annotated[str | None, Query(max_length=10, description="local day 自然日, e.g. 2026-11-21")]
Short = Annotated[str | None, Query(max_length=40)]


def day_named(text: str | None) -> date | None:
    """A day of a query. Raises Invalid."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not date(1970, 1, 2) <= day <= date(2109, 1, 1):
        fault: Fault = {"where": "day", "rule": "ISO 8601", "what": text, "mend": "e.g. 2026-11-21"}
        raise Invalid("not-a-day", "`day` is no day of the calendar 日期格式错误", errors=[fault])
    return day


def shown(row: DeclarativeBase, id: str) -> dict[str, Any]:
    """A row as it travels: days and times as ISO 8601, its number as `id`."""
    view = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    view |= {key: value.isoformat() for key, value in view.items() if hasattr(value, "isoformat")}
    return {"id": str(view.pop(id))} | view


@router.get("/day-closes")
async def list_closes(  # noqa: PLR0913 - one parameter of the query each
    grant: May,
    session: ReaderSession,
    region: Annotated[str | None, Query(max_length=12, description="city of the panel 城市")] = None,
    profile: Short = None,
    reason: Annotated[str | None, Query(pattern="^(first|late|revision)$")] = None,
    day: Day = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Local days that were closed, newest close first: which number, why, with what, and what was found.

    `since` and `through` are the days that were judged together with it; `expected_false` is how many
    suspicions a month these tests bring if nobody cheats, `not_run` what a test lacked.
    """
    reach = grant.clause(REGIONS, region=DayClose.region)
    equal = {"region": region, "profile": profile, "reason": reason, "day": day_named(day)}
    rows = await found.closes(session, [reach], equal, cursor, limit)
    return page([shown(row, "close_id") for row in rows], limit, "id")


@router.get("/findings", responses=NAMED)
async def list_findings(  # noqa: PLR0913 - one parameter of the query each
    grant: May,
    session: ReaderSession,
    site: Annotated[str | None, Query(max_length=200)] = None,
    series: Annotated[
        str | None, Query(max_length=300, description="number or key of the series 序列")
    ] = None,
    test: Short = None,
    day: Day = None,
    current: Annotated[bool | None, Query(description="false: those that were replaced 已被取代的")] = True,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """What the falsification tests said, newest first; `day` asks for stretches that touch it.

    A finding alone is no suspicion: `/suspicions` shows what several weigh together.
    """
    number = None if series is None else (await series_within(session, grant, series)).id
    begin = day_named(day)
    within = None
    if begin is not None:
        start = datetime(begin.year, begin.month, begin.day, tzinfo=BEIJING)
        within = start, start + timedelta(days=1)
    reach = grant.clause(REGIONS, region=FalsificationFinding.region)
    equal = {"site": site, "series_id": number, "test": test, "is_current": current}
    rows = await found.findings(session, [reach], equal, within, cursor, limit)
    return page([named(row) for row in rows], limit, "id")


@router.get("/findings/{finding_id}")
async def show_finding(finding_id: UUID, grant: May, session: ReaderSession) -> dict[str, Any]:
    """One finding explained: statistic, threshold, n, guard, clause, the rows it rests on, and pictures."""
    row = await session.get(FalsificationFinding, finding_id)
    if row is None:
        raise NotFound("finding-unknown", f"There is no finding {finding_id} 检验结果不存在")
    grant.require(region=row.region)
    told = await explain_finding(session, row, lambda ref: grant.covers(Row(ref.region, owner_uscc=ref.uscc)))
    return named(row) | told


def named(row: FalsificationFinding) -> dict[str, Any]:
    """A finding with the name of its test."""
    test = closing_pack().by_id.get(row.test)
    return shown(row, "finding_id") | {
        "test_zh": test.zh if test else None,
        "test_en": test.en if test else None,
    }
