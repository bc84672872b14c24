"""What the registry and the values say together: coverage, parks, who answers, emissions, shared data.

Promises: every answer lies within the reach of who asks; a region outside is 403, not an empty answer.
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Invalid, NotFound
from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions

from ingest.api.edge import REGIONS, Cursor, Limit, aware, number_of, page, reach
from ingest.flows.entrusted import owned
from ingest.flows.records import record_shown
from ingest.flows.registry import site_of
from ingest.queries import overview
from ingest.rules.network import categories
from ingest.rules.times import CHINA
from ingest.tables import DeviceRow, Organisation, PlanRun, RegistryRecord, SiteRow

router = APIRouter(tags=["registry overview 登记综合"])
MayRead = Annotated[Grant, Depends(allow("registry", "read"))]
Region = Annotated[str | None, Query(description="Region with all below it 行政区（含下辖）")]
From = Annotated[datetime | None, Query(alias="from", description="From 起")]
To = Annotated[datetime | None, Query(description="To, not included 止（不含）")]
LONG_AGO, FAR = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def _region(grant: Grant, asked: str | None) -> tuple[str, list[str]]:
    """The region asked for, and every region in it. Raises Forbidden outside the role's region."""
    region = asked or grant.principal.region or regions.NATION
    grant.require(region=region)
    return region, [code for code in REGIONS if regions.is_within(code, region)]


@router.get("/coverage")
async def show_coverage(grant: MayRead, session: ReaderSession, region: Region = None) -> Any:
    """Points required, registered and connected, by category and region 全覆盖报表：应建、已登记、已联网.

    Connected means that at least one value has arrived. Key units count by this year's list.
    """
    asked, codes = _region(grant, region)
    day = datetime.now(CHINA).date()
    cells: dict[tuple[str, str], dict[str, int]] = defaultdict(
        lambda: {"required": 0, "registered": 0, "connected": 0}
    )
    for row in await overview.rows(session, overview.REQUIRED, regions=codes, day=day):
        cells[row["region"], row["category"]]["required"] += row["required"]
    for row in await overview.rows(session, overview.KEY_UNITS, regions=codes, year=day.year):
        cells[row["region"], row["category"]]["required"] += row["required"]
    for row in await overview.rows(session, overview.CONNECTED, regions=codes, day=day):
        cells[row["region"], row["category"]]["registered"] += row["points"]
        cells[row["region"], row["category"]]["connected"] += row["connected"]
    total: dict[str, dict[str, int]] = defaultdict(lambda: {"required": 0, "registered": 0, "connected": 0})
    for (_, category), counts in cells.items():
        for name, count in counts.items():
            total[category][name] += count
    items = [
        {"region": where, "category": category} | _percent(counts)
        for (where, category), counts in sorted(cells.items())
    ]
    names = categories()
    sums = [{"category": one, **names[one]} | _percent(total[one]) for one in sorted(total)]
    return {"region": asked, "day": day.isoformat(), "total": sums, "items": items, "next": None}


def _percent(counts: dict[str, int]) -> dict[str, Any]:
    required = counts["required"]
    share = round(100 * min(counts["connected"], required) / required, 1) if required else None
    return {**counts, "percent": share}


@router.get("/areas/{code}/roll-up")
async def show_roll_up(code: str, grant: MayRead, session: ReaderSession) -> Any:
    """A park with what lies in it: points by element, connected points, open findings 园区汇总.

    Points out of reach do not count, though they name the park.
    """
    area = await session.get(RegistryRecord, ("areas", code))
    if area is None:
        raise NotFound("unknown-area", f"No area {code} in your reach 无此园区或超出权限")
    grant.require(region=area.region, owner_dept=area.dept, owner_uscc=area.uscc)
    mine = grant.clause(REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc)
    inside = select(SiteRow).where(SiteRow.area == code, mine).order_by(SiteRow.code)
    sites = list(await session.scalars(inside))
    codes = [site.code for site in sites]
    measured = await overview.rows(session, overview.MEASURED, sites=codes, since=LONG_AGO)
    findings = await overview.rows(session, overview.FINDINGS, sites=codes)
    elements: dict[str, int] = defaultdict(int)
    for site in sites:
        elements[site.element] += 1
    return {
        "area": record_shown(area),
        "sites": codes,
        "units": sorted({site.uscc for site in sites if site.uscc}),
        "elements": dict(elements),
        "connected": len({row["site"] for row in measured}),
        "findings": {row["kind"]: row["count"] for row in findings},
    }


