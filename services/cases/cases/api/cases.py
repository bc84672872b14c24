"""Cases over HTTP: list, show, and the acts: confirm-fraud, hearing, review, decide, annul.

Promises: only cases of the caller's region; a repeated write gets the answer already given. Leaves the law to
the rules and the work to the flows.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends
from kit.auth import Grant, allow
from kit.db import ReaderSession
from sqlalchemy.ext.asyncio import AsyncSession

from cases import queries
from cases.api.edge import (
    Cursor,
    Limit,
    Wanted,
    Write,
    Writing,
    doer_of,
    page,
    require_case,
    visible,
)
from cases.api.views import case_detail, case_view, confirmed_view
from cases.flows import proceedings
from cases.flows.acts import Doer
from cases.flows.asked import Annul, Asked, ConfirmFraud, Decide, Hearing, Review
from cases.tables import Case

A = TypeVar("A", bound=Asked)
router = APIRouter(tags=["cases"])
May = Annotated[Grant, Depends(allow("cases", "read"))]
MayConfirm = Annotated[Grant, Depends(allow("cases", "confirm-fraud"))]
MayReview = Annotated[Grant, Depends(allow("cases", "review"))]
MayHost = Annotated[Grant, Depends(allow("cases", "host-hearing"))]
MayConfirmed = Annotated[Grant, Depends(allow("confirmed-cases", "read"))]
MayDecide = Annotated[Grant, Depends(allow("cases", "decide"))]
MayAnnul = Annotated[Grant, Depends(allow("cases", "annul"))]


async def _shown(session: AsyncSession, case: Case, doer: Doer) -> dict[str, Any]:
    await session.flush()
    sealed = await queries.sealed(session, case.case_id)
    return case_detail(case, doer.today, await queries.steps(session, case.lead_id), sealed)


async def _done(
    write: Writing,
    case_id: UUID,
    body: A,
    grant: Grant,
    flow: Callable[[AsyncSession, UUID, A, Doer], Awaitable[Case]],
) -> dict[str, Any]:
    doer = doer_of(grant)

    async def run() -> dict[str, Any]:
        return await _shown(write.session, await flow(write.session, case_id, body, doer), doer)

    return await write.answer(body, doer, run)


@router.get("/cases")
async def list_cases(
    grant: May, session: ReaderSession, wanted: Wanted, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Cases of the caller's region, and those of teams the caller is on, newest first."""
    reach = visible(grant, Case.region, is_on_team=queries.case_of_team(grant.principal.subject))
    found = await queries.cases(session, reach, wanted, cursor, limit)
    return page([case_view(case, doer_of(grant).today) for case in found], limit)


@router.get("/cases/{case_id}")
async def show_case(case_id: UUID, grant: May, session: ReaderSession) -> dict[str, Any]:
    """A case with its history, the range of its fine and the acts that can follow."""
    case = await queries.case(session, case_id)
    await require_case(session, grant, case)
    return await _shown(session, case, doer_of(grant))


@router.get("/confirmed-cases")
async def list_confirmed(
    grant: MayConfirmed, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """已认定案件, for the court: falsification confirmed and not annulled; newest first."""
    seen = visible(grant, Case.region) & queries.IS_CONFIRMED
    found = await queries.cases(session, seen, {}, cursor, limit)
    return page([confirmed_view(case) for case in found], limit)


@router.get("/confirmed-cases/{case_id}")
async def show_confirmed(case_id: UUID, grant: MayConfirmed, session: ReaderSession) -> dict[str, Any]:
    """One confirmed case. Whether another one exists is not told."""
    case = await queries.confirmed(session, case_id)
    grant.require(region=case.region)
    return confirmed_view(case)


@router.post("/cases/{case_id}/confirm-fraud")
async def confirm_fraud(case_id: UUID, body: ConfirmFraud, grant: MayConfirm, write: Write) -> dict[str, Any]:
    """认定 (or 不予认定) on the investigation report of two officers of a city authority or above."""
    return await _done(write, case_id, body, grant, proceedings.confirm_fraud)


@router.post("/cases/{case_id}/hearing")
async def hold_hearing(case_id: UUID, body: Hearing, grant: MayHost, write: Write) -> dict[str, Any]:
    """听证 hosted by a person who did not investigate this case."""
    return await _done(write, case_id, body, grant, proceedings.hold_hearing)


@router.post("/cases/{case_id}/review")
async def review(case_id: UUID, body: Review, grant: MayReview, write: Write) -> dict[str, Any]:
    """法制审核 by a person who took no part in the investigation."""
    return await _done(write, case_id, body, grant, proceedings.review)


@router.post("/cases/{case_id}/decide")
async def decide(case_id: UUID, body: Decide, grant: MayDecide, write: Write) -> dict[str, Any]:
    """处罚决定 by a third person, within the range of the law of the act's day."""
    return await _done(write, case_id, body, grant, proceedings.decide)


@router.post("/cases/{case_id}/annul")
async def annul(case_id: UUID, body: Annul, grant: MayAnnul, write: Write) -> dict[str, Any]:
    """撤销 by the head of the organ."""
    return await _done(write, case_id, body, grant, proceedings.annul)
