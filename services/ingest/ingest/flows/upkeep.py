"""What time brings: cameras that fall silent, overdue reports, stations that differ from the register.

Promises: each finding is raised once for its cause; the hours are dated rules. Leaves plans to `plans`.
"""

from datetime import datetime, timedelta
from typing import Any

from kit.db import Database
from sqlalchemy import select

from ingest.flows.change import Change, Found
from ingest.queries import overview
from ingest.rules.kinds import Kind, kinds, rule
from ingest.rules.times import CHINA
from ingest.tables import RegistryRecord, VideoReport


async def watch(database: Database, now: datetime) -> None:
    """Look at everything that time can bring. Findings number no change, so the registry is not locked."""
    async with database.writer() as session:
        change = Change(session, "ingest watch", now)
        wanted = select(RegistryRecord).where(RegistryRecord.kind == "video-devices")
        for camera in (await session.scalars(wanted)).all():
            await watch_camera(change, camera)
        for kind in kinds().values():
            if kind.timer is not None and not any(step.late for step in kind.steps.values()):
                wanted = select(RegistryRecord).where(RegistryRecord.kind == kind.name)
                for record in (await session.scalars(wanted)).all():
                    await overdue(change, kind, record)
        for row in await overview.rows(session, overview.DRIFT):
            if row["stands"] != row["registered"]:
                once = f"drift/{row['code']}/{row['change']}/{row['stands']}"
                detail = {"stands": row["stands"], "registered": row["registered"]}
                found = Found(
                    "station-change-unapproved", row["region"], row["code"], row["uscc"], None, detail, once
                )
                await change.find(found)
        await change.say()


async def watch_camera(change: Change, camera: RegistryRecord) -> bool:
    """Whether a camera is online now; an outage is a finding, once."""
    if camera.valid_to is not None and camera.valid_to < change.now.astimezone(CHINA).date():
        return True
    newest = select(VideoReport).where(VideoReport.device == camera.code)
    last = await change.session.scalar(newest.order_by(VideoReport.reported_at.desc()).limit(1))
    silent = rule("video_silent", change.now.astimezone(CHINA).date()).hours
    since = last.reported_at if last is not None else camera.entered_at
    if change.now - since <= silent and (last is None or last.is_online):
        return True
    reason = "reported" if last is not None and not last.is_online else "silent"
    detail = {"since": since.isoformat(), "reason": reason}
    record, once = f"video-devices/{camera.code}", f"camera/{camera.code}/{await _outage(change, camera)}"
    await change.find(Found("camera-offline", camera.region, camera.site, camera.uscc, record, detail, once))
    return False


async def _outage(change: Change, camera: RegistryRecord) -> str:
    """What names an outage: the last time the camera was online."""
    online = select(VideoReport.reported_at).where(
        VideoReport.device == camera.code, VideoReport.is_online.is_(True)
    )
    last = await change.session.scalar(online.order_by(VideoReport.reported_at.desc()).limit(1))
    return last.isoformat() if last is not None else "never"


def deadlines(kind: Kind, values: dict[str, Any], now: datetime) -> dict[str, dict[str, Any]]:
    """The clocks of a record: which field is due when, and whether it is late (`due_at` in +08:00).

    Worked example: an event of level IV known at 08:00 is due to be reported at 12:00.
    """
    timer = kind.timer
    if timer is None or values.get(timer.start) is None:
        return {}
    start = datetime.fromisoformat(values[timer.start])
    named = timer.rule or f"emergency_{values[timer.rule_of]}"
    found = {timer.by: _clock(start, named)}
    if timer.due:
        due = datetime.fromisoformat(values[timer.due])
        found[timer.close] = {"due_at": due, "hours": None, "rule": timer.due, "source": kind.source}
    elif timer.close:
        found[timer.close] = _clock(start, timer.close_rule)
    for field, clock in found.items():
        said = values.get(field)
        late = (datetime.fromisoformat(said) if said else now) > clock["due_at"]
        clock |= {"due_at": clock["due_at"].isoformat(), "is_late": late, "is_done": said is not None}
    return found


def _clock(start: datetime, name: str) -> dict[str, Any]:
    period = rule(name, start.date())
    due = start + timedelta(hours=period.value)
    return {"due_at": due, "hours": period.value, "rule": name, "source": period.source}


async def overdue(change: Change, kind: Kind, row: RegistryRecord) -> list[str]:
    """The fields whose clock ran out before they were said, of those that were not found before."""
    assert kind.timer is not None
    fields = []
    for field, clock in deadlines(kind, row.body, change.now).items():
        if not clock["is_late"]:
            continue
        record = f"{kind.name}/{row.code}"
        slug = f"{kind.timer.about}-{'late' if clock['is_done'] else 'overdue'}"
        once, detail = f"{slug}/{record}/{field}", {"field": field, **clock}
        is_new = await change.find(Found(slug, row.region, row.site, row.uscc, record, detail, once))
        fields += [field] if is_new and not clock["is_done"] else []
    return fields
