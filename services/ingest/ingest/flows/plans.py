"""Monitoring plans against what was received: runs done, late or missing, and data outside the plan.

Promises: a period is judged once it is due; a run that comes after all turns from missing to late; the same
finding is raised once. Leaves the values themselves to `qc`.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from kit.db import Database
from policy import EVERYTHING, Principal
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows.change import Change, Found
from ingest.flows.effects import plan_of_exemption
from ingest.flows.entrusted import entrusted
from ingest.flows.recorded import MODES
from ingest.queries import overview
from ingest.rules.kinds import rule
from ingest.rules.periods import Period, outcome, periods
from ingest.rules.times import CHINA
from ingest.tables import PlanRun, RegistryRecord, SiteRow

# A run that is missing is looked for again this long; older ones stay missing.
PATIENCE = timedelta(days=90)
JUDGED_AT_ONCE = 500
# The platform reading its own values, through the views that ask who it is.
ITSELF = Principal("ingest", roles=frozenset({"platform.service"}))


class Due(NamedTuple):
    """One run of a plan that is due: `item` numbers the item in its plan."""

    plan: RegistryRecord
    item: str
    asked: dict[str, Any]
    period: Period
    due_at: datetime

    @property
    def key(self) -> tuple[str, str, datetime]:
        return (self.plan.code, self.item, self.period.start)

    @property
    def wanted(self) -> int:
        return int(self.asked.get("times") or 1)


async def judge_plans(database: Database, now: datetime) -> int:
    """Judge what is due by `now`; how many runs were judged or changed."""
    async with database.reader(ITSELF, reach=EVERYTHING) as session:
        plans = await _in_force(session, now)
        due = [one for plan in plans for one in _due(plan, now)]
        known = await _outcomes(session, [plan.code for plan in plans])
        open_ = [one for one in due if known.get(one.key) in (None, "missing")]
        # What was never judged first, then what is missing, the newest first: no run waits behind old gaps.
        open_.sort(key=lambda one: (one.key in known, -one.period.stop.timestamp()))
        judged = [(one, await _received(session, one)) for one in open_[:JUDGED_AT_ONCE]]
        outside = await _outside(session, plans, now.astimezone(CHINA).date())
    changed = 0
    async with database.writer() as session:
        change = Change(session, "ingest plans", now)
        for one, received in judged:
            changed += await _keep(change, one, received)
        for found in outside:
            await change.find(found)
        await change.say()
    return changed


async def _in_force(session: AsyncSession, now: datetime) -> list[RegistryRecord]:
    day = now.astimezone(CHINA).date()
    wanted = select(RegistryRecord).where(
        RegistryRecord.kind == "plans",
        RegistryRecord.state == "filed",
        RegistryRecord.valid_from <= day,
        or_(RegistryRecord.valid_to.is_(None), RegistryRecord.valid_to >= day - PATIENCE),
    )
    return list(await session.scalars(wanted.order_by(RegistryRecord.code)))


def _due(plan: RegistryRecord, now: datetime) -> list[Due]:
    found = []
    oldest = (now - PATIENCE).astimezone(CHINA).date()
    for at, item in enumerate(plan.body["items"]):
        hours = rule(f"upload_{item['mode']}", now.astimezone(CHINA).date()).hours
        first = max(plan.valid_from or date.min, oldest)
        for period in periods(item["every"], first, now):
            ends_within = plan.valid_to is None or (period.stop - timedelta(days=1)).date() <= plan.valid_to
            if period.stop + hours < now and ends_within:
                found.append(Due(plan, str(at), item, period, period.stop + hours))
    return found


async def _outcomes(session: AsyncSession, plans: Sequence[str]) -> dict[tuple[str, str, datetime], str]:
    wanted = select(PlanRun.plan, PlanRun.item, PlanRun.start, PlanRun.outcome).where(PlanRun.plan.in_(plans))
    return {(plan, item, start): what for plan, item, start, what in await session.execute(wanted)}


async def _received(session: AsyncSession, one: Due) -> list[datetime]:
    """When the first of the wanted values were received, as observations or as manual results.

    Manual results count if the plan's unit entered them, or whom it entrusted in that period.
    """
    asked = {"site": one.asked["site"], "factor": one.asked["factor"], "wanted": one.wanted}
    span = {"start": one.period.start, "stop": one.period.stop}
    found = await overview.rows(session, overview.RECEIVED, **asked, **span)
    times = [_received_at(row, one.due_at) for row in found]
    body = RegistryRecord.body
    agents = entrusted(one.period.start.date(), one.period.stop.date())
    agents = agents.where(RegistryRecord.uscc == one.plan.uscc)
    theirs = [one.plan.uscc, *{row.counterpart for row in await session.scalars(agents)}]
    by_hand = select(RegistryRecord.entered_at).where(
        RegistryRecord.kind == "manual-results",
        RegistryRecord.site == one.asked["site"],
        RegistryRecord.uscc.in_(theirs),
        RegistryRecord.dept.is_(None),
        body["factor"].astext == one.asked["factor"],
        body["sampled_at"].astext >= one.period.start.isoformat(),
        body["sampled_at"].astext < one.period.stop.isoformat(),
    )
    times += list(await session.scalars(by_hand.order_by(RegistryRecord.entered_at).limit(one.wanted)))
    return sorted(times)


def _received_at(row: dict[str, Any], due_at: datetime) -> datetime:
    """When a value came; what was declared historical is never late."""
    came = datetime.fromtimestamp(overview.received_at(row["submission"]), UTC)
    return min(came, due_at) if MODES[row["mode"]] == "historical" else came


async def _keep(change: Change, one: Due, received: list[datetime]) -> int:
    what, late = outcome(one.wanted, received, one.due_at)
    key = one.key
    known = await change.session.get(PlanRun, key)
    if known is not None and (known.outcome, known.found) == (what, len(received)):
        return 0
    row = known or PlanRun(plan=key[0], item=key[1], start=key[2])
    row.stop, row.due_at, row.wanted, row.found = one.period.stop, one.due_at, one.wanted, len(received)
    row.site, row.factor, row.outcome, row.late_hours = one.asked["site"], one.asked["factor"], what, late
    row.received_at = received[one.wanted - 1] if what != "missing" else None
    change.session.add(row)
    if what != "done":
        detail = {
            "factor": row.factor, "from": one.period.start.isoformat(), "to": one.period.stop.isoformat(),
            "wanted": row.wanted, "found": row.found, "due_at": one.due_at.isoformat(), "late_hours": late,
        }  # fmt: skip
        once = f"run/{what}/{key[0]}/{key[1]}/{one.period.start.isoformat()}"
        record = f"plans/{key[0]}"
        site = await change.session.get(SiteRow, row.site)
        region = site.region if site else one.plan.region
        await change.find(Found(f"run-{what}", region, row.site, one.plan.uscc, record, detail, once))
    return 1


async def _outside(session: AsyncSession, plans: Sequence[RegistryRecord], day: date) -> list[Found]:
    """What is measured at a unit's outlets and stands in none of its plans that are in force on `day`.

    The plan of an exemption covers what was exempted and asks for nothing else.
    """
    in_force = [plan for plan in plans if plan.valid_to is None or plan.valid_to >= day]
    planned: dict[str | None, set[tuple[str, str]]] = {}
    for plan in in_force:
        items = {(item["site"], item["factor"]) for item in plan.body["items"]}
        planned.setdefault(plan.uscc, set()).update(items)
    exempt = await _exemptions(session)
    found = []
    for plan in in_force:
        if (plan.code, plan.uscc) not in exempt:
            found += await _outside_of(session, plan, planned[plan.uscc])
    return found


async def _exemptions(session: AsyncSession) -> set[tuple[str, str | None]]:
    """(code of the plan, unit) of every exemption that is registered; a name alone makes none."""
    wanted = select(RegistryRecord.code, RegistryRecord.uscc).where(RegistryRecord.kind == "exemptions")
    return {(plan_of_exemption(code), uscc) for code, uscc in await session.execute(wanted)}


async def _outside_of(
    session: AsyncSession, plan: RegistryRecord, planned: set[tuple[str, str]]
) -> list[Found]:
    outlets = select(SiteRow.code).where(SiteRow.uscc == plan.uscc, SiteRow.kind == "outlet")
    sites = list(await session.scalars(outlets))
    since = datetime.combine(plan.valid_from or date(1970, 1, 1), datetime.min.time(), CHINA)
    found = await overview.rows(session, overview.MEASURED, sites=sites, since=since)
    return [
        Found("outside-plan", plan.region, row["site"], plan.uscc, f"plans/{plan.code}",
              {"factor": row["factor"]}, f"outside/{plan.code}/{row['site']}/{row['factor']}")
        for row in found
        if (row["site"], row["factor"]) not in planned
    ]  # fmt: skip
