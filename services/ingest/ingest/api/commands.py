"""Commands to data loggers over HTTP: ask, follow, approve, cancel; and how a device is dealt with.

Promises: 202 means that the wish is committed, not that the device obeyed: its state tells; a secret is never
shown. Leaves what may be asked to `rules.commands`, and the conversation itself to `flows.conversation`.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.problems import Conflict, NotFound
from pydantic import Field
from sqlalchemy import false, select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.asked import Asked, Code
from ingest.api.edge import REGIONS, Cursor, Limit, catalog, change_of, page
from ingest.flows import commands as flows
from ingest.flows import registry
from ingest.flows.change import shown
from ingest.rules.commands import catalogue
from ingest.rules.exchange import EXE_RTN, QN_RTN
from ingest.rules.registry import NO_MANNERS
from ingest.tables import CommandRow, CommandStep, DeviceContact, DeviceManners, DeviceRow, GapRow, SiteRow

router = APIRouter(tags=["commands"])
MayRead = Annotated[Grant, Depends(allow("commands", "read"))]
MaySend = Annotated[Grant, Depends(allow("commands", "send"))]
MayApprove = Annotated[Grant, Depends(allow("commands", "approve"))]
MayReadDevice = Annotated[Grant, Depends(allow("registry", "read"))]
MayWriteDevice = Annotated[Grant, Depends(allow("registry", "write"))]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
Reason = Annotated[str, Field(min_length=2, max_length=500, description="Why 事由")]


class AskCommand(Asked):
    """A host command by name, e.g. `{"command": "recall-hours", "parameters": {…}, "reason": "…"}`."""

    command: Code
    parameters: dict[Code, str | int] = Field(default={}, max_length=8)
    reason: Reason


class GiveReason(Asked):
    reason: Reason


class PutManners(Asked):
    """How a device is dealt with. Null leaves it to the dated terms, or untouched at first contact."""

    accepts_commands: bool = False
    greets: bool = False
    pulls_back: bool = False
    answer_seconds: int | None = Field(None, ge=1, le=99)
    resends: int | None = Field(None, ge=0, le=99)
    realtime_interval: int | None = Field(None, ge=30, le=3600)
    minute_interval: int | None = Field(None, ge=1, le=30)
    streams_realtime: bool | None = None
    streams_status: bool | None = None
    frame_interval: int | None = Field(None, ge=1, le=86400)


def _who(grant: Grant) -> str:
    return f"{grant.principal.text} {grant.principal.subject}"


@router.post("/devices/{mn}/commands", status_code=202)
async def send_command(mn: str, body: AskCommand, request: Request, grant: MaySend, key: Key) -> Any:
    """Ask a device for something. It is sent once the device is connected, for a day at most."""
    known = await catalog(request).refresh()
    device = known.devices.get(mn)
    if device is None:
        raise NotFound("unknown-device", f"No device {mn[:64]} 无此设备")
    site = known.sites[device.site]
    grant.require(region=site.region, owner_dept=site.dept, owner_uscc=site.uscc)
    if not known.manners.get(mn, NO_MANNERS).accepts_commands:
        known = await catalog(request).refresh()
        if not known.manners.get(mn, NO_MANNERS).accepts_commands:
            detail = (
                "The device is registered as not accepting commands: PUT its manners 该设备登记为不接受反控"
            )
            raise Conflict("device-not-commandable", detail)
    command, parameters = flows.checked(body.command, body.parameters)
    wanted = flows.Wanted(command, parameters, body.reason, _who(grant))
    made = await flows.request(request.app.state.database, known, device, wanted, key)
    request.app.state.conversation.wake()
    return {"id": str(made), "command": command.name, "needs_approval": command.approval}


@router.get("/devices/{mn}/commands")
async def list_commands(
    mn: str, grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """What a device was asked, newest first."""
    wanted = select(CommandRow).where(_reach(grant), CommandRow.mn == mn)
    if cursor is not None:
        known = cursor.isascii() and cursor.isdigit() and len(cursor) < 19
        wanted = wanted.where(CommandRow.number < int(cursor) if known else false())
    found = await session.scalars(wanted.order_by(CommandRow.number.desc()).limit(limit + 1))
    return page(found.all(), limit, lambda row: row.number, _command)


@router.get("/commands/{id}")
async def show_command(id: UUID, grant: MayRead, session: ReaderSession) -> Any:
    """One command: its state, its progress, its result, and every step with its time."""
    row = await _one(session, grant, id)
    steps = select(CommandStep).where(CommandStep.command == id).order_by(CommandStep.number).limit(500)
    history = [
        {"at": step.at, "step": step.step, "detail": step.detail} for step in await session.scalars(steps)
    ]
    return _command(row) | {"result": row.result, "steps": history}


@router.post("/commands/{id}/approve")
async def approve_command(
    id: UUID, body: GiveReason, request: Request, grant: MayApprove, session: ReaderSession
) -> Any:
    """The second person's consent, without which a password, key or MN is not changed."""
    await _one(session, grant, id)
    await flows.approve(request.app.state.database, id, _who(grant), body.reason)
    request.app.state.conversation.wake()
    return {"id": str(id), "approved": True}


