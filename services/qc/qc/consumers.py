"""The doors for events: each handler hands over to one flow.

Promises: nothing but that. Leaves transactions, order and retries to `kit`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.credit import Listed, ListingRemoved, ListingSuspended, PersonBanLifted, PersonBanned
from contracts.evidence import QuorumLost, QuorumRegained
from contracts.ingest import (
    CheckEnded,
    LatenessNoticed,
    Recorded,
    RegistryChanged,
    Revised,
    SiteRegistered,
)
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows import anomalies, checks, places, reopening, timeliness, told
from qc.flows.assessing import assess_recorded
from qc.flows.decoding import recorded
from qc.flows.registers import known
from qc.flows.revising import assess_revised
from qc.flows.setting import setting_at


async def on_recorded(session: AsyncSession, event: Recorded, meta: Meta) -> None:
    await on_many_recorded(session, [(event, meta)])


async def on_many_recorded(session: AsyncSession, messages: Sequence[tuple[Recorded, Meta]]) -> None:
    """What waits in the lanes is judged together: the price of a statement is shared by all of it."""
    await assess_recorded(session, messages, setting_at(datetime.now(UTC)))


async def on_revised(session: AsyncSession, event: Revised, meta: Meta) -> None:
    await assess_revised(session, event, meta, setting_at(datetime.now(UTC)))


async def on_site_registered(session: AsyncSession, event: SiteRegistered, meta: Meta) -> None:
    await known.keep_site(session, event, datetime.now(UTC))


async def on_registry_changed(session: AsyncSession, event: RegistryChanged, meta: Meta) -> None:
    await known.keep_method(session, event)
    await places.follow_registry(session, event)
    await anomalies.keep_report(session, event)
    await reopening.follow_limit(session, event, datetime.now(UTC))


async def on_lateness_noticed(session: AsyncSession, event: LatenessNoticed, meta: Meta) -> None:
    await timeliness.note_lateness(session, event)


async def on_listed(session: AsyncSession, event: Listed, meta: Meta) -> None:
    await told.know_listing(session, event)


async def on_listing_suspended(session: AsyncSession, event: ListingSuspended, meta: Meta) -> None:
    await told.know_listing_ended(session, event)


async def on_listing_removed(session: AsyncSession, event: ListingRemoved, meta: Meta) -> None:
    await told.know_listing_ended(session, event)


async def on_person_banned(session: AsyncSession, event: PersonBanned, meta: Meta) -> None:
    await told.know_ban(session, event)


async def on_person_ban_lifted(session: AsyncSession, event: PersonBanLifted, meta: Meta) -> None:
    await told.know_ban_lifted(session, event)


async def on_quorum_lost(session: AsyncSession, event: QuorumLost, meta: Meta) -> None:
    await told.know_quorum_lost(session, event)


async def on_quorum_regained(session: AsyncSession, event: QuorumRegained, meta: Meta) -> None:
    await told.know_quorum_regained(session, event)


async def on_check_ended(session: AsyncSession, event: CheckEnded, meta: Meta) -> None:
    await checks.end(session, event)


# `kit.lane` and `kit.group` hand over what waits at once, where a handler names how.
on_recorded.together = on_many_recorded  # type: ignore[attr-defined]
on_recorded.decode = recorded  # type: ignore[attr-defined]
on_recorded.across_lanes = True  # type: ignore[attr-defined]

CONSUMERS = (
    (Recorded, on_recorded),
    (Revised, on_revised),
    (SiteRegistered, on_site_registered),
    (LatenessNoticed, on_lateness_noticed),
    (RegistryChanged, on_registry_changed),
    (Listed, on_listed),
    (ListingSuspended, on_listing_suspended),
    (ListingRemoved, on_listing_removed),
    (PersonBanned, on_person_banned),
    (PersonBanLifted, on_person_ban_lifted),
    (QuorumLost, on_quorum_lost),
    (QuorumRegained, on_quorum_regained),
    (CheckEnded, on_check_ended),
)
