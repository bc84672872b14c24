"""Who looked at whose data: what a unit holds, and the counts by day that are published later.

Promises: a unit's holdings are asked of `ingest` with the unit's own token, so they are its own; a day is
counted once, when its delay is over, and never told before; security bodies and withheld kinds are neither
counted nor told. Leaves who may ask to the policy.
"""

import time
from datetime import UTC, date, datetime, timedelta

import httpx
from fastapi import FastAPI
from kit.db import Database
from kit.problems import Unavailable
from kit.tls import roots
from policy import EVERYTHING, Policy
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from gateway.queries import reads_between
from gateway.rules.days import beginning, day_of
from gateway.tables import Audit, UsageDay

FRESH_SECONDS = 60.0
MOST_KEPT = 1000
PAGE = 1000
MOST_REFS = 20_000
DAYS_A_RUN = 31
COUNT_SECONDS = 3600.0
# What is listed, the member that identifies it, and how a request may name it.
NAMES = {
    "sites": ("code", ("code", "site", "station")),
    "devices": ("mn", ("mn", "device")),
    "series": ("id", ("series",)),
}


class Holdings:
    """What the register says an organisation has, as requests name it."""

    def __init__(self, ingest: str | None) -> None:
        self._ingest = (ingest or "").rstrip("/")
        self._client = httpx.AsyncClient(timeout=10, trust_env=False, verify=roots())
        self._kept: dict[str, tuple[float, list[str]]] = {}

    async def of(self, uscc: str, authorization: str) -> list[str]:
        """`code=…`, `site=…`, `mn=…` of its stations and devices. Raises Unavailable."""
        kept = self._kept.get(uscc)
        if kept is None or time.monotonic() - kept[0] > FRESH_SECONDS:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            found = [f"uscc={uscc}"]
            for kind, (member, names) in NAMES.items():
                for value in await self._all(kind, member, authorization):
                    found += [f"{name}={value}" for name in names]
            kept = self._kept[uscc] = time.monotonic(), found[:MOST_REFS]
        return kept[1]

    async def _all(self, kind: str, member: str, authorization: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while len(found) < MOST_REFS:
            asked = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
            try:
                answer = await self._client.get(
                    f"{self._ingest}/{kind}", params=asked, headers={"Authorization": authorization}
                )
                page = answer.raise_for_status().json()
                found += [str(item[member]) for item in page["items"]]
                cursor = page["next"]
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise Unavailable("register-away", "The register does not answer 登记服务暂无响应") from error
            if cursor is None:
                break
        return found

    async def close(self) -> None:
        await self._client.aclose()


async def count_days(app: FastAPI) -> None:
    """The job: counts the days whose delay is over."""
    await count(app.state.database, app.state.policy, datetime.now(UTC))


async def count(database: Database, policy: Policy, now: datetime) -> list[date]:
    """Counts at most a month of days that may now be told; which. Again changes nothing."""
    today = day_of(now)
    told = policy.records.publication(today)
    if told is None:
        return []
    last = today - timedelta(days=told[0])
    async with database.reader(reach=EVERYTHING) as session:
        counted = await session.scalar(select(func.max(UsageDay.day)))
        begun = None if counted else await session.scalar(select(func.min(Audit.at)))
    if counted is None and begun is None:
        return []
    first = counted + timedelta(days=1) if counted else day_of(begun) if begun else last
    days = [first + timedelta(days=n) for n in range(min(DAYS_A_RUN, (last - first).days + 1))]
    for day in days:
        await _count_day(database, policy, day)
    return days


async def _count_day(database: Database, policy: Policy, day: date) -> None:
    departments, kinds = policy.records.withheld(day)
    async with database.reader(reach=EVERYTHING) as session:
        found = (await session.execute(reads_between(beginning(day), beginning(day + timedelta(1))))).all()
    rows = [
        {"day": day, "dept": one.dept, "permission": one.permission, "kind": one.kind, "reads": one.reads}
        for one in found
        if one.dept not in departments and one.kind not in kinds
    ]
    if not rows:
        return
    async with database.writer() as session:
        await session.execute(insert(UsageDay.__table__).on_conflict_do_nothing().inline(), rows)
