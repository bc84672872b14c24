"""Custody over HTTP: persons, manual results with all who answer for them, signatures, reports.

Promises: only rows within reach of the caller's grant; nothing here can be changed or deleted. Leaves who may
sign to the rules.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession

from qc.api.edge import REGIONS, Cursor, Limit, page
from qc.api.writing import Write, doer_of
from qc.flows.custody import people, reports, results
from qc.flows.custody.asked import EnterPerson, EnterResult, FileReport, Leave, Sign
from qc.queries import custody as stored
from qc.rules.custody.law import law_on
from qc.tables.custody import LabPerson, ManualReport, ManualResult

router = APIRouter(tags=["custody"])
May = Annotated[Grant, Depends(allow("custody", "read"))]
MayWrite = Annotated[Grant, Depends(allow("custody", "write"))]
MaySign = Annotated[Grant, Depends(allow("custody", "sign"))]
Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]


def _reach(grant: Grant, table: Any) -> Any:
    return grant.clause(REGIONS, region=table.region, owner_dept=table.owner_dept, owner_uscc=table.uscc)


@router.get("/custody/people")
async def list_people(
    grant: May, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Entries of persons with their posts, newest first; who has left stays."""
    found = await stored.people(session, _reach(grant, LabPerson), cursor, limit)
    return page([people.person_view(row, left_on) for row, left_on in found], limit, "id")


@router.post("/custody/people", status_code=201)
async def enter_person(body: EnterPerson, grant: MayWrite, write: Write) -> dict[str, Any]:
    """A person takes posts; who is banned from the trade is refused."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: people.enter_person(write.session, body, doer))


@router.post("/custody/people/{number}/departure", status_code=201)
async def leave(
    number: Annotated[str, Path(max_length=64, pattern=r"^[\w.\-]+$")],
    body: Leave,
    grant: MayWrite,
    write: Write,
) -> dict[str, Any]:
    """离职: the person holds no post any more and keeps the liability."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: people.leave(write.session, number, body, doer))


@router.get("/custody/results")
async def list_results(  # noqa: PLR0913 - one parameter of the query each
    grant: May,
    session: ReaderSession,
    site: Word = None,
    factor: Word = None,
    sample: Word = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Manual results, newest first."""
    equal = {"site": site, "factor": factor, "sample": sample}
    found = await stored.results(session, _reach(grant, ManualResult), equal, cursor, limit)
    signed = await stored.signatures_of(session, [row.result_id for row in found])
    law = law_on(doer_of(grant).today)
    return page([results.result_view(row, signed[row.result_id], law) for row in found], limit, "id")


@router.post("/custody/results", status_code=201)
async def enter_result(body: EnterResult, grant: MayWrite, write: Write) -> dict[str, Any]:
    """A figure of a sample whose steps are known."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: results.enter_result(write.session, body, doer))


@router.get("/custody/results/{result_id}")
async def show_result(result_id: UUID, grant: May, session: ReaderSession) -> dict[str, Any]:
    """One result with every person who answers for it, its nine stages, its record, signatures and flags."""
    row = await stored.result(session, result_id)
    grant.require(region=row.region, owner_dept=row.owner_dept, owner_uscc=row.uscc)
    return await results.result_detail(session, row, doer_of(grant))


@router.post("/custody/results/{result_id}/signatures", status_code=201)
async def sign(result_id: UUID, body: Sign, grant: MaySign, write: Write) -> dict[str, Any]:
    """A signature in the caller's own post: role, post, order, duties and bans are checked now."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: results.sign(write.session, result_id, body, doer))


@router.get("/custody/reports")
async def list_reports(
    grant: May, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Filed reports, newest first."""
    found = await stored.reports(session, _reach(grant, ManualReport), cursor, limit)
    return page([reports.report_view(row, held) for row, held in found], limit, "id")


@router.post("/custody/reports", status_code=201)
async def file_report(body: FileReport, grant: MayWrite, write: Write) -> dict[str, Any]:
    """A report over results that passed the three levels of review."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: reports.file_report(write.session, body, doer))
