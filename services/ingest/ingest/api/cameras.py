"""What cameras report: online or not, and the share of time they were.

Promises: a report is kept once for its instant; an outage is a finding at once. Leaves silence to the watch.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.problems import Invalid, NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.asked import Asked
from ingest.api.edge import aware, change_of, reach
from ingest.flows.upkeep import watch_camera
from ingest.rules.kinds import rule
from ingest.rules.times import CHINA
from ingest.tables import RegistryRecord, VideoReport

router = APIRouter(tags=["video 视频"])
SPAN = timedelta(days=7)


class Report(Asked):
    """The state of a camera at an instant."""

    is_online: bool
    at: datetime | None = None


async def _camera(session: AsyncSession, code: str) -> RegistryRecord:
    row = await session.get(RegistryRecord, ("video-devices", code))
    if row is None:
        raise NotFound("unknown-record", f"No camera {code} 无此视频设备")
    return row


@router.post("/video-devices/{code}/reports")
async def report_camera(
    code: str,
    body: Report,
    session: WriterSession,
    grant: Annotated[Grant, Depends(allow("guarantee", "write"))],
) -> Any:
    """Report that a camera is online or offline 上报视频设备在线状态. Repeating a report changes nothing."""
    camera = await _camera(session, code)
    grant.require(region=camera.region, owner_dept=camera.dept, owner_uscc=camera.uscc)
    async with change_of(session, grant) as change:
        at = aware(body.at) if body.at else change.now
        if at > change.now + timedelta(minutes=5):
            raise Invalid("time-future", f"{at.isoformat()} lies in the future 时间在未来")
        if await session.get(VideoReport, (code, at)) is None:
            made = VideoReport(device=code, reported_at=at, is_online=body.is_online, reported_by=change.who)
            session.add(made)
            await session.flush()
        is_online = await watch_camera(change, camera)
    return {"device": code, "at": at.isoformat(), "is_online": is_online}


@router.get("/video-devices/{code}/uptime")
async def show_uptime(
    grant: Annotated[Grant, Depends(allow("guarantee", "read"))], code: str, session: ReaderSession
) -> Any:
    """The share of the last seven days a camera was online, by its reports 近七日在线率."""
    wanted = select(RegistryRecord).where(
        RegistryRecord.kind == "video-devices", RegistryRecord.code == code, reach(grant, RegistryRecord)
    )
    if await session.scalar(wanted) is None:
        raise NotFound("unknown-record", f"No camera {code} in your reach 无此视频设备或超出权限")
    now = datetime.now(UTC)
    reports = select(VideoReport).where(VideoReport.device == code, VideoReport.reported_at >= now - SPAN)
    rows = (await session.scalars(reports.order_by(VideoReport.reported_at))).all()
    silent = rule("video_silent", now.astimezone(CHINA).date()).hours
    online = timedelta()
    for at, row in enumerate(rows):
        until = rows[at + 1].reported_at if at + 1 < len(rows) else now
        if row.is_online:
            online += min(until - row.reported_at, silent)
    last = rows[-1] if rows else None
    return {
        "device": code,
        "reports": len(rows),
        "online_share": round(online / SPAN, 4),
        "is_online": bool(last and last.is_online and now - last.reported_at <= silent),
        "last_report": last.reported_at.astimezone(CHINA).isoformat() if last else None,
    }
