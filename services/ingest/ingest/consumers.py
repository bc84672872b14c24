"""What `ingest` listens to: remote checks that `qc` orders. One event, one flow."""

from contracts.qc import CheckOrdered
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows import checks


async def on_check_ordered(session: AsyncSession, event: CheckOrdered, meta: Meta) -> None:
    await checks.take_order(session, event)


CONSUMERS = ((CheckOrdered, on_check_ordered),)
