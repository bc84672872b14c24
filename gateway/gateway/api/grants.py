"""Cross-region grants 交叉执法授权: given by the head of the organ whose region it is, seen, ended early."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Fault, Forbidden, Invalid
from policy import day_at
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import or_, select
from standards.regions import is_within
from standards.tables import rows
from uuid_utils.compat import uuid7

from gateway.flows import crossing
from gateway.rules.crossing import Objection, Wish, objections, oneself
from gateway.tables import Granted, GrantEnd

router = APIRouter(tags=["grants"])
MayRead = Annotated[Grant, Depends(allow("grants", "read"))]
MayGive = Annotated[Grant, Depends(allow("grants", "give"))]
MayFollow = Annotated[Grant, Depends(allow("grants", "follow"))]
REGIONS = frozenset(row["code"] for row in rows("regions"))
TEXT = r"^[^\x00]*$"
Said = Annotated[str, Field(min_length=3, max_length=500, pattern=TEXT)]
Short = Annotated[str, Field(min_length=1, max_length=200, pattern=TEXT)]


class GrantAsked(BaseModel):
    """`subject` is the person's `sub` in the tokens, `person` the name; `order_no` the number of the case or
    of the order that sends the officer; it holds from `valid_from` until before `valid_to`.
    """

    model_config = ConfigDict(extra="forbid")

    subject: Short
    person: Short
    regions: list[Annotated[str, Field(pattern=r"^[0-9]{6}([0-9]{3})?$")]] = Field(
        min_length=1, max_length=20
    )
    permissions: list[Short] = Field(min_length=1, max_length=50)
    purpose: Short
    order_no: Said
    legal_ground: Said
    valid_from: AwareDatetime
    valid_to: AwareDatetime


class GrantRow(BaseModel):
    """A grant as given, and its early end, if it has one. `state` is to-come, live, over or ended."""

    id: UUID
    subject: str
    person: str
    regions: list[str]
    permissions: list[str]
    purpose: str
    order_no: str
    legal_ground: str
    valid_from: datetime
    valid_to: datetime
    given_in: str
    given_by: str
    given_at: datetime
    state: str
    state_zh: str
    ended_at: datetime | None
    ended_by: str | None
    ended_reason: str | None


class GrantPage(BaseModel):
    items: list[GrantRow]
    next: UUID | None


class CurrentGrant(BaseModel):
    id: str
    subject: str
    regions: list[str]
    permissions: list[str]
    begins: float
    ends: float


STATES = {"to-come": "未生效", "live": "有效", "over": "已期满", "ended": "已提前终止"}


def _shown(row: Granted, ended: GrantEnd | None, now: datetime) -> GrantRow:
    if ended is not None:
        state = "ended"
    elif now < row.valid_from:
        state = "to-come"
    else:
        state = "live" if now < row.valid_to else "over"
    told: dict[str, Any] = {
        name: getattr(row, name) for name in GrantRow.model_fields if name in Granted.__table__.columns
    }
    early = (ended.ended_at, ended.ended_by, ended.reason) if ended else (None, None, None)
    told |= dict(zip(("ended_at", "ended_by", "ended_reason"), early, strict=True))
    return GrantRow(**told, state=state, state_zh=STATES[state])


@router.get("/grants/current", summary="What services follow 当前授权清单")
async def current(grant: MayFollow, session: ReaderSession) -> list[CurrentGrant]:
    found = await crossing.current(session, datetime.now(UTC))
    return [
        CurrentGrant(
            id=one.id,
            subject=one.subject,
            regions=list(one.regions),
            permissions=sorted(one.permissions),
            begins=one.begins,
            ends=one.ends,
        )
        for one in found
    ]


@router.get("/grants", summary="Cross-region grants 交叉执法授权")
async def listed(
    grant: MayRead,
    session: ReaderSession,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: UUID | None = None,
) -> GrantPage:
    """Those given in the caller's region, and those given to the caller; newest first."""
    mine = or_(grant.clause(REGIONS, region=Granted.given_in), Granted.subject == grant.principal.subject)
    query = select(Granted, GrantEnd).outerjoin(GrantEnd, GrantEnd.grant_id == Granted.id).where(mine)
    if cursor is not None:
        query = query.where(Granted.id < cursor)
    found = list(await session.execute(query.order_by(Granted.id.desc()).limit(limit + 1)))
    now = datetime.now(UTC)
    items = [_shown(row, ended, now) for row, ended in found[:limit]]
    return GrantPage(items=items, next=items[-1].id if len(found) > limit else None)


@router.get("/grants/{id}", summary="One cross-region grant 授权详情")
async def show(id: UUID, grant: MayRead, session: ReaderSession) -> GrantRow:
    row, ended = await crossing.one(session, id)
    if row.subject != grant.principal.subject:
        grant.require(region=row.given_in)
    return _shown(row, ended, datetime.now(UTC))


@router.post("/grants", status_code=201, summary="Give a cross-region grant 授予交叉执法权限")
async def give(grant: MayGive, request: Request, body: GrantAsked) -> GrantRow:
    """Adds regions to rights that the person already holds at home; never a right, a role or a decision.
    Every service honours it within 30 s and stops by itself at `valid_to`; what is read under it is noted.
    """
    now, who = datetime.now(UTC), grant.principal
    for region in body.regions:
        if region in REGIONS:
            grant.require(region=region)
    wish = Wish(
        who.subject,
        who.text,
        body.subject,
        tuple(body.regions),
        tuple(body.permissions),
        body.purpose,
        body.valid_from,
        body.valid_to,
    )
    on = day_at(now.timestamp())
    if own := oneself(wish, request.app.state.policy, on):
        raise Forbidden("grant-to-oneself", own[0].what, errors=_faults(own))
    if found := objections(wish, request.app.state.policy, on, now):
        raise Invalid("grant-not-possible", "；".join(one.what for one in found), errors=_faults(found))
    row = Granted(
        id=uuid7(),
        **body.model_dump(),
        given_in=who.region or "",
        given_by=who.text,
        given_by_subject=who.subject,
        given_at=now,
    )
    async with request.app.state.database.writer() as session:
        await crossing.give(session, row)
    request.app.state.verifier.grants.add(crossing.as_grant(row))
    return _shown(row, None, now)


@router.delete("/grants/{id}", summary="End a cross-region grant 提前终止授权")
async def end(
    id: UUID,
    grant: MayGive,
    request: Request,
    reason: Annotated[str, Query(min_length=3, max_length=500, pattern=TEXT)],
) -> GrantRow:
    """Ends it at once at the edge and within 30 s in every service; by whose region it is, or one above."""
    now, state = datetime.now(UTC), request.app.state
    async with state.database.question(grant.principal) as session:
        row, ended = await crossing.one(session, id)
    if not any(is_within(region, grant.principal.region or "") for region in row.regions):
        grant.require(region=row.given_in)
    if ended is not None or row.valid_to <= now:
        raise crossing.over()
    early = GrantEnd(grant_id=id, ended_at=now, ended_by=grant.principal.text, reason=reason)
    async with state.database.writer() as session:
        await crossing.end(session, early)
    state.verifier.grants.end(str(id))
    return _shown(row, early, now)


def _faults(found: list[Objection]) -> list[Fault]:
    return [Fault(where=one.where, rule=one.rule, what=one.what, mend=one.mend) for one in found]
