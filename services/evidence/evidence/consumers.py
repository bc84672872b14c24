"""The bus door of `evidence`: leaves of every producer, one flow.

Promises: what waits side by side is sequenced in one transaction. Leaves order and repetition to the flow.
"""

from typing import Any

from contracts import cases, gateway, ingest, publish
from contracts.envelope import Event
from kit.lane import Handler
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from evidence.flows import sequencing
from evidence.flows.sequencing import Requested


async def on_leaf_requested(session: AsyncSession, event: Requested, meta: Meta) -> None:
    await sequencing.sequence(session, [event])


async def on_many_leaves_requested(session: AsyncSession, events: list[tuple[Any, Meta]]) -> None:
    """Neighbours of one lane together: the price of a statement is shared by all of them."""
    await sequencing.sequence(session, [event for event, _ in events])


# `kit.lane` hands over messages of a lane that wait together at once, where a handler names how.
on_leaf_requested.together = on_many_leaves_requested  # type: ignore[attr-defined]
CONSUMERS: list[tuple[type[Event], Handler]] = [
    (ingest.LeafRequested, on_leaf_requested),
    (cases.LeafRequested, on_leaf_requested),
    (publish.LeafRequested, on_leaf_requested),
    (gateway.LeafRequested, on_leaf_requested),
]
