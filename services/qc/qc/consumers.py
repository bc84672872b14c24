"""The doors for events: each handler hands over to one flow.

Promises: nothing but that. Leaves transactions, order and retries to `kit`.
"""

from datetime import UTC, datetime

from contracts.ingest import Recorded, Revised
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.assessing import assess_recorded
from qc.flows.revising import assess_revised
from qc.flows.setting import setting_at


async def on_recorded(session: AsyncSession, event: Recorded, meta: Meta) -> None:
    await assess_recorded(session, event, meta, setting_at(datetime.now(UTC)))


async def on_revised(session: AsyncSession, event: Revised, meta: Meta) -> None:
    await assess_revised(session, event, meta, setting_at(datetime.now(UTC)))


CONSUMERS = ((Recorded, on_recorded), (Revised, on_revised))
