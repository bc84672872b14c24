"""Units, lists, contracts, plans: rows of the requirements table, as the department that asks."""

from datetime import UTC, datetime, timedelta

from fastapi import FastAPI
from ingest.flows.plans import judge_plans
from ingest_scene import OUTLET, USCC, batch, row
from kit.testing.databases import FreshDatabase
from registry_scene import AGENCY_USCC, APPROVER, CLERK, OFFICER, READER, SHA, UNIT, Door, enter_agency, plan

CLAUSES = ["scope_and_method", "frequency", "quality_control", "data_truth", "no_interference",
           "record_keeping", "breach"]  # fmt: skip
KEY_UNIT = {"year": 2026, "uscc": USCC, "category": "air", "entered_for": "permit_key", "automatic": True}


async def test_LF_05_a_hazardous_waste_unit_is_an_object_type(door: Door) -> None:
    body = {"zh": "示例危废", "en": "Example Waste", "region": "131081", "kind": "hazardous_waste"}
    await door.put(CLERK, "/organisations/91512081MA62K0260E", body)
    found = await door.get(READER, "/organisations", kind="hazardous_waste")
    assert [one["uscc"] for one in found["items"]] == ["91512081MA62K0260E"]
    record = {"uscc": "91512081MA62K0260E", "role": "disposer", "waste_codes": ["HW08", "900-249-08"]}
    kept = await door.put(CLERK, "/registry/units/hazardous-waste-units/W1", record)
    assert (kept["role"], kept["region"]) == ("disposer", "131081")
    wrong = await door.put(
        CLERK, "/registry/units/hazardous-waste-units/W2", record | {"waste_codes": ["x"]}, 422
    )
    assert wrong["errors"][0]["where"] == "waste_codes" and "格式" in wrong["errors"][0]["what_zh"]


async def test_LF_27_police_read_the_feed_of_key_units_and_an_enterprise_cannot(door: Door) -> None:
    unit = {"zh": "示例钢铁", "en": "Example Steel", "region": "131081", "legal_representative": "张三",
            "permit_no": f"{USCC}001P"}  # fmt: skip
    await door.put(CLERK, f"/organisations/{USCC}", unit)
    await door.put(CLERK, "/registry/units/key-units/2026-1", KEY_UNIT)
    for who in ("police/transfer.receiver@131000", "proc/procuratorate.supervisor@131081"):
        (item,) = (await door.get(who, "/feeds/key-units", year=2026))["items"]
        assert (item["uscc"], item["legal_representative"], item["sites"]) == (USCC, "张三", [OUTLET])
    assert (await door.get("police/transfer.receiver@131100", "/feeds/key-units"))["items"] == []
    await door.put(CLERK, "/registry/units/key-units/2026-2", KEY_UNIT | {"category": "water"})
    first = await door.get("police/transfer.receiver@131000", "/feeds/key-units", limit=1)
    last = await door.get(
        "police/transfer.receiver@131000", "/feeds/key-units", limit=1, cursor=first["next"]
    )
    assert [one["code"] for one in first["items"] + last["items"]] == ["2026-1", "2026-2"]
    assert last["next"] is None
    await door.get(UNIT, "/feeds/key-units", 403)
    await door.get(None, "/feeds/key-units", 401)


async def test_LF_28_data_outside_the_plan_is_flagged_and_a_missing_run_detected(
    door: Door, app: FastAPI
) -> None:
    path = "/registry/monitoring/plans/P1-1"
    start = (datetime.now(UTC) - timedelta(days=4)).date()
    await door.put(UNIT, path, plan(OUTLET, valid_from=start.isoformat()))
    decided = await door.post(APPROVER, f"{path}/approve", {"filing_no": "廊环备〔2026〕1号"})
    assert decided["state"] == "filed"
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H:00:00Z")
    value = row(site=OUTLET, factor="a21026", value=20, time=hour)
    answer = await door.ask(CLERK, "POST", "/observations", json=batch(value))
    assert answer.json()["accepted"] == 1
    from ingest.jobs import note_latest

    await note_latest(app)
    assert await judge_plans(app.state.database, datetime.now(UTC)) >= 2
    runs = (await door.get(READER, "/plan-runs", outcome="missing"))["items"]
    assert {(one["site"], one["factor"]) for one in runs} == {(OUTLET, "a21002")}
    found = await door.findings()
    assert found.count("outside-plan") == 1 and found.count("run-missing") == len(runs)
    assert await judge_plans(app.state.database, datetime.now(UTC)) == 0
    assert sorted(await door.findings()) == sorted(found)
    seen, cursor = [], {}
    while True:
        told = await door.get(READER, "/plan-runs", limit=1, **cursor)
        seen += told["items"]
        if told["next"] is None:
            break
        cursor = {"cursor": told["next"]}
    assert seen == (await door.get(READER, "/plan-runs"))["items"]
    assert [one["start"] for one in seen] == sorted((one["start"] for one in seen), reverse=True)
    assert len({(one["plan"], one["item"], one["start"]) for one in seen}) == len(seen) >= 2
    for wrong in ("1", "x|y|z", "0001-01-01T00:00:00+14:00|P|0"):
        assert (await door.get(READER, "/plan-runs", 422, cursor=wrong))["type"] == "/problems/unknown-cursor"


