"""The evidence of a case over HTTP: which hours of its data may be evidence, and why not.

Promises: only cases of the caller's region; the answer is what `qc` knows now. Leaves the conditions to `qc`.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from kit.auth import Grant, ServiceTokens, allow
from kit.problems import Invalid

from cases import queries
from cases.api.edge import REGIONS, Limit, require_case
from cases.flows.neighbours import Neighbours

router = APIRouter(tags=["cases"])
May = Annotated[Grant, Depends(allow("cases", "read"))]


@router.get("/cases/{case_id}/eligibility")
async def show_eligibility(
    case_id: UUID,
    grant: May,
    request: Request,
    limit: Limit = 500,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,15}\.\d{1,19}$")] = None,
) -> dict[str, Any]:
    """Calibrated ∧ normal ∧ unbroken ∧ logged for each hour of the act, or of the lead's window before it.

    503 while `qc` is away.
    """
    # No session is held while another service is asked.
    async with request.app.state.database.reader(grant.principal, reach=grant.reach(REGIONS)) as session:
        case = await queries.case(session, case_id)
        await require_case(session, grant, case)
        lead = await queries.lead(session, case.lead_id)
    start, end = case.act_from_at or lead.from_at, case.act_to_at or lead.to_at
    if start is None or end is None:
        raise Invalid("no-window", "案件尚无时段 · the case has no period yet")
    span = {"site": case.site, "from": start.isoformat(), "to": end.isoformat(), "limit": str(limit)}
    neighbours: Neighbours = request.app.state.neighbours
    told = await neighbours.eligibility(span | ({"cursor": cursor} if cursor else {}))
    return {"case_id": str(case_id), "from": span["from"], "to": span["to"]} | told


async def know_neighbours(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Makes what asks other services; returns how to stop."""
    settings = app.state.settings
    app.state.neighbours = made = Neighbours(settings.peers, ServiceTokens(settings))
    return made.close
