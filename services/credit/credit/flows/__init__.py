"""The flows of `credit`: list on a penalty, suspend on a withdrawn basis, remove when annulled or over.

Promises: whatever order the events of a case arrive in, its listing ends in the same standing; who was never
announced as listed is never announced as suspended or removed. The step owed before listing (notice, then
statement and defence) is recorded with its basis; this slice neither serves the notice nor waits for the
answer. Leaves objection and repair to later work.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Literal

from contracts.cases import BasisWithdrawn, CaseAnnulled, PenaltyDecided
from contracts.credit import Listed, ListingRemoved, ListingSuspended
from contracts.envelope import Event
from contracts.qc import OperatorScored
from kit.outbox import put
from kit.problems import Invalid
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import end_of, legal_date
from uuid_utils.compat import uuid7

from credit import queries
from credit.rules import listing as rules
from credit.rules.listing import Known, Term
from credit.tables import CaseMark, Listing, ListingStep, OperatorScore

ENDED = {"ANNULLED", "EXPIRED"}


async def list_subject(
    session: AsyncSession, event: PenaltyDecided, now: datetime, traces: Sequence[str] = ()
) -> None:
    """Lists the subject of a penalty, unless the case is already known to be annulled or in question.

    Raises Invalid where no ground of listing is on file for the subject and the day of the decision.
    """
    mark = await queries.locked_mark(session, event.case_id)
    if await queries.listing_of(session, event.case_id) is not None:
        return
    term = rules.term(event.subject_type, legal_date(_instant(event.decided_at_ms)))
    if term is None:
        raise Invalid(
            "no-ground-for-listing",
            f"没有列入依据 · no ground of listing is on file for {event.subject_type}, {event.decision_no}",
        )
    listing = _listing(event, term, now)
    listing.traces = list(traces)
    listing.state = rules.standing(_known(listing, mark), legal_date(now))
    listing.is_announced = listing.state == "LISTED"
    listing.ended_at = _ended_at(listing, mark)
    session.add(listing)
    await session.flush()
    _record_listing(session, listing, mark, now)
    if listing.is_announced:
        await _say(session, listing, _listed(listing, now))


async def keep_score(session: AsyncSession, event: OperatorScored) -> None:
    """A score is a fact of its comparison: kept once, never changed."""
    cells = {
        "score_id": event.score_id,
        "operator": event.operator,
        "third_party": event.third_party,
        "region": event.region,
        "held_on": date.fromisoformat(event.held_on),
        "period": event.period,
        "score": event.score,
        "is_poor": event.is_poor,
        "source_clause": event.source_clause,
        "scored_at": _instant(event.scored_at_ms),
    }
    await session.execute(insert(OperatorScore).values(**cells).on_conflict_do_nothing())


async def suspend_listing(session: AsyncSession, event: BasisWithdrawn, now: datetime) -> None:
    """The basis of the case was withdrawn: nobody is barred by its listing from now on."""
    mark = await queries.locked_mark(session, event.case_id)
    if mark.basis_withdrawn_at_ms is None:
        mark.basis_withdrawn_at_ms = event.withdrawn_at_ms
        mark.withdrawn_reason_zh, mark.withdrawn_reason_en = event.reason_zh, event.reason_en
    await _settle(session, mark, "basis_withdrawn", now)


async def remove_listing(session: AsyncSession, event: CaseAnnulled, now: datetime) -> None:
    """The case was annulled: its listing ends."""
    mark = await queries.locked_mark(session, event.case_id)
    if mark.annulled_at_ms is None:
        mark.annulled_at_ms, mark.annulled_reason = event.annulled_at_ms, event.reason
    await _settle(session, mark, "case_annulled", now)


async def expire_listings(session: AsyncSession, now: datetime, limit: int = 200) -> int:
    """Ends the listings whose last day is over; answers how many were looked at."""
    due = await queries.past_their_last_day(session, legal_date(now), limit)
    for case_id in due:
        await _settle(session, await queries.locked_mark(session, case_id), "expiry", now)
    return len(due)


async def _settle(session: AsyncSession, mark: CaseMark, actor: str, now: datetime) -> None:
    """Brings the listing of a case, if there is one, to where the rules say it stands; says what changed."""
    listing = await queries.listing_of(session, mark.case_id)
    if listing is None:
        return
    standing = rules.standing(_known(listing, mark), legal_date(now))
    if standing == listing.state:
        return
    was, listing.state = listing.state, standing
    listing.ended_at = _ended_at(listing, mark)
    zh, en = _reason(listing, mark)
    session.add(_step(listing, standing.lower(), was, actor, now, (zh, en, listing.basis_zh)))
    if not listing.is_announced or was in ENDED:
        return
    if standing == "SUSPENDED":
        event: Event = ListingSuspended(
            listing_id=str(listing.listing_id),
            uscc=listing.uscc,
            region=listing.region,
            reason=f"{zh} · {en}",
            suspended_at_ms=_ms(now),
        )
    else:
        event = _removed(listing, "annulled" if standing == "ANNULLED" else "expired", f"{zh} · {en}", now)
    await _say(session, listing, event)


def _listing(event: PenaltyDecided, term: Term, now: datetime) -> Listing:
    return Listing(
        listing_id=uuid7(),
        case_id=event.case_id,
        decision_no=event.decision_no,
        uscc=event.uscc,
        organisation_zh=event.organisation_zh,
        organisation_en=event.organisation_en,
        subject_type=event.subject_type,
        region=event.region,
        typology=event.typology,
        amount_yuan=event.amount_yuan,
        penalty_basis=event.legal_basis,
        ground=term.ground,
        ground_zh=term.ground_zh,
        ground_en=term.ground_en,
        grade=term.grade,
        grade_zh=term.grade_zh,
        grade_en=term.grade_en,
        basis_zh=term.basis_zh,
        basis_en=term.basis_en,
        valid_from=term.valid_from,
        repair_from=term.repair_from,
        valid_to=term.valid_to,
        listed_at=now,
    )


def _record_listing(session: AsyncSession, listing: Listing, mark: CaseMark, now: datetime) -> None:
    owed = rules.notice(listing.valid_from)
    if owed is not None:
        said = (owed["zh"], owed["en"], owed["basis_zh"])
        session.add(_step(listing, owed["step"], None, "penalty_decided", now, said))
    zh, en = _reason(listing, mark)
    session.add(_step(listing, "list", None, "penalty_decided", now, (zh, en, listing.basis_zh)))


def _step(
    listing: Listing, act: str, was: str | None, actor: str, now: datetime, said: tuple[str, str, str]
) -> ListingStep:
    return ListingStep(
        listing_id=listing.listing_id,
        act=act,
        from_state=was,
        to_state=listing.state,
        actor=actor,
        at=now,
        reason_zh=said[0],
        reason_en=said[1],
        basis=said[2],
    )


def _known(listing: Listing, mark: CaseMark) -> Known:
    is_withdrawn, is_annulled = mark.basis_withdrawn_at_ms is not None, mark.annulled_at_ms is not None
    return Known(listing.valid_from, listing.valid_to, is_withdrawn, is_annulled)


def _ended_at(listing: Listing, mark: CaseMark) -> datetime | None:
    if listing.state == "ANNULLED" and mark.annulled_at_ms is not None:
        return _instant(mark.annulled_at_ms)
    return end_of(listing.valid_to) if listing.state == "EXPIRED" else None


def _reason(listing: Listing, mark: CaseMark) -> tuple[str, str]:
    if listing.state == "SUSPENDED":
        return mark.withdrawn_reason_zh, mark.withdrawn_reason_en
    if listing.state == "ANNULLED":
        return mark.annulled_reason, mark.annulled_reason
    if listing.state == "EXPIRED":
        return "列入期满", "the period of the listing is over"
    return listing.ground_zh, listing.ground_en


def _listed(listing: Listing, now: datetime) -> Listed:
    return Listed(
        listing_id=str(listing.listing_id),
        case_id=listing.case_id,
        decision_no=listing.decision_no,
        uscc=listing.uscc,
        organisation_zh=listing.organisation_zh,
        organisation_en=listing.organisation_en,
        subject_type=listing.subject_type,
        region=listing.region,
        ground=listing.ground,
        legal_basis=f"{listing.basis_zh} · {listing.basis_en}",
        valid_from=listing.valid_from.isoformat(),
        valid_to=listing.valid_to.isoformat(),
        listed_at_ms=_ms(now),
    )


def _removed(
    listing: Listing, outcome: Literal["annulled", "expired"], reason: str, now: datetime
) -> ListingRemoved:
    return ListingRemoved(
        listing_id=str(listing.listing_id),
        uscc=listing.uscc,
        region=listing.region,
        outcome=outcome,
        reason=reason,
        removed_at_ms=_ms(now),
    )


async def _say(session: AsyncSession, listing: Listing, event: Event) -> None:
    await put(session, event, key=str(listing.listing_id), traces=listing.traces)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
