"""The alarm desk over HTTP, as the departments: roster, suppression, roll-up, remote checks."""

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from contracts.ingest import CheckEnded, RegistryChanged
from contracts.qc import AlarmRaised, CheckOrdered, DeskStepTaken
from desk_scene import (
    ANALYST,
    ELSEWHERE,
    LEAD_GAS,
    OFFICER,
    READER,
    REVIEWER,
    SO2,
    Act,
    actor,
    exceed,
    hour_now,
    look,
    shifts,
)
from qc.flows.checks import end
from qc.flows.missing import notice_overdue
from qc.flows.places import follow_registry
from qc_scene import HOUR, PM25, Lane, freeze, hours
from sqlalchemy import text


@pytest.fixture
def act(client, tokens) -> Act:
    return actor(client, tokens)


async def only_alarm(act: Act, **params) -> dict:
    (alarm,) = (await act(ANALYST, "GET", "/alarms", **params))["items"]
    return alarm


async def test_LN_30_a_silent_unit_is_alarmed_and_goes_up_the_duty_roster(lane: Lane, act: Act):
    turns = shifts((1, "ee.mon", "zhang"), (2, "ee.mon", "li"), (3, "ee", "wang"))
    await act(REVIEWER, "POST", "/duty-shifts", 201, shifts=turns)
    lane.clock.now = datetime.now(UTC)
    await lane.send(hours(SO2, [20.0], hour_now() - 3 * HOUR))
    async with lane.database.writer() as session:
        await notice_overdue(session, lane.setting)
    alarm = await only_alarm(act, rule="missing")
    shown = await act(ANALYST, "GET", f"/alarms/{alarm['id']}")
    assert (shown["site"], shown["level"], shown["on_duty"]["name"]) == ("131000-P01", 1, "zhang 同志")
    assert (shown["clock"]["clock"], shown["clock"]["is_overdue"]) == ("acknowledge", False)
    assert "LN-30" in shown["clock"]["source"]
    assert await look(lane, minutes=29) == 0
    assert await look(lane, minutes=31) == 1
    assert await look(lane, minutes=32) == 0
    assert await look(lane, minutes=95) == 1
    assert await look(lane, days=9) == 0
    shown = await act(READER, "GET", f"/alarms/{alarm['id']}")
    told = [(step["step"], step["level"], step["assignee"]) for step in shown["steps"]]
    assert told == [
        ("escalated", 2, "ee.mon@131000 li 同志 li"),
        ("escalated", 3, "ee@131000 wang 同志 wang"),
    ]
    assert shown["steps"][0]["name_zh"] and shown["steps"][0]["name_en"]
    said = [(event.step, event.level, event.actor) for event in await lane.said(DeskStepTaken)]
    assert said == [("escalated", 2, "qc/rule"), ("escalated", 3, "qc/rule")]


async def test_nobody_on_the_roster_is_said_and_the_highest_level_is_asked(lane: Lane, act: Act):
    await exceed(lane)
    await look(lane, minutes=31)
    shown = await act(ANALYST, "GET", f"/alarms/{(await only_alarm(act))['id']}")
    ((step, level, assignee, note),) = [
        (one["step"], one["level"], one["assignee"], one["note"]) for one in shown["steps"]
    ]
    assert (step, level, assignee) == ("escalated", 3, None) and "无人值班" in note


