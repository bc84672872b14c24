"""Transparency of usage: to a unit, which departments looked at its data; to everybody, the counts by day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Forbidden, Invalid
from policy import Policy
from sqlalchemy import Row, select, tuple_
from standards.regions import ancestors

from gateway.flows.usage import Holdings
from gateway.queries import Looked, looked_at
from gateway.rules.days import beginning, day_of, hour_of
from gateway.tables import UsageDay

router = APIRouter(tags=["usage"])
MayMine = Annotated[Grant, Depends(allow("usage", "mine"))]
MayRead = Annotated[Grant, Depends(allow("usage", "read"))]
LOOK_BACK_DAYS = 90
Limit = Annotated[int, Query(ge=1, le=1000)]


def _named(of: Mapping[str, Any], code: str | None) -> dict[str, str | None]:
    """A code with the policy's names for people."""
    entry = of.get(code or "")
    zh, en = (entry["zh"], entry["en"]) if isinstance(entry, Mapping) else _texts(entry)
    return {"code": code, "zh": zh or code, "en": en or code}


def _texts(entry: Any) -> tuple[str | None, str | None]:
    return (None, None) if entry is None else (entry.zh, entry.en)


@router.get("/usage/mine", summary="Which departments looked at our data 谁查阅过本单位数据")
async def mine(
    grant: MayMine,
    request: Request,
    uscc: Annotated[str | None, Query(max_length=18)] = None,
    since: date | None = None,
    limit: Limit = 100,
    cursor: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
) -> dict[str, Any]:
    """Newest first: department, hour, purpose and kind of data; never the person. `names_you` is whether the
    request named this organisation, a station or a device of it; otherwise it listed the region it lies in.
    Bodies under secrecy, and inquiries, are left out as the policy says.
    """
    own = grant.principal.uscc
    if own is None:
        raise Forbidden("no-organisation", "The token names no organisation 令牌未载明单位")
    grant.require(owner_uscc=uscc or own)
    state, today = request.app.state, day_of(datetime.now(UTC))
    holdings: Holdings = state.holdings
    # No session is held while the register is asked.
    refs = await holdings.of(own, request.headers["authorization"])
    region = grant.principal.region
    departments, kinds = state.policy.records.withheld(today)
    regions = [region, *ancestors(region)] if region else []
    of = Looked(refs, regions, sorted(departments), sorted(kinds))
    earliest = beginning(since or today - timedelta(days=LOOK_BACK_DAYS))
    async with state.database.question(grant.principal, reach=grant.reach()) as session:
        rows = (await session.execute(looked_at(of, earliest, cursor, limit))).all()
    items = [_look(state.policy, row) for row in rows[:limit]]
    return {"items": items, "next": str(rows[limit - 1].id) if len(rows) > limit else None}


def _look(policy: Policy, row: Row[Any]) -> dict[str, Any]:
    return {
        "hour": hour_of(row.at).isoformat(),
        "department": _named(policy.departments, row.dept),
        "region": row.region,
        "data": _named(policy.permissions, row.permission),
        "kind": _named(policy.records.kinds, row.kind),
        "purpose": _named(policy.records.purposes, row.purpose) if row.purpose else None,
        "names_you": row.names_you,
    }


@router.get("/usage", summary="The published log of usage 数据使用日志")
async def published(
    grant: MayRead,
    request: Request,
    session: ReaderSession,
    response: Response,
    limit: Limit = 200,
    cursor: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
) -> dict[str, Any]:
    """How often a department read a data set on a day, newest day first, after the delay the policy sets.

    `reads` is null where there were fewer than `least`. Bodies under secrecy, and inquiries, are left out.
    """
    policy: Policy = request.app.state.policy
    today = day_of(datetime.now(UTC))
    response.headers["Cache-Control"] = "public, max-age=300"
    told = policy.records.publication(today)
    if told is None:
        return {"delay_days": None, "least": None, "until": None, "items": [], "next": None}
    delay, least = told
    until = today - timedelta(days=delay)
    departments, kinds = policy.records.withheld(today)
    key = (UsageDay.day, UsageDay.dept, UsageDay.permission)
    query = select(UsageDay).where(
        UsageDay.day <= until, UsageDay.dept.not_in(departments), UsageDay.kind.not_in(kinds)
    )
    if cursor is not None:
        query = query.where(tuple_(*key) < tuple_(*_place(cursor)))
    rows = list(await session.scalars(query.order_by(*(column.desc() for column in key)).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    return {
        "delay_days": delay,
        "least": least,
        "until": until.isoformat(),
        "items": [_counted(policy, row, least) for row in rows[:limit]],
        "next": f"{last.day} {last.dept} {last.permission}" if last else None,
    }


def _counted(policy: Policy, row: UsageDay, least: int) -> dict[str, Any]:
    return {
        "day": row.day.isoformat(),
        "department": _named(policy.departments, row.dept),
        "data": _named(policy.permissions, row.permission),
        "kind": _named(policy.records.kinds, row.kind),
        "reads": row.reads if row.reads >= least else None,
    }


def _place(cursor: str) -> tuple[date, str, str]:
    try:
        day, dept, permission = cursor.split(" ")
        return date.fromisoformat(day), dept, permission
    except ValueError as error:
        raise Invalid("cursor-unknown", "Use the cursor that the page before gave 游标无效") from error
