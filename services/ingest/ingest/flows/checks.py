"""Remote checks that `qc` orders: each becomes a command to the logger of the site, and its end is said.

Promises: one command for one order, however often it is told; an order that no logger can take is answered
at once. Leaves the conversation itself to `conversation`, and what may be ordered to `qc`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from contracts.ingest import CheckEnded
from contracts.qc import CheckOrdered
from kit.db import Database
from kit.outbox import put
from kit.problems import Invalid
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows.commands import Wanted, checked, make
from ingest.queries.registry import load_registry
from ingest.rules.checks import command_of
from ingest.rules.exchange import ENDED
from ingest.rules.registry import NO_MANNERS, Device, Registry
from ingest.rules.times import CHINA
from ingest.tables import CheckCommand, CommandRow

NOBODY = (
    "该站点没有登记为接受反控的数采仪",
    "no logger of the site is registered as taking commands",
)


def commandable(registry: Registry, site: str, mn: str | None) -> Device | None:
    """The logger that is asked: the one named, else the first of the site that takes commands."""
    fitting: Iterable[Device] = (
        device
        for _, device in sorted(registry.devices.items())
        if device.site == site
        and mn in (None, device.mn)
        and registry.manners.get(device.mn, NO_MANNERS).accepts_commands
    )
    return next(iter(fitting), None)


async def take_order(session: AsyncSession, event: CheckOrdered) -> None:
    """Make the command of an order, or say that there is none."""
    if await session.get(CheckCommand, UUID(event.order_id)) is not None:
        return
    registry = await load_registry(session, datetime.now(CHINA).date())
    device = commandable(registry, event.site, event.mn)
    if device is None:
        await _refuse(session, event, NOBODY)
        return
    name, given = command_of(event.check, event.factor)
    try:
        command, parameters = checked(name, given)
    except Invalid as refusal:
        await _refuse(session, event, (refusal.detail, refusal.detail))
        return
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert connection is not None
    wanted = Wanted(command, parameters, event.reason, event.ordered_by, "order")
    made = await make(connection, registry, device, wanted)
    session.add(CheckCommand(order_id=UUID(event.order_id), command=made))


async def _refuse(session: AsyncSession, event: CheckOrdered, why: tuple[str, str]) -> None:
    zh, en = why
    ended = CheckEnded(
        order_id=event.order_id,
        site=event.site,
        region=event.region,
        uscc=event.uscc,
        mn=event.mn,
        state="unsendable",
        message_zh=zh,
        message_en=en,
        ended_at_ms=round(datetime.now(UTC).timestamp() * 1000),
    )
    await put(session, ended, key=event.site)


async def say_ended(database: Database) -> int:
    """Say of every ordered command that has ended what came of it; how many those were."""
    async with database.writer() as session:
        ended = (
            select(CheckCommand, CommandRow)
            .join(CommandRow, CommandRow.id == CheckCommand.command)
            .where(CheckCommand.said_at.is_(None), CommandRow.state.in_(ENDED))
        )
        found = (await session.execute(ended.limit(200).with_for_update(skip_locked=True))).all()
        for check, row in found:
            check.said_at = datetime.now(UTC)
            await put(session, _ended(check.order_id, row), key=row.site)
    return len(found)


def _ended(order_id: UUID, row: CommandRow) -> CheckEnded:
    at = row.ended_at or datetime.now(UTC)
    return CheckEnded(
        order_id=str(order_id),
        site=row.site,
        region=row.region,
        uscc=row.uscc,
        mn=row.mn,
        command=str(row.id),
        state=row.state,  # type: ignore[arg-type]
        result=row.result,
        ended_at_ms=round(at.timestamp() * 1000),
    )
