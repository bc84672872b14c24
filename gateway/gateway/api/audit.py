"""The audit, for auditors and nobody else: its events, and the seals that put them into the evidence log."""

import base64
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import NotFound
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer

from gateway.flows import sealing
from gateway.flows.receipts import Receipts
from gateway.queries import AuditFilter, audit_page, seal_page
from gateway.tables import Seal

router = APIRouter(tags=["audit"])
MayRead = Annotated[Grant, Depends(allow("audit", "read"))]
# A NUL cannot be in a text of PostgreSQL: nothing is found by one.
Text = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class AuditRow(BaseModel):
    """A refusal, or a write or a read on record that was let through. `times` counts equal refusals."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    request_id: UUID
    trace_id: str | None
    subject: str
    principal: str
    dept: str | None
    region: str | None
    uscc: str | None
    client: str | None
    address: str
    service: str
    method: str
    path: str
    route: str | None
    refs: list[str] | None
    permission: str | None
    kind: str | None
    purpose: str | None
    case_id: str | None
    unit: str | None
    status: int
    reason: str
    times: int
    policy_version: str
    chain: UUID | None
    number: int | None
    digest: bytes | None
    grants: list[str] | None
    beyond: list[str] | None

    @field_serializer("digest")
    def _hex(self, value: bytes | None) -> str | None:
        return None if value is None else value.hex()


class AuditPage(BaseModel):
    items: list[AuditRow]
    next: str | None


class Asked(BaseModel):
    """Each narrows; all together."""

    subject: Text = None
    dept: Text = None
    unit: Text = Field(default=None, description="USCC of whose data 被查阅单位")
    case: Text = None
    service: Text = None
    permission: Text = None
    kind: Text = Field(default=None, description="raw, case, personal, audit 数据类别")
    ref: Text = Field(default=None, description="What the request named, e.g. mn=… 请求所指")
    trace: Text = None
    grant: Text = Field(default=None, description="The cross-region grant it passed under 交叉执法授权")
    chain: UUID | None = None
    request: UUID | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    refused: bool | None = None
    cursor: int | None = Field(default=None, ge=1, lt=1 << 63)
    limit: int = Field(default=100, ge=1, le=1000)


@router.get("/audit", summary="Who wrote, read on record, was refused 审计记录")
async def read_audit(grant: MayRead, session: ReaderSession, asked: Annotated[Asked, Query()]) -> AuditPage:
    """Newest first. Reading it is on record, too."""
    wanted = AuditFilter(**asked.model_dump(exclude={"limit"}))
    rows = list(await session.scalars(audit_page(wanted, asked.limit)))
    items = [AuditRow.model_validate(row) for row in rows[: asked.limit]]
    return AuditPage(items=items, next=str(items[-1].id) if len(rows) > asked.limit else None)


@router.get("/audit/seals", summary="Where the chains of the audit stood 审计链封印")
async def list_seals(
    grant: MayRead, session: ReaderSession, cursor: UUID | None = None, limit: Limit = 100
) -> dict[str, Any]:
    """Oldest first."""
    rows = list(await session.scalars(seal_page(cursor, limit)))
    items = [_shown(row) for row in rows[:limit]]
    return {"items": items, "next": items[-1]["id"] if len(rows) > limit else None}


@router.get("/audit/seals/{id}", summary="One seal 封印")
async def show_seal(id: UUID, grant: MayRead, session: ReaderSession) -> dict[str, Any]:
    return _shown(await _one(session, id))


@router.get("/audit/seals/{id}/content", response_class=Response, summary="What a seal says 封印内容")
async def show_content(id: UUID, grant: MayRead, session: ReaderSession) -> Response:
    """The bytes its receipt is about: `jianzhen log verify receipt --raw`."""
    return Response(sealing.content(await _one(session, id)), media_type="application/json")


@router.get("/audit/seals/{id}/receipt", response_class=Response, summary="The proof of a seal 封印回执")
async def show_receipt(id: UUID, grant: MayRead, request: Request) -> Response:
    """The receipt (`jianzhen-receipt/1`), verifiable offline; 202 and Retry-After until it is there."""
    async with request.app.state.database.reader(grant.principal, reach=grant.reach()) as session:
        row = await _one(session, id)
    receipts: Receipts = request.app.state.receipts
    receipt = await receipts.of(row)
    return Response(receipt.to_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


async def _one(session: ReaderSession, id: UUID) -> Seal:
    row = await session.get(Seal, id)
    if row is None:
        raise NotFound("seal-unknown", "There is no such seal 无此封印")
    return row


def _shown(row: Seal) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "chain": str(row.chain),
        "number": row.number,
        "digest": row.digest.hex(),
        "sealed_at": row.sealed_at.isoformat(),
        "nonce": base64.b64encode(row.nonce).decode(),
        "entry": row.entry.hex(),
    }
