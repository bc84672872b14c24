"""The bus door of `credit`: penalties, withdrawn bases, annulments of `cases`, scores of operators of `qc`.

Promises: one event, one flow, in the transaction of its cursor. Leaves order and repetition to the flows.
"""

from datetime import UTC, datetime

from contracts.cases import BasisWithdrawn, CaseAnnulled, PenaltyDecided
from contracts.envelope import Event
from contracts.qc import OperatorScored
from kit.lane import Handler
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from credit import flows


async def on_penalty_decided(session: AsyncSession, event: PenaltyDecided, meta: Meta) -> None:
    await flows.list_subject(session, event, datetime.now(UTC), meta.traces)


async def on_basis_withdrawn(session: AsyncSession, event: BasisWithdrawn, meta: Meta) -> None:
    await flows.suspend_listing(session, event, datetime.now(UTC))


async def on_case_annulled(session: AsyncSession, event: CaseAnnulled, meta: Meta) -> None:
    await flows.remove_listing(session, event, datetime.now(UTC))


async def on_operator_scored(session: AsyncSession, event: OperatorScored, meta: Meta) -> None:
    await flows.keep_score(session, event)


CONSUMERS: list[tuple[type[Event], Handler]] = [
    (PenaltyDecided, on_penalty_decided),
    (BasisWithdrawn, on_basis_withdrawn),
    (CaseAnnulled, on_case_annulled),
    (OperatorScored, on_operator_scored),
]
