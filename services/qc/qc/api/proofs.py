"""Self-proof over HTTP: asked by a supervisor, answered by the unit, decided by another supervisor.

Promises: the unit sees its own requests and never the suspicion behind them. Leaves the course to the flow.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession

from qc.api.edge import REGIONS, Cursor, Limit, page
from qc.api.writing import Write, doer_of
from qc.flows import proofs
from qc.flows.custody.asked import DecideProof, GiveEvidence, RequestProof
from qc.queries import proofs as stored
from qc.tables.proofs import SelfProof

router = APIRouter(tags=["self-proof"])
May = Annotated[Grant, Depends(allow("self-proofs", "read"))]
MayRequest = Annotated[Grant, Depends(allow("self-proofs", "request"))]
MayAnswer = Annotated[Grant, Depends(allow("self-proofs", "answer"))]
MayDecide = Annotated[Grant, Depends(allow("self-proofs", "decide"))]
State = Annotated[Literal["requested", "answered", "accepted", "rejected"] | None, Query()]


@router.get("/self-proofs")
async def list_proofs(
    grant: May, session: ReaderSession, state: State = None, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Requests, newest first."""
    reach = grant.clause(REGIONS, region=SelfProof.region, owner_uscc=SelfProof.uscc)
    found = await stored.proofs(session, reach, state, cursor, limit)
    doer = doer_of(grant)
    return page([proofs.proof_view(row, doer) for row in found], limit, "id")


@router.post("/self-proofs", status_code=201)
async def request_proof(body: RequestProof, grant: MayRequest, write: Write) -> dict[str, Any]:
    """Ask the unit for proof of a flagged period; the deadline begins."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: proofs.request_proof(write.session, body, doer))


@router.get("/self-proofs/{proof_id}")
async def show_proof(proof_id: UUID, grant: May, session: ReaderSession) -> dict[str, Any]:
    """One request with its evidence and history."""
    row = await stored.proof(session, proof_id)
    grant.require(region=row.region, owner_uscc=row.uscc)
    return await proofs.proof_detail(session, row, doer_of(grant))


@router.post("/self-proofs/{proof_id}/evidence", status_code=201)
async def give_evidence(proof_id: UUID, body: GiveEvidence, grant: MayAnswer, write: Write) -> dict[str, Any]:
    """The unit's documents; late ones are kept and marked late."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: proofs.give_evidence(write.session, proof_id, body, doer))


@router.post("/self-proofs/{proof_id}/decision", status_code=201)
async def decide_proof(proof_id: UUID, body: DecideProof, grant: MayDecide, write: Write) -> dict[str, Any]:
    """Accepted or rejected, by another person than who asked."""
    doer = doer_of(grant)
    return await write.answer(body, doer, lambda: proofs.decide_proof(write.session, proof_id, body, doer))
