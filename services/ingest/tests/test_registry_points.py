"""Points, parks, station rooms, cameras, works: rows of the requirements table, as who asks."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from fastapi import FastAPI
from ingest.flows.upkeep import watch
from ingest.jobs import note_latest
from ingest_scene import AIR, MN, OUTLET, USCC, batch, fetch, row
from kit.testing.databases import FreshDatabase
from registry_scene import (
    AGENCY_USCC,
    APPROVER,
    BUREAU,
    CLERK,
    OFFICER,
    READER,
    SHA,
    UNIT,
    Door,
    enter_agency,
    outlet,
    station,
)

ELEMENTS = ("air", "water", "groundwater", "soil", "noise", "radiation", "ecology", "vocs", "waste_water",
            "waste_gas", "ghg")  # fmt: skip
LEVELS = ("national", "provincial", "city", "county", "township", "enterprise")


async def test_LF_03_stations_are_listed_by_level_and_every_datum_resolves_to_one(door: Door) -> None:
    for level in LEVELS:
        await door.put(CLERK, f"/sites/S-{level}", station(level=level))
        found = (await door.get(READER, "/sites", level=level))["items"]
        assert [one["code"] for one in found] == [f"S-{level}"]
    answer = await door.ask(CLERK, "POST", "/observations", json=batch(row(site="nowhere"), row()))
    assert (answer.json()["accepted"], answer.json()["rows"][0]["rule"]) == (1, "unknown-site")
    series = (await door.get(READER, "/series", limit=1000))["items"]
    for site in {one["site"] for one in series}:
        assert (await door.get(READER, f"/sites/{site}"))["code"] == site


async def test_LF_04_coverage_changes_when_a_point_connects(door: Door, app: FastAPI) -> None:
    need = {"region": "131002", "category": "township_air", "required": 2}
    await door.put(BUREAU, "/registry/standards/required-points/1", need)
    await door.put(CLERK, "/sites/T-1", station(categories=["township_air"], level="township"))
    series = [{"site": "T-1", "factor": "a34004", "source": "cnemc"}]
    await door.put(CLERK, "/series", {"series": series})
    (before,) = (await door.get("gov/data.read@131000", "/coverage"))["total"]
    assert (before["required"], before["registered"], before["percent"]) == (2, 1, 0.0)
    await door.ask(CLERK, "POST", "/observations", json=batch(row(site="T-1")))
    await note_latest(app)
    (after,) = (await door.get("gov/data.read@131000", "/coverage"))["total"]
    assert (after["connected"], after["percent"], after["zh"]) == (1, 50.0, "乡镇空气站")
    assert (await door.get(READER, "/coverage", region="131003"))["total"] == []


async def test_LN_09_a_province_pools_its_cities_and_a_city_does_not_reach_the_province(door: Door) -> None:
    await door.put(
        BUREAU,
        "/registry/standards/required-points/1",
        {"region": "131002", "category": "border_section", "required": 3},
    )
    pooled = await door.get("ee/data.read@130000", "/coverage")
    assert (pooled["region"], pooled["total"][0]["required"]) == ("130000", 3)
    sites = (await door.get("ee/data.read@130000", "/sites"))["items"]
    assert {AIR, OUTLET} <= {one["code"] for one in sites}
    await door.get(READER, "/coverage", 403, region="130000")


async def test_LF_07_every_element_is_accepted_and_an_unknown_one_refused(door: Door) -> None:
    for element in ELEMENTS:
        body = station(element=element)
        assert (await door.put(CLERK, f"/sites/E-{element}", body))["element"] == element
    wrong = await door.put(CLERK, "/sites/E-x", station(element="aether"), 422)
    assert (wrong["errors"][0]["where"], wrong["errors"][0]["rule"]) == ("element", "unknown-element")
    assert (await door.ask(READER, "GET", "/sites/E-x")).status_code == 404


async def test_SLm_12_greenhouse_gases_are_an_element_with_series(door: Door) -> None:
    await door.put(CLERK, "/sites/G-1", station(element="ghg"))
    series = [{"site": "G-1", "factor": "a05001", "source": "cnemc"}]
    factors = (await door.get(None, "/dictionary/factors"))["items"]
    known = {one["code"] for one in factors}
    if "a05001" not in known:
        series[0] |= {"unit": "mg/m3"}
    kept = (await door.put(CLERK, "/series", {"series": series}))["items"][0]
    assert kept["site"] == "G-1"
    assert [one["code"] for one in (await door.get(READER, "/sites", element="ghg"))["items"]] == ["G-1"]


async def test_UN_01_each_of_the_three_families_is_queryable(door: Door) -> None:
    await door.put(CLERK, "/sites/ECO-1", station(element="ecology"))
    expected = {"quality": {AIR, "131000-A02"}, "source": {OUTLET}, "ecology": {"ECO-1"}}
    for family, sites in expected.items():
        found = (await door.get(READER, "/sites", family=family))["items"]
        assert {one["code"] for one in found} == sites
    series = (await door.get(READER, "/series", family="source"))["items"]
    assert {one["site"] for one in series} == {OUTLET}


async def test_UN_12_a_park_rolls_up_what_lies_in_it(door: Door, app: FastAPI) -> None:
    park = {"name_zh": "霸州开发区", "name_en": "Bazhou zone", "region": "131081", "type": "industrial_park"}
    await door.put(CLERK, "/registry/points/areas/PARK-1", park)
    await door.put(CLERK, f"/sites/{OUTLET}", outlet(area="PARK-1"))
    wrong = await door.put(CLERK, f"/sites/{OUTLET}", outlet(area="PARK-9"), 422)
    assert wrong["errors"][0]["rule"] == "record-reference"
    cells = {"site": OUTLET, "factor": "a21026", "time": "2026-11-21T08:00:00+08:00"}
    for value in (30, 31):
        await door.ask(CLERK, "POST", "/observations", json=batch({**cells, "value": value}))
    await note_latest(app)
    rolled = await door.get(READER, "/areas/PARK-1/roll-up")
    assert (rolled["sites"], rolled["units"], rolled["connected"]) == ([OUTLET], [USCC], 1)
    assert (rolled["elements"], rolled["findings"]) == ({"waste_gas": 1}, {"revision": 1})
    await door.get("ee/data.read@131002", "/areas/PARK-1/roll-up", 404)
    far = outlet(area="PARK-1", region="131100", uscc=None)
    await door.put("ee.mon/data.submit@131100", "/sites/131100-R1", far)
    assert (await door.get(READER, "/areas/PARK-1/roll-up"))["sites"] == [OUTLET]
    assert "131100-R1" in (await door.get("ee/data.read@130000", "/areas/PARK-1/roll-up"))["sites"]


async def test_UN_18_a_point_with_the_wrong_authority_is_refused(door: Door) -> None:
    good = station(level="national", authority="national", assessed_by="national")
    assert (await door.put(CLERK, "/sites/A-1", good))["authority"] == "national"
    wrong = await door.put(CLERK, "/sites/A-2", good | {"authority": "county", "assessed_by": None}, 422)
    assert wrong["errors"][0]["rule"] == "authority-mismatch"
    assert "谁考核谁监测" in wrong["errors"][0]["mend_zh"]
    city = station(level="city", authority="city", assessed_by="provincial")
    assert (await door.put(CLERK, "/sites/A-3", city, 422))["errors"][0]["rule"] == "authority-assesses"
    up = station(level="city", authority="provincial", assessed_by="provincial")
    assert (await door.put(CLERK, "/sites/A-4", up))["authority"] == "provincial"


async def test_LN_11_an_outlet_that_does_not_conform_is_listed(door: Door) -> None:
    await door.put(
        CLERK, f"/sites/{OUTLET}", outlet(outlet_code="DA001", hole_conforms=False, platform_conforms=True)
    )
    good = outlet(outlet_code="DA002", hole_conforms=True, platform_conforms=True)
    await door.put(CLERK, f"/sites/{USCC}001P-DA002", good)
    found = (await door.get(READER, "/sites", kind="outlet", conforms="false"))["items"]
    assert [(one["code"], one["outlet_code"]) for one in found] == [(OUTLET, "DA001")]
    wrong = await door.put(CLERK, f"/sites/{OUTLET}", outlet(outlet_code="X1"), 422)
    assert wrong["errors"][0]["rule"] == "identity-shape"


async def test_LF_35_a_camera_that_goes_offline_is_an_event(
    door: Door, app: FastAPI, database: FreshDatabase
) -> None:
    camera = {"site": OUTLET, "name_zh": "采样口", "name_en": "Sampling point", "watches": "sampling_point",
              "stream": "gb28181:34020000001320000001"}  # fmt: skip
    await door.put(UNIT, "/registry/guarantee/video-devices/CAM-1", camera)
    online = await door.post(UNIT, "/video-devices/CAM-1/reports", {"is_online": True})
    assert online["is_online"]
    await door.post("unit/data.submit@131081", "/video-devices/CAM-9/reports", {"is_online": True}, 404)
    for _ in range(2):
        assert not (await door.post(UNIT, "/video-devices/CAM-1/reports", {"is_online": False}))["is_online"]
    events = await fetch(database, "SELECT data FROM outbox WHERE event = 'ingest.finding_raised.v1'")
    assert sum(b'"camera-offline"' in data for (data,) in events) == 1
    up = await door.get(READER, "/video-devices/CAM-1/uptime")
    assert (up["reports"], up["is_online"]) == (3, False)
    await door.post(UNIT, "/video-devices/CAM-1/reports", {"is_online": True})
    await watch(app.state.database, datetime.now(UTC) + timedelta(hours=2))
    assert (await door.findings()).count("camera-offline") == 2
    assert "stream" not in str(events)


async def test_NT_04_main_points_without_video_of_process_and_device_are_listed(door: Door) -> None:
    await door.put(CLERK, f"/sites/{OUTLET}", outlet(is_main_point=True))
    for number, watches in enumerate(("process", "device")):
        lacking = (await door.get(READER, "/sites", lacks="video"))["items"]
        assert [one["code"] for one in lacking] == [OUTLET], watches
        camera = {"site": OUTLET, "name_zh": "摄像机", "name_en": "Camera", "watches": watches,
                  "stream": "rtsp://camera.example/1"}  # fmt: skip
        await door.put(UNIT, f"/registry/guarantee/video-devices/C{number}", camera)
    assert (await door.get(READER, "/sites", lacks="video"))["items"] == []


async def test_LF_64_an_unauthorised_entry_is_a_finding_for_enforcement(
    door: Door, database: FreshDatabase
) -> None:
    entry = {"site": AIR, "entered_at": "2026-11-20T02:13:00+08:00", "person": "未知", "purpose": "不明",
             "is_authorised": False, "seen_by": "camera"}  # fmt: skip
    path = "/registry/guarantee/access-log/L1"
    assert (await door.put("township/data.submit@131002", path, entry))["flags"] == ["unauthorised-entry"]
    found = (await door.get(OFFICER, "/findings"))["items"]
    assert [(one["kind"], one["site"]) for one in found] == [("unauthorised-entry", AIR)]
    ((data,),) = await fetch(database, "SELECT data FROM outbox WHERE event = 'ingest.finding_raised.v1'")
    assert b'"access-log/L1"' in data
    body = {"site": AIR, "power": "dual", "communication": "both", "keeper": "李四", "sign_photo": SHA,
            "checked_on": "2026-11-01", "obstructions": ["resident_staff", "sprinkler"]}  # fmt: skip
    kept = await door.put(CLERK, "/registry/guarantee/station-guarantees/G1", body)
    assert kept["flags"] == ["obstruction"]
    await door.put("township/data.submit@131003", "/registry/guarantee/access-log/L2", entry, 403)


async def test_CC_16_a_missing_warning_sign_is_listed(door: Door) -> None:
    body = {
        "site": AIR,
        "power": "dual",
        "communication": "both",
        "keeper": "李四",
        "checked_on": "2026-11-01",
    }
    path = "/registry/guarantee/station-guarantees/G1"
    await door.put("township/data.submit@131002", path, body)
    listed = (await door.get(READER, "/registry/guarantee/station-guarantees", flag="sign-missing"))["items"]
    assert [one["site"] for one in listed] == [AIR]
    assert "sign-missing" in await door.findings()
    await door.edit(CLERK, path, body | {"sign_photo": SHA})
    assert (await door.get(READER, "/registry/guarantee/station-guarantees", flag="sign-missing"))[
        "items"
    ] == []


async def test_CC_17_notified_works_annotate_their_window(door: Door) -> None:
    notice = {"site": AIR, "works": "watering", "starts_at": "2026-11-21T08:00:00", "reason": "道路洒水",
              "ends_at": "2026-11-21T10:00:00", "metres": 80}  # fmt: skip
    await door.put("gardens/data.submit@131000", "/registry/works/works-notices/N1", notice)
    path = f"/sites/{AIR}/annotations"
    inside = await door.get(READER, path, **{"from": "2026-11-21T09:00:00", "to": "2026-11-21T09:30:00"})
    assert [(one["kind"], one["record"]["works"]) for one in inside["items"]] == [
        ("works-notices", "watering")
    ]
    after = await door.get(READER, path, **{"from": "2026-11-21T10:00:00+08:00"})
    assert after["items"] == []
    await door.put("tax/data.submit@131000", "/registry/works/works-notices/N2", notice, 403)
    await door.put("gardens/data.submit@131100", "/registry/works/works-notices/N2", notice, 403)
    back = notice | {"ends_at": "2026-11-21T07:00:00"}
    wrong = await door.put("gardens/data.submit@131000", "/registry/works/works-notices/N2", back, 422)
    assert wrong["errors"][0]["rule"] == "record-order"


async def _ask_to_move(door: Door, code: str, who: str = CLERK) -> None:
    await door.put(CLERK, f"/sites/{AIR}", station(level="city", authority="city"))
    body = {"site": AIR, "change": "move", "longitude": 116.72, "latitude": 39.52, "reason": "站房拆迁",
            "documents": [SHA]}  # fmt: skip
    asked = await door.put(who, f"/registry/points/station-changes/{code}", body)
    assert asked["state"] == "requested"


async def test_SLm_11_a_station_moves_only_by_approval_of_its_authority(door: Door) -> None:
    await _ask_to_move(door, "M1")
    moved = station(level="city", authority="city", lon=116.72, lat=39.52)
    refused = await door.put(CLERK, f"/sites/{AIR}", moved, 409)
    assert refused["type"] == "/problems/station-change-needs-approval"
    assert (await door.findings()).count("station-change-unapproved") == 1
    path = "/registry/points/station-changes/M1"
    county = await door.ask(
        "ee/registry.approver@131002", "POST", f"{path}/approve", json={"decision": "同意"}
    )
    assert county.json()["type"] == "/problems/not-the-authority"
    await door.post(CLERK, f"{path}/approve", {"decision": "同意"}, 403)
    await door.post(APPROVER, f"{path}/approve", {}, 422)
    assert (await door.get(READER, f"/sites/{AIR}"))["longitude"] == 116.7
    await door.post(APPROVER, f"{path}/approve", {"decision": "同意"})
    assert (await door.get(READER, f"/sites/{AIR}"))["longitude"] == 116.72
    again = await door.ask(APPROVER, "POST", f"{path}/approve", json={"decision": "同意"})
    assert again.json()["type"] == "/problems/step-out-of-turn"


async def test_SLm_11_who_asks_does_not_decide(door: Door) -> None:
    both = "ee/data.submit+registry.approver@131000"
    await _ask_to_move(door, "M2", both)
    path = "/registry/points/station-changes/M2/approve"
    answer = await door.ask(both, "POST", path, json={"decision": "同意"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/separation-of-duties")
    await door.post(APPROVER, path, {"decision": "同意"})


async def test_SLm_11_a_station_found_elsewhere_or_changed_behind_the_register_is_a_finding(
    door: Door, app: FastAPI, database: FreshDatabase
) -> None:
    where = {"site": AIR, "longitude": 116.7003, "latitude": 39.5001, "found_at": "2026-11-20T10:00:00",
             "found_by": "李四"}  # fmt: skip
    # A unit of another place shall not accuse a station that belongs to nobody.
    await door.put("unit/data.submit@131100", "/registry/guarantee/positions/P0", where, 403)
    await door.put(CLERK, "/registry/guarantee/positions/P1", where)
    assert await door.findings() == []
    await door.put(CLERK, "/registry/guarantee/positions/P2", where | {"longitude": 116.71})
    (found,) = (await door.get(READER, "/findings"))["items"]
    assert found["kind"] == "station-moved-unapproved" and 850 < found["detail"]["metres"] < 870
    connection = await asyncpg.connect(database.superuser_url)
    await connection.execute("UPDATE sites SET latitude = 39.6 WHERE code = $1", AIR)
    await connection.close()
    for _ in range(2):
        await watch(app.state.database, datetime.now(UTC))
    assert (await door.findings()).count("station-change-unapproved") == 1


async def test_NT_01_a_change_of_a_station_is_filed(door: Door) -> None:
    await _ask_to_move(door, "M3")
    path = "/registry/points/station-changes/M3"
    await door.post(APPROVER, f"{path}/file", {"filing_no": "1", "filed_with": "生态环境部"}, 409)
    await door.post(APPROVER, f"{path}/approve", {"decision": "同意"})
    await door.post(APPROVER, f"{path}/file", {"filed_with": "生态环境部"}, 422)
    filed = await door.post(
        APPROVER, f"{path}/file", {"filing_no": "监测备〔2026〕1号", "filed_with": "生态环境部"}
    )
    assert (filed["state"], filed["filing_no"]) == ("filed", "监测备〔2026〕1号")
    states = [one["after"]["state"] for one in (await door.get(READER, f"{path}/history"))["items"]]
    assert states == ["requested", "approved", "filed"]
    open_ = (await door.get(READER, "/registry/points/station-changes", state="approved"))["items"]
    assert open_ == []


async def test_SLm_02_points_are_mapped_to_the_catalogue_of_responsibilities(door: Door) -> None:
    names = "空气 地表水 饮用水 地下水 土壤 声环境 辐射 生态 温室气体 污染源执法 应急 农村环境 入河排污口"
    for number, name in enumerate(names.split()):
        body = {"name_zh": name, "name_en": f"Matter {number}", "level": "city", "region": "131000",
                "elements": ["air"], "authority_dept": "ee"}  # fmt: skip
        await door.put(BUREAU, f"/registry/standards/responsibilities/R{number:02d}", body)
    listed = (await door.get(None, "/registry/standards/responsibilities"))["items"]
    assert len(listed) >= 13 and listed[0]["name_zh"] == "空气"
    assert (await door.put(CLERK, f"/sites/{AIR}", station(duty="R00")))["duty"] == "R00"
    wrong = await door.put(CLERK, f"/sites/{AIR}", station(duty="R99"), 422)
    assert wrong["errors"][0]["where"] == "duty"


async def test_SLm_01_the_network_plan_says_what_is_unified(door: Door) -> None:
    body = {
        "name_zh": "监测网络规划",
        "name_en": "Network plan",
        "region": "131000",
        "issued_by": "廊坊市生态环境局",
        "covers": ["organisation", "rules", "network", "data", "publication"],
    }
    await door.put(BUREAU, "/registry/standards/network-plans/2026", body)
    (found,) = (await door.get(None, "/registry/standards/network-plans"))["items"]
    assert len(found["covers"]) == 5
    await door.put(CLERK, "/registry/standards/network-plans/2027", body, 403)


async def test_LF_19_a_result_by_an_unregistered_method_is_flagged(door: Door) -> None:
    method = {
        "name_zh": "定电位电解法",
        "name_en": "Electrolysis",
        "standard_no": "HJ 57-2017",
        "factors": ["a21026"],
        "element": "waste_gas",
        "region": "130000",
    }
    await door.put("ee/data.submit@130000", "/registry/standards/methods/HJ-57", method)
    series = {"site": OUTLET, "factor": "a21026", "source": "lab"}
    await door.put(CLERK, "/series", {"series": [series | {"method": "HJ-57"}]})
    assert await door.findings() == []
    await door.put(CLERK, "/series", {"series": [series | {"method": "HJ-999"}]})
    assert await door.findings() == ["method-unregistered"]
    result = {"site": OUTLET, "factor": "a21026", "method": "HJ-999", "sampled_at": "2026-11-20T10:00:00",
              "value": 18.5, "unit": "mg/m3", "sampled_by": ["王五"], "production_load": 80,
              "facility_state": "running"}  # fmt: skip
    assert (await door.put(UNIT, "/registry/monitoring/manual-results/1", result))["flags"] == [
        "method-unregistered"
    ]
    point = await door.put(CLERK, f"/sites/{AIR}", station(is_assessed=True))
    assert point["is_assessed"]


async def test_a_device_carries_its_certificate_and_its_instruments(door: Door) -> None:
    body = {
        "site": AIR,
        "vendor": "示例仪器",
        "model": "X-1",
        "certificate_no": "2024-101",
        "certificate_to": "2026-06-30",
        "instruments": [{"serial": "SN-1", "factor": "a34004"}],
    }
    kept = await door.put(CLERK, f"/devices/{MN}", body)
    assert kept["instruments"][0]["serial"] == "SN-1"
    ended = (await door.get(READER, "/devices", certificate_before="2026-11-26"))["items"]
    assert [one["mn"] for one in ended] == [MN]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_concurrent_edits_and_deletions_are_refused(door: Door, method: str) -> None:
    await enter_agency(door)
    path = "/registry/points/areas/P1"
    body = {"name_zh": "园区", "name_en": "Park", "region": "131002", "type": "devzone"}
    first = await door.ask(CLERK, "PUT", path, json=body)
    if method == "DELETE":
        for gone in (path, f"/organisations/{AGENCY_USCC}", f"/sites/{AIR}", f"/devices/{MN}"):
            assert (await door.ask(CLERK, "DELETE", gone)).status_code == 405
        return
    tag = first.headers["etag"]
    assert (await door.ask(CLERK, "PUT", path, json=body)).status_code == 200
    other = body | {"name_en": "Other"}
    missing = await door.ask(CLERK, "PUT", path, json=other)
    assert (missing.status_code, missing.json()["version"]) == (428, int(tag.strip('"')))
    edits = [door.ask(CLERK, "PUT", path, json=body | {"name_en": name}, headers={"If-Match": tag})
             for name in ("One", "Two", "Three")]  # fmt: skip
    answers = [answer.status_code for answer in await asyncio.gather(*edits)]
    assert sorted(answers) == [200, 412, 412]
    site = await door.ask(READER, "GET", f"/sites/{AIR}")
    stale = await door.ask(CLERK, "PUT", f"/sites/{AIR}", json=station(zh="新"), headers={"If-Match": '"1"'})
    assert stale.status_code == 412 and site.headers["etag"] != '"1"'
