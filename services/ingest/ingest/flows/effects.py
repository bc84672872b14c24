"""What records do to the rest of the registry when they are entered or decided.

Promises: an effect is part of the transaction that enters the record. Leaves what time brings to `upkeep`.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from kit.problems import Conflict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows.change import Change, Found, Scope
from ingest.flows.registry import GUARDED, refuse, save_site, site_of
from ingest.rules.kinds import Kind, rule
from ingest.rules.network import metres
from ingest.rules.refusals import flaw
from ingest.rules.times import CHINA
from ingest.tables import RegistryRecord, SiteRow


async def unregistered(
    session: AsyncSession, kind: Kind, values: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """A result by a method that is not registered is kept and flagged."""
    if kind.name != "manual-results":
        return {}
    if await session.get(RegistryRecord, ("methods", values["method"])) is not None:
        return {}
    return {"method-unregistered": {"method": values["method"]}}


async def after_saving(change: Change, row: RegistryRecord) -> None:
    """What follows from the record as it was entered. Raises Invalid for what others rule out."""
    if row.kind in _SAVED:
        await _SAVED[row.kind](change, row)


async def after_step(change: Change, row: RegistryRecord, step: str) -> None:
    """What follows from a step."""
    if (row.kind, step) in _DECIDED:
        await _DECIDED[row.kind, step](change, row)


async def _position(change: Change, row: RegistryRecord) -> None:
    """A station that stands elsewhere than registered was moved without approval."""
    site = await site_of(change.session, row.body["site"])
    if site.longitude is None or site.latitude is None:
        return
    found = (row.body["longitude"], row.body["latitude"])
    away = metres((site.longitude, site.latitude), found)
    allowed = rule("position_tolerance", change.now.astimezone(CHINA).date()).value
    if away > allowed:
        detail = {"metres": round(away, 1), "allowed": allowed, "found": list(found)}
        record = f"positions/{row.code}"
        await change.find(
            Found("station-moved-unapproved", site.region, site.code, site.uscc, record, detail)
        )


def plan_of_exemption(code: str) -> str:
    """What the plan of an exemption is called; a unit may call its own plans so, too."""
    return f"EX-{code}"


async def _part(change: Change, row: RegistryRecord) -> None:
    """A part of a task is done by the time the whole is due, and no task is a part of itself."""
    code, flaws = row.body.get("part_of"), []
    if code == row.code:
        flaws.append(flaw("part_of", "task-of-itself", code))
    whole = await change.session.get(RegistryRecord, (row.kind, code)) if code else None
    if whole is not None and _moment(row.body["due_at"]) > _moment(whole.body["due_at"]):
        flaws.append(flaw("due_at", "task-after-whole", f"{row.body['due_at']} > {whole.body['due_at']}"))
    refuse(flaws)


_moment = datetime.fromisoformat


async def _exemption(change: Change, row: RegistryRecord) -> None:
    """An exempt unit is monitored by hand: its schedule is a plan that is in force at once."""
    body, day = row.body, change.now.astimezone(CHINA).date()
    items = [
        {"site": body["site"], "factor": factor, "method": "manual", "mode": "manual", "every": body["every"],
         "times": body.get("times", 1)}
        for factor in body["factors"]
    ]  # fmt: skip
    scope, code = Scope(row.region, row.dept, row.uscc), plan_of_exemption(row.code)
    if len(code) > 64:
        refuse([flaw("code", "exemption-code", row.code)])
    known = await change.session.get(RegistryRecord, ("plans", code))
    if known is not None and known.uscc != row.uscc:
        detail = f"plans/{code} is a plan of {known.uscc}: give the exemption another code 请为该豁免另编代码"
        raise Conflict("plan-of-another", detail, plan=code)
    cells: dict[str, Any] = {
        "kind": "plans",
        "code": code,
        **scope.cells(),
        "site": None,
        "state": "filed",
        "flags": [],
        "valid_from": row.valid_from or day,
        "valid_to": row.valid_to,
        "body": {"uscc": body["uscc"], "plan": code, "version": 1, "items": items,
                 "quality": body["reason"], "filing_no": row.code},
        "entered_at": change.now,
        "entered_by": change.who,
    }  # fmt: skip
    await change.save(RegistryRecord, ("plans", code), cells, scope, "plans")


async def _plan_filed(change: Change, row: RegistryRecord) -> None:
    """A filed plan is in force; the version before it ends the day before."""
    first = row.valid_from or change.now.astimezone(CHINA).date()
    others = select(RegistryRecord).where(
        RegistryRecord.kind == "plans",
        RegistryRecord.uscc == row.uscc,
        RegistryRecord.state == "filed",
        RegistryRecord.code != row.code,
        RegistryRecord.body["plan"].astext == row.body["plan"],
    )
    for before in await change.session.scalars(others):
        if before.valid_to is None or before.valid_to >= first:
            cells = {"valid_to": max(first - timedelta(days=1), before.valid_from or date.min)}
            scope = Scope(before.region, before.dept, before.uscc, before.counterpart)
            await change.save(RegistryRecord, ("plans", before.code), cells, scope, "plans")


async def _station_changed(change: Change, row: RegistryRecord) -> None:
    """What was approved now holds."""
    site = await site_of(change.session, row.body["site"])
    day = change.now.astimezone(CHINA).date()
    asked = {name: row.body[name] for name in GUARDED if row.body.get(name) is not None}
    if row.body["change"] == "remove":
        asked["valid_to"] = day
    if row.body["change"] == "set_up":
        asked["valid_from"] = site.valid_from or day
    cells = {column.key: getattr(site, column.key) for column in SiteRow.__table__.columns}
    cells.pop("region_path")
    code = cells.pop("code")
    await save_site(change, code, cells | asked, approved=row.code)


_SAVED: dict[str, Callable[[Change, RegistryRecord], Awaitable[None]]] = {
    "positions": _position,
    "exemptions": _exemption,
    "work-tasks": _part,
}
_DECIDED: dict[tuple[str, str], Callable[[Change, RegistryRecord], Awaitable[None]]] = {
    ("plans", "approve"): _plan_filed,
    ("station-changes", "approve"): _station_changed,
}
