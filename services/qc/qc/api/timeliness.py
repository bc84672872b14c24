"""Whose data come late, and whether they do so systematically.

Promises: only within the caller's reach; the rule that decides is shown with its source. Leaves when a value
is late to `ingest`.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Invalid
from standards.calendar import legal_date

from qc.api.edge import REGIONS, Limit, page
from qc.queries.timeliness import KEY, Stretch, by_source
from qc.rules.timeliness import BETWEEN, systematic_on
from qc.tables.timeliness import LateArrival

router = APIRouter(tags=["timeliness"])
May = Annotated[Grant, Depends(allow("verdicts", "read"))]
On = Annotated[date | None, Query(ge=date(1970, 1, 1), description="Last day, today unless given 截止日")]
Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the page before 上一页的 next")]
Word = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")]


class Asked(NamedTuple):
    """Which sources, over which days."""

    stretch: Stretch
    site: str | None


async def _asked(
    on: On = None,
    site: Word = None,
    is_systematic: Annotated[bool, Query(description="Only who is systematically late 仅经常性迟报")] = False,
) -> Asked:
    last = on or legal_date(datetime.now(UTC))
    try:
        rule = systematic_on(last)
    except LookupError:
        raise Invalid("day-without-rule", f"No rule of timeliness is of {last} 该日无适用规则") from None
    return Asked(Stretch(last, rule, is_systematic), site)


async def _after(cursor: Cursor = None) -> list[str] | None:
    after = cursor.split(BETWEEN) if cursor else None
    if after is not None and (len(after) != len(KEY) or "\x00" in (cursor or "")):
        raise Invalid("unknown-cursor", "No such page 无此页")
    return after


@router.get("/timeliness")
async def list_timeliness(
    grant: May,
    session: ReaderSession,
    asked: Annotated[Asked, Depends(_asked)],
    after: Annotated[list[str] | None, Depends(_after)],
    limit: Limit = 100,
) -> dict[str, Any]:
    """Sources with values that came later than allowed, over the days of the rule 数据迟报情况。

    `days` counts days of receipt with late values, `late` the values; back-fill and history are never late.
    """
    reach = [grant.clause(REGIONS, region=LateArrival.region, owner_uscc=LateArrival.uscc)]
    if asked.site is not None:
        reach.append(LateArrival.site == asked.site)
    on, rule, _ = asked.stretch
    rows = await by_source(session, reach, asked.stretch, after, limit)
    shown = {"days": rule.days, "of": rule.of, "source": rule.source}
    return page([_shown(row, rule.days) for row in rows], limit, "id") | {"on": on.isoformat(), "rule": shown}


def _shown(row: Any, days: int) -> dict[str, Any]:
    is_systematic = row.days >= days
    return {
        "id": BETWEEN.join(getattr(row, name) for name in KEY),
        "site": row.site,
        "source": row.source,
        "period": row.period,
        "device": row.device or None,
        "region": row.region,
        "uscc": row.uscc,
        "days": row.days,
        "late": int(row.late),
        "longest_seconds": row.longest_seconds,
        "allowed_seconds": row.allowed_seconds,
        "first_day": row.first_day.isoformat(),
        "last_at": row.last_at.isoformat(),
        "is_systematic": is_systematic,
        "message_zh": "经常性迟报" if is_systematic else "偶发迟报",
        "message_en": "systematically late" if is_systematic else "late now and then",
    }
