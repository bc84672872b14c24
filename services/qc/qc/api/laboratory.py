"""Steps of laboratories over HTTP: told by their systems, kept in order.

Promises: 202 with a result per row; what was told is never overwritten. Leaves judging to the flow.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession

from qc.api.edge import REGIONS, Limit
from qc.api.writing import Write, doer_of
from qc.flows.custody.asked import TellSteps
from qc.flows.custody.lims import flags_of, tell_steps
from qc.flows.custody.results import step_view
from qc.flows.custody.who import Doer
from qc.queries import custody as stored
from qc.tables.custody import LabStep

router = APIRouter(tags=["laboratory"])
May = Annotated[Grant, Depends(allow("laboratory", "read"))]
MayTell = Annotated[Grant, Depends(allow("laboratory", "write"))]


@router.post("/lims/steps", status_code=202)
async def tell(body: TellSteps, grant: MayTell, write: Write) -> dict[str, Any]:
    """Steps of one sample: accepted, repeat, edit-kept or refused, row by row; and the sample's flags."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: tell_steps(write.session, body, doer))


@router.get("/lims/steps")
async def list_steps(
    grant: May,
    session: ReaderSession,
    sample: Annotated[str | None, Query(max_length=64, pattern=r"^[\w.\-/]+$")] = None,
    limit: Limit = 100,
    cursor: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
) -> dict[str, Any]:
    """Steps in the order in which they were received; with `sample` also the flags of its clocks."""
    reach = grant.clause(
        REGIONS, region=LabStep.region, owner_dept=LabStep.owner_dept, owner_uscc=LabStep.uscc
    )
    found = list(await stored.steps(session, reach, sample, cursor, limit))
    told: dict[str, Any] = {
        "items": [step_view(row) for row in found],
        "next": found[-1].step_id if len(found) == limit else None,
    }
    if sample is not None and found:
        doer = Doer(grant, datetime.now(UTC))
        of = sorted({row.institution for row in found})
        told["flags"] = [
            flag | {"institution": one}
            for one in of
            for flag in flags_of(list(await stored.steps_of(session, one, sample)), doer)
        ]
    return told