async def test_NT_19_the_authority_too_has_a_clock_until_the_alarm_is_settled(lane: Lane, act: Act):
    await act(REVIEWER, "POST", "/duty-shifts", 201, shifts=shifts((2, "ee.enf", "zhao")))
    await exceed(lane)
    alarm = await only_alarm(act)
    path = f"/alarms/{alarm['id']}"
    await act(ANALYST, "POST", f"{path}/close", 409, cause="device-fault", note="too early")
    shown = await act(ANALYST, "POST", f"{path}/acknowledge", note="现场核实中")
    assert shown["acknowledged_by"].startswith(ANALYST)
    assert (shown["clock"]["clock"], "法典 Art. 184" in shown["clock"]["source"]) == ("settle", True)
    await act(OFFICER, "POST", f"{path}/acknowledge", 409)
    assert await look(lane, hours=23) == 0
    assert await look(lane, hours=25) == 1
    await act(OFFICER, "POST", f"{path}/assign", assignee="enforcement team 2")
    shown = await act(OFFICER, "POST", f"{path}/close", cause="device-fault", note="分析仪漂移")
    assert [step["step"] for step in shown["steps"]] == ["acknowledged", "overdue", "assigned", "closed"]
    assert shown["steps"][1]["assignee"] == "ee.enf@131000 zhao 同志 zhao"
    assert (shown["closed_for"]["id"], shown["closed_for"]["zh"]) == ("device-fault", "在线设备故障")
    assert (shown["clock"], await look(lane, days=30)) == (None, 0)
    await act(ANALYST, "POST", f"{path}/assign", 409, assignee="x")
    # The matter goes on: what was closed is not grown in silence.
    await exceed(lane, 60.0, hours_ago=-1)
    assert len((await act(ANALYST, "GET", "/alarms"))["items"]) == 2
    assert len((await act(ANALYST, "GET", "/alarms", state="open"))["items"]) == 1


async def test_LF_60_a_confirmed_anomaly_is_a_lead_of_enforcement_at_once(lane: Lane, act: Act):
    await exceed(lane)
    path = f"/alarms/{(await only_alarm(act))['id']}"
    await act(ANALYST, "POST", f"{path}/acknowledge")
    wrong = await act(ANALYST, "POST", f"{path}/close", 422, cause="because", note="no such cause")
    assert "violation" in wrong["errors"][0]["mend"] and "不在原因清单" in wrong["errors"][0]["what"]
    await act(ANALYST, "POST", f"{path}/close", cause="violation", note="超标属实")
    first, again = await lane.said(AlarmRaised)
    assert (first.severity, again.severity, first.alarm_id) == ("inform", "case", again.alarm_id)
    assert again.raised_at_ms > first.raised_at_ms
    assert again.raised_at_ms - datetime.now(UTC).timestamp() * 1000 < 5_000


async def test_a_write_is_repeatable_and_only_within_reach(lane: Lane, act: Act):
    await exceed(lane)
    path = f"/alarms/{(await only_alarm(act))['id']}/acknowledge"
    await act(ELSEWHERE, "POST", path, 403)
    await act(READER, "POST", path, 403)
    first = await act(ANALYST, "POST", path, key="same-key-1", note="a")
    assert await act(ANALYST, "POST", path, key="same-key-1", note="a") == first
    reused = await act(ANALYST, "POST", path, 422, key="same-key-1", note="b")
    assert reused["type"] == "/problems/idempotency-key-reused"
    assert len(await lane.said(DeskStepTaken)) == 1


async def test_what_is_suppressed_raises_no_alarm_until_it_expires(lane: Lane, act: Act):
    until = datetime.now(UTC) + timedelta(hours=2)
    asked = {"region": "131000", "rule": "limit", "site": "131000-P01", "reason": "停产检修，已报备"}
    far = (until + timedelta(days=7)).isoformat()
    lane.clock.now = datetime.now(UTC)
    await lane.send([(SO2, hour_now() - 50 * HOUR, 20.0)])
    await act(ANALYST, "POST", "/suppressions", 403, expires_at=until.isoformat(), **asked)
    refused = await act(REVIEWER, "POST", "/suppressions", 422, expires_at=far, **asked)
    assert refused["type"] == "/problems/suppression-end" and "LN-30" in refused["errors"][0]["rule"]
    await act(REVIEWER, "POST", "/suppressions", 422, **asked)
    nothing = {"region": "131000", "reason": "everything", "expires_at": until.isoformat()}
    assert (await act(REVIEWER, "POST", "/suppressions", 422, **nothing))["type"].endswith(
        "suppression-of-all"
    )
    made = await act(REVIEWER, "POST", "/suppressions", 201, expires_at=until.isoformat(), **asked)
    await exceed(lane)
    assert await lane.said(AlarmRaised) == []
    assert [code for code, tests in (await lane.codes(SO2)).values() if tests] == [1]
    shown = await act(READER, "GET", f"/suppressions/{made['id']}")
    assert (shown["hidden"], shown["alarms"][0]["value"]) == (1, 52.5)
    assert shown["imposed_by"].startswith(REVIEWER)
    lane.clock.now = until + timedelta(seconds=1)
    await lane.send([(SO2, hour_now() + HOUR, 53.0)])
    assert [event.value for event in await lane.said(AlarmRaised)] == [53.0]


