"""The doors for events: each handler hands over to one flow.

Promises: nothing but that. Leaves transactions, order and retries to `kit`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.ingest import Recorded, Revised
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.assessing import assess_recorded
from qc.flows.revising import assess_revised
from qc.flows.setting import setting_at


async def on_recorded(session: AsyncSession, event: Recorded, meta: Meta) -> None:
    await on_many_recorded(session, [(event, meta)])


async def on_many_recorded(session: AsyncSession, messages: Sequence[tuple[Recorded, Meta]]) -> None:
    """Neighbours of one lane are judged together: the price of a statement is shared by all of them."""
    await assess_recorded(session, messages, setting_at(datetime.now(UTC)))


async def on_revised(session: AsyncSession, event: Revised, meta: Meta) -> None:
    await assess_revised(session, event, meta, setting_at(datetime.now(UTC)))


# `kit.lane` hands over messages of a lane that wait together at once, where a handler names how.
on_recorded.together = on_many_recorded  # type: ignore[attr-defined]

CONSUMERS = ((Recorded, on_recorded), (Revised, on_revised))
