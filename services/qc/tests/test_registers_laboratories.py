"""Laboratories, people, agencies, plans: each row of the requirements is named in its test, through HTTP."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from contracts.qc import OperatorScored
from qc_scene import Lane
from registers_scene import (
    AGENCY,
    ANALYST,
    CERTIFICATE,
    CLERK,
    LAB,
    MARKET,
    MATERIAL,
    NOW,
    OPERATOR,
    OTHER,
    REPORT,
    Desk,
    ago,
    day,
    flags,
)
from sqlalchemy import text


async def test_LF_43_an_expired_reference_material_that_is_used_is_flagged(desk: Desk):
    await desk.put(LAB, "metrology/reference-materials/M1", MATERIAL | {"expires_on": day(-5)})
    use = {"material": "M1", "used_at": ago(days=8), "amount": 1, "purpose": "量程校准", "used_by": ["P1"]}
    assert flags(await desk.enter(LAB, "metrology/material-uses", use)) == []
    late = await desk.enter(LAB, "metrology/material-uses", use | {"used_at": ago(days=2)})
    assert flags(late) == ["material-expired"]
    assert await desk.findings("samr/qc.analyst@131000") == ["material-expired"]
    await desk.instrument(operator=AGENCY)
    check = {
        "instrument": "I1", "done_at": ago(days=1), "way": "manual", "material": "M1",
        "readings": [{"factor": "a21026", "full_scale": 200, "span_reference": 160, "span_reading": 160}],
    }  # fmt: skip
    assert flags(await desk.enter(LAB, "metrology/calibrations", check)) == ["material-expired"]
    await desk.tick(NOW)
    assert "material-expired-in-stock" in await desk.findings(LAB)


async def test_LN_19_each_use_takes_from_the_stock_and_none_from_what_is_not_there(desk: Desk):
    shown = await desk.put(LAB, "metrology/reference-materials/M1", MATERIAL)
    assert shown["judged"]["stock"] == 3
    use = {"material": "M1", "used_at": ago(days=1), "amount": 2, "purpose": "校准", "used_by": ["P1"]}
    await desk.put(LAB, "metrology/material-uses/U1", use)
    await desk.put(LAB, "metrology/material-uses/U1", use)
    left = await desk.get(LAB, "/registers/metrology/reference-materials/M1")
    assert (left["judged"]["stock"], left["judged"]["is_used_up"]) == (1, False), (
        "the same use again takes nothing"
    )
    short = await desk.put(LAB, "metrology/material-uses/U2", use, 409)
    assert (short["type"], short["stock"]) == ("/problems/stock-short", 1)
    headers, last = desk._bearer(LAB, None), use | {"amount": 1}
    paths = [f"/registers/metrology/material-uses/U{n}" for n in range(3, 7)]
    at_once = await asyncio.gather(*(desk.client.put(path, json=last, headers=headers) for path in paths))
    assert sorted(one.status_code for one in at_once) == [200, 409, 409, 409]
    less = MATERIAL | {"quantity": 2}
    version = (await desk.get(LAB, "/registers/metrology/reference-materials/M1"))["version"]
    await desk.put(LAB, "metrology/reference-materials/M1", less, 409, **{"If-Match": f'"{version}"'})
    await desk.tick(NOW + timedelta(days=60))
    assert await desk.findings(LAB) == [], "what is used up does not expire in stock"
    log = await desk.get(MARKET, "/registers/metrology/reference-materials/M1/history")
    assert [one["judged"]["stock"] for one in log["items"]] == [3, 1, 0]


async def test_CC_24_the_chain_of_traceability_ends_at_a_national_standard(desk: Desk):
    good = await desk.put(LAB, "metrology/reference-materials/M1", MATERIAL)
    assert good["judged"]["is_traceable"] and flags(good) == []
    broken = MATERIAL | {"traceability": MATERIAL["traceability"][:1]}
    assert flags(await desk.put(LAB, "metrology/reference-materials/M2", broken)) == ["untraceable"]
    backwards = MATERIAL | {"traceability": MATERIAL["traceability"][::-1]}
    assert flags(await desk.put(LAB, "metrology/reference-materials/M3", backwards)) == ["untraceable"]
    assert await desk.findings(MARKET) == ["untraceable", "untraceable"]


async def rounds(desk: Desk) -> None:
    await desk.method("HJ 535-2009", "w21003")
    body = {
        "programme": "2026 氨氮", "reach": "regional", "region": "131000", "factor": "w21003", "unit": "mg/L",
        "samples": 3,
        "sent_on": day(-20), "due_on": day(-2), "participants": [AGENCY, OTHER, OPERATOR],
    }  # fmt: skip
    await desk.put(CLERK, "proficiency/pt-rounds/N1", body)


def result(value: float, unit: str = "mg/L", **more: Any) -> dict[str, Any]:
    body = {
        "round": "N1",
        "result": value,
        "unit": unit,
        "method": "HJ 535-2009",
        "analysed_on": day(-5),
        "analysed_by": ["P1"],
    }
    return body | more


async def test_CC_23_a_z_score_above_three_is_unsatisfactory(desk: Desk):
    await rounds(desk)
    first = await desk.put(LAB, "proficiency/pt-results/A", result(1320, "ug/L", uncertainty=50))
    assert (first["judged"]["outcome"], first["judged"]["result"]) == ("waiting", 1.32)
    value = {"round": "N1", "assigned": 1.0, "sigma": 0.1, "uncertainty": 0.05, "basis": "reference"}
    await desk.put(CLERK, "proficiency/pt-values/V1", value)
    scored = await desk.get(LAB, "/registers/proficiency/pt-results/A")
    assert (scored["judged"]["z"], scored["judged"]["outcome"]) == (3.2, "unsatisfactory")
    assert scored["judged"]["en"] == pytest.approx(0.32 / (0.05**2 + 0.05**2) ** 0.5, abs=1e-4)
    assert "unsatisfactory" in await desk.findings(ANALYST)
    questionable = await desk.put(LAB, "proficiency/pt-results/B", result(1.25), uscc=OTHER)
    assert (questionable["judged"]["z"], flags(questionable)) == (2.5, ["questionable"])
    good = await desk.put(LAB, "proficiency/pt-results/C", result(1.2), uscc=OTHER)
    assert (good["judged"]["outcome"], flags(good)) == ("satisfactory", [])
    en = await desk.put(LAB, "proficiency/pt-results/D", result(1.19, uncertainty=0.01), uscc=OTHER)
    assert en["judged"]["outcome"] == "unsatisfactory", "|z| 1.9, but |En| 3.7"
    beyond = await desk.put(LAB, "proficiency/pt-results/F", result(0.69), uscc=OTHER)
    assert (beyond["judged"]["z"], flags(beyond)) == (-3.1, ["unsatisfactory"])
    wrong = await desk.put(LAB, "proficiency/pt-results/E", result(1.2, "mg/m3"), 422)
    assert wrong["errors"][0]["rule"] == "unit-mismatch"


async def test_LN_31_a_regional_round_goes_to_many_laboratories_and_misses_who_is_silent(desk: Desk):
    await rounds(desk)
    for owner, value in ((AGENCY, 1.0), (OTHER, 1.1)):
        seen = await desk.get(LAB, "/registers/proficiency/pt-rounds", uscc=owner)
        assert [one["code"] for one in seen["items"]] == ["N1"]
        await desk.enter(LAB, "proficiency/pt-results", result(value), uscc=owner)
    value = {"round": "N1", "assigned": 1.0, "sigma": 0.1, "basis": "expert"}
    await desk.put(LAB, "proficiency/pt-values/V1", value, 403)
    await desk.put(CLERK, "proficiency/pt-values/V1", value)
    assert (await desk.get(LAB, "/registers/proficiency/pt-values"))["items"] == [], (
        "not shown to participants"
    )
    mine = await desk.get(LAB, "/registers/proficiency/pt-results")
    assert [one["uscc"] for one in mine["items"]] == [AGENCY], "nor the others' results"
    early = {"round": "N1", "basis": "consensus"}
    few = await desk.put(CLERK, "proficiency/pt-values/V2", early, 422)
    assert few["errors"][0]["rule"] == "consensus"
    await desk.tick(NOW)
    (missing,) = (await desk.get(ANALYST, "/register-findings", state="open"))["items"]
    assert (missing["finding"], missing["detail"]["participant"]) == ("pt-result-missing", OPERATOR)
    await desk.enter("operator/data.submit@131000", "proficiency/pt-results", result(1.0))
    assert await desk.findings(ANALYST) == []


async def test_LN_31_where_nobody_knows_the_value_the_laboratories_agree_on_it(desk: Desk):
    await rounds(desk)
    for n, value in enumerate((9.0, 10.0, 11.0, 12.0, 13.0, 30.0)):
        await desk.put(LAB, f"proficiency/pt-results/R{n}", result(value * 1000, "ug/L"))
    shown = await desk.put(CLERK, "proficiency/pt-values/V1", {"round": "N1", "basis": "consensus"})
    assert (shown["judged"]["assigned"], shown["judged"]["results"]) == (11.5, 6)
    assert shown["judged"]["sigma"] == pytest.approx(0.7413 * (12.75 - 10.25))
    scored = (await desk.get(CLERK, "/registers/proficiency/pt-results"))["items"]
    assert [one["judged"]["outcome"] for one in scored] == ["satisfactory"] * 5 + ["unsatisfactory"]


async def test_UN_17_the_score_of_an_operator_is_told_to_credit(desk: Desk, lane: Lane):
    body = {
        "operator": OPERATOR, "third_party": AGENCY, "region": "131000", "held_on": day(-1),
        "period": "2026Q4",
        "compared": 20, "passed": 18, "transmission_percent": 95, "records_percent": 100,
    }  # fmt: skip
    shown = await desk.put(CLERK, "proficiency/operator-scores/S1", body)
    assert shown["judged"]["score"] == 93.0
    poor = await desk.put(
        CLERK, "proficiency/operator-scores/S2", body | {"passed": 4, "transmission_percent": 60}
    )
    assert (poor["judged"]["score"], flags(poor)) == (44.0, ["operator-poor"])
    own = await desk.put(CLERK, "proficiency/operator-scores/S3", body | {"third_party": OPERATOR}, 422)
    assert own["errors"][0]["rule"] == "not-third-party"
    await desk.put(CLERK, "proficiency/operator-scores/S1", body)
    async with lane.database.writer() as session:
        rows = await session.execute(
            text("SELECT data FROM outbox WHERE event = 'qc.operator_scored.v1' ORDER BY id")
        )
        said = [msgspec.json.decode(row.data, type=OperatorScored) for row in rows]
    assert [(one.operator, one.third_party, one.score, one.is_poor) for one in said] == [
        (OPERATOR, AGENCY, 93.0, False),
        (OPERATOR, AGENCY, 44.0, True),
    ]
    seen = await desk.get("operator/data.submit@131000", "/registers/proficiency/operator-scores")
    assert [one["code"] for one in seen["items"]] == ["S1", "S2"]


async def test_LF_19_a_result_by_an_unregistered_method_is_flagged(desk: Desk):
    await desk.put(LAB, "agencies/qualifications/Q1", CERTIFICATE | {"valid_to": day(100)})
    report = REPORT | {"issued_on": day(-1)}
    assert flags(await desk.enter(LAB, "agencies/reports", report)) == ["method-unregistered"]
    await desk.method("HJ 828-2017", "w01018")
    assert flags(await desk.enter(LAB, "agencies/reports", report)) == []
    other = report | {"items": [{"factor": "w21003", "method": "HJ 828-2017"}]}
    assert flags(await desk.enter(LAB, "agencies/reports", other)) == ["method-unregistered"], (
        "not for this factor"
    )
    await rounds(desk)
    await desk.enter(LAB, "proficiency/pt-results", result(1.0, method="HJ 9999-2009"))
    assert (await desk.findings(ANALYST)).count("method-unregistered") == 3


async def test_LF_20_units_are_made_one_and_other_methods_are_not_compared(desk: Desk):
    await desk.method("HJ 535-2009", "w21003")
    await desk.method("HJ 536-2009", "w21003")
    one = {
        "by": "生态环境监测站",
        "value": 0.35,
        "unit": "mg/L",
        "method": "HJ 535-2009",
        "fraction": "total",
    }
    other = one | {"by": "水利局", "value": 350, "unit": "µg/L"}
    body = {
        "region": "131000",
        "factor": "w21003",
        "sampled_at": ago(days=1),
        "first": [one],
        "second": [other],
    }
    same = await desk.enter("water/data.submit@131000", "proficiency/result-comparisons", body)
    judged = same["judged"]
    assert (judged["first"], judged["second"], judged["unit"]) == (0.35, 0.35, "mg/L")
    assert (judged["is_comparable"], judged["relative_difference"], flags(same)) == (True, 0.0, [])
    for cells, why in (({"method": "HJ 536-2009"}, "method"), ({"fraction": "dissolved"}, "fraction")):
        shown = await desk.enter(CLERK, "proficiency/result-comparisons", body | {"second": [other | cells]})
        assert flags(shown) == ["not-comparable"] and why in str(shown["judged"]) + str(cells)
        assert not shown["judged"]["is_comparable"] and "relative_difference" not in shown["judged"]
        assert shown["flags"][0]["zh"] == "不可比"


async def agency(desk: Desk, dept: str, uscc: str) -> None:
    body = {
        "uscc": uscc,
        "name_zh": "站",
        "name_en": "Station",
        "region": "131000",
        "competent_dept": dept,
        "type": "laboratory",
    }
    await desk.put(MARKET, f"agencies/agencies/{uscc}", body)


async def test_CC_03_a_department_sees_its_own_agencies_only_and_has_its_report(desk: Desk):
    await desk.put(LAB, "metrology/reference-materials/M1", MATERIAL | {"traceability": []})
    await agency(desk, "agri", AGENCY)
    await agency(desk, "water", OTHER)
    await desk.put(LAB, "metrology/reference-materials/M2", MATERIAL, uscc=OTHER)
    for dept, mine, foreign in (("agri", "M1", "M2"), ("water", "M2", "M1")):
        who = f"{dept}/data.read@131000"
        seen = await desk.get(who, "/registers/metrology/reference-materials")
        assert [one["code"] for one in seen["items"]] == [mine]
        await desk.get(who, f"/registers/metrology/reference-materials/{foreign}", 404)
        report = await desk.get(who, "/quality-report")
        assert [(one["dept"], one["agencies"]) for one in report["items"]] == [(dept, 1)]
    report = await desk.get("ee/data.read@131000", "/quality-report")
    assert {one["dept"]: one["open"] for one in report["items"]} == {"agri": 1, "water": 0}
    assert report["items"][0]["findings"]["untraceable"]["open"] == 1
    await desk.put("agri/data.submit@131000", "metrology/reference-materials/M1", MATERIAL, 403)
    claimed = {
        "uscc": OTHER,
        "name_zh": "站",
        "name_en": "S",
        "region": "131000",
        "competent_dept": "agri",
        "type": "agency",
    }
    await desk.put("agri/data.submit@131000", f"agencies/agencies/{OTHER}", claimed, 403)


async def test_SLm_20_internal_and_external_quality_control_are_told_apart(desk: Desk):
    await agency(desk, "agri", AGENCY)
    work = {
        "region": "131000",
        "side": "internal",
        "way": "blank",
        "laboratory": AGENCY,
        "done_at": ago(days=3),
        "is_passed": True,
    }
    for way in ("blank", "parallel", "spiked"):
        await desk.enter(LAB, "proficiency/qc-activities", work | {"way": way})
    check = work | {"side": "external", "way": "spot_check", "is_passed": False}
    failed = await desk.enter(CLERK, "proficiency/qc-activities", check)
    assert flags(failed) == ["qc-failed"]
    assert len((await desk.get(LAB, "/registers/proficiency/qc-activities"))["items"]) == 4, (
        "the laboratory sees both"
    )
    report = await desk.get("ee/data.read@131000", "/quality-report")
    sides = {one["dept"]: one["quality_control"] for one in report["items"]}
    assert sides["agri"]["internal"] == {"count": 3, "passed": 3}
    itself = await desk.enter(LAB, "proficiency/qc-activities", check, 422)
    assert itself["errors"][0]["rule"] == "not-third-party"
    refused = await desk.enter(CLERK, "proficiency/qc-activities", check | {"side": "other"}, 422)
    assert refused["errors"][0]["rule"] == "choice"


async def test_kinds_are_public_and_speak_both_languages(desk: Desk):
    answer = await desk.client.get("/registers/kinds")
    kinds = answer.json()["items"]
    assert answer.status_code == 200 and len(kinds) >= 20
    for kind in kinds:
        assert kind["source"] and any(letter >= "\u4e00" for letter in kind["zh"]) and kind["en"].isascii()
        assert all(field["zh"] and field["en"] for field in kind["fields"].values())
        assert all(flag["zh"] and flag["en"] for flag in kind["flags"].values())