@router.get("/sites/{code}/annotations")
async def list_annotations(
    code: str, grant: MayRead, session: ReaderSession, start: From = None, to: To = None
) -> Any:
    """What was going on at a point in a window: works near it, anomalies reported 数据时段注释."""
    site = await site_of(session, code)
    grant.require(region=site.region, owner_dept=site.dept, owner_uscc=site.uscc)
    since, until = aware(start or LONG_AGO), aware(to or FAR)
    spans = {"works-notices": ("starts_at", "ends_at"), "transmission-anomalies": ("began_at", "repaired_at")}
    wanted = select(RegistryRecord).where(RegistryRecord.site == code, RegistryRecord.kind.in_(spans))
    items = []
    for row in (await session.scalars(wanted.order_by(RegistryRecord.kind, RegistryRecord.code))).all():
        begins, ends = row.body[spans[row.kind][0]], row.body.get(spans[row.kind][1])
        first = datetime.fromisoformat(begins)
        last = datetime.fromisoformat(ends) if ends else FAR
        if first < until and last > since:
            items.append({"kind": row.kind, "from": begins, "to": ends, "record": record_shown(row)})
    return {"site": code, "items": items, "next": None}


@router.get("/organisations/{uscc}/answerable")
async def show_answerable(uscc: str, grant: MayRead, session: ReaderSession) -> Any:
    """Who answers together with an organisation: the unit for its agency and operator, and back again.

    辽宁 (nine): the unit is responsible for what its operator and its agency do 谁委托谁负责.
    """
    row = await session.get(Organisation, uscc)
    if row is None:
        raise NotFound("unknown-organisation", f"The organisation {uscc} is not registered 单位未登记")
    grant.require(region=row.region, owner_uscc=row.uscc)
    of = RegistryRecord
    linked = select(of).where(
        of.kind.in_(["relations", "contracts"]), or_(of.uscc == uscc, of.counterpart == uscc)
    )
    items = []
    for record in (await session.scalars(linked.order_by(of.kind, of.code))).all():
        is_unit = record.counterpart == uscc
        other = await session.get(Organisation, record.uscc if is_unit else record.counterpart)
        if other is not None:
            role = "entrusting_unit" if is_unit else record.body.get("relation") or record.body["purpose"]
            names = {"uscc": other.uscc, "name_zh": other.name_zh, "name_en": other.name_en}
            days = {"valid_from": _day(record.valid_from), "valid_to": _day(record.valid_to)}
            items.append({**names, "role": role, "record": f"{record.kind}/{record.code}", **days})
    return {"uscc": uscc, "items": items, "next": None}


def _day(day: Any) -> str | None:
    return None if day is None else day.isoformat()


