"""What `credit` and `evidence` tell: bans, listings, and whether enough witnesses cosign the log.

Promises: each event only adds what is newer, so that the rows are the same whatever order events arrive in.
Leaves what follows from them to signing and eligibility.
"""

from datetime import date

from contracts.credit import Listed, ListingRemoved, ListingSuspended, PersonBanLifted, PersonBanned
from contracts.evidence import QuorumLost, QuorumRegained
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables.told import KnownBan, KnownListing, LogQuorum


async def know_ban(session: AsyncSession, event: PersonBanned) -> None:
    """A person is banned from the trade from a day on, until a day or for life."""
    told = {
        "decision_no": event.decision_no,
        "legal_basis": event.legal_basis,
        "valid_from": date.fromisoformat(event.valid_from),
        "valid_to": date.fromisoformat(event.valid_to) if event.valid_to else None,
    }
    row = insert(KnownBan).values(ban_id=event.ban_id, person=event.person, **told)
    await session.execute(row.on_conflict_do_update(index_elements=["ban_id"], set_=told))


async def know_ban_lifted(session: AsyncSession, event: PersonBanLifted) -> None:
    """The ban's decision was annulled: it bars nobody."""
    told = {"lifted_at_ms": event.lifted_at_ms}
    row = insert(KnownBan).values(ban_id=event.ban_id, person=event.person, **told)
    await session.execute(row.on_conflict_do_update(index_elements=["ban_id"], set_=told))


async def know_listing(session: AsyncSession, event: Listed) -> None:
    """An organisation is listed: nobody signs for it while that holds."""
    told = {
        "decision_no": event.decision_no,
        "legal_basis": event.legal_basis,
        "valid_from": date.fromisoformat(event.valid_from),
        "valid_to": date.fromisoformat(event.valid_to),
    }
    row = insert(KnownListing).values(listing_id=event.listing_id, uscc=event.uscc, **told)
    await session.execute(row.on_conflict_do_update(index_elements=["listing_id"], set_=told))


async def know_listing_ended(session: AsyncSession, event: ListingSuspended | ListingRemoved) -> None:
    """The listing is suspended or over: it bars nobody."""
    at = event.suspended_at_ms if isinstance(event, ListingSuspended) else event.removed_at_ms
    row = insert(KnownListing).values(listing_id=event.listing_id, uscc=event.uscc, ended_at_ms=at)
    later = {"ended_at_ms": func.greatest(KnownListing.ended_at_ms, at)}
    await session.execute(row.on_conflict_do_update(index_elements=["listing_id"], set_=later))


async def know_quorum_lost(session: AsyncSession, event: QuorumLost) -> None:
    """Since `since_ms` too few witnesses cosign the log."""
    row = insert(LogQuorum).values(log=event.log, since_ms=event.since_ms, lost_at_ms=event.lost_at_ms)
    newer = LogQuorum.lost_at_ms.is_(None) | (LogQuorum.lost_at_ms < event.lost_at_ms)
    told = {"since_ms": event.since_ms, "lost_at_ms": event.lost_at_ms}
    await session.execute(row.on_conflict_do_update(index_elements=["log"], set_=told, where=newer))


async def know_quorum_regained(session: AsyncSession, event: QuorumRegained) -> None:
    """Enough witnesses cosign again, and with them everything received meanwhile."""
    row = insert(LogQuorum).values(log=event.log, regained_at_ms=event.regained_at_ms)
    later = {"regained_at_ms": func.greatest(LogQuorum.regained_at_ms, event.regained_at_ms)}
    await session.execute(row.on_conflict_do_update(index_elements=["log"], set_=later))
