"""Interventions 干预记录 over HTTP: record, list, show; who recorded it, and who reported a lead, apart.

Promises: append-only; every read names its legal ground and is on record before it is answered; no answer but
those of the two unmasking routes carries a recorder or a reporter. Leaves reach to the policy.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import NotFound
from sqlalchemy import and_

from cases import queries
from cases.api.edge import REGIONS, Cursor, Limit, Write, doer_of, page
from cases.api.views import intervention_view
from cases.flows import interventions
from cases.flows.asked import RecordIntervention
from cases.tables import Intervention

router = APIRouter(tags=["interventions"])
May = Annotated[Grant, Depends(allow("interventions", "read"))]
MayRecord = Annotated[Grant, Depends(allow("interventions", "record"))]
MayUnmask = Annotated[Grant, Depends(allow("interventions", "unmask"))]
MayReporter = Annotated[Grant, Depends(allow("reporters", "read"))]
Ground = Annotated[
    str,
    Query(
        min_length=4, max_length=200, pattern=r"^[^\x00]+$", description="Legal ground of this read 提取依据"
    ),
]


def _missing(intervention_id: UUID) -> NotFound:
    return NotFound("no-such-intervention", f"There is no intervention {intervention_id} 没有该干预记录")


async def _within(session: ReaderSession, grant: Grant, intervention_id: UUID) -> Intervention:
    """The row, if it is within reach and not about the reader's own department; else it is not there."""
    row = await queries.intervention(session, intervention_id)
    if row is None or interventions.is_about(grant, row):
        raise _missing(intervention_id)
    grant.require(
        region=row.region,
        owner_dept=row.owner_dept,
        owner_uscc=row.owner_uscc,
        addressed_to=row.addressed_to,
    )
    return row


@router.post("/interventions", status_code=201)
async def record_intervention(body: RecordIntervention, grant: MayRecord, write: Write) -> dict[str, Any]:
    """干预留痕: instruction, letter, word of mouth or hint, with the hashes of what proves it."""
    doer = doer_of(grant)

    async def run() -> dict[str, Any]:
        return intervention_view(await interventions.record(write.session, body, doer))

    return await write.answer(body, doer, run)


@router.get("/interventions")
async def list_interventions(
    grant: May,
    session: ReaderSession,
    request: Request,
    ground: Ground,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Interventions within reach, newest first; each one shown is a read on record."""
    of, who = Intervention, grant.principal
    reach = grant.clause(
        REGIONS,
        region=of.region,
        owner_dept=of.owner_dept,
        owner_uscc=of.owner_uscc,
        addressed_to=of.addressed_to,
    )
    visible = and_(reach, of.intervener != f"{who.dept}@{who.region}")
    found = await queries.interventions(session, visible, cursor, limit)
    async with request.app.state.database.writer() as writing:
        await interventions.note_reads(
            writing, [row.intervention_id for row in found], grant, ground, datetime.now(UTC)
        )
    return page([intervention_view(row) for row in found], limit)


@router.get("/interventions/{intervention_id}")
async def show_intervention(
    intervention_id: UUID, grant: May, session: ReaderSession, request: Request, ground: Ground
) -> dict[str, Any]:
    """One intervention, without who recorded it."""
    row = await _within(session, grant, intervention_id)
    async with request.app.state.database.writer() as writing:
        await interventions.note_reads(writing, [intervention_id], grant, ground, datetime.now(UTC))
    return intervention_view(row)


@router.get("/interventions/{intervention_id}/recorder")
async def show_recorder(
    intervention_id: UUID, grant: MayUnmask, session: ReaderSession, request: Request, ground: Ground
) -> dict[str, Any]:
    """Who recorded it, and who has read it on which ground; this read is the last of them."""
    await _within(session, grant, intervention_id)
    async with request.app.state.database.writer() as writing:
        await interventions.note_reads(
            writing, [intervention_id], grant, ground, datetime.now(UTC), is_of_recorder=True
        )
    recorder = await queries.recorder(session, intervention_id)
    if recorder is None:
        raise _missing(intervention_id)
    reads = await queries.intervention_reads(session, intervention_id)
    return {
        "id": str(intervention_id),
        "recorder": {"subject": recorder.subject, "name": recorder.name, "principal": recorder.principal},
        "reads": [
            {
                "principal": read.principal,
                "subject": read.subject,
                "ground": read.ground,
                "is_of_recorder": read.is_of_recorder,
                "at": read.at.isoformat(),
            }
            for read in reads
        ],
    }


@router.get("/leads/{lead_id}/reporter")
async def show_reporter(lead_id: UUID, grant: MayReporter, session: ReaderSession) -> dict[str, Any]:
    """举报人: the name and how to reach them. On record at the edge, with its purpose, before it is told."""
    lead = await queries.lead(session, lead_id)
    grant.require(region=lead.region)
    found = await queries.reporter(session, lead_id)
    if found is None:
        raise NotFound("no-reporter", "Nobody is named as reporter of this lead 该线索没有记名举报人")
    return {"lead_id": str(lead_id), "name": found.name, "contact": found.contact}