@router.get("/plan-runs")
async def list_plan_runs(
    grant: Annotated[Grant, Depends(allow("monitoring", "read"))],
    session: ReaderSession,
    uscc: Annotated[str | None, Query(description="Unit 单位")] = None,
    outcome: Annotated[str | None, Query(description="done, late or missing 完成、迟报、缺测")] = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> Any:
    """Runs that plans asked for, newest first, with how late they were 方案执行情况及迟报时长."""
    plan = RegistryRecord
    joined = (plan.kind == "plans") & (plan.code == PlanRun.plan)
    wanted = select(PlanRun).join(plan, joined).where(reach(grant, plan))
    if uscc is not None:
        wanted = wanted.where(plan.uscc == uscc)
    if outcome is not None:
        wanted = wanted.where(PlanRun.outcome == outcome)
    if cursor is not None:
        start, *key = _run_place(cursor)
        behind = tuple_(PlanRun.plan, PlanRun.item) > tuple(key)
        wanted = wanted.where(PlanRun.start <= start, or_(PlanRun.start < start, behind))
    order = (PlanRun.start.desc(), PlanRun.plan, PlanRun.item)
    found = (await session.scalars(wanted.order_by(*order).limit(limit + 1))).all()
    return page(found, limit, lambda row: "|".join((row.start.isoformat(), quote(row.plan), row.item)), _run)


def _run_place(cursor: str) -> tuple[datetime, str, str]:
    """The start, plan and item of the last run of a page. Raises Invalid."""
    try:
        start, plan, item = cursor.replace("\0", "").split("|", 2)
        return aware(datetime.fromisoformat(start)).astimezone(UTC), unquote(plan), item
    except (ValueError, OverflowError):
        raise Invalid("unknown-cursor", "No such page 无此页") from None


def _run(row: PlanRun) -> dict[str, Any]:
    names = ("plan", "item", "site", "factor", "wanted", "found", "outcome", "late_hours")
    times = {name: getattr(row, name) for name in ("start", "stop", "due_at", "received_at")}
    shown = {name: value.astimezone(CHINA).isoformat() if value else None for name, value in times.items()}
    return {name: getattr(row, name) for name in names} | shown


async def _window(start: From = None, to: To = None) -> dict[str, datetime]:
    return {"start": aware(start or LONG_AGO), "stop": aware(to or FAR)}


@router.get("/data-sets/{code}/values")
async def list_set_values(
    code: str,
    grant: Annotated[Grant, Depends(allow("sharing", "read"))],
    session: ReaderSession,
    window: Annotated[dict[str, datetime], Depends(_window)],
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> Any:
    """Values of a shared data set, by series and time 共享数据集的数据.

    A set that is not shared with you is not found; sites that are not its owner's have no values in it.
    """
    asked = select(RegistryRecord).where(
        RegistryRecord.kind == "data-sets", RegistryRecord.code == code, reach(grant, RegistryRecord)
    )
    row = await session.scalar(asked)
    if row is None:
        raise NotFound("unknown-record", f"No data set {code} is shared with you 无此数据集或未共享")
    named = await session.scalars(select(SiteRow).where(SiteRow.code.in_(row.body.get("sites", []))))
    sets: dict[str, Any] = {
        "sites": sorted(owned(named, row.dept, row.region)),
        "factors": row.body.get("factors", []),
    }
    series, after = _place(cursor)
    sets |= {"series": series, "after": after, **window}
    found = await overview.rows(session, overview.SET_VALUES, **sets, limit=limit + 1)
    told = page(found, limit, lambda one: f"{one['series']}|{_utc(one['ts'])}", _value)
    return {"data_set": code} | told


def _place(cursor: str | None) -> tuple[int, datetime]:
    if cursor is None:
        return 0, LONG_AGO
    series, _, ts = cursor.partition("|")
    try:
        return number_of(series), aware(datetime.fromisoformat(ts))
    except ValueError:
        raise Invalid("unknown-cursor", "No such page 无此页") from None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _value(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"ts": _utc(row["ts"])}


@router.get("/feeds/key-units")
async def list_key_unit_feed(
    grant: Annotated[Grant, Depends(allow("feeds", "read"))],
    session: ReaderSession,
    year: Annotated[int | None, Query(ge=2015, le=2100)] = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> Any:
    """Key units for police and procuratorate, with permit, person in charge, points 重点排污单位共享信息."""
    of = RegistryRecord
    wanted = select(of, Organisation).join(Organisation, Organisation.uscc == of.uscc)
    wanted = wanted.where(of.kind == "key-units", grant.clause(REGIONS, region=of.region))
    wanted = wanted.where(of.code > (cursor or ""))
    if year is not None:
        wanted = wanted.where(of.body["year"].astext == str(year))
    found = (await session.execute(wanted.order_by(of.code).limit(limit + 1))).all()
    told = page(found, limit, lambda one: one[0].code, tuple)
    return told | {"items": [await _fed(session, row, unit) for row, unit in told["items"]]}


async def _fed(session: AsyncSession, row: RegistryRecord, unit: Organisation) -> dict[str, Any]:
    sites = (await session.scalars(select(SiteRow.code).where(SiteRow.uscc == unit.uscc))).all()
    devices = select(DeviceRow.mn).where(DeviceRow.site.in_(sites)).order_by(DeviceRow.mn)
    return record_shown(row) | {
        "name_zh": unit.name_zh,
        "name_en": unit.name_en,
        "legal_representative": unit.legal_representative,
        "permit_no": unit.permit_no,
        "sites": sorted(sites),
        "devices": list(await session.scalars(devices)),
    }


@router.get("/tax-extract")
async def show_tax_extract(
    grant: Annotated[Grant, Depends(allow("tax-extract", "read"))],
    session: ReaderSession,
    month: Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="Month 月份 YYYY-MM")],
    region: Region = None,
) -> Any:
    """Monthly emissions by outlet and factor, and nothing else 环境保护税复核：月排放量.

    The sum of the cumulated quantities (HJ 212 `Cou`) as first recorded; `values` counts what was summed.
    """
    asked, codes = _region(grant, region)
    try:
        start, stop = overview.span_of_month(month)
    except (ValueError, OverflowError):
        raise Invalid("month-unknown", f"{month} is no month 月份无效") from None
    rows = await overview.rows(session, overview.EMISSIONS, regions=codes, start=start, stop=stop)
    return {"region": asked, "month": month, "items": rows, "next": None}
