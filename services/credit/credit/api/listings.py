"""The HTTP door of `credit`: who is listed, and whether a supplier is barred; open to everybody.

Promises: the public sees what is in force; a suspended or ended listing is shown without the name, so that
whoever copied it can withdraw it (Order 36: stop publishing, tell every recipient); credit editors see all of
their region. No number of a natural person appears. Leaves repair to later work.
"""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from policy import Row
from sqlalchemy import select
from standards import regions
from standards.calendar import legal_date
from standards.tables import rows

from credit import queries
from credit.rules.listing import LABELS, Standing
from credit.rules.procurement import Entry, procurement_answer
from credit.tables import CaseMark, Listing, ListingStep, OperatorScore

REGIONS = frozenset(row["code"] for row in rows("regions"))

router = APIRouter(tags=["credit"])
May = Annotated[Grant, Depends(allow("listings", "read"))]
MayScores = Annotated[Grant, Depends(allow("operator-scores", "read"))]
MayCheck = Annotated[Grant, Depends(allow("procurement-check", "read"))]
Uscc = Annotated[str, Query(pattern=r"^[0-9A-Za-z]{18}$", description="统一社会信用代码, 18 characters")]


@router.get("/listings")
async def list_listings(
    grant: May,
    session: ReaderSession,
    state: Annotated[
        Literal["current", "ended"], Query(description="ended: suspended and removed")
    ] = "current",
    uscc: Annotated[str | None, Query(pattern=r"^[0-9A-Za-z]{18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: UUID | None = None,
) -> dict[str, Any]:
    """Listings, newest first. `current` holds today; `ended` names listings to be withdrawn from copies."""
    today = legal_date(datetime.now(UTC))
    is_current = (Listing.state == "LISTED") & (Listing.valid_to >= today)
    where = [is_current if state == "current" else ~is_current]
    if uscc is not None:
        where.append(Listing.uscc == uscc.upper())
        where.append(grant.clause(REGIONS, region=Listing.region, is_published=is_current))
    found = await queries.listings(session, where, cursor, limit)
    items = [_view(listing, mark, grant, today) for listing, mark in found]
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}


@router.get("/listings/{listing_id}")
async def show_listing(listing_id: UUID, grant: May, session: ReaderSession) -> dict[str, Any]:
    """One listing; its history too, where the caller may see it."""
    listing, mark = await queries.listing(session, listing_id)
    today = legal_date(datetime.now(UTC))
    shown = _view(listing, mark, grant, today)
    if _is_open_to(grant, listing, today):
        shown["steps"] = [_step(step) for step in await queries.steps(session, listing_id)]
    return shown


@router.get("/procurement-check")
async def check_procurement(
    grant: MayCheck, session: ReaderSession, uscc: Uscc, on: date | None = None
) -> dict[str, Any]:
    """May this organisation take part in government procurement? With reason, basis and dates if not.

    `on` is a legal date in China, today unless given.
    """
    code = uscc.upper()
    found = await queries.bearing_on(session, code)
    entries = [_entry(listing, mark) for listing, mark in found]
    answer = procurement_answer(entries, code, on or legal_date(datetime.now(UTC)))
    return asdict(answer)


@router.get("/operator-scores")
async def list_scores(
    grant: MayScores,
    session: ReaderSession,
    operator: Annotated[str | None, Query(pattern=r"^[0-9A-Za-z]{18}$", description="运维机构")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
) -> dict[str, Any]:
    """Scores of operators in third-party comparisons, by number 运维机构第三方考核得分。"""
    of = OperatorScore
    reach = grant.clause(REGIONS, region=of.region, owner_uscc=of.operator)
    asked = select(of).where(reach, of.score_id > (cursor or ""))
    asked = asked.where(of.operator == operator.upper()) if operator is not None else asked
    found = list(await session.scalars(asked.order_by(of.score_id).limit(limit)))
    items = [
        {
            "id": row.score_id,
            "operator": row.operator,
            "third_party": row.third_party,
            "region": row.region,
            "held_on": row.held_on.isoformat(),
            "period": row.period,
            "score": row.score,
            "is_poor": row.is_poor,
            "source": row.source_clause,
        }
        for row in found
    ]
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}


def _is_open_to(grant: Grant, listing: Listing, today: date) -> bool:
    is_published = listing.state == "LISTED" and listing.valid_to >= today
    return grant.covers(Row(region=listing.region, is_published=is_published))


def _view(listing: Listing, mark: CaseMark, grant: Grant, today: date) -> dict[str, Any]:
    standing = (
        "EXPIRED" if listing.state in ("LISTED", "SUSPENDED") and listing.valid_to < today else listing.state
    )
    zh, en = LABELS[standing]
    shown = {
        "id": str(listing.listing_id),
        "state": standing,
        "state_zh": zh,
        "state_en": en,
        "ended_at": listing.ended_at.isoformat() if listing.ended_at else None,
    }
    if not _is_open_to(grant, listing, today):
        return shown
    return shown | {
        "uscc": listing.uscc,
        "organisation_zh": listing.organisation_zh,
        "organisation_en": listing.organisation_en,
        "subject_type": listing.subject_type,
        "region": listing.region,
        "region_zh": regions.name(listing.region),
        "region_en": regions.name(listing.region, "en"),
        "decision_no": listing.decision_no,
        "typology": listing.typology,
        "amount_yuan": listing.amount_yuan,
        "penalty_basis": listing.penalty_basis,
        "ground": listing.ground,
        "ground_zh": listing.ground_zh,
        "ground_en": listing.ground_en,
        "grade": listing.grade,
        "grade_zh": listing.grade_zh,
        "grade_en": listing.grade_en,
        "basis_zh": listing.basis_zh,
        "basis_en": listing.basis_en,
        "valid_from": listing.valid_from.isoformat(),
        "repair_from": listing.repair_from.isoformat(),
        "valid_to": listing.valid_to.isoformat(),
        "suspended_reason_zh": mark.withdrawn_reason_zh,
        "suspended_reason_en": mark.withdrawn_reason_en,
    }


def _step(step: ListingStep) -> dict[str, Any]:
    return {
        "act": step.act,
        "from_state": step.from_state,
        "to_state": step.to_state,
        "at": step.at.isoformat(),
        "reason_zh": step.reason_zh,
        "reason_en": step.reason_en,
        "basis": step.basis,
    }


def _entry(listing: Listing, mark: CaseMark) -> Entry:
    return Entry(
        listing_id=str(listing.listing_id),
        standing=cast(Standing, listing.state),
        organisation_zh=listing.organisation_zh,
        organisation_en=listing.organisation_en,
        ground=listing.ground,
        ground_zh=listing.ground_zh,
        ground_en=listing.ground_en,
        basis_zh=listing.basis_zh,
        basis_en=listing.basis_en,
        valid_from=listing.valid_from,
        valid_to=listing.valid_to,
        decision_no=listing.decision_no,
        suspended_reason_zh=mark.withdrawn_reason_zh,
        suspended_reason_en=mark.withdrawn_reason_en,
    )