async def test_a_suppression_covers_no_other_rule_site_or_region_and_can_be_lifted(lane: Lane, act: Act):
    lane.clock.now = datetime.now(UTC)
    far = msgspec.structs.replace(SO2, id=20, site="P02")
    await lane.send([(SO2, hour_now() - 50 * HOUR, 20.0), (far, hour_now() - 50 * HOUR, 20.0)])
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    made = await act(
        REVIEWER, "POST", "/suppressions", 201, region="131000", series=10, expires_at=until, reason="校准"
    )
    other = {"region": "131100", "rule": "limit", "expires_at": until, "reason": "other region"}
    await act(ELSEWHERE, "POST", "/suppressions", 201, **other)
    await lane.send([(far, hour_now(), 50.0)])
    await exceed(lane)
    assert [event.series.site for event in await lane.said(AlarmRaised)] == ["P02"]
    await act(REVIEWER, "POST", f"/suppressions/{made['id']}/lift", reason="检修结束")
    await act(REVIEWER, "POST", f"/suppressions/{made['id']}/lift", 409, reason="again")
    await exceed(lane, 60.0, hours_ago=-1)
    assert [event.series.site for event in await lane.said(AlarmRaised)] == ["P02", "131000-P01"]


async def place(lane: Lane, kind: str, code: str, change: int, **after) -> None:
    event = RegistryChanged(
        kind=kind, code=code, change=change, changed_at_ms=0, after_sha256="", region="131000", after=after
    )
    async with lane.database.writer() as session:
        await follow_registry(session, event)


async def test_UN_12_a_park_shows_the_alarms_of_what_lies_in_it(lane: Lane, act: Act):
    names = {"name_zh": "霸州开发区", "name_en": "Bazhou zone", "type": "industrial_park"}
    await place(lane, "areas", "PARK-1", 1, body=names)
    await place(lane, "sites", "131000-P01", 3, area="PARK-1", dept=None)
    await place(lane, "sites", "131000-P01", 2, area="PARK-0", dept=None)
    await exceed(lane)
    await lane.send([(PM25, hour_now(), 1200.0)])
    (park,) = (await act(OFFICER, "GET", "/alarms/rollup", by="area"))["items"]
    assert (park["code"], park["name_zh"], park["kind"]) == ("PARK-1", "霸州开发区", "industrial_park")
    assert (park["open"], park["unacknowledged"], park["by_severity"]) == (1, 1, {"inform": 1})
    assert park["sites"] == ["131000-P01"] and park["oldest"].startswith(str(lane.clock().date()))
    alarm = await only_alarm(act, site="131000-P01")
    await act(ANALYST, "POST", f"/alarms/{alarm['id']}/acknowledge")
    (region,) = (await act(OFFICER, "GET", "/alarms/rollup", by="region"))["items"]
    assert (region["code"], region["name_en"], region["open"]) == ("131000", "Langfang", 2)
    assert (region["unacknowledged"], region["by_severity"]) == (1, {"inform": 1, "invalid": 1})
    await act(ANALYST, "POST", f"/alarms/{alarm['id']}/close", cause="unfounded", note="核实无异常")
    assert (await act(OFFICER, "GET", "/alarms/rollup", by="area"))["items"] == []
    assert (await act(ELSEWHERE, "GET", "/alarms/rollup", by="region"))["items"] == []