async def test_neither_a_name_nor_a_second_plan_hides_or_makes_data_outside_the_plan(
    door: Door, app: FastAPI
) -> None:
    day = datetime.now(UTC).date().isoformat()
    exemption = {"uscc": USCC, "site": OUTLET, "factors": ["a21003"], "reason": "高温", "approved_by": "局",
                 "every": "month"}  # fmt: skip
    await door.put(CLERK, "/registry/units/exemptions/E1", exemption | {"valid_from": day})
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H:00:00Z")
    await door.ask(CLERK, "POST", "/observations", json=batch(row(site=OUTLET, factor="a21026", time=hour)))
    from ingest.jobs import note_latest

    await note_latest(app)

    async def outside() -> int:
        await judge_plans(app.state.database, datetime.now(UTC))
        return (await door.findings()).count("outside-plan")

    assert await outside() == 0, "an exemption is no plan of the rest"
    for number, factor in ((1, "a21026"), (2, "a21002")):
        item = {"site": OUTLET, "factor": factor, "method": "HJ-693", "mode": "manual", "every": "year"}
        path = f"/registry/monitoring/plans/EX-P{number}"
        await door.put(UNIT, path, plan(OUTLET, plan=f"EX-P{number}", items=[item], valid_from=day))
    await door.post(APPROVER, "/registry/monitoring/plans/EX-P2/approve", {"filing_no": "2"})
    assert await outside() == 1, "EX-… is the unit's own plan, whatever it is called"
    await door.post(APPROVER, "/registry/monitoring/plans/EX-P1/approve", {"filing_no": "1"})
    assert await outside() == 1, "what another of its plans holds is not outside"


async def test_LF_28_a_filed_plan_is_replaced_by_its_next_version(door: Door) -> None:
    for version in (1, 2):
        path = f"/registry/monitoring/plans/P1-{version}"
        day = f"2026-0{version}-01"
        await door.put(UNIT, path, plan(OUTLET, version=version, valid_from=day))
        await door.post(UNIT, f"{path}/approve", {"filing_no": "1"}, 403)
        await door.post(APPROVER, f"{path}/approve", {}, 422)
        await door.post(APPROVER, f"{path}/approve", {"filing_no": "1"})
    first = await door.get(UNIT, "/registry/monitoring/plans/P1-1")
    assert (first["state"], first["valid_to"]) == ("filed", "2026-01-31")
    changed = await door.ask(
        UNIT, "PUT", "/registry/monitoring/plans/P1-2", json=plan(OUTLET, version=2, quality="x"),
        headers={"If-Match": "*"},
    )  # fmt: skip
    assert (changed.status_code, changed.json()["type"]) == (409, "/problems/decided-already")


async def test_UN_02_a_late_upload_is_measured_and_is_an_event(
    door: Door, app: FastAPI, database: FreshDatabase
) -> None:
    from ingest_scene import fetch

    day = (datetime.now(UTC) - timedelta(days=4)).date()
    path = "/registry/monitoring/plans/P1-1"
    series = [{"site": OUTLET, "factor": "a21002", "source": "cnemc", "period": "day"}]
    await door.put(CLERK, "/series", {"series": series})
    await door.put(UNIT, path, plan(OUTLET, valid_from=day.isoformat()))
    await door.post(APPROVER, f"{path}/approve", {"filing_no": "1"})
    value = row(site=OUTLET, factor="a21002", value=20, period="day", time=f"{day}T00:00:00+08:00")
    assert (await door.ask(CLERK, "POST", "/observations", json=batch(value))).json()["accepted"] == 1
    await judge_plans(app.state.database, datetime.now(UTC))
    (late,) = (await door.get(UNIT, "/plan-runs", outcome="late"))["items"]
    assert late["start"].startswith(day.isoformat()) and 24 < late["late_hours"] < 96
    next_day = (day + timedelta(days=1)).isoformat()
    old = batch(value | {"time": f"{next_day}T00:00:00+08:00"}, historical=True)
    assert (await door.ask(CLERK, "POST", "/observations", json=old)).json()["accepted"] == 1
    await judge_plans(app.state.database, datetime.now(UTC))
    done = (await door.get(UNIT, "/plan-runs", outcome="done"))["items"]
    assert [one["start"][:10] for one in done] == [next_day]
    events = await fetch(database, "SELECT data FROM outbox WHERE event = 'ingest.finding_raised.v1'")
    assert any(b'"run-late"' in data for (data,) in events)
    assert (await door.get("unit/data.submit@131100", "/plan-runs"))["items"]  # its own, wherever it is
    assert (await door.get("ee/data.read@131100", "/plan-runs"))["items"] == []


