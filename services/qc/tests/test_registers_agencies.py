"""Agencies, people, capacity, plans: each row of the requirements is named in its test, through HTTP."""

from datetime import timedelta
from typing import Any

from registers_scene import (
    ANALYST,
    BUREAU,
    CERTIFICATE,
    CLERK,
    LAB,
    MARKET,
    NOW,
    OPERATOR,
    OTHER,
    REPORT,
    SHA,
    UNIT,
    Desk,
    day,
    flags,
)


async def test_LF_40_a_report_outside_scope_or_after_expiry_is_flagged(desk: Desk):
    await desk.method("HJ 828-2017", "w01018")
    await desk.method("HJ 636-2012", "w21001")
    await desk.put(LAB, "agencies/qualifications/Q1", CERTIFICATE)
    before = REPORT | {"issued_on": day(-11)}
    assert flags(await desk.enter(LAB, "agencies/reports", before)) == []
    assert flags(await desk.enter(LAB, "agencies/reports", REPORT | {"issued_on": day(-9)})) == [
        "qualification-expired"
    ]
    nitrogen = [{"factor": "w21001", "method": "HJ 636-2012"}]
    outside = await desk.enter(LAB, "agencies/reports", before | {"items": nitrogen})
    assert flags(outside) == ["report-outside-scope"]
    assert await desk.findings(MARKET) == ["qualification-expired", "report-outside-scope"]
    await desk.tick(NOW)
    assert (await desk.findings(MARKET)).count("qualification-expired") == 2, (
        "the certificate itself has expired"
    )


async def test_NT_10_conflict_of_interest_sub_entrusting_and_excess_of_scope(desk: Desk):
    await desk.put(LAB, "agencies/qualifications/Q1", CERTIFICATE | {"valid_to": day(100)})
    mandate = {
        "region": "131000", "client": UNIT, "subject": UNIT, "purpose": "self_monitoring",
        "factors": ["w01018"],
        "begins_on": day(-50), "ends_on": day(50), "contract": SHA,
    }  # fmt: skip
    assert flags(await desk.put(LAB, "agencies/mandates/A", mandate)) == []
    authority = mandate | {"client": OTHER, "purpose": "supervision"}
    both = await desk.put(LAB, "agencies/mandates/B", authority)
    assert flags(both) == ["conflict-of-interest"]
    assert (
        flags(
            await desk.put(LAB, "agencies/mandates/C", authority | {"begins_on": day(51), "ends_on": day(60)})
        )
        == []
    )
    assert flags(await desk.put(LAB, "agencies/mandates/D", authority | {"subject": OPERATOR})) == []
    passed_on = mandate | {"sub_entrusted_to": OTHER, "factors": ["w01018", "w21001"], "subject": OTHER}
    assert flags(await desk.put(LAB, "agencies/mandates/E", passed_on)) == [
        "mandate-outside-scope",
        "sub-entrusted",
    ]
    (found,) = (await desk.get(MARKET, "/register-findings", finding="conflict-of-interest"))["items"]
    assert found["detail"] == {"mandates": ["A"]} and "Art. 29" in found["source"]


async def test_NT_12_an_agency_keeps_contract_raw_records_and_report(desk: Desk):
    await desk.method("HJ 828-2017", "w01018")
    await desk.put(LAB, "agencies/qualifications/Q1", CERTIFICATE | {"valid_to": day(100)})
    report = REPORT | {"issued_on": "2026-02-28"}
    kept = await desk.enter(LAB, "agencies/reports", report)
    assert (flags(kept), kept["judged"]["keep_until"]) == ([], "2032-02-28")
    lacking = await desk.enter(LAB, "agencies/reports", report | {"raw_records": None, "contract": None})
    assert flags(lacking) == ["record-not-kept"]
    (found,) = (await desk.get(MARKET, "/register-findings", finding="record-not-kept"))["items"]
    assert found["detail"] == {"missing": ["contract", "raw_records"]}
    # Whom it concerns does not settle it; the authority does, with a reason, and once.
    path, body = f"/register-findings/{found['id']}/close", {"reason": "已补交"}
    refused = await desk.client.post(path, json=body, headers=desk._bearer(LAB, None))
    assert refused.status_code == 403
    for _ in range(2):
        settled = await desk.client.post(
            path, json=body, headers=desk._bearer("samr/qc.analyst@131000", None)
        )
        assert (settled.status_code, settled.json()["state"]) == (200, "closed")
    await desk.tick(NOW + timedelta(days=40))
    assert await desk.findings(MARKET) == []


