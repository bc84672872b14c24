"""What loggers say of themselves: statements, who they were when, and messages that came in packets.

Promises: only devices of sites in reach; newest first, paged. Leaves registering to `registry`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Invalid, NotFound
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.edge import REGIONS, Cursor, Limit, page
from ingest.tables import DeviceIdentity, DeviceInformation, DeviceRow, PacketGroup, SiteRow

router = APIRouter(tags=["devices"])
May = Annotated[Grant, Depends(allow("devices", "read"))]
Code = Annotated[str | None, Query(max_length=64, description="e.g. i13007 (intercept 截距)")]


async def _device(session: AsyncSession, grant: Grant, mn: str) -> DeviceRow:
    reach = grant.clause(REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc)
    row = await session.scalar(select(DeviceRow).join(SiteRow).where(DeviceRow.mn == mn, reach))
    if row is None:
        raise NotFound("unknown-device", f"No device {mn} in your reach 无此设备或超出权限")
    return row


def _place(cursor: str) -> tuple[UUID, str]:
    """`<submission>.<rest>`, as the page before named it. Raises Invalid."""
    submission, _, rest = cursor.partition(".")
    try:
        return UUID(submission), rest
    except ValueError:
        raise Invalid("unknown-cursor", "No such page 无此页") from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("unknown-cursor", "No such page 无此页")
    return int(text)


@router.get("/devices/{mn}/information")
async def list_information(
    mn: str,
    grant: May,
    session: ReaderSession,
    code: Code = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """What a logger said of itself: states, parameters, logs, samples (3020, 3019, 2081 …), newest first."""
    await _device(session, grant, mn)
    wanted = select(DeviceInformation).where(DeviceInformation.mn == mn)
    if code is not None:
        wanted = wanted.where(DeviceInformation.code == code)
    key = tuple_(DeviceInformation.submission, DeviceInformation.row_no)
    if cursor:
        submission, row = _place(cursor)
        wanted = wanted.where(key < (submission, _number(row)))
    newest = wanted.order_by(DeviceInformation.submission.desc(), DeviceInformation.row_no.desc())
    found = (await session.scalars(newest.limit(limit + 1))).all()
    return page(found, limit, lambda row: f"{row.submission}.{row.row_no}", _information)


@router.get("/devices/{mn}/identities")
async def list_identities(
    mn: str, grant: May, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> Any:
    """Addresses, certificates and hardware numbers of a logger and its analysers, newest first."""
    await _device(session, grant, mn)
    wanted = select(DeviceIdentity).where(DeviceIdentity.mn == mn)
    key = tuple_(DeviceIdentity.submission, DeviceIdentity.part)
    if cursor:
        wanted = wanted.where(key < _place(cursor))
    newest = wanted.order_by(DeviceIdentity.submission.desc(), DeviceIdentity.part.desc())
    found = (await session.scalars(newest.limit(limit + 1))).all()
    return page(found, limit, lambda row: f"{row.submission}.{row.part}", _identity)


@router.get("/devices/{mn}/packets")
async def list_packets(
    mn: str,
    grant: May,
    session: ReaderSession,
    state: Annotated[str | None, Query(pattern="^(open|complete|incomplete)$")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """Messages sent in packets: which came, which are missing; by the first packet, newest first."""
    await _device(session, grant, mn)
    wanted = select(PacketGroup).where(PacketGroup.mn == mn)
    if state is not None:
        wanted = wanted.where(PacketGroup.state == state)
    if cursor:
        wanted = wanted.where(PacketGroup.submission < _place(cursor)[0])
    found = (await session.scalars(wanted.order_by(PacketGroup.submission.desc()).limit(limit + 1))).all()
    return page(found, limit, lambda row: row.submission, _packets)


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _information(row: DeviceInformation) -> dict[str, Any]:
    return {
        "command": row.command,
        "subject": row.subject or None,
        "code": row.code,
        "value": row.value,
        "said_at": _utc(row.said_at),
        "received_at": _utc(row.received_at),
        "submission": str(row.submission),
        "row": row.row_no,
    }


def _identity(row: DeviceIdentity) -> dict[str, Any]:
    return {
        "part": row.part,
        "value": row.value,
        "since": _utc(row.since),
        "submission": str(row.submission),
    }


def _packets(row: PacketGroup) -> dict[str, Any]:
    missing = [number for number in range(1, row.pnum + 1) if number not in set(row.seen)]
    return {
        "command": row.command,
        "data_time": _utc(row.data_time),
        "packets": row.pnum,
        "seen": row.seen,
        "missing": missing,
        "state": row.state,
        "first_at": _utc(row.first_at),
        "last_at": _utc(row.last_at),
        "submission": str(row.submission),
    }
