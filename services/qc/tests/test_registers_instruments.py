"""Instruments: each row of the requirements is named in its test, through HTTP as its department."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from contracts.qc import RegisterFindingRaised
from kit import migrate
from qc.rules.registers.instruments import judge_comparison
from qc.rules.registers.judged import Context
from qc_scene import Lane, hours
from registers_scene import (
    ANALYST,
    CLERK,
    MARKET,
    NOW,
    OFFICER,
    OPERATOR,
    OTHER,
    OUTLET,
    SO2,
    STACK,
    STATION,
    Desk,
    ago,
    day,
)
from sqlalchemy import text

UNIT_CLERK, OPERATOR_CLERK = "unit/data.submit@131000", "operator/data.submit@131000"
GOOD = [(800.0, 801.0 + n) for n in range(9)]
BAD = [(800.0, 990.0 + n) for n in range(9)]


@pytest.fixture
async def stack(desk: Desk) -> Desk:
    """An instrument that was compared, visited, and last calibrated nine days ago; due every seven."""
    await desk.method("HJ 57-2017", "a21026")
    await desk.instrument()
    await desk.person()
    await desk.compare(40, GOOD)
    for days in (9, 3):
        await desk.visit(days)
    await desk.calibrate(9)
    return desk


async def test_LF_34_an_overdue_instrument_flags_its_data(stack: Desk, lane: Lane):
    start = round((NOW - timedelta(days=3)).timestamp() * 1000)
    await lane.send(hours(SO2, [20.0, 21.0, 22.0], start=start))
    params = {"series": "10", "from": ago(days=4), "to": ago(days=0)}
    shown = await stack.get(ANALYST, "/verdicts", **params)
    early = (await stack.state(days=3))["flags"]
    assert early == [] and [row["instrument_flags"] for row in shown["items"]] == [[]] * 3
    late = round((NOW - timedelta(days=1)).timestamp() * 1000)
    await lane.send(hours(SO2, [23.0], start=late))
    shown = await stack.get(ANALYST, "/verdicts", **params)
    assert shown["items"][-1]["instrument_flags"] == ["calibration-overdue"]
    state = await stack.state(days=1)
    assert (state["is_calibrated"], state["reasons"][0]["situation"]) == (False, "overdue")
    assert "HJ 75-2017" in state["reasons"][0]["source"] and state["reasons"][0]["zh"].endswith("逾期")
    # The deadline was two days ago: the job finds it once, and the next passing check closes it.
    for _ in range(2):
        await stack.tick(NOW)
    assert await stack.findings(OFFICER) == ["calibration-overdue"]
    await stack.calibrate(0.5)
    assert await stack.findings(OFFICER) == [] and (await stack.state())["is_calibrated"]


async def test_a_deadline_that_is_not_over_is_no_finding(stack: Desk):
    await stack.tick(NOW - timedelta(days=2, hours=1))
    assert await stack.findings() == []
    await stack.tick(NOW - timedelta(days=2) + timedelta(seconds=1))
    assert await stack.findings() == ["calibration-overdue"]


async def test_drift_beyond_control_voids_the_hours_back_to_the_last_passing_check(stack: Desk, lane: Lane):
    """HJ 75: out of control from the last passing check before discovery to the next passing one."""
    await lane.send(hours(SO2, [20.0], start=round(NOW.timestamp() * 1000) - 3_600_000))
    assert (await stack.state(days=8))["is_calibrated"]
    found = await stack.calibrate(5, span=182.0)
    drift = found["judged"]["drift"][0]
    assert (drift["span_drift"], drift["is_in_control"]) == (11.0, False)
    assert [flag["flag"] for flag in found["flags"]] == ["out-of-control"]
    before, after = await stack.state(days=8), await stack.state(days=4)
    assert (before["reasons"][0]["situation"], after["reasons"][0]["situation"]) == ("failed-later", "failed")
    assert await stack.findings() == ["out-of-control"]
    await stack.calibrate(3)
    assert (await stack.state(days=2))["is_calibrated"] and not (await stack.state(days=4))["is_calibrated"]
    assert await stack.findings() == []
    # Within control, but above the limit for adjusting: told, and told no more once it was adjusted.
    adjusted = await stack.calibrate(1, span=168.0, is_adjusted=True)
    assert adjusted["flags"] == []
    assert [f["flag"] for f in (await stack.calibrate(0.9, span=168.0))["flags"]] == ["drift-not-adjusted"]


async def test_LF_37_a_failed_comparison_is_an_exception_with_a_deadline(stack: Desk):
    failed = await stack.compare(2, BAD)
    judged = failed["judged"]
    # |mean difference| 194 + t(8) 2.306 * s 2.7386 / 3, over 800
    assert judged["statistic"] == "relative-accuracy" and judged["limit"] == 15
    assert judged["figure"] == pytest.approx(100 * (194 + 2.306 * 2.738613 / 3) / 800, abs=1e-4)
    (exception,) = (await stack.get(ANALYST, "/register-findings", finding="comparison-failed"))["items"]
    assert exception["due_at"] is not None and "及时处理异常" in exception["source"]
    handling = {
        "comparison": failed["code"],
        "done_at": ago(hours=2),
        "cause": "漂移",
        "measures": "更换",
        "done_by": ["P1"],
    }
    await stack.enter(OPERATOR_CLERK, "metrology/exception-handlings", handling)
    assert await stack.findings() == ["comparison-failed"], "handling alone does not mend it"
    await stack.tick(NOW + timedelta(days=6))
    assert "mend-overdue" in await stack.findings()
    await stack.compare(0.1, GOOD)
    assert await stack.findings() == ["calibration-overdue"]


@pytest.mark.parametrize(
    ("level", "monitored", "passes", "statistic"),
    [
        (400.0, 456.0, True, "mean-absolute"),
        (400.0, 458.0, False, "mean-absolute"),
        (100.0, 129.0, True, "mean-relative"),
        (100.0, 131.0, False, "mean-relative"),
        (30.0, 46.9, True, "mean-absolute"),
        (30.0, 47.1, False, "mean-absolute"),
    ],
)
async def test_LF_37_limits_by_range_of_hj_75(level, monitored, passes, statistic):
    context = Context("C", None, date(2026, 1, 1), {"instrument": STACK}, {}, {})
    values = {"factor": "a21026", "pairs": [{"reference": level, "monitored": monitored}] * 9}
    judged = judge_comparison(values, context)
    assert (judged.figures["statistic"], judged.figures["passed"]) == (statistic, {"a21026": passes})
    water = Context(
        "C", None, date(2026, 1, 1), {"instrument": STACK | {"application": "waste-water"}}, {}, {}
    )
    pairs = [{"reference": 80.0, "monitored": 95.0}, {"reference": 80.0, "monitored": 97.0}]
    cod = judge_comparison(
        {"factor": "w01018", "pairs": [*pairs, {"reference": 80.0, "monitored": 80.0}]}, water
    )
    assert cod.figures["passed"] == {"w01018": True} and cod.figures["figure"] == 2
    too_few = judge_comparison({"factor": "w01018", "pairs": pairs}, water)
    assert [one.rule for one in too_few.flaws] == ["pairs"]


async def test_UN_16_unverified_data_is_invalid_as_evidence(desk: Desk, lane: Lane):
    await lane.send(hours(SO2, [20.0], start=round(NOW.timestamp() * 1000) - 3_600_000))
    await desk.method("HJ 57-2017", "a21026")
    await desk.instrument(is_mandatory=True)
    await desk.person()
    for enter in (desk.compare(40, GOOD), desk.calibrate(6), desk.visit(1)):
        await enter
    state = await desk.state()
    assert (state["is_valid_as_evidence"], state["flags"]) == (False, ["verification-missing"])
    assert await desk.findings("samr/qc.analyst@131000") == ["mandatory-unfiled"]
    certificate = {
        "instrument": "I1", "way": "verification", "done_on": day(-30), "result": "passed",
        "certificate_no": "V1", "laboratory": "市计量所", "traced_to": "国家计量院", "valid_to": day(-1),
    }  # fmt: skip
    await desk.enter(MARKET, "metrology/verifications", certificate)
    assert (await desk.state(days=5))["is_valid_as_evidence"]
    assert (await desk.state())["reasons"][0]["situation"] == "overdue"
    # A certificate ends with its day: in the first hour of a day NOW is that very instant.
    await desk.tick(NOW + timedelta(seconds=1))
    assert "verification-missing" in await desk.findings()
    again = certificate | {"done_on": day(0), "valid_to": day(364), "certificate_no": "V2"}
    await desk.enter(MARKET, "metrology/verifications", again)
    assert (await desk.state())[
        "is_valid_as_evidence"
    ] and "verification-missing" not in await desk.findings()
    await desk.enter(MARKET, "metrology/verifications", again | {"result": "failed", "certificate_no": "V3"})
    assert not (await desk.state())["is_valid_as_evidence"]


async def test_LF_42_a_missing_model_certificate_is_flagged(desk: Desk, lane: Lane):
    await lane.send(hours(SO2, [20.0], start=round(NOW.timestamp() * 1000) - 3_600_000))
    shown = await desk.instrument(model_certificate=None)
    assert [flag["flag"] for flag in shown["flags"]] == ["model-certificate-missing"]
    assert "model-certificate-missing" in (await desk.state())["flags"]
    assert await desk.findings(OFFICER) == ["model-certificate-missing"]
    version = {"If-Match": f'"{shown["version"]}"'}
    body = STACK | {"in_use_from": ago(days=60)}
    await desk.put(UNIT_CLERK, "metrology/instruments/I1", body, 428)
    await desk.put(UNIT_CLERK, "metrology/instruments/I1", body, 412, **{"If-Match": '"999"'})
    mended = await desk.put(UNIT_CLERK, "metrology/instruments/I1", body, **version)
    assert mended["flags"] == [] and await desk.findings(OFFICER) == []
    assert "model-certificate-missing" not in (await desk.state())["flags"]
    history = await desk.get(UNIT_CLERK, "/registers/metrology/instruments/I1/history")
    assert [one["flags"] for one in history["items"]] == [["model-certificate-missing"], []]


async def test_CC_04_assessment_points_get_the_stricter_profile(desk: Desk):
    station = {
        "site": STATION, "factors": ["a21026"], "application": "ambient-air", "model": "M", "serial": "2",
        "maker": "某厂", "model_certificate": "CPA-1", "is_mandatory": False, "in_use_from": ago(days=60),
    }  # fmt: skip
    await desk.site(STATION, None)
    await desk.put(CLERK, "metrology/instruments/A1", station)
    reading = {"factor": "a21026", "full_scale": 500, "span_reference": 400, "span_reading": 440}
    check = {"instrument": "A1", "done_at": ago(days=4), "way": "manual", "readings": [reading]}
    await desk.enter(CLERK, "metrology/calibrations", check | {"is_adjusted": True})
    await desk.tick(NOW)
    assert await desk.findings() == [], "8 % is within ±10 %, four days within seven"
    await desk.site(STATION, None, assessed=True)
    await desk.tick(NOW)
    assert await desk.findings() == ["calibration-overdue"], "every 72 h at an assessment point"
    strict = await desk.enter(CLERK, "metrology/calibrations", check | {"done_at": ago(days=1)})
    assert [flag["flag"] for flag in strict["flags"]] == ["out-of-control"]
    assert strict["judged"]["drift"][0]["source"].startswith("长春 (一)3")


async def test_NT_11_upkeep_is_recorded_and_its_absence_found(stack: Desk):
    assert await stack.findings("operator/data.submit@131000") == []
    await stack.tick(NOW + timedelta(days=7))
    assert "upkeep-overdue" in await stack.findings("operator/data.submit@131000")
    await stack.visit(0)
    listed = await stack.get(OPERATOR_CLERK, "/registers/metrology/om-records", about="I1")
    assert [one["work"] for one in listed["items"]] == ["inspection"] * 3
    changed = listed["items"][0] | {"detail": "改写"}
    body = {name: changed[name] for name in ("instrument", "done_at", "work", "detail", "done_by")}
    refused = await stack.put(OPERATOR_CLERK, f"metrology/om-records/{changed['code']}", body, 409)
    assert refused["type"] == "/problems/record-of-fact"
    again = body | {"detail": "巡检"}
    assert (await stack.put(OPERATOR_CLERK, f"metrology/om-records/{changed['code']}", again))[
        "version"
    ] == changed["version"]


async def test_nobody_registers_for_others_and_neighbours_see_nothing(stack: Desk):
    body = STACK | {"in_use_from": ago(days=60)}
    other = "unit/data.submit@131000"
    assert (await stack.put(other, "metrology/instruments/I2", body, 403, uscc=OTHER))["type"].endswith(
        "out-of-scope"
    )
    await stack.site(STATION, None)
    foreign = body | {"site": STATION}
    await stack.put(other, "metrology/instruments/I2", foreign, 403)
    check = {
        "instrument": "I1",
        "done_at": ago(days=1),
        "way": "manual",
        "readings": [{"factor": "a21026", "full_scale": 200}],
    }
    await stack.enter("operator/data.submit@131000", "metrology/calibrations", check, 403, uscc=OTHER)
    for who, uscc, count in (
        (OPERATOR_CLERK, OPERATOR, 1),
        (other, OTHER, 0),
        ("ee/data.read@131100", None, 0),
        (OFFICER, None, 1),
    ):
        seen = await stack.get(who, "/registers/metrology/instruments", uscc=uscc)
        assert len(seen["items"]) == count, who
    await stack.get("ee/data.read@131100", "/registers/metrology/instruments/I1", 404)
    await stack.get("police/data.read@131000", "/registers/metrology/instruments", 200)
    await stack.put("police/data.submit@131000", "metrology/instruments/I3", body, 403)


BAD_CELLS: list[tuple[dict[str, Any], str, str]] = [
    ({"factors": ["x"]}, "factors", "factor"),
    ({"site": "nowhere"}, "site", "reference"),
    ({"site": "a\x00b"}, "site", "text"),
    ({"in_use_from": "never"}, "in_use_from", "date"),
    ({"model": None}, "model", "field-missing"),
    ({"is_mandatory": "maybe"}, "is_mandatory", "type"),
    ({"nonsense": 1}, "nonsense", "field-unknown"),
    ({"application": "tea"}, "application", "choice"),
    ({"operator": "123"}, "operator", "uscc"),
    ({"in_use_to": ago(days=90)}, "in_use_to", "order"),
]


async def test_a_bad_record_is_refused_with_the_way_to_mend_it(desk: Desk):
    await desk.site(OUTLET, SO2.uscc)
    for cells, where, rule in BAD_CELLS:
        body = STACK | {"in_use_from": ago(days=60)} | cells
        refused = await desk.put(UNIT_CLERK, "metrology/instruments/I1", body, 422)
        assert (where, rule) in {(one["where"], one["rule"]) for one in refused["errors"]}
        assert all(one["mend"] and one["mend_zh"] and one["what_zh"] for one in refused["errors"])
    headers = desk._bearer(UNIT_CLERK, None) | {"content-type": "application/json"}
    half = b'{"model": "\\ud800", "\\udfff\\u0000": NaN, "in_use_from": 1e999}'
    broken = await desk.client.put("/registers/metrology/instruments/I1", content=half, headers=headers)
    assert broken.status_code == 422 and len(broken.json()["errors"]) > 3
    body = STACK | {"in_use_from": ago(days=60)}
    await desk.put(UNIT_CLERK, "metrology/instruments/a%00b", body, 422)
    await desk.put(UNIT_CLERK, "metrology/nothing/I1", body, 404)
    await desk.put(UNIT_CLERK, "agencies/instruments/I1", body, 404)
    await desk.put(UNIT_CLERK, "metrology/instruments/I1", [body], 422)
    assert (await desk.get(UNIT_CLERK, "/registers/metrology/instruments"))["items"] == []


async def test_a_finding_is_said_and_the_tables_are_what_the_migrations_make(stack: Desk, lane: Lane):
    await stack.tick(NOW)
    async with lane.database.writer() as session:
        rows = await session.execute(
            text("SELECT data FROM outbox WHERE event = 'qc.register_finding_raised.v1'")
        )
        (said,) = [msgspec.json.decode(row.data, type=RegisterFindingRaised) for row in rows]
    assert (said.finding, said.record, said.site) == ("calibration-overdue", "instruments/I1", OUTLET)
    assert await migrate.differences("qc", lane.database.superuser_url) == []
