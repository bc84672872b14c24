"""Held figures and issues between sources over HTTP: list, show, decide.

Promises: within the caller's region, newest first. Leaves what a decision needs to the flows.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import NotFound
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from qc.api.acting import act
from qc.api.asked import Decide
from qc.api.edge import REGIONS, Cursor, Limit, page
from qc.api.views import shown, step_view
from qc.api.writing import Write
from qc.flows import holds
from qc.flows.steps import Actor
from qc.queries import desk as stored
from qc.queries import pairs
from qc.tables.desk import Hold

router = APIRouter(tags=["holds"])
MayRead = Annotated[Grant, Depends(allow("holds", "read"))]
MayDecide = Annotated[Grant, Depends(allow("holds", "decide"))]
State = Annotated[Literal["open", "decided"] | None, Query()]
Kind = Annotated[Literal["rule", "consistency"] | None, Query()]
MOST_PAIRS = 1_000


def _view(hold: Hold) -> dict[str, Any]:
    view = shown(hold)
    is_overdue = hold.decision is None and hold.due_at <= datetime.now(UTC)
    return view | {"id": view.pop("hold_id"), "is_overdue": is_overdue}


async def _detail(session: AsyncSession, hold: Hold) -> dict[str, Any]:
    await session.flush()
    steps = [step_view(step) for step in await stored.steps_of(session, hold.hold_id)]
    differing = [shown(pair) for pair in await pairs.pairs_of(session, hold.hold_id, MOST_PAIRS)]
    return _view(hold) | {"steps": steps, "pairs": differing}


@router.get("/holds")
async def list_holds(
    grant: MayRead,
    session: ReaderSession,
    state: State = None,
    kind: Kind = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Figures that wait, or waited, for a person; `kind=consistency` are issues between sources."""
    conditions: list[ColumnElement[bool]] = [grant.clause(REGIONS, region=Hold.region, owner_uscc=Hold.uscc)]
    if state is not None:
        conditions.append(Hold.decision.is_(None) if state == "open" else Hold.decision.is_not(None))
    if kind is not None:
        conditions.append(Hold.kind == kind)
    rows = await stored.newest(session, Hold.hold_id, conditions, cursor, limit)
    return page([_view(row) for row in rows], limit, "id")


async def _reached(session: AsyncSession, grant: Grant, hold_id: UUID) -> Hold:
    hold = await session.get(Hold, hold_id)
    if hold is None:
        raise NotFound("hold-unknown", f"There is no hold {hold_id} 无此暂缓事项")
    grant.require(region=hold.region, owner_uscc=hold.uscc)
    return hold


@router.get("/holds/{hold_id}")
async def show_hold(hold_id: UUID, grant: MayRead, session: ReaderSession) -> dict[str, Any]:
    """One hold with its steps, and the differing values of an issue between sources."""
    return await _detail(session, await _reached(session, grant, hold_id))


@router.post("/holds/{hold_id}/decide")
async def decide(hold_id: UUID, body: Decide, grant: MayDecide, write: Write) -> dict[str, Any]:
    """Release or keep out; where two persons decide, the first one proposes."""
    await _reached(write.session, grant, hold_id)

    async def run(actor: Actor) -> dict[str, Any]:
        hold = await holds.decide(write.session, hold_id, actor, body.decision, body.released, body.reason)
        return await _detail(write.session, hold)

    return await act(write, body, grant, run)
