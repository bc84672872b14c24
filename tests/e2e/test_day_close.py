"""On a platform that closes its days: a copied day is a lead; the alarm desk is walked as its guide says."""

import math
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jianzhen.demo import city, officers
from jianzhen.demo.readings import COLUMNS, SYSTEM
from jianzhen.demo.registration import register
from jianzhen.platform import Platform
from whole_platform import whole_platform

pytestmark = [pytest.mark.slow, pytest.mark.platform, pytest.mark.timeout(900)]
# The desk has a station of its own: soon after midnight the hours before are among those posted for the copy.
SITE, OTHER_SITE, HOUR, DAYS = "131000-A03", "131000-A04", 3600, 45
COPIED, ORIGINAL = 30, 21
ANALYST, REVIEWER = "ee.mon/qc.analyst@131000", "ee.mon/qc.reviewer@131000"


@pytest.fixture(scope="module")
def closing() -> Iterator[Platform]:
    """A platform whose days are closed, with the demonstration city registered."""
    with whole_platform(closes_days=True) as running:
        register(running.client)
        yield running.client


def first_midnight() -> int:
    """The local (+08:00) midnight `DAYS` days before the last one, epoch seconds."""
    return (int(time.time()) + 8 * HOUR) // 86_400 * 86_400 - 8 * HOUR - DAYS * 86_400


def days() -> list[list[Any]]:
    """Honest hours of a station, but one day of it is an older day once more."""
    source, begin, rows = random.Random(7), first_midnight(), []
    told: dict[tuple[str, int], float] = {}
    for factor in city.site(SITE).factors:
        slow = 0.0
        for hour in range(DAYS * 24):
            slow = 0.95 * slow + source.gauss(0, 0.12)
            day = 0.3 * math.sin(2 * math.pi * (hour % 24 - 9) / 24)
            drawn = round(
                factor.level * math.exp(0.6 * (slow + day) + source.gauss(0, 0.05)), factor.decimals
            )
            shown = told[factor.code, hour - 24 * (COPIED - ORIGINAL)] if hour // 24 == COPIED else drawn
            told[factor.code, hour] = shown
            at = datetime.fromtimestamp(begin + hour * HOUR, UTC).isoformat()
            rows.append([SITE, factor.code, "avg", "raw", "hour", at, shown])
    return rows


def post(platform: Platform, rows: list[list[Any]], *, historical: bool) -> None:
    for start in range(0, len(rows), 1000):
        body = {
            "source": SYSTEM,
            "historical": historical,
            "columns": COLUMNS,
            "data": rows[start : start + 1000],
        }
        officers.ask(platform, SYSTEM, "POST", "/api/ingest/observations", body)


def until(platform: Platform, who: str, path: str, seconds: float = 400) -> dict[str, Any]:
    """The first item of a list, as soon as there is one."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        found = officers.ask(platform, who, "GET", path)["items"]
        if found:
            return dict(found[0])
        time.sleep(2)
    raise AssertionError(f"{path} stayed empty")


def test_a_day_that_closes_makes_a_suspicion_and_a_lead_of_what_it_finds(closing: Platform) -> None:
    post(closing, days(), historical=True)
    raised = until(
        closing, ANALYST, f"/api/qc/suspicions?origin=day_close&state=raised&site={SITE}&kind=copy-day"
    )
    begin = first_midnight() + COPIED * 86_400
    assert datetime.fromisoformat(raised["from_at"]).timestamp() == begin
    assert raised["score"] >= 0.8
    assert officers.ask(closing, ANALYST, "GET", "/api/qc/day-closes?region=131000&limit=1")["items"]
    lead = until(closing, officers.OFFICER, f"/api/cases/leads?site={SITE}&limit=1")
    shown = officers.ask(closing, officers.OFFICER, "GET", f"/api/cases/leads/{lead['id']}")
    assert "D1" in {finding["rule"] for finding in shown["findings"]}


def test_the_alarm_desk_is_walked_as_its_guide_says(closing: Platform) -> None:
    """Acknowledge, escalate, suppress, hold, release: docs/guides/alarm-desk.md."""

    def act(who: str, method: str, path: str, **body: Any) -> Any:
        with closing.client(who) as client:
            headers = {"Idempotency-Key": f"guide-{time.monotonic_ns()}"} if method == "POST" else {}
            answer = client.request(method, f"/api/qc{path}", json=body or None, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    turn = {"region": "131000", "dept": "ee.mon", "level": 1, "person": "p1", "name": "张三",
            "starts_at": (now - timedelta(hours=1)).isoformat(),
            "ends_at": (now + timedelta(hours=11)).isoformat()}  # fmt: skip
    act(REVIEWER, "POST", "/duty-shifts", shifts=[turn])
    rows = [[OTHER_SITE, "a34004", "avg", "raw", "hour", hour.isoformat(), 2000.0]]
    post(closing, rows, historical=False)
    alarm = until(closing, ANALYST, f"/api/qc/alarms?site={OTHER_SITE}&rule=range&state=open")
    shown = act(ANALYST, "GET", f"/alarms/{alarm['id']}")
    assert shown["on_duty"]["name"] == "张三" and shown["clock"]["clock"] == "acknowledge"
    act(ANALYST, "POST", f"/alarms/{alarm['id']}/acknowledge", note="现场核实中")
    act(ANALYST, "POST", f"/alarms/{alarm['id']}/assign", assignee="运维班", note="更换采样管")
    closed = act(ANALYST, "POST", f"/alarms/{alarm['id']}/close", cause="device-fault", note="采样管脱落")
    assert closed["closed_for"]["en"]
    until_at = (now + timedelta(hours=2)).isoformat()
    hidden = act(REVIEWER, "POST", "/suppressions", region="131000", site=OTHER_SITE, rule="range",
                 expires_at=until_at, reason="停机检修")  # fmt: skip
    act(REVIEWER, "POST", f"/suppressions/{hidden['id']}/lift", reason="检修结束")
    earlier = (hour - timedelta(hours=1)).isoformat()
    for value in (41.0, 47.0):
        post(closing, [[OTHER_SITE, "a34004", "avg", "raw", "hour", earlier, value]], historical=False)
    hold = until(closing, ANALYST, "/api/qc/holds?state=open")
    decided = act(ANALYST, "POST", f"/holds/{hold['id']}/decide", decision="release", reason="首值属实")
    assert decided["decision"] == "release"