@router.post("/commands/{id}/cancel")
async def cancel_command(
    id: UUID, body: GiveReason, request: Request, grant: MaySend, session: ReaderSession
) -> Any:
    """Stop waiting for a command. What was sent cannot be taken back."""
    await _one(session, grant, id)
    await flows.cancel(request.app.state.database, id, _who(grant), body.reason)
    return {"id": str(id), "state": "cancelled"}


@router.get("/devices/{mn}/manners")
async def show_manners(mn: str, grant: MayReadDevice, session: ReaderSession) -> Any:
    """How the device is dealt with, when it was last heard, and its open gaps."""
    await _device(session, grant, mn)
    row = await session.get(DeviceManners, mn)
    contact = await session.get(DeviceContact, mn)
    gaps = select(GapRow).where(GapRow.mn == mn).order_by(GapRow.start.desc()).limit(100)
    return {
        "manners": shown(row) if row else {"mn": mn, **PutManners().model_dump()},
        "contact": shown(contact) if contact else None,
        "gaps": [shown(gap) | {"id": str(gap.id)} for gap in await session.scalars(gaps)],
    }


@router.put("/devices/{mn}/manners")
async def put_manners(
    mn: str, body: PutManners, request: Request, grant: MayWriteDevice, session: WriterSession
) -> Any:
    """Say how a device is to be dealt with. Whoever sets this allows it to be commanded."""
    async with change_of(session, grant) as change:
        device = await session.get(DeviceRow, mn)
        if device is None:
            raise NotFound("unknown-device", f"No device {mn[:64]} 无此设备")
        site = await registry.site_of(session, device.site)
        grant.require(region=site.region)
        cells = {"mn": mn, **body.model_dump()}
        row, _ = await change.save(DeviceManners, mn, cells, registry.scope_of(site))
        return shown(row)


async def _device(session: AsyncSession, grant: Grant, mn: str) -> DeviceRow:
    reach = grant.clause(REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc)
    row = await session.scalar(select(DeviceRow).join(SiteRow).where(DeviceRow.mn == mn, reach))
    if row is None:
        raise NotFound("unknown-device", f"No device {mn[:64]} in your reach 无此设备或超出权限")
    return row


def _reach(grant: Grant) -> Any:
    return grant.clause(
        REGIONS, region=CommandRow.region, owner_dept=CommandRow.dept, owner_uscc=CommandRow.uscc
    )


async def _one(session: AsyncSession, grant: Grant, id: UUID) -> CommandRow:
    row = await session.scalar(select(CommandRow).where(CommandRow.id == id, _reach(grant)))
    if row is None:
        raise NotFound("unknown-command", "No such command in your reach 无此命令或超出权限")
    return row


_HIDDEN = frozenset({"number", "region_path", "holder", "result", "qn_rtn", "exe_rtn"})


def _command(row: CommandRow) -> dict[str, Any]:
    """Without secrets, which are in no column of this row."""
    command = catalogue()[row.name]
    cells = {name: value for name, value in shown(row).items() if name not in _HIDDEN}
    return cells | {
        "id": str(row.id),
        "gap": str(row.gap) if row.gap else None,
        "name_zh": command.zh,
        "name_en": command.en,
        "qn_rtn": _code(row.qn_rtn, QN_RTN),
        "exe_rtn": _code(row.exe_rtn, EXE_RTN),
    }


def _code(code: int | None, texts: dict[int, tuple[str, str]]) -> dict[str, Any] | None:
    if code is None:
        return None
    zh, en = texts.get(code, ("未定义", "not defined"))
    return {"code": code, "zh": zh, "en": en}
