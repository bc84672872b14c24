"""Figures that wait for a person, and two sources that differ: over HTTP, as the departments."""

from datetime import UTC, datetime

import msgspec
import pytest
from contracts.ingest import Revised
from contracts.qc import AlarmRaised, DeskStepTaken, HoldDecided, HoldPlaced
from desk_scene import ANALYST, ELSEWHERE, READER, REVIEWER, Act, actor, hour_now, look, shifts
from qc.flows.holds import lift_hold
from qc.flows.revising import assess_revised
from qc_scene import HOUR, PM25, Lane, bit, hours, ref

WATER = ref(50, "w01018", site="131000-W01", element="water", unit="mg/L", decimals=1, source="ee.mon")
OTHER = msgspec.structs.replace(WATER, id=51, source="water-bureau", unit="ug/L", decimals=0)


@pytest.fixture
def act(client, tokens) -> Act:
    return actor(client, tokens)


async def revise(lane: Lane, ts_ms: int) -> None:
    event = Revised(
        submission="s2", series=PM25, ts_ms=ts_ms, first_value=35.0, later_value=12.0, received_at_ms=ts_ms
    )
    async with lane.database.writer() as session:
        await assess_revised(session, event, lane.meta("ingest.revised.v1"), lane.setting)


async def held(lane: Lane, act: Act) -> dict:
    """Two hours of which a second value was sent."""
    lane.clock.now = datetime.now(UTC)
    begin = hour_now() - 5 * HOUR
    await lane.send(hours(PM25, [35.0, 36.0], begin))
    for hour in range(2):
        await revise(lane, begin + hour * HOUR)
    (hold,) = (await act(READER, "GET", "/holds", state="open"))["items"]
    return hold


