"""What other services said, kept so that any order of arrival ends in the same rows.

Promises: a fraud case and a listing are one row each, into which every event merges with its own time; an
event that lifts or removes may come before the one that confirms or lists. Every change of a fraud case
touches the hours its window meets, in the same transaction. Leaves to `rules.states` what the merged row
means.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from contracts.cases import BasisWithdrawn, CaseAnnulled, FraudConfirmed
from contracts.credit import Listed, ListingRemoved, ListingSuspended
from contracts.ingest import SiteRegistered
from sqlalchemy import case, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from publish.queries import figures, places
from publish.rules.states import is_falsification_effective
from publish.tables import Base, FraudCase, Listing


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


async def register_site(session: AsyncSession, event: SiteRegistered) -> None:
    """Keeps the site as it now stands."""
    await places.save_site(session, msgspec.structs.asdict(event))


async def merge(session: AsyncSession, table: type[Base], key: str, row: dict[str, Any], newest: str) -> None:
    """Inserts `row`, or merges it: its columns hold unless a later `newest` time is known."""
    statement = insert(table).values(row)
    held, said = table.__table__.c, statement.excluded
    is_later = func.coalesce(said[newest] >= held[newest], True)
    told = row.keys() - {key, newest, "site", "region", "uscc"}
    set_: dict[str, Any] = {name: case((is_later, said[name]), else_=held[name]) for name in told}
    set_[newest] = func.greatest(held[newest], said[newest])
    await session.execute(statement.on_conflict_do_update(index_elements=[key], set_=set_))


async def _merge_case(session: AsyncSession, row: dict[str, Any], newest: str, traces: Sequence[str]) -> None:
    """Touches the window as it was and as it becomes; no verdict may commit in between unseen."""
    await figures.hold_verdicts(session)
    await figures.touch_case(session, row["case_id"], traces)
    await merge(session, FraudCase, "case_id", row, newest)
    case_now = await session.get_one(FraudCase, row["case_id"], populate_existing=True)
    case_now.is_effective = is_falsification_effective(
        case_now.confirmed_at, case_now.withdrawn_at, case_now.annulled_at
    )
    await session.flush()
    await figures.touch_case(session, row["case_id"], traces)


async def confirm_falsification(session: AsyncSession, event: FraudConfirmed, traces: Sequence[str]) -> None:
    """Bars the case's window: the hours it meets are compared with their releases."""
    row = {
        "case_id": event.case_id,
        "site": event.site,
        "region": event.region,
        "typology": event.typology,
        "series_ids": event.series_ids,
        "from_at": _at(event.from_ms),
        "to_at": _at(event.to_ms),
        "confirmed_at": _at(event.confirmed_at_ms),
    }
    await _merge_case(session, row, "confirmed_at", traces)


async def withdraw_basis(session: AsyncSession, event: BasisWithdrawn, traces: Sequence[str]) -> None:
    """The basis fell away: the window stops counting at once; a person decides the end of the case."""
    row = {
        "case_id": event.case_id,
        "site": event.site,
        "region": event.region,
        "withdrawn_at": _at(event.withdrawn_at_ms),
        "withdrawal_reason_zh": event.reason_zh,
        "withdrawal_reason_en": event.reason_en,
    }
    await _merge_case(session, row, "withdrawn_at", traces)


async def annul_case(session: AsyncSession, event: CaseAnnulled, traces: Sequence[str]) -> None:
    """The case was annulled: its window never counts again."""
    row = {
        "case_id": event.case_id,
        "site": event.site,
        "region": event.region,
        "annulled_at": _at(event.annulled_at_ms),
        "annulment_reason": event.reason,
    }
    await _merge_case(session, row, "annulled_at", traces)


async def list_subject(session: AsyncSession, event: Listed) -> None:
    """A subject entered the list, or re-entered it after a suspension."""
    row = msgspec.structs.asdict(event)
    row["listed_at"] = _at(row.pop("listed_at_ms"))
    row["valid_from"] = date.fromisoformat(event.valid_from)
    row["valid_to"] = date.fromisoformat(event.valid_to)
    await merge(session, Listing, "listing_id", row, "listed_at")


async def suspend_listing(session: AsyncSession, event: ListingSuspended) -> None:
    """The listing's basis is in question."""
    row = {
        "listing_id": event.listing_id,
        "uscc": event.uscc,
        "region": event.region,
        "suspension_reason": event.reason,
        "suspended_at": _at(event.suspended_at_ms),
    }
    await merge(session, Listing, "listing_id", row, "suspended_at")


async def remove_listing(session: AsyncSession, event: ListingRemoved) -> None:
    """The listing ended; nothing of it is shown any more."""
    row = {
        "listing_id": event.listing_id,
        "uscc": event.uscc,
        "region": event.region,
        "removal_outcome": event.outcome,
        "removal_reason": event.reason,
        "removed_at": _at(event.removed_at_ms),
    }
    await merge(session, Listing, "listing_id", row, "removed_at")
