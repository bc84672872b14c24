"""Anomalies of transmission: what the unit reported of them, beside the alarm that noticed the same.

Promises: a later report replaces an earlier one, in any order of arrival. Leaves entering reports, and
missing them, to `ingest`. Source: 生态环境监测条例 Art. 23.
"""

from datetime import datetime, timedelta
from typing import Any

from contracts.ingest import RegistryChanged
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date

from qc.rules.desk import report_clock
from qc.tables import Alarm
from qc.tables.desk import AnomalyReport

KIND = "transmission-anomalies"
# Of these alarms the unit owes a report.
RULES = ("missing", "mark-fault")


async def keep_report(session: AsyncSession, event: RegistryChanged) -> None:
    """A report of a unit, as it stands now; other kinds of the registry are passed by."""
    if event.kind != KIND or event.after is None:
        return
    body = event.after["body"]
    cells = {
        "site": body["site"],
        "began_at": datetime.fromisoformat(body["began_at"]),
        "reported_at": datetime.fromisoformat(body["reported_at"]),
        "repaired_at": datetime.fromisoformat(body["repaired_at"]) if body.get("repaired_at") else None,
        "cause": body["cause"],
        "detail": body["detail"],
        "change": event.change,
    }
    asked = insert(AnomalyReport).values(code=event.code, **cells)
    newer = AnomalyReport.change < event.change
    await session.execute(asked.on_conflict_do_update(index_elements=["code"], set_=cells, where=newer))


async def report_of(session: AsyncSession, alarm: Alarm) -> AnomalyReport | None:
    """The report that meets the alarm: begun before its end, not repaired before its beginning."""
    of = AnomalyReport
    wanted = select(of).where(of.site == alarm.site, of.began_at < alarm.to_at)
    wanted = wanted.where((of.repaired_at.is_(None)) | (of.repaired_at > alarm.from_at))
    found: AnomalyReport | None = await session.scalar(wanted.order_by(of.began_at.desc()).limit(1))
    return found


async def report_view(session: AsyncSession, alarm: Alarm, now: datetime) -> dict[str, Any] | None:
    """What the unit owes and has said; None for alarms of which no report is owed."""
    if alarm.rule not in RULES:
        return None
    clock, report = report_clock(legal_date(alarm.from_at)), await report_of(session, alarm)
    began = alarm.from_at if report is None else report.began_at
    due, repair = began + timedelta(hours=clock.hours), began + timedelta(hours=clock.repair_hours)
    said, mended = (None, None) if report is None else (report.reported_at, report.repaired_at)
    return {
        "report": None if report is None else report.code,
        "cause": None if report is None else report.cause,
        "detail": None if report is None else report.detail,
        "due_at": due.isoformat(),
        "reported_at": None if said is None else said.isoformat(),
        "is_late": (said or now) > due,
        "repair_due_at": repair.isoformat(),
        "repaired_at": None if mended is None else mended.isoformat(),
        "is_repair_late": (mended or now) > repair,
        "source": clock.source,
    }
