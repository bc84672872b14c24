"""The HTTP door to the evidence log: a sender's receipt, and an auditor's list of all leaves.

Promises: who may read the raw bytes may have the receipt, for it holds the nonce. The list tells an auditor
what each leaf must be, and the digest of the bytes as they are stored now, so that a changed byte is found.
"""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from itertools import accumulate
from typing import Annotated, Any
from uuid import UUID

import zstandard
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from kit.auth import Grant, ServiceTokens, allow
from kit.db import ReaderSession
from sqlalchemy import select
from tlog.receipts import entry_of, record_of

from ingest.api.submissions import MayRaw, one_of
from ingest.flows.receipts import Receipts
from ingest.tables import RawBytes, Submission

router = APIRouter(tags=["evidence"])
MayAudit = Annotated[Grant, Depends(allow("leaves", "audit"))]
FIRST = UUID(int=0)
MOST_BYTES = 32 * 1024 * 1024


@router.get("/submissions/{id}/receipt", response_class=Response)
async def show_receipt(id: UUID, request: Request, grant: MayRaw) -> Response:
    """The receipt (`jianzhen-receipt/1`), verifiable offline; 202 and Retry-After until it is there."""
    # No session is held while the log is asked: when it hangs, reading goes on.
    async with request.app.state.database.reader(grant.principal) as session:
        row = await one_of(session, grant, id)
    receipts: Receipts = request.app.state.receipts
    receipt = await receipts.of(row)
    return Response(receipt.to_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/leaves")
async def list_leaves(
    grant: MayAudit,
    session: ReaderSession,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: UUID = FIRST,
) -> Any:
    """Every submission with what its leaf must be, oldest first; `stored_sha256` is of the bytes kept now."""
    wanted = select(Submission).where(Submission.id > cursor).order_by(Submission.id).limit(limit)
    found = list(await session.scalars(wanted))
    rows = found[: _fitting([row.size for row in found])]
    ids = [row.id for row in rows]
    raw = {
        one.submission: one
        for one in await session.scalars(select(RawBytes).where(RawBytes.submission.in_(ids)))
    }
    items = await asyncio.to_thread(lambda: [_leaf(row, raw.get(row.id)) for row in rows])
    is_last = len(rows) == len(found) < limit
    return {"items": items, "next": None if is_last else str(rows[-1].id)}


def _fitting(sizes: list[int]) -> int:
    """How many of these bodies, the first at least, are together in memory."""
    whole = accumulate(sizes)
    return max(1, sum(size <= MOST_BYTES for size in whole))


def _leaf(row: Submission, raw: RawBytes | None) -> dict[str, Any]:
    record = record_of(row.id, row.sha256, row.received_at)
    nonce = row.nonce
    return {
        "submission": record.submission,
        "sha256": record.sha256,
        "received_at": record.received_at,
        "nonce": base64.b64encode(nonce).decode() if nonce else None,
        "entry": entry_of(nonce, record.bytes).hex() if nonce else None,
        "stored_sha256": _digest(raw, row.size),
    }


def _digest(raw: RawBytes | None, size: int) -> str | None:
    """None where the bytes are gone or cannot be unpacked any more."""
    if raw is None:
        return None
    try:
        data = raw.data if raw.encoding == "identity" else zstandard.decompress(raw.data, size)
    except zstandard.ZstdError:
        return None
    return hashlib.sha256(data).hexdigest()


async def ask_evidence(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Makes what asks for proofs; returns how to stop."""
    settings = app.state.settings
    app.state.receipts = made = Receipts(settings.peers.get("evidence"), ServiceTokens(settings))
    return made.close
