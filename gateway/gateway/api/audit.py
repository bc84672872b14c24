"""The audit, for auditors and nobody else."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from pydantic import BaseModel, ConfigDict

from gateway.queries import AuditFilter, audit_page

router = APIRouter(tags=["audit"])
MayRead = Annotated[Grant, Depends(allow("audit", "read"))]


class AuditRow(BaseModel):
    """A refusal, or a write that was let through. `times` counts equal refusals of one moment."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    request_id: UUID
    subject: str
    principal: str
    client: str | None
    address: str
    service: str
    method: str
    path: str
    permission: str | None
    status: int
    reason: str
    times: int
    policy_version: str


class AuditPage(BaseModel):
    items: list[AuditRow]
    next: str | None


@router.get("/audit", summary="Who was refused, and who wrote 审计记录")
async def read_audit(
    grant: MayRead,
    session: ReaderSession,
    subject: str | None = None,
    refused: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1)] = None,
) -> AuditPage:
    wanted = AuditFilter(subject=subject, refused=refused, before=cursor)
    rows = list(await session.scalars(audit_page(wanted, limit)))
    items = [AuditRow.model_validate(row) for row in rows[:limit]]
    return AuditPage(items=items, next=str(items[-1].id) if len(rows) > limit else None)