async def test_LF_31_a_contract_links_unit_and_agency_both_ways(door: Door) -> None:
    await enter_agency(door)
    body = {"uscc": USCC, "counterpart": AGENCY_USCC, "purpose": "monitoring", "number": "HT-1",
            "signed_on": "2026-01-05", "clauses": CLAUSES, "document": SHA}  # fmt: skip
    await door.put(CLERK, "/registry/units/contracts/HT-1", body)
    for asked, other in ((USCC, AGENCY_USCC), (AGENCY_USCC, USCC)):
        linked = (await door.get(READER, f"/organisations/{asked}/answerable"))["items"]
        assert [one["uscc"] for one in linked] == [other]
    seen = (await door.get("agency/data.submit@131000", "/registry/units/contracts"))["items"]
    assert [one["number"] for one in seen] == ["HT-1"]


async def test_LN_12_the_unit_answers_for_its_operator(door: Door) -> None:
    await enter_agency(door)
    body = {"uscc": USCC, "counterpart": AGENCY_USCC, "relation": "operator", "site": OUTLET}
    await door.put(CLERK, "/registry/units/relations/R1", body | {"valid_from": "2026-01-01"})
    (unit,) = (await door.get(OFFICER, f"/organisations/{AGENCY_USCC}/answerable"))["items"]
    assert (unit["uscc"], unit["role"], unit["valid_from"]) == (USCC, "entrusting_unit", "2026-01-01")
    wrong = await door.put(CLERK, "/registry/units/relations/R2", body | {"counterpart": "9" * 18}, 422)
    assert wrong["errors"][0]["rule"] == "record-reference"


async def test_CC_10_a_contract_without_mandatory_clauses_is_flagged(door: Door) -> None:
    await enter_agency(door)
    body = {"uscc": USCC, "counterpart": AGENCY_USCC, "purpose": "monitoring", "number": "HT-2",
            "signed_on": "2026-01-05", "clauses": CLAUSES[:-2]}  # fmt: skip
    kept = await door.put(CLERK, "/registry/units/contracts/HT-2", body)
    assert kept["flags"] == ["clause-missing"]
    flagged = (await door.get(READER, "/registry/units/contracts", flag="clause-missing"))["items"]
    assert [one["code"] for one in flagged] == ["HT-2"]
    (found,) = (await door.get(READER, "/findings"))["items"]
    assert found["detail"]["missing"] == {"clauses": ["breach", "record_keeping"]}
    mended = await door.edit(CLERK, "/registry/units/contracts/HT-2", body | {"clauses": CLAUSES})
    assert mended["flags"] == []


async def test_CC_11_the_key_unit_list_is_read_by_year_and_by_everybody(door: Door) -> None:
    for year in (2025, 2026):
        entry = KEY_UNIT | {"year": year, "decision_no": f"廊环〔{year}〕3号"}
        await door.put(CLERK, f"/registry/units/key-units/{year}-1", entry)
    gone = KEY_UNIT | {"year": 2025, "left_for": "closed", "decision_no": "廊环〔2025〕3号"}
    await door.edit(CLERK, "/registry/units/key-units/2025-1", gone)
    listed = (await door.get(None, "/registry/units/key-units", match="year:2026"))["items"]
    assert [(one["year"], one["category"], one["entered_for"]) for one in listed] == [
        (2026, "air", "permit_key")
    ]
    history = (await door.get(READER, "/registry/units/key-units/2025-1/history"))["items"]
    assert [one["after"].get("left_for") for one in history] == [None, "closed"]
    assert (await door.get(None, "/registry/units/contracts"))["items"] == []
    assert not {"entered_by", "dept"} & set(listed[0])
    told = (await door.get(None, "/registry/units/key-units/2026-1/history"))["items"]
    assert "changed_by" not in told[0] and "entered_by" not in told[0]["after"]
    await door.put(UNIT, "/registry/units/key-units/2026-2", KEY_UNIT, 403)


async def test_CC_12_an_exempt_unit_has_a_manual_plan(door: Door) -> None:
    body = {"uscc": USCC, "site": OUTLET, "factors": ["a21026", "a21002"], "reason": "高温高湿，暂不具备条件",
            "approved_by": "廊坊市生态环境局", "every": "month", "times": 2}  # fmt: skip
    await door.put(CLERK, "/registry/units/exemptions/E1", body | {"valid_from": "2026-01-01"})
    made = await door.get(UNIT, "/registry/monitoring/plans/EX-E1")
    assert made["state"] == "filed" and made["valid_from"] == "2026-01-01"
    assert [(one["factor"], one["mode"], one["every"], one["times"]) for one in made["items"]] == [
        ("a21026", "manual", "month", 2),
        ("a21002", "manual", "month", 2),
    ]


