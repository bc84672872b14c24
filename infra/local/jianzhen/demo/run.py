"""The demonstration: one city, seven past days, some cheats, and everything that follows from a lie.

Promises: every step goes through the public doors as the people and systems would; running it again repeats
nothing. Ends with what was found. Leaves the live days to `jianzhen demo --live`.
"""

import time
from collections.abc import Callable
from typing import Any

from jianzhen.demo import city, officers, readings
from jianzhen.demo.instruments import file_instruments
from jianzhen.demo.memory import Memory
from jianzhen.demo.registration import register
from jianzhen.demo.signals import HOUR
from jianzhen.platform import Platform

Say = Callable[[str], None]
PAST_DAYS = 7
MINUTES_HOURS = 32
ITEM = "air.aqi.hourly"
AMOUNT_YUAN = 200_000


def run_demo(platform: Platform, *, say: Say, speed: float = 0, frauds: int = 1) -> dict[str, Any]:
    """`speed` is model hours a second for the past days, 0 = at once. Returns what was found, for people."""
    now = Memory.here().now
    end = readings.last_full_hour(now)
    windows = city.frauds(frauds, now)
    say(f"registry: {register(platform)} series")
    _past(platform, end, speed, say)
    late = _logged(platform, end, windows, city.late_window(now), say)
    found: dict[str, Any] = {"cases": [_case(platform, n, one, say) for n, one in enumerate(windows, 1)]}
    # After the cases: by then qc knows the sites.
    say(f"instruments 仪器台账: {file_instruments(platform, now)} checks filed")
    found["release"] = _published(platform, windows[0], end, say)
    found["withdrawn"] = _withdrawn(platform, late, city.late_window(now), say)
    return found


def _past(platform: Platform, end: int, speed: float, say: Say) -> None:
    start = end - PAST_DAYS * 24 * HOUR
    step = int(max(1, speed)) * HOUR if speed else PAST_DAYS * 24 * HOUR
    kept = 0
    for at in range(start, end, step):
        begun = time.monotonic()
        kept += readings.post_hours(platform, at, min(at + step, end), historical=True)
        if speed:
            time.sleep(max(0.0, 1 - (time.monotonic() - begun)))
    say(f"department system: {kept} hourly values over HTTP")


def _logged(
    platform: Platform, end: int, windows: list[city.Window], late: city.Window, say: Say
) -> dict[str, list[bytes]]:
    """Loggers send; returns the frames that a broken line has held back."""
    start, held, own = end - MINUTES_HOURS * HOUR, {}, {}
    for site in readings.loggers():
        before = readings.hour_frames(site, end - PAST_DAYS * 24 * HOUR, start)
        sent, kept_back = readings.frames_of(site, start, end, cheats=windows, withheld=late)
        own[site.code] = before + sent
        if kept_back:
            held[site.code] = kept_back
    readings.send(platform, own, say)
    return held


def _case(platform: Platform, number: int, window: city.Window, say: Say) -> dict[str, Any]:
    """One cheat from lead to "barred"; a case already decided is only reported."""
    site = city.site(window.site)
    decided = officers.every(platform, officers.OFFICER, f"/api/cases/cases?site={site.code}")
    case = next(decided, None)
    if case is None:
        lead = officers.lead_at(platform, site.code)
        say(f"lead at {site.code} 线索: {site.zh}")
        filed = officers.file_case(platform, lead["id"])
        case_id = filed.get("case_id") or filed["id"]
        kind = next(one["kind"] for one in city.organisations() if one["uscc"] == site.uscc)
        officers.confirm(platform, case_id, kind)
        case = officers.decide(platform, case_id, number, AMOUNT_YUAN)
        say(f"case decided 已处罚: {case.get('decision_no')}")
    answer = officers.barred(platform, site.uscc)
    say(f"procurement check 采购核查: {site.uscc} {answer['answer']}")
    return {"site": site.code, "case": case["id"], "uscc": site.uscc, "procurement": answer["answer"]}


def _published(platform: Platform, window: city.Window, end: int, say: Say) -> dict[str, Any]:
    """The last hours are released, and one hour of the falsified window."""
    hours = [end - n * HOUR for n in range(6, 0, -1)]
    released = [officers.release(platform, ITEM, "131000", hour) for hour in [window.end - HOUR, *hours]]
    say(f"published 已发布: {len(released)} hours, the falsified values left out")
    return {"id": released[-1]["id"], "status": released[-1]["status"]}


def _withdrawn(
    platform: Platform, held: dict[str, list[bytes]], window: city.Window, say: Say
) -> dict[str, Any]:
    """The broken line is mended: late minutes arrive, and the lead that they explain is withdrawn."""
    path = f"/api/cases/leads?site={window.site}"

    def withdrawn() -> dict[str, Any] | None:
        leads = list(officers.every(platform, officers.OFFICER, path))
        return next((lead for lead in leads if lead["state"] == "WITHDRAWN"), None)

    if withdrawn() is None:
        officers.lead_at(platform, window.site)
    readings.send(platform, held, say)
    lead = officers.until(f"the withdrawal of the lead at {window.site}", withdrawn)
    say(f"late minutes explained the lead at {window.site} 补传数据后线索撤回")
    return {"site": window.site, "lead": lead["id"], "state": lead["state"]}
