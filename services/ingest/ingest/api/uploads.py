"""Large files in parts: declare, send part by part, look how far it is, fetch the answer file.

Promises: after a break the sender asks where to go on, or is told so (409 with Upload-Offset); every part may
be sent again. Leaves receiving to `flows.uploads`, reading to `flows.unpacking`.
"""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import zstandard
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from kit.auth import Grant, allow
from kit.db import Database, ReaderSession
from kit.problems import Invalid, NotFound, trace_id
from kit.turns import STREAM_SECONDS, whole_or_cut
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.edge import REGIONS, Cursor, Limit, csv_file, page
from ingest.api.observations import whole_body
from ingest.api.submissions import uuid_of
from ingest.flows.unpacking import HEADER
from ingest.flows.uploads import Declared, Uploads
from ingest.queries.objects import Objects, name_of
from ingest.rules.limits import limits_on
from ingest.rules.tables import to_csv
from ingest.tables import Upload, UploadBatch

router = APIRouter(tags=["uploads"])
May = Annotated[Grant, Depends(allow("observations", "submit"))]
MayRead = Annotated[Grant, Depends(allow("submissions", "read"))]
MayRaw = Annotated[Grant, Depends(allow("raw", "read"))]
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0, description="Where this part begins 本片起点")]
Outcome = Annotated[Literal["accepted", "repeated", "revised", "refused"] | None, Query()]


class PostUpload(BaseModel):
    """A file to come. The mapping is that of `jianzhen replay`; the words beside it are for simple files."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=255)
    size: int = Field(ge=1)
    sha256: str = Field(pattern="^[0-9a-fA-F]{64}$")
    format: Literal["csv", "xlsx"]
    charset: Literal["utf-8", "gb18030", "utf-16"] | None = None
    source: str | None = Field(None, max_length=64)
    station: str | None = Field(None, max_length=64)
    historical: bool | None = None
    mapping: dict[str, Any] = {}


def _uploads(request: Request) -> Uploads:
    return Uploads(request.app.state.database, request.app.state.objects)


_PART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/uploads", status_code=201, responses={200: {"description": "Known already 已声明过"}})
async def declare_upload(body: PostUpload, request: Request, response: Response, grant: May) -> Any:
    """Declare a file. The same file declared again is the same upload, so nothing is read twice."""
    words = {"source": body.source, "station": body.station, "historical": body.historical}
    mapping = body.mapping | {name: word for name, word in words.items() if word is not None}
    digest = bytes.fromhex(body.sha256)
    file = Declared(body.name, body.size, digest, body.format, body.charset, mapping)
    upload, is_new = await _uploads(request).declare(file, grant, trace_id() or "", datetime.now(UTC))
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/uploads/{upload.id}"
    response.headers["Upload-Offset"] = str(upload.received)
    return shown(upload)


@router.patch("/uploads/{id}", openapi_extra=_PART)
async def send_part(id: UUID, request: Request, response: Response, offset: Offset, grant: May) -> Any:
    """Send the bytes from `Upload-Offset` on. The last part may be sent again like any other."""
    now = datetime.now(UTC)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Invalid("part-encoded", "Parts are the file's own bytes; compress nothing 分片不得另行压缩")
    data = await whole_body(request, limits_on(now.date()).body_bytes)
    upload = await _uploads(request).receive(id, offset, data, grant, now)
    response.headers["Upload-Offset"] = str(upload.received)
    return shown(upload)


@router.get("/uploads")
async def list_uploads(
    grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Uploads in reach, newest first."""
    wanted = select(Upload).where(_reach(grant)).order_by(Upload.id.desc()).limit(limit + 1)
    if cursor:
        wanted = wanted.where(Upload.id < uuid_of(cursor))
    return page((await session.scalars(wanted)).all(), limit, lambda row: row.id, shown)


@router.get("/uploads/{id}")
async def show_upload(id: UUID, response: Response, grant: MayRead, session: ReaderSession) -> Any:
    """How far it is; `Upload-Offset` is where the next part begins."""
    upload = await _one(session, grant, id)
    response.headers["Upload-Offset"] = str(upload.received)
    return shown(upload)


@router.get("/uploads/{id}/answers", response_class=StreamingResponse)
async def show_answers(
    id: UUID, request: Request, grant: MayRead, session: ReaderSession, outcome: Outcome = None
) -> StreamingResponse:
    """A CSV, a line for every cell read so far: what became of it, which rule, how to mend it."""
    upload = await _one(session, grant, id)
    lines = _answers(request.app.state.database, grant, upload.id, outcome)
    return csv_file(lines, f"answers-{upload.id}.csv")


@router.get("/uploads/{id}/file", response_class=StreamingResponse)
async def show_file(id: UUID, request: Request, grant: MayRaw, session: ReaderSession) -> StreamingResponse:
    """The file as it was received; its sha256 is the ETag."""
    upload = await _one(session, grant, id)
    objects: Objects = request.app.state.objects
    if not await objects.has(name_of(upload.sha256), upload.size):
        raise NotFound("file-not-whole", "The file is not whole yet 文件尚未完整")
    headers = {"ETag": f'"{upload.sha256.hex()}"', "Content-Length": str(upload.size)}
    lines = whole_or_cut(objects.stream(name_of(upload.sha256)))
    return StreamingResponse(lines, media_type="application/octet-stream", headers=headers)


async def _answers(
    database: Database, grant: Grant, upload: UUID, outcome: str | None
) -> AsyncIterator[bytes]:
    """A batch and a short transaction at a time."""
    yield to_csv([HEADER])
    number = 0
    while True:
        async with database.question(grant.principal, STREAM_SECONDS) as session:
            batch = await session.get(UploadBatch, (upload, number))
        if batch is None:
            return
        number += 1
        text = zstandard.decompress(batch.answers)
        if outcome is None:
            yield text
            continue
        lines = csv.reader(text.decode().splitlines(keepends=True))
        if kept := [line for line in lines if line[2] == outcome]:
            yield to_csv(kept)


async def _one(session: AsyncSession, grant: Grant, wanted: UUID) -> Upload:
    row = await session.scalar(select(Upload).where(Upload.id == wanted).where(_reach(grant)))
    if row is None:
        raise NotFound("unknown-upload", "No such upload in your reach 无此上传或超出权限")
    return row


def _reach(grant: Grant) -> Any:
    return grant.clause(REGIONS, region=Upload.region, owner_dept=Upload.dept, owner_uscc=Upload.uscc)


def shown(row: Upload) -> dict[str, Any]:
    """An upload as its sender sees it."""
    same = (
        "name", "size", "format", "state", "received", "records", "batches", "accepted", "repeated",
        "revised", "refused", "tries", "problem", "mapping", "trace_id",
    )  # fmt: skip
    return {
        "upload": str(row.id),
        "sha256": row.sha256.hex(),
        **{name: getattr(row, name) for name in same},
        "created_at": row.created_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
    }