async def test_SLm_09_who_works_holds_a_certificate_and_training_is_logged(desk: Desk):
    await desk.method("HJ 828-2017", "w01018")
    await desk.put(LAB, "agencies/qualifications/Q1", CERTIFICATE | {"valid_to": day(100)})
    await desk.person("P1", LAB, certificate_to=day(-10))
    await desk.person("P2", LAB)
    report = REPORT | {"issued_on": day(-1), "persons": ["P1", "P2", "P9"]}
    shown = await desk.enter(LAB, "agencies/reports", report)
    assert flags(shown) == ["person-uncertified"]
    (found,) = (await desk.get(MARKET, "/register-findings", finding="person-uncertified"))["items"]
    assert {one["person"]: one["why"] for one in found["detail"]["persons"]} == {
        "P1": "not-valid-that-day",
        "P9": "unknown",
    }
    await desk.tick(NOW)
    assert (await desk.findings(LAB)).count("post-certificate-expired") == 1
    training = {
        "person": "P1",
        "way": "competition",
        "topic": "监测技术大比武",
        "held_on": day(-3),
        "hours": 8,
        "is_passed": True,
        "rank": 2,
    }
    await desk.enter(LAB, "agencies/trainings", training)
    failed = await desk.enter(
        LAB, "agencies/trainings", training | {"way": "examination", "is_passed": False}
    )
    assert flags(failed) == ["examination-failed"]
    assert len((await desk.get(MARKET, "/registers/agencies/trainings", about="P1"))["items"]) == 2
    await desk.put(
        LAB,
        "agencies/staff/P1",
        (await _body(desk, "P1")) | {"certificate_to": day(700)},
        **await _match(desk, "P1"),
    )
    assert "post-certificate-expired" not in await desk.findings(LAB)


async def _body(desk: Desk, code: str) -> dict[str, Any]:
    shown = await desk.get(LAB, f"/registers/agencies/staff/{code}")
    return {
        name: shown[name]
        for name in ("region", "name", "post", "certificate_no", "certificate_from", "certificate_to")
    }


async def _match(desk: Desk, code: str) -> dict[str, str]:
    return {"If-Match": f'"{(await desk.get(LAB, f"/registers/agencies/staff/{code}"))["version"]}"'}


LABORATORY: dict[str, Any] = {
    "region": "131002", "name_zh": "安次监测站", "name_en": "Anci station", "level": "county",
    "counted_on": day(-200), "area_m2": 900, "staff": 25, "certified_staff": 20, "vehicles": 2,
    "budget_yuan": 3_000_000, "training_hours": 24,
}  # fmt: skip


async def test_SLm_08_a_county_laboratory_of_900_square_metres_is_a_gap(desk: Desk):
    shown = await desk.put(BUREAU, "capacity/capacities/C1", LABORATORY)
    (gap,) = shown["judged"]["gaps"]
    assert (gap["figure"], gap["has"], gap["least"], gap["lacks"]) == ("area_m2", 900, 1000, 100)
    assert flags(shown) == ["capacity-gap"] and "商洛" in gap["source"]
    enough = await desk.put(
        BUREAU, "capacity/capacities/C2", LABORATORY | {"area_m2": 1000, "name_zh": "广阳监测站"}
    )
    assert flags(enough) == []
    city = await desk.put(
        BUREAU, "capacity/capacities/C3", LABORATORY | {"level": "city", "area_m2": 2400, "region": "131000"}
    )
    assert "area_m2" in [one["figure"] for one in city["judged"]["gaps"]]