async def test_SLm_15_heavy_metals_of_a_park_are_a_set_of_alarms(lane: Lane, act: Act):
    await place(lane, "sites", "131000-P01", 1, area="PARK-1", dept=None)
    await exceed(lane)
    await lane.send([(LEAD_GAS, hour_now(), 0.9)])
    assert len((await act(READER, "GET", "/alarms"))["items"]) == 2
    (alarm,) = (await act(READER, "GET", "/alarms", set="heavy-metals"))["items"]
    assert (alarm["series"]["factor"], alarm["value"]) == ("a20043", 0.9)
    (park,) = (await act(READER, "GET", "/alarms/rollup"))["items"]
    assert (park["open"], park["by_set"]["heavy-metals"]["open"]) == (2, 1)
    assert (await act(READER, "GET", "/alarms", 422, set="unknown"))["type"] == "/problems/set-unknown"
    sets = {one["id"]: one for one in (await act(READER, "GET", "/desk-rules"))["sets"]}
    assert "商洛" in sets["heavy-metals"]["source"] and sets["heavy-metals"]["zh"]


async def answer(lane: Lane, order: str, state: str = "done", **more) -> None:
    event = CheckEnded(
        order_id=order, site="131000-P01", region="131000", state=state,
        ended_at_ms=int(datetime.now(UTC).timestamp() * 1000), **more,
    )  # fmt: skip
    async with lane.database.writer() as session:
        await end(session, event)


async def test_LF_66_LN_33_a_seeded_anomaly_is_alarmed_and_the_remote_check_is_kept(lane: Lane, act: Act):
    lane.clock.now = datetime.now(UTC)
    await lane.send(freeze())
    alarms = {one["rule"]: one for one in (await act(ANALYST, "GET", "/alarms"))["items"]}
    assert {"K1", "X9"} <= set(alarms) and all(one["message_zh"] for one in alarms.values())
    made = await act(
        ANALYST, "POST", "/check-orders", 202,
        check="zero", site=PM25.site, factor=PM25.factor, alarm=alarms["K1"]["id"], reason="恒值核查",
    )  # fmt: skip
    (said,) = await lane.said(CheckOrdered)
    assert (said.order_id, said.check, said.factor) == (made["id"], "zero", "a34004")
    result = [{"PolId": "a34004", "Rtd": "0.3"}]
    await answer(lane, made["id"], command="c-1", mn="MN-1", result=result)
    await answer(lane, made["id"], "failed")
    shown = await act(READER, "GET", f"/check-orders/{made['id']}")
    assert (shown["state"], shown["result"], shown["mn"], shown["ordered_by"].split()[0]) == (
        "done", result, "MN-1", ANALYST,
    )  # fmt: skip
    steps = (await act(ANALYST, "GET", f"/alarms/{alarms['K1']['id']}"))["steps"]
    assert [step["step"] for step in steps] == ["check-ordered", "check-ended"]


async def test_SLe_15_enforcement_verifies_from_afar_before_it_goes_there(lane: Lane, act: Act):
    await exceed(lane)
    alarm = await only_alarm(act)
    asked = {"check": "standard", "site": "131000-P01", "factor": "a21026", "alarm": alarm["id"]}
    await act(READER, "POST", "/check-orders", 403, reason="not mine", **asked)
    await act("ee.enf/case.officer@131100", "POST", "/check-orders", 403, reason="elsewhere", **asked)
    await act(OFFICER, "POST", "/check-orders", 404, reason="无此点位", **asked | {"site": "131000-P09"})
    made = await act(OFFICER, "POST", "/check-orders", 202, reason="非现场核查", **asked)
    await answer(lane, made["id"], "unsendable", message_zh="无可反控设备", message_en="no logger")
    (order,) = (await act(OFFICER, "GET", "/check-orders"))["items"]
    assert (order["state"], order["alarm_id"], order["message_zh"]) == (
        "unsendable",
        alarm["id"],
        "无可反控设备",
    )
    await act(OFFICER, "POST", f"/alarms/{alarm['id']}/acknowledge")
    await act(OFFICER, "POST", f"/alarms/{alarm['id']}/close", cause="violation", note="线索成立")
    assert (await lane.said(AlarmRaised))[-1].severity == "case"


