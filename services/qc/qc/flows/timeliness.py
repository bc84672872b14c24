"""Late arrivals as `ingest` says them: added up by site, source, period, logger and day of receipt.

Promises: each event is counted once, in whatever order they arrive; who is late as often as the dated
rule says is a finding, once, and again only if as many days follow its settlement. Leaves delivery to `kit`.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from contracts.ingest import LatenessNoticed
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from qc.flows.registers.raising import raise_finding
from qc.queries.timeliness import KEY
from qc.rules.timeliness import BETWEEN, systematic_on
from qc.tables.registers import RegisterFinding
from qc.tables.timeliness import LateArrival

KIND, SYSTEMATIC = "timeliness", "systematically-late"


async def note_lateness(session: AsyncSession, event: LatenessNoticed) -> None:
    """Add what came late to its day."""
    received_at = _instant(event.received_at_ms)
    row = insert(LateArrival).values(
        site=event.site,
        source=event.source,
        period=event.period,
        device=event.mn or "",
        day=legal_date(received_at),
        region=event.region,
        uscc=event.uscc,
        late=event.late,
        allowed_seconds=event.allowed_seconds,
        longest_seconds=event.longest_seconds,
        from_at=_instant(event.from_ms),
        to_at=_instant(event.to_ms),
        received_at=received_at,
    )
    new, of = row.excluded, LateArrival
    told = {
        "late": of.late + new.late,
        "longest_seconds": func.greatest(of.longest_seconds, new.longest_seconds),
        "allowed_seconds": func.least(of.allowed_seconds, new.allowed_seconds),
        "from_at": func.least(of.from_at, new.from_at),
        "to_at": func.greatest(of.to_at, new.to_at),
        "received_at": func.greatest(of.received_at, new.received_at),
    }
    keys = ["site", "source", "period", "device", "day"]
    await session.execute(row.on_conflict_do_update(index_elements=keys, set_=told))
    await _find_systematic(session, event, received_at)


async def _find_systematic(session: AsyncSession, event: LatenessNoticed, now: datetime) -> None:
    source = (event.site, event.source, event.period, event.mn or "")
    code = BETWEEN.join(source)
    mine = [getattr(LateArrival, name) == cell for name, cell in zip(KEY, source, strict=True)]
    last: date = (await session.execute(select(func.max(LateArrival.day)).where(*mine))).scalar_one()
    rule = systematic_on(last)
    of = RegisterFinding
    settled = select(func.max(of.closed_at)).where(of.kind == KIND, of.code == code, of.finding == SYSTEMATIC)
    closed_at = await session.scalar(settled)
    since = max(last - timedelta(days=rule.of), legal_date(closed_at) if closed_at else date.min)
    asked = select(func.count(), func.sum(LateArrival.late)).where(*mine, LateArrival.day > since)
    days, late = (await session.execute(asked)).one()
    if days >= rule.days:
        told = {"days": days, "late": int(late), "rule": {"days": rule.days, "of": rule.of}}
        await raise_finding(session, _finding(event, code, rule.source, told, now))


def _finding(
    event: LatenessNoticed, code: str, source: str, told: dict[str, Any], now: datetime
) -> RegisterFinding:
    whose = f"{event.site}（{event.source}{' ' + event.mn if event.mn else ''}）"
    days, of = told["days"], told["rule"]["of"]
    return RegisterFinding(
        finding_id=uuid7(),
        finding=SYSTEMATIC,
        kind=KIND,
        code=code,
        cause="",
        site=event.site,
        found_at=now,
        due_at=None,
        closed_at=None,
        detail=told,
        message_zh=f"经常性迟报：{whose}近 {of} 天中有 {days} 天数据迟报",
        message_en=f"Systematically late: {code} sent late values on {days} of the last {of} days",
        source=source,
        region=event.region,
        dept=None,
        uscc=event.uscc,
        parties=[],
    )


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
