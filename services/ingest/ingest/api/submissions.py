"""What was received: receipts, refused rows, and the raw bytes.

Promises: a sender sees its own, an authority those of its region. The bytes come back as they were received.
"""

from typing import Annotated, Any
from uuid import UUID

import zstandard
from fastapi import APIRouter, Depends, Response
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Invalid, NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.edge import REGIONS, Cursor, Limit, page
from ingest.rules.refusals import texts
from ingest.tables import RawBytes, RefusedRow, Submission

router = APIRouter(tags=["submissions"])
May = Annotated[Grant, Depends(allow("submissions", "read"))]
MayRaw = Annotated[Grant, Depends(allow("raw", "read"))]


@router.get("/submissions")
async def list_submissions(
    grant: May, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None, outcome: str | None = None
) -> Any:
    """What was received, newest first."""
    wanted = select(Submission).where(reach_of(grant)).order_by(Submission.id.desc()).limit(limit + 1)
    if cursor:
        wanted = wanted.where(Submission.id < uuid_of(cursor))
    if outcome:
        wanted = wanted.where(Submission.outcome == outcome)
    return page((await session.scalars(wanted)).all(), limit, lambda row: row.id, _shown)


@router.get("/submissions/{id}")
async def show_submission(id: UUID, grant: May, session: ReaderSession) -> Any:
    """One receipt, with its first thousand refused rows."""
    row = await one_of(session, grant, id)
    refused = select(RefusedRow).where(RefusedRow.submission == id).order_by(RefusedRow.row_no).limit(1000)
    shown = [
        {"row": wrong.row_no, "where": wrong.field, **texts(wrong.rule, wrong.found)}
        for wrong in await session.scalars(refused)
    ]
    return _shown(row) | {"rows": shown}


@router.get("/submissions/{id}/raw", response_class=Response)
async def show_raw(id: UUID, grant: MayRaw, session: ReaderSession) -> Response:
    """The bytes exactly as received; their sha256 is in the receipt and in the ETag."""
    row = await one_of(session, grant, id)
    raw = await session.get(RawBytes, id)
    if raw is None:
        raise NotFound("unknown-submission", "No such submission in your reach 无此报送或超出权限")
    data = raw.data if raw.encoding == "identity" else zstandard.decompress(raw.data, row.size)
    # Never Content-Encoding: a client would unpack the bytes, and they would no longer match their digest.
    headers = {"ETag": f'"{row.sha256.hex()}"', "Received-Encoding": row.content_encoding}
    return Response(data, media_type="application/octet-stream", headers=headers)


async def one_of(session: AsyncSession, grant: Grant, wanted: UUID) -> Submission:
    """A submission within reach. Raises NotFound."""
    row = await session.scalar(select(Submission).where(Submission.id == wanted).where(reach_of(grant)))
    if row is None:
        raise NotFound("unknown-submission", "No such submission in your reach 无此报送或超出权限")
    return row


def reach_of(grant: Grant) -> Any:
    """The submissions within reach, as a WHERE clause."""
    return grant.clause(
        REGIONS, region=Submission.region, owner_dept=Submission.dept, owner_uscc=Submission.uscc
    )


def uuid_of(text: str) -> UUID:
    """A cursor that is an id. Raises Invalid."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("unknown-cursor", "No such page 无此页") from None


def _shown(row: Submission) -> dict[str, Any]:
    return {
        "submission": str(row.id),
        "channel": row.channel,
        "principal": row.principal,
        "dept": row.dept,
        "region": row.region,
        "source": row.source,
        "device": row.device,
        "mode": row.mode,
        "received_at": row.received_at.isoformat(),
        "sha256": row.sha256.hex(),
        "size": row.size,
        "outcome": row.outcome,
        "notes": row.notes,
        "accepted": row.accepted,
        "repeated": row.repeated,
        "revised": row.revised,
        "refused": row.refused,
        "trace_id": row.trace_id,
    }