async def test_an_exemption_writes_over_no_other_plan(door: Door) -> None:
    other = "91512081MA62K0260E"
    body = {"zh": "示例水务", "en": "Example Water", "region": "131081"}
    await door.put(CLERK, f"/organisations/{other}", body)
    body = {"uscc": USCC, "site": OUTLET, "factors": ["a21026"], "reason": "高温", "approved_by": "局",
            "every": "month"}  # fmt: skip
    path, longest = "/registry/units/exemptions", "E" * 61
    wrong = await door.put(CLERK, f"{path}/{longest}1", body, 422)
    assert [(one["where"], one["rule"]) for one in wrong["errors"]] == [("code", "exemption-code")]
    await door.put(CLERK, f"{path}/{longest}", body)
    assert (await door.get(UNIT, f"/registry/monitoring/plans/EX-{longest}"))["state"] == "filed"
    await door.put(UNIT, "/registry/monitoring/plans/EX-E2", plan(OUTLET))
    told = await door.put(CLERK, f"{path}/E2", body | {"uscc": other}, 409)
    assert told["type"] == "/problems/plan-of-another"
    assert (await door.get(UNIT, "/registry/monitoring/plans/EX-E2"))["plan"] == "P1"


async def test_SLm_05_the_four_subjects_of_self_monitoring(door: Door) -> None:
    body = {"zh": "示例", "en": "Example", "region": "131081"}
    subjects = ["permit_holder", "soil_key_unit", "river_outlet", "radioactive_mine"]
    await door.put(CLERK, f"/organisations/{USCC}", body | {"subject_types": subjects})
    for subject in subjects:
        found = (await door.get(READER, "/organisations", subject=subject))["items"]
        assert [one["uscc"] for one in found] == [USCC]
    await door.put(CLERK, f"/organisations/{USCC}", body | {"subject_types": ["other"]}, 422)


async def test_SLm_14_the_permit_and_the_kind_of_source_stand_at_the_unit(door: Door) -> None:
    body = {"zh": "示例", "en": "Example", "region": "131081", "permit_no": f"{USCC}001P",
            "permit_from": "2024-01-01", "permit_to": "2028-12-31", "industry": "C3110"}  # fmt: skip
    for source in ("stationary", "mobile", "area"):
        kept = await door.put(CLERK, f"/organisations/{USCC}", body | {"source_type": source})
        assert (kept["permit_no"], kept["permit_to"], kept["source_type"]) == (
            f"{USCC}001P", "2028-12-31", source,
        )  # fmt: skip
    wrong = await door.put(CLERK, f"/organisations/{USCC}", body | {"permit_no": "123"}, 422)
    assert wrong["errors"][0]["rule"] == "identity-shape"


async def test_NT_05_a_transmission_anomaly_has_its_clock(door: Door, app: FastAPI) -> None:
    from ingest.flows.upkeep import watch

    now = datetime.now(UTC)
    began, said = (now - timedelta(hours=20)).isoformat(), (now - timedelta(hours=1)).isoformat()
    body = {"site": OUTLET, "cause": "network", "detail": "光缆中断", "began_at": began, "reported_at": said}
    kept = await door.put(UNIT, "/registry/monitoring/transmission-anomalies/T1", body)
    assert kept["clocks"]["reported_at"]["is_late"] and kept["clocks"]["reported_at"]["hours"] == 12
    assert not kept["clocks"]["repaired_at"]["is_late"]
    await watch(app.state.database, now)
    assert (await door.findings()).count("report-late") == 1
    await watch(app.state.database, now + timedelta(days=6))
    assert (await door.findings()).count("report-overdue") == 1


async def test_NT_06_a_manual_result_says_load_and_state_of_the_facility(door: Door) -> None:
    body = {"site": OUTLET, "factor": "a21026", "method": "HJ-57", "sampled_at": "2026-11-20T10:00:00",
            "value": 18.5, "unit": "mg/m3", "sampled_by": ["王五", "赵六"]}  # fmt: skip
    path = "/registry/monitoring/manual-results/M1"
    wrong = await door.put(UNIT, path, body, 422)
    assert {one["where"] for one in wrong["errors"]} == {"production_load", "facility_state"}
    kept = await door.put(UNIT, path, body | {"production_load": 82, "facility_state": "running"})
    assert (kept["production_load"], kept["sampled_at"]) == (82, "2026-11-20T10:00:00+08:00")
    changed = body | {"production_load": 10, "facility_state": "running"}
    assert (await door.ask(UNIT, "PUT", path, json=changed, headers={"If-Match": "*"})).status_code == 409