async def test_a_rule_of_severity_hold_lets_the_figure_wait_and_an_analyst_releases_it(lane: Lane, act: Act):
    hold = await held(lane, act)
    placed = await lane.said(HoldPlaced)
    assert {event.hold_id for event in placed} == {hold["id"]}
    assert [(event.to_ms - event.from_ms) // HOUR for event in placed] == [1, 2]
    assert (placed[0].due_at_ms - placed[0].placed_at_ms, placed[0].factor) == (24 * HOUR, "a34004")
    assert "首次收到的值为准" in hold["reason_zh"] and hold["kind"] == "rule" and not hold["is_overdue"]
    path = f"/holds/{hold['id']}/decide"
    await act(READER, "POST", path, 403, decision="release", reason="not mine")
    await act(ELSEWHERE, "POST", path, 403, decision="release", reason="elsewhere")
    await act(ANALYST, "POST", path, 422, decision="release", released=[99], reason="no such series")
    done = await act(ANALYST, "POST", path, decision="release", reason="后值为误报，首值属实")
    assert (done["decision"], done["decided_by"].split()[0]) == ("release", ANALYST)
    assert [step["step"] for step in done["steps"]] == ["placed", "decided"]
    await act(REVIEWER, "POST", path, 409, decision="keep-out", reason="too late")
    (said,) = await lane.said(HoldDecided)
    assert (said.decision, said.tests, said.released) == ("release", bit("C1"), [])
    # What comes after the decision is not covered by it, though the alarm is the same one.
    await lane.send(hours(PM25, [37.0], hour_now() - 3 * HOUR))
    await revise(lane, hour_now() - 3 * HOUR)
    (later,) = (await act(READER, "GET", "/holds", state="open"))["items"]
    assert later["id"] != hold["id"] and len(await lane.said(AlarmRaised)) == 1


async def test_an_overdue_hold_goes_up_the_duty_roster(lane: Lane, act: Act):
    await act(REVIEWER, "POST", "/duty-shifts", 201, shifts=shifts((2, "ee.mon", "li")))
    hold = await held(lane, act)
    await look(lane, hours=23)
    await look(lane, hours=25)
    steps = (await act(ANALYST, "GET", f"/holds/{hold['id']}"))["steps"]
    assert [(one["step"], one["level"]) for one in steps] == [("placed", 1), ("overdue", 2)]
    assert steps[1]["assignee"] == "ee.mon@131000 li 同志 li"
    said = [event for event in await lane.said(DeskStepTaken) if event.subject == "hold"]
    assert [event.step for event in said] == ["placed", "overdue"]


async def test_a_hold_whose_alarm_is_withdrawn_is_lifted(lane: Lane, act: Act):
    hold = await held(lane, act)
    async with lane.database.writer() as session:
        await lift_hold(session, hold["alarm_id"], lane.clock())
    (said,) = await lane.said(HoldDecided)
    assert said.decision == "lifted"


async def differ(lane: Lane, act: Act) -> dict:
    lane.clock.now = datetime.now(UTC)
    begin = hour_now() - 5 * HOUR
    await lane.send(hours(WATER, [20.0, 20.1, 20.2, 20.3], begin))
    await lane.send(hours(OTHER, [20_000.0, 25_000.0, 26_000.0, 20_400.0], begin))
    (issue,) = (await act(READER, "GET", "/holds", kind="consistency"))["items"]
    return issue


async def test_LF_01_two_departments_that_differ_are_an_issue_that_blocks_publication(lane: Lane, act: Act):
    issue = await differ(lane, act)
    assert [one["source"] for one in issue["sources"]] == ["ee.mon", "water-bureau"]
    shown = await act(READER, "GET", f"/holds/{issue['id']}")
    assert [(one["value_a"], one["value_b"]) for one in shown["pairs"]] == [(20.1, 25.0), (20.2, 26.0)]
    assert all("LF-01" in one["source_clause"] and one["tolerance"] > 0.1 for one in shown["pairs"])
    assert "water-bureau" in shown["reason_zh"] and "water-bureau" in shown["reason_en"]
    last = (await lane.said(HoldPlaced))[-1]
    begin = hour_now() - 4 * HOUR
    assert (last.kind, last.series, last.from_ms, last.to_ms) == (
        "consistency", [50, 51], begin, begin + 2 * HOUR,
    )  # fmt: skip
    path = f"/holds/{issue['id']}/decide"
    unnamed = await act(ANALYST, "POST", path, 422, decision="release", reason="哪一个？")
    assert unnamed["type"] == "/problems/source-unnamed"
    waiting = await act(ANALYST, "POST", path, decision="release", released=[50], reason="以监测站为准")
    assert (waiting["decision"], waiting["proposed"], await lane.said(HoldDecided)) == (None, "release", [])
    alone = await act(ANALYST, "POST", path, 403, decision="release", released=[50], reason="again alone")
    assert (alone["type"], "LF-01" in alone["errors"][0]["rule"]) == ("/problems/same-person", True)
    assert "须由第二人决定" in alone["errors"][0]["what"]
    done = await act(REVIEWER, "POST", path, decision="release", released=[50], reason="同意")
    assert [step["step"] for step in done["steps"]] == ["placed", "proposed", "decided"]
    (said,) = await lane.said(HoldDecided)
    assert (said.decision, said.released) == ("release", [50])


async def test_sources_that_agree_within_the_tolerance_or_are_bad_open_no_issue(lane: Lane, act: Act):
    lane.clock.now = datetime.now(UTC)
    begin = hour_now() - 5 * HOUR
    await lane.send(hours(WATER, [20.0, 20.0], begin))
    await lane.send(hours(OTHER, [20_900.0], begin))
    await lane.send(hours(OTHER, [40_000.0], begin + HOUR), flag="D")
    await lane.send(hours(OTHER, [40_000.0], begin + 2 * HOUR))
    await lane.send(hours(WATER, [20.0], begin + 2 * HOUR), mode="historical")
    assert (await act(READER, "GET", "/holds"))["items"] == []
    assert {one.rule for one in await lane.said(AlarmRaised)} == {"mark-fault"}
