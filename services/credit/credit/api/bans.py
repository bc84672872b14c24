"""Bans of persons from the trade over HTTP: entered on a decision, lifted when it is annulled.

Promises: a decision bans a person once, however often it is sent. Leaves signing to `qc`.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from credit import queries
from credit.api.listings import REGIONS
from credit.flows.bans import ban_person, lift_ban
from credit.tables import Ban


def _is_storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored 不能含空字符")
    return text


Storable = AfterValidator(_is_storable)
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000), Storable]

router = APIRouter(tags=["bans"])
May = Annotated[Grant, Depends(allow("bans", "read"))]
MayWrite = Annotated[Grant, Depends(allow("bans", "write"))]


class BanPerson(BaseModel):
    """从业禁止 on a decision. `person` is the subject in the identity realm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: Short
    name: Short
    region: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}([0-9]{3})?$")]
    ground: Short
    decision_no: Short
    decided_on: date


class LiftBan(BaseModel):
    """The decision was annulled: reasons are mandatory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Text


@router.get("/bans")
async def list_bans(
    grant: May,
    session: ReaderSession,
    person: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: UUID | None = None,
) -> dict[str, Any]:
    """Bans of the caller's region, newest first; lifted ones stay."""
    found = await queries.bans(session, grant.clause(REGIONS, region=Ban.region), person, cursor, limit)
    items = [ban_view(ban) for ban in found]
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}


@router.post("/bans", status_code=201)
async def enter_ban(body: BanPerson, grant: MayWrite, session: WriterSession) -> dict[str, Any]:
    """A person is banned; the same decision and person again answers the ban already entered."""
    grant.require(region=body.region)
    return ban_view(await ban_person(session, body.model_dump(), grant.principal.subject, datetime.now(UTC)))


@router.post("/bans/{ban_id}/lift")
async def lift(ban_id: UUID, body: LiftBan, grant: MayWrite, session: WriterSession) -> dict[str, Any]:
    """The ban ends because its decision was annulled; again answers the same."""
    ban = await queries.ban(session, ban_id)
    grant.require(region=ban.region)
    return ban_view(await lift_ban(session, ban, body.reason, grant.principal.subject, datetime.now(UTC)))


def ban_view(ban: Ban) -> dict[str, Any]:
    """A ban as it travels."""
    return {
        "id": str(ban.ban_id),
        "person": ban.person,
        "name": ban.name,
        "region": ban.region,
        "ground": ban.ground,
        "decision_no": ban.decision_no,
        "legal_basis": ban.legal_basis,
        "valid_from": ban.valid_from.isoformat(),
        "valid_to": ban.valid_to.isoformat() if ban.valid_to else None,
        "lifted_at": ban.lifted_at.isoformat() if ban.lifted_at else None,
        "lifted_reason": ban.lifted_reason,
    }
