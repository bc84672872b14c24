"""What `publish` listens to: one event, one flow. Names and lanes are in the contracts' catalogue."""

from contracts.cases import BasisWithdrawn, CaseAnnulled, FraudConfirmed
from contracts.credit import Listed, ListingRemoved, ListingSuspended
from contracts.evidence import QuorumLost, QuorumRegained
from contracts.ingest import SiteRegistered
from contracts.qc import Assessed, HoldDecided, HoldPlaced
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from publish.flows import evidence, figures, holds, projections


async def on_site_registered(session: AsyncSession, event: SiteRegistered, meta: Meta) -> None:
    await projections.register_site(session, event)


async def on_assessed(session: AsyncSession, event: Assessed, meta: Meta) -> None:
    await figures.take_verdicts(session, event, meta.traces)


async def on_hold_placed(session: AsyncSession, event: HoldPlaced, meta: Meta) -> None:
    await holds.withhold(session, event, meta.traces)


async def on_hold_decided(session: AsyncSession, event: HoldDecided, meta: Meta) -> None:
    await holds.follow_decision(session, event, meta.traces)


async def on_fraud_confirmed(session: AsyncSession, event: FraudConfirmed, meta: Meta) -> None:
    await projections.confirm_falsification(session, event, meta.traces)


async def on_basis_withdrawn(session: AsyncSession, event: BasisWithdrawn, meta: Meta) -> None:
    await projections.withdraw_basis(session, event, meta.traces)


async def on_case_annulled(session: AsyncSession, event: CaseAnnulled, meta: Meta) -> None:
    await projections.annul_case(session, event, meta.traces)


async def on_listed(session: AsyncSession, event: Listed, meta: Meta) -> None:
    await projections.list_subject(session, event)


async def on_listing_suspended(session: AsyncSession, event: ListingSuspended, meta: Meta) -> None:
    await projections.suspend_listing(session, event)


async def on_listing_removed(session: AsyncSession, event: ListingRemoved, meta: Meta) -> None:
    await projections.remove_listing(session, event)


async def on_quorum_lost(session: AsyncSession, event: QuorumLost, meta: Meta) -> None:
    await evidence.lose_quorum(session, event)


async def on_quorum_regained(session: AsyncSession, event: QuorumRegained, meta: Meta) -> None:
    await evidence.regain_quorum(session, event)


CONSUMERS = (
    (SiteRegistered, on_site_registered),
    (Assessed, on_assessed),
    (HoldPlaced, on_hold_placed),
    (HoldDecided, on_hold_decided),
    (FraudConfirmed, on_fraud_confirmed),
    (BasisWithdrawn, on_basis_withdrawn),
    (CaseAnnulled, on_case_annulled),
    (Listed, on_listed),
    (ListingSuspended, on_listing_suspended),
    (ListingRemoved, on_listing_removed),
    (QuorumLost, on_quorum_lost),
    (QuorumRegained, on_quorum_regained),
)