async def test_points_of_a_challenge_are_drawn_by_a_published_value_and_anybody_can_recompute_it(
    lane: Lane, act: Act
):
    outlets = [msgspec.structs.replace(SO2, id=100 + n, site=f"P{n:02d}") for n in range(9)]
    lane.clock.now = datetime.now(UTC)
    for outlet in outlets:
        await lane.send([(outlet, hour_now(), 20.0)])
    soon = datetime.now(UTC) + timedelta(hours=1)
    asked = {
        "region": "131000", "purpose": "盲样考核", "candidates": [f"{one.site}/a21026" for one in outlets],
        "take": 3, "announced": "双色球 2026138 期红球", "value_after": soon.isoformat(),
    }  # fmt: skip
    late = asked | {"value_after": (soon - timedelta(hours=2)).isoformat()}
    await act(ANALYST, "POST", "/check-draws", 422, **late)
    await act(ANALYST, "POST", "/check-draws", 422, **asked | {"take": 10})
    made = await act(ANALYST, "POST", "/check-draws", 201, **asked)
    drawing = {"value": "03 07 12 19 24 31", "value_source": "中国福利彩票", "check": "standard"}
    early = await act(ANALYST, "POST", f"/check-draws/{made['id']}/draw", 409, **drawing)
    assert early["type"] == "/problems/value-not-published"
    # The hour passes.
    async with lane.database.writer() as session:
        await session.execute(text("UPDATE check_draws SET value_after = listed_at"))
    drawn = await act(ANALYST, "POST", f"/check-draws/{made['id']}/draw", **drawing)
    await act(ANALYST, "POST", f"/check-draws/{made['id']}/draw", 409, **drawing | {"value": "another"})
    shown = await act(READER, "GET", f"/check-draws/{made['id']}")
    points, value = shown["candidates"], shown["value"]
    digest = hashlib.sha256("\n".join(sorted(points)).encode()).hexdigest()
    lots = sorted((hashlib.sha256(f"{value}|{digest}|{one}".encode()).hexdigest(), one) for one in points)
    assert (shown["list_sha256"], shown["drawn"]) == (digest, [one for _, one in lots[:3]])
    assert shown["list_sha256"] == made["list_sha256"] and shown["list_is_unchanged"]
    ordered = {(one.site, one.factor) for one in await lane.said(CheckOrdered)}
    assert ordered == {tuple(one.split("/")) for one in shown["drawn"]} and len(drawn["orders"]) == 3


async def test_the_roster_refuses_what_is_no_shift_and_shows_who_is_on_duty(lane: Lane, act: Act):
    turns = shifts((1, "ee.mon", "zhang"))
    await act(ANALYST, "POST", "/duty-shifts", 403, shifts=turns)
    back = [turns[0] | {"ends_at": turns[0]["starts_at"]}, turns[0] | {"region": "999999"}]
    wrong = await act(REVIEWER, "POST", "/duty-shifts", 422, shifts=back)
    assert [fault["where"] for fault in wrong["errors"]] == ["shifts/0/ends_at", "shifts/1/region"]
    await act(REVIEWER, "POST", "/duty-shifts", 403, shifts=[turns[0] | {"region": "131100"}])
    (made,) = (await act(REVIEWER, "POST", "/duty-shifts", 201, shifts=turns))["items"]
    (running,) = (await act(READER, "GET", "/duty-shifts", is_running=True))["items"]
    assert (running["id"], running["person"]) == (made["id"], "zhang")
    await act(REVIEWER, "POST", f"/duty-shifts/{made['id']}/cancel", reason="换班")
    assert (await act(READER, "GET", "/duty-shifts", is_running=True))["items"] == []
    assert len((await act(READER, "GET", "/duty-shifts"))["items"]) == 1