async def test_LF_57_the_capacity_report_goes_county_by_county(desk: Desk):
    await desk.put(BUREAU, "capacity/capacities/C1", LABORATORY)
    await desk.put(
        BUREAU,
        "capacity/capacities/C2",
        LABORATORY | {"region": "131003", "name_zh": "广阳监测站", "area_m2": 1200},
    )
    report = await desk.get("finance/data.read@131000", "/capacity-report")
    assert [(one["region"], one["gaps"]) for one in report["items"]] == [("131002", 1), ("131003", 0)]
    first = await desk.get("gov/data.read@131000", "/capacity-report", limit=1)
    rest = await desk.get("gov/data.read@131000", "/capacity-report", limit=1, cursor=first["next"])
    assert [first["next"], rest["items"][0]["region"]] == ["131002", "131003"]
    await desk.put(BUREAU, "capacity/capacities/C4", LABORATORY | {"counted_on": day(-1), "area_m2": 1100})
    again = await desk.get("gov/data.read@131000", "/capacity-report")
    assert again["items"][0]["gaps"] == 0, "counted again: the last count stands"
    assert (await desk.get("gov/data.read@131100", "/capacity-report"))["items"] == []


async def test_UN_20_capacity_and_key_laboratories_are_listed(desk: Desk):
    body = {
        "region": "131000", "name_zh": "挥发性有机物重点实验室", "name_en": "VOC laboratory", "level": "city",
        "fields_of_work": ["VOCs"], "approved_on": day(-400), "budget_yuan": 500_000,
    }  # fmt: skip
    await desk.put(BUREAU, "capacity/key-laboratories/K1", body)
    listed = await desk.get("gov/data.read@131000", "/registers/capacity/key-laboratories")
    assert [one["code"] for one in listed["items"]] == ["K1"]
    (region,) = (await desk.get("gov/data.read@131000", "/capacity-report"))["items"]
    assert region["key_laboratories"][0]["name_zh"] == "挥发性有机物重点实验室"
    sheet = await desk.client.get(
        "/registers/capacity/key-laboratories?format=csv", headers=desk._bearer("gov/data.read@131000", None)
    )
    lines = sheet.text.splitlines()
    assert sheet.headers["content-type"].startswith("text/csv") and lines[0].startswith(
        "\ufeffcode,region,name_zh"
    )
    assert lines[2].startswith("K1,131000,挥发性有机物重点实验室")


async def test_SLm_07_the_score_of_a_year_follows_from_completion(desk: Desk):
    items = [
        {"task": "空气", "planned": 12, "done": 9},
        {"task": "应急演练", "planned": 1, "done": 1, "weight": 3},
    ]
    plan = {"region": "131002", "way": "quality", "year": 2025, "year_end": "2025-12-31", "items": items}
    shown = await desk.put(CLERK, "capacity/annual-plans/Q25", plan)
    assert (shown["judged"]["score"], shown["judged"]["is_complete"]) == (93.75, False)
    done = [item | {"done": item["planned"]} for item in items]
    await desk.put(CLERK, "capacity/annual-plans/M25", plan | {"way": "monitoring", "items": done})
    (region,) = (await desk.get("supervise/assess.editor@131000", "/plan-report", year=2025))["items"]
    assert (region["score"], len(region["plans"])) == (96.88, 2)
    await desk.tick(NOW)
    assert await desk.findings(ANALYST) == ["plan-incomplete"]
    await desk.put(
        CLERK, "capacity/annual-plans/Q25", plan | {"items": done}, **{"If-Match": f'"{shown["version"]}"'}
    )
    assert await desk.findings(ANALYST) == []
