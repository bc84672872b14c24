"""Calling tokens back: by the administrator of the platform, seen by auditors, followed by services."""

from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.problems import Invalid
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_

from gateway.flows import revoking
from gateway.tables import Revoked

router = APIRouter(tags=["revocations"])
MayRead = Annotated[Grant, Depends(allow("revocations", "read"))]
MayWrite = Annotated[Grant, Depends(allow("revocations", "write"))]
MayFollow = Annotated[Grant, Depends(allow("revocations", "follow"))]
Kind = Literal["subject", "session", "client", "all"]


class RevocationRow(BaseModel):
    """Tokens of `value` issued before `not_before` are void."""

    model_config = ConfigDict(from_attributes=True)

    kind: Kind
    value: str
    not_before: datetime
    reason: str
    said_by: str
    said_at: datetime


class RevocationAsked(BaseModel):
    """`not_before` is now when absent; `reason` is kept and shown to auditors."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500)
    not_before: AwareDatetime | None = None


class RevocationPage(BaseModel):
    items: list[RevocationRow]
    next: str | None


class CurrentRow(BaseModel):
    kind: Kind
    value: str
    not_before: float


@router.get("/revocations/current", summary="What services follow 当前撤销清单")
async def current(grant: MayFollow, session: ReaderSession) -> list[CurrentRow]:
    found = await revoking.current(session, datetime.now(UTC))
    return [CurrentRow(kind=one.kind, value=one.value, not_before=one.not_before) for one in found]


@router.get("/revocations", summary="Tokens that were called back 已撤销令牌")
async def listed(
    grant: MayRead,
    session: ReaderSession,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> RevocationPage:
    """Newest first."""
    key = (Revoked.not_before, Revoked.kind, Revoked.value)
    query = select(Revoked).order_by(*(column.desc() for column in key)).limit(limit + 1)
    if cursor is not None:
        query = query.where(tuple_(*key) < tuple_(*_place(cursor)))
    rows = list(await session.scalars(query))
    items = [RevocationRow.model_validate(row) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    return RevocationPage(
        items=items, next=f"{last.not_before.isoformat()} {last.kind} {last.value}" if last else None
    )


def _place(cursor: str) -> tuple[datetime, str, str]:
    try:
        moment, kind, value = cursor.split(" ", 2)
        found = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Invalid("cursor-unknown", "Use the cursor that the page before gave 游标无效") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC), kind, value


@router.put("/revocations/{kind}/{value}", summary="Call tokens back 撤销令牌")
async def revoke(
    grant: MayWrite,
    session: WriterSession,
    request: Request,
    kind: Kind,
    value: Annotated[str, Path(min_length=1, max_length=200)],
    body: RevocationAsked,
) -> RevocationRow:
    """Tokens already issued to a subject, in a session, to a client, or (`all/-`) to everybody end at once
    here and within 30 s in every service. Who may still log in gets a new one: bar them in Keycloak as well.
    """
    if (kind == "all") != (value == "-"):
        raise Invalid("revocation-value", "The value of `all` is `-` and only of it “all” 对应的值为 “-”")
    now = datetime.now(UTC)
    # A token's second of issue is whole; one of this second may be older than this moment.
    moment = body.not_before or datetime.fromtimestamp(ceil(now.timestamp()), UTC)
    said = Revoked(
        kind=kind,
        value=value,
        not_before=moment,
        reason=body.reason,
        said_by=grant.principal.text,
        said_at=now,
    )
    await revoking.revoke(session, said)
    request.app.state.verifier.revocations.add(kind, value, moment.timestamp())
    request.app.state.gate.forget()
    return RevocationRow.model_validate(said)
