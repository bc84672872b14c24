"""What units owe the alarm desk, over HTTP: exceedance, device faults, reports of failed transmission."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contracts.ingest import RegistryChanged
from contracts.qc import AlarmRaised
from desk_scene import ANALYST, ELSEWHERE, OFFICER, SO2, Act, actor, exceed, hour_now
from kit.outbox import Meta
from qc import consumers
from qc.flows.missing import notice_overdue
from qc_scene import HOUR, Lane, hours


@pytest.fixture
def act(client, tokens) -> Act:
    return actor(client, tokens)


async def fault(lane: Lane, flag: str = "D") -> None:
    """The logger marks the last hour: the device does not work."""
    lane.clock.now = datetime.now(UTC)
    await lane.send([(SO2, hour_now(), 20.0)], flag=flag)


@pytest.mark.parametrize("flag", ["D", "B"])
async def test_UN_11_a_device_fault_is_caught_alarmed_within_a_minute_and_leads_to_a_case(
    lane: Lane, act: Act, flag: str
):
    await fault(lane, flag)
    (alarm,) = (await act(OFFICER, "GET", "/alarms", rule="mark-fault"))["items"]
    assert datetime.fromisoformat(alarm["raised_at"]) - lane.clock() < timedelta(minutes=1)
    assert "故障" in alarm["message_zh"] and "repaired" in alarm["message_en"]
    assert "(三)2" in alarm["source_clause"]
    assert (await act("ee.enf/case.officer@131100", "GET", "/alarms", rule="mark-fault"))["items"] == []
    path = f"/alarms/{alarm['id']}"
    await act(OFFICER, "POST", f"{path}/acknowledge")
    await act(OFFICER, "POST", f"{path}/close", cause="violation", note="擅自停运")
    first, again = await lane.said(AlarmRaised)
    assert (first.rule, again.severity, again.alarm_id) == ("mark-fault", "case", alarm["id"])
    # What is merely maintained or calibrated is no fault.
    await lane.send([(SO2, hour_now() - 9 * HOUR, 20.0)], flag="M")
    assert len((await act(OFFICER, "GET", "/alarms", rule="mark-fault"))["items"]) == 1


async def test_UN_11_an_exceedance_is_alarmed_within_a_minute_and_leads_to_a_case(lane: Lane, act: Act):
    await exceed(lane)
    (alarm,) = (await act(OFFICER, "GET", "/alarms", rule="limit"))["items"]
    assert datetime.fromisoformat(alarm["raised_at"]) - lane.clock() < timedelta(minutes=1)
    assert (alarm["value"], alarm["threshold"]) == (52.5, 35.0)
    path = f"/alarms/{alarm['id']}"
    await act(ELSEWHERE, "POST", f"{path}/acknowledge", 403)
    await act(OFFICER, "POST", f"{path}/acknowledge")
    await act(OFFICER, "POST", f"{path}/close", cause="violation", note="超标属实")
    assert [event.severity for event in await lane.said(AlarmRaised)] == ["inform", "case"]


async def report(lane: Lane, change: int, code: str = "T1", site: str = SO2.site, **cells: Any) -> None:
    """`ingest` tells what the unit reported."""
    body = {"site": site, "cause": "network", "detail": "光缆中断", **cells}
    event = RegistryChanged(
        kind="transmission-anomalies", code=code, change=change, changed_at_ms=0, after_sha256="",
        region="131000", after={"body": body},
    )  # fmt: skip
    async with lane.database.writer() as session:
        meta = Meta("", "00", 1, "ingest-1", "", "", (), lane.clock())
        await consumers.on_registry_changed(session, event, meta)


async def silent(lane: Lane, act: Act) -> str:
    """The outlet reported 20 hours ago and never since."""
    lane.clock.now = datetime.now(UTC)
    await lane.send(hours(SO2, [20.0], hour_now() - 20 * HOUR))
    async with lane.database.writer() as session:
        await notice_overdue(session, lane.setting)
    (alarm,) = (await act(ANALYST, "GET", "/alarms", rule="missing"))["items"]
    return f"/alarms/{alarm['id']}"


async def test_NT_05_the_unit_owes_a_report_of_failed_transmission_by_a_clock(lane: Lane, act: Act):
    path = await silent(lane, act)
    owed = (await act(ANALYST, "GET", path))["anomaly_report"]
    assert (owed["report"], owed["is_late"], owed["is_repair_late"]) == (None, True, False)
    assert "Art. 23" in owed["source"]
    await act(ANALYST, "POST", f"{path}/acknowledge")
    refused = await act(ANALYST, "POST", f"{path}/close", 409, cause="transmission-fault", note="断网")
    assert refused["type"] == "/problems/unit-has-not-reported" and "尚未报告" in refused["detail"]
    now = datetime.now(UTC)
    began, said = (now - timedelta(hours=19)).isoformat(), (now - timedelta(hours=10)).isoformat()
    await report(lane, 2, began_at=began, reported_at=said)
    await report(lane, 1, began_at=began, reported_at=now.isoformat())
    told = (await act(ANALYST, "GET", path))["anomaly_report"]
    assert (told["report"], told["cause"], told["is_late"], told["repaired_at"]) == (
        "T1", "network", False, None,
    )  # fmt: skip
    await report(lane, 3, began_at=began, reported_at=said, repaired_at=now.isoformat())
    closed = await act(ANALYST, "POST", f"{path}/close", cause="transmission-fault", note="光缆已修复")
    assert closed["anomaly_report"]["repaired_at"] and closed["closed_for"]["id"] == "transmission-fault"


async def test_NT_05_a_report_of_another_site_or_of_a_repaired_anomaly_is_none(lane: Lane, act: Act):
    path = await silent(lane, act)
    now = datetime.now(UTC)
    begun = (now - timedelta(days=9)).isoformat()
    await report(
        lane, 1, began_at=begun, reported_at=begun, repaired_at=(now - timedelta(days=8)).isoformat()
    )
    await report(lane, 2, "T2", "131000-P77", began_at=begun, reported_at=begun)
    assert (await act(ANALYST, "GET", path))["anomaly_report"]["report"] is None
    await act(ANALYST, "POST", f"{path}/acknowledge")
    await act(ANALYST, "POST", f"{path}/close", 409, cause="transmission-fault", note="断网")
