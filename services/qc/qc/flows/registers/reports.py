"""The reports of the registers: quality by department, capacity by county, completion of annual plans.

Promises: counted within the caller's reach and nowhere else; a page is keyed by department or region. Leaves
the judgements to the records.
"""

from collections import Counter, defaultdict
from typing import Any

from kit.auth import Grant
from sqlalchemy import Integer, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions

from qc.flows.registers.owned import reach
from qc.tables.registers import RegisterFinding, RegisterRecord

OUTCOMES = ("satisfactory", "questionable", "unsatisfactory", "waiting")


async def quality_report(
    session: AsyncSession, grant: Grant, after: str | None, limit: int
) -> dict[str, Any]:
    """Per competent department: agencies, findings open and overdue, proficiency tests, QC by side."""
    of, found = RegisterRecord, RegisterFinding
    named = select(of.dept).where(reach(grant, of), of.dept.is_not(None), of.dept > (after or "")).distinct()
    departments = list(await session.scalars(named.order_by(of.dept).limit(limit)))
    mine = (reach(grant, of), of.dept.in_(departments))
    counts = await session.execute(
        select(of.dept, of.kind, func.count()).where(*mine).group_by(of.dept, of.kind)
    )
    records: dict[str | None, dict[str, int]] = defaultdict(dict)
    for dept, kind, count in counts:
        records[dept][kind] = count
    open_ = await session.execute(
        select(found.dept, found.finding, func.count(), func.count().filter(found.due_at < func.now()))
        .where(reach(grant, found), found.dept.in_(departments), found.closed_at.is_(None))
        .group_by(found.dept, found.finding)
    )
    findings: dict[str | None, dict[str, dict[str, int]]] = defaultdict(dict)
    for dept, finding, count, late in open_:
        findings[dept][finding] = {"open": count, "overdue": late}
    outcome = of.judged["outcome"].astext
    tests = await session.execute(
        select(of.dept, outcome, func.count())
        .where(*mine, of.kind == "pt-results")
        .group_by(of.dept, outcome)
    )
    scored: dict[str | None, Counter[str]] = defaultdict(Counter)
    for dept, name, count in tests:
        scored[dept][name] += count
    sides = await _sides(session, grant, departments)
    items = [
        {
            "dept": dept,
            "agencies": records[dept].get("agencies", 0),
            "records": records[dept],
            "findings": findings[dept],
            "open": sum(one["open"] for one in findings[dept].values()),
            "proficiency": {name: scored[dept][name] for name in OUTCOMES},
            "quality_control": sides[dept],
        }
        for dept in departments
    ]
    return {"items": items, "next": departments[-1] if len(departments) == limit else None}


async def _sides(
    session: AsyncSession, grant: Grant, departments: list[str | None]
) -> dict[str | None, dict[str, Any]]:
    """Quality control inside the laboratories and supervision from outside: how much, how much passed."""
    of = RegisterRecord
    side, passed = of.body["side"].astext, of.body["is_passed"].astext
    asked = (
        select(of.dept, side, func.count(), func.count().filter(passed == "true"))
        .where(reach(grant, of), of.kind == "qc-activities", of.dept.in_(departments))
        .group_by(of.dept, side)
    )
    found: dict[str | None, dict[str, Any]] = defaultdict(dict)
    for dept, name, count, good in await session.execute(asked):
        found[dept][name] = {"count": count, "passed": good}
    return found


async def capacity_report(
    session: AsyncSession, grant: Grant, after: str | None, limit: int
) -> dict[str, Any]:
    """Per region: its laboratories as last counted, every gap, and its key laboratories."""
    of = RegisterRecord
    wanted = ("capacities", "key-laboratories")
    named = (
        select(of.region).where(reach(grant, of), of.kind.in_(wanted), of.region > (after or "")).distinct()
    )
    codes = list(await session.scalars(named.order_by(of.region).limit(limit)))
    rows = await session.scalars(
        select(of)
        .where(reach(grant, of), of.kind.in_(wanted), of.region.in_(codes))
        .order_by(of.happened_at, of.code)
    )
    laboratories: dict[str, dict[str, Any]] = defaultdict(dict)
    key: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        names = {"code": row.code, "name_zh": row.body["name_zh"], "name_en": row.body["name_en"]}
        if row.kind == "key-laboratories":
            key[row.region].append(names | {"level": row.body["level"]})
            continue
        # Counted again later: the last count stands.
        told = names | {"counted_on": row.body["counted_on"], "gaps": row.judged["gaps"]}
        laboratories[row.region][row.body["name_zh"]] = told
    items = [
        {
            "region": code,
            "region_zh": regions.name(code),
            "region_en": regions.name(code, "en"),
            "laboratories": list(laboratories[code].values()),
            "gaps": sum(len(one["gaps"]) for one in laboratories[code].values()),
            "key_laboratories": key[code],
        }
        for code in codes
    ]
    return {"items": items, "next": codes[-1] if len(codes) == limit else None}


async def score_report(
    session: AsyncSession, grant: Grant, year: int, after: str | None, limit: int
) -> dict[str, Any]:
    """Per region: the completion of each of its plans of a year, and their mean as the score of 100."""
    of = RegisterRecord
    mine = (reach(grant, of), of.kind == "annual-plans", cast(of.body["year"].astext, Integer) == year)
    named = select(of.region).where(*mine, of.region > (after or "")).distinct()
    codes = list(await session.scalars(named.order_by(of.region).limit(limit)))
    plans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in await session.scalars(select(of).where(*mine, of.region.in_(codes)).order_by(of.code)):
        plans[row.region].append({"code": row.code, "way": row.body["way"], "score": row.judged["score"]})
    items = [
        {
            "region": code,
            "region_zh": regions.name(code),
            "region_en": regions.name(code, "en"),
            "plans": plans[code],
            "score": round(sum(one["score"] for one in plans[code]) / len(plans[code]), 2),
        }
        for code in codes
    ]
    return {"items": items, "next": codes[-1] if len(codes) == limit else None}
