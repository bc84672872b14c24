"""A day of a link against what the other side holds: differences are listed, sent again, and reported.

Promises: counts per series and hour; what the other side acknowledged and does not hold is sent again under a
new name; a difference that stays after so many rounds is said once, as `ingest.reconciliation_failed`. Where
the other side cannot be asked (HJ 212) the receipts are what is compared. Leaves asking to the delivery.
"""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from contracts.ingest import ReconciliationFailed
from kit import outbox
from kit.db import Database
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from ingest.flows.uplinks.delivery import CannotAsk, Delivery
from ingest.flows.uplinks.settling import renew
from ingest.queries import uplinks as queries
from ingest.rules.times import CHINA
from ingest.rules.uplinks.comparing import Cell, Tally, compare, tally, totals
from ingest.rules.uplinks.dated import Forwarding
from ingest.tables import UplinkDay, UplinkReconciliation, UplinkRow

_SHOWN_CELLS = 500
_NAMES = ("site", "factor", "statistic", "basis", "period", "source", "hour")
_RECEIPTS = "compared by receipts: the other side has no question for what it holds 按回执核对"


async def days_due(database: Database, link: str, now: datetime, limits: Forwarding) -> list[date]:
    """Days that are over and were never compared, or changed since, or differed a while ago."""
    before = (now - timedelta(seconds=limits.grace_seconds)).astimezone(CHINA).date()
    again = now - timedelta(seconds=limits.round_seconds)
    async with database.reader() as session:
        found = await session.execute(text(queries.DUE), {"link": link, "before": before, "again": again})
        return [row.day for row in found]


class Comparison(msgspec.Struct, frozen=True):
    """One day of one link as it was found: what was sent, and what the other side said it holds."""

    link: str
    day: date
    cells: dict[Cell, Tally]
    note: str
    is_asked: bool
    made_at: datetime

    @property
    def different(self) -> dict[Cell, Tally]:
        return {cell: found for cell, found in self.cells.items() if found.differs}


async def reconcile(
    database: Database, link: str, day: date, delivery: Delivery, now: datetime, limits: Forwarding
) -> UplinkReconciliation:
    """Compare one day, send again what is missing, and keep the report."""
    cells = await _tallied(database, link, day)
    note, is_asked = "", True
    try:
        held = await delivery.held({cell[0] for cell in cells}, day)
        compare(cells, held)
        note = "" if held is not None else _RECEIPTS
    except CannotAsk as error:
        note, is_asked = f"could not be asked: {error}", False
    async with database.writer() as session:
        return await _report(session, Comparison(link, day, cells, note, is_asked, now), limits)


async def _tallied(database: Database, link: str, day: date) -> dict[Cell, Tally]:
    cells: dict[Cell, Tally] = {}
    async with database.reader() as session:
        keys = (await session.execute(text(queries.KEYS), {"link": link, "day": day})).scalars().all()
    for key in keys:
        async with database.reader() as session:
            found = await session.execute(text(queries.OF_DAY), {"link": link, "day": day, "key": key})
            for row in found:
                tally(cells, row.id, row.state, row.kind, msgspec.json.decode(row.body))
    return cells


async def _report(session: AsyncSession, found: Comparison, limits: Forwarding) -> UplinkReconciliation:
    # The state first, as everywhere: whoever queues or settles takes the same lock before the days.
    await session.execute(text(queries.LOCK), {"link": found.link})
    standing = await _standing(session, found)
    was, rounds = standing.state, standing.rounds
    different = found.different
    if found.is_asked and different:
        rounds += 1
    state = _state(found, rounds, limits)
    sums = totals(found.cells.values())
    if state == "differs":
        lost = {parcel for one in different.values() if one.missing for parcel in one.parcels}
        sums["sent_again"] = await renew(session, found.link, sorted(lost), found.made_at)
    if state == "failed" and was != "failed":
        await _say_failed(session, found, sums)
    shown = [_shown(cell, one) for cell, one in sorted(different.items())[:_SHOWN_CELLS]]
    row = UplinkReconciliation(
        id=uuid7(), link=found.link, day=found.day, made_at=found.made_at, state=state, round=rounds,
        totals=sums, cells=shown, note=found.note,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    # `renew` marks the day as touched and begins anew; here the rounds go on counting.
    await session.refresh(standing)
    standing.touched_at = standing.checked_at = found.made_at
    standing.state, standing.rounds = state if found.is_asked else "differs", rounds
    return row


def _state(found: Comparison, rounds: int, limits: Forwarding) -> str:
    if not found.is_asked:
        return "unasked"
    if not found.different:
        return "agrees"
    return "failed" if rounds > limits.rounds else "differs"


async def _standing(session: AsyncSession, found: Comparison) -> UplinkDay:
    standing = await session.get(UplinkDay, (found.link, found.day), with_for_update=True)
    if standing is None:
        standing = UplinkDay(link=found.link, day=found.day, touched_at=found.made_at, state="open", rounds=0)
        session.add(standing)
        await session.flush()
    return standing


def _shown(cell: Cell, found: Tally) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("sent", "acknowledged", "held", "missing", "parked")}
    return dict(zip(_NAMES, cell, strict=True)) | counts | {"waiting": found.waiting}


async def _say_failed(session: AsyncSession, found: Comparison, sums: dict[str, int]) -> None:
    known = await session.get(UplinkRow, found.link)
    assert known is not None
    event = ReconciliationFailed(
        link=found.link,
        name_zh=known.name_zh,
        name_en=known.name_en,
        peer=known.peer,
        region=known.region,
        day=found.day.isoformat(),
        sent=sums["sent"],
        acknowledged=sums["acknowledged"],
        held=sums["held"] if sums["missing"] else None,
        missing=sums["missing"],
        parked=sums["parked"],
        waiting=sums["waiting"],
    )
    await outbox.put(session, event, key=found.link)


async def prune(database: Database, now: datetime, limits: Forwarding) -> None:
    """Drop what was acknowledged and found to agree long ago; receipts stay."""
    async with database.writer() as session:
        await session.execute(text(queries.PRUNE), {"before": now - timedelta(days=limits.kept_days)})
