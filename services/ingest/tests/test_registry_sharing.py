"""Sharing, retention, emergencies, surveys, laboratory, dictionary: rows of the requirements table."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from fastapi import FastAPI
from ingest.flows.upkeep import watch
from ingest.rules.kinds import rule
from ingest_scene import AIR, OUTLET, USCC, batch, fetch, row, send
from kit.testing.databases import FreshDatabase
from kit.testing.routes import routes_of
from kit.testing.tokens import Tokens
from registry_scene import AGENCY_USCC, CLERK, OFFICER, READER, SHA, UNIT, Door, enter_agency, station

WATER, HEALTH = "water/data.submit@131000", "health/data.read@131000"


def data_set(sharing: str, **cells: object) -> dict[str, object]:
    body = {"name_zh": "水文数据", "name_en": "Hydrology", "region": "131000", "family": "quality"}
    return body | {"sharing": sharing, "sites": [AIR]} | cells


async def give_to_water(door: Door) -> None:
    """The station becomes the water department's."""
    await door.put(CLERK, f"/sites/{AIR}", station(dept="water"))


async def test_LF_02_a_department_reads_the_shared_set_of_another_and_not_its_restricted_one(
    door: Door,
) -> None:
    await door.post(CLERK, "/observations", batch(row(value=42)), 202)
    await give_to_water(door)
    path = "/registry/sharing/data-sets"
    await door.put(WATER, f"{path}/W-1", data_set("unconditional"))
    await door.put(WATER, f"{path}/W-2", data_set("none", basis="涉及国家秘密"))
    await door.put(WATER, f"{path}/W-3", data_set("conditional", recipients=["health@131000"]))
    seen = [one["code"] for one in (await door.get(HEALTH, path))["items"]]
    assert seen == ["W-1", "W-3"]
    assert [one["code"] for one in (await door.get("tax/data.read@131000", path))["items"]] == ["W-1"]
    assert [one["code"] for one in (await door.get(WATER, path))["items"]] == ["W-1", "W-2", "W-3"]
    (value,) = (await door.get(HEALTH, "/data-sets/W-1/values"))["items"]
    assert (value["site"], value["value"], value["unit"]) == (AIR, 42.0, "ug/m3")
    await door.get(HEALTH, "/data-sets/W-2/values", 404)
    await door.get(HEALTH, f"{path}/W-2", 404)
    await door.put("health/data.submit@131000", f"{path}/W-1", data_set("none"), 403)
    await door.get(UNIT, path, 403)
    bare = await door.put(WATER, f"{path}/W-4", data_set("none"))
    assert bare["flags"] == ["ground-missing"]


async def test_LF_55_a_set_holds_values_of_its_owners_sites_only_and_all_of_them(
    door: Door, database: FreshDatabase
) -> None:
    path = "/registry/sharing/data-sets"
    told = await door.put(WATER, f"{path}/W-1", data_set("unconditional"), 422)
    (error,) = told["errors"]
    assert (error["where"], error["rule"]) == ("sites", "record-not-own") and AIR in error["what"]
    await give_to_water(door)
    await door.put("water/data.submit@131100", f"{path}/W-1", data_set("none", region="131100"), 422)
    times = [f"2026-11-21T0{hour}:00:00+08:00" for hour in range(4)]
    for factor in ("a34004", "a34002"):
        rows = [row(factor=factor, value=30 + at, time=time) for at, time in enumerate(times)]
        await door.post(WATER, "/observations", batch(*rows), 202)
    await door.put(WATER, f"{path}/W-1", data_set("unconditional"))
    whole = await door.get(HEALTH, "/data-sets/W-1/values")
    assert (len(whole["items"]), whole["next"]) == (8, None)
    found, cursor = [], {}
    for _ in range(3):
        page = await door.get(HEALTH, "/data-sets/W-1/values", limit=3, **cursor)
        found, cursor = found + page["items"], {"cursor": page["next"]}
    assert found == whole["items"] and cursor == {"cursor": None}
    await door.get(HEALTH, "/data-sets/W-1/values", 422, cursor="x|y")
    # The site changes hands: what the set says no longer opens it.
    await fetch(database, "UPDATE sites SET dept = 'ee.mon' WHERE code = $1", AIR)
    assert (await door.get(HEALTH, "/data-sets/W-1/values"))["items"] == []


async def test_LF_29_nothing_is_deleted_before_the_end_of_its_retention_nor_after(
    door: Door, app: FastAPI, database: FreshDatabase
) -> None:
    told = (await door.ask(CLERK, "POST", "/observations", json=batch(row()))).json()
    # SensorThings names the verb; the answer is that it is not to be had.
    deleting = {found.path for found in routes_of(app) if found.method == "DELETE"}
    assert deleting <= {"/sta/v1.1/{entity}"}
    tried = [
        f"/submissions/{told['submission']}",
        f"/submissions/{told['submission']}/raw",
        "/sta/v1.1/Observations",
    ]
    for path in tried:
        assert (await door.ask(CLERK, "DELETE", path)).status_code == 405
    for url in (database.writer_url, database.reader_url):
        connection = await asyncpg.connect(url)
        for table in ("raw_bytes", "submissions", "registry_records", "registry_changes", "plan_runs"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"DELETE FROM {table}")
        await connection.close()
    raw = await door.ask("ee/data.read@131000", "GET", f"/submissions/{told['submission']}/raw")
    assert raw.status_code == 200


async def test_NT_08_the_years_of_retention_are_dated_rules(door: Door) -> None:
    rules = {
        one["name"]: one for one in (await door.get(None, "/dictionary/rules", on="2026-06-01"))["items"]
    }
    assert (rules["keep_unit_records"]["value"], rules["keep_laboratory_records"]["value"]) == (5, 6)
    assert "条例" in rules["keep_unit_records"]["source"]
    earlier = (await door.get(None, "/dictionary/rules", on="2025-06-01"))["items"]
    assert "keep_unit_records" not in {one["name"] for one in earlier}
    with pytest.raises(LookupError):
        rule("keep_unit_records", date(2025, 6, 1))


async def test_LF_33_a_raw_record_cannot_be_altered_and_a_correction_keeps_both(
    door: Door, tokens: Tokens, database: FreshDatabase
) -> None:
    first = (await send(door.client, tokens, batch(row(value=35)))).json()
    later = (await send(door.client, tokens, batch(row(value=36)))).json()
    assert (later["revised"], later["accepted"]) == (1, 0)
    ((value, submission),) = await fetch(database, "SELECT value, submission FROM observations")
    assert (value, str(submission)) == (35, first["submission"])
    ((kept, given),) = await fetch(database, "SELECT first_value, later_value FROM revisions")
    assert (kept, given) == (35, 36)
    raws = [await door.ask(READER, "GET", f"/submissions/{one['submission']}/raw") for one in (first, later)]
    assert [b'"value": 35' in raws[0].content, b'"value": 36' in raws[1].content] == [True, True]
    assert raws[0].headers["etag"] == f'"{first["sha256"]}"'
    connection = await asyncpg.connect(database.writer_url)
    for statement in ("UPDATE observations SET value = 1", "UPDATE raw_bytes SET data = ''"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()
    assert "revision" in await door.findings()


async def test_LF_55_a_departments_credential_is_limited_to_its_own_sets(door: Door) -> None:
    await door.put(CLERK, "/sites/131000-R1", {"kind": "station", "element": "water", "region": "131002",
                                               "zh": "断面", "en": "Section", "dept": "water"})  # fmt: skip
    await door.put(
        CLERK, "/series", {"series": [{"site": "131000-R1", "factor": "w01018", "source": "cnemc"}]}
    )
    own = row(site="131000-R1", factor="w01018", value=12)
    answer = (await door.ask(WATER, "POST", "/observations", json=batch(own, row()))).json()
    assert (answer["accepted"], answer["rows"][0]["rule"]) == (1, "out-of-scope")
    other = await door.ask("health/data.submit@131000", "POST", "/observations", json=batch(own))
    assert other.status_code == 403


async def test_LF_58_the_tax_bureau_gets_monthly_emissions_and_nothing_else(door: Door) -> None:
    tax = "tax/data.read@131000"
    series = [{"site": OUTLET, "factor": "a21026", "source": "cnemc", "statistic": "cou", "unit": "kg"}]
    await door.put(CLERK, "/series", {"series": series})
    rows = [
        row(site=OUTLET, factor="a21026", statistic="cou", value=value, time=f"2026-10-0{day}T08:00:00+08:00")
        for day, value in enumerate((1.5, 2.25, 3.0), 1)
    ]
    sent = await door.ask(CLERK, "POST", "/observations", json=batch(*rows, historical=True))
    assert sent.json()["accepted"] == 3
    (item,) = (await door.get(tax, "/tax-extract", month="2026-10"))["items"]
    assert (item["uscc"], item["site"], item["amount"], item["unit"]) == (USCC, OUTLET, 6.75, "kg")
    assert (await door.get(tax, "/tax-extract", month="2026-09"))["items"] == []
    found = (await door.get(READER, "/series", site=OUTLET))["items"]
    for one in found:
        await door.get(tax, f"/series/{one['id']}/observations", 403)
    await door.get(tax, "/submissions", 403)
    await door.get(UNIT, "/tax-extract", 403, month="2026-10")
    await door.get(tax, "/tax-extract", 422, month="2026-13")
    await door.get(tax, "/tax-extract", 403, month="2026-10", region="130000")


def samples(**cells: object) -> list[dict[str, object]]:
    at = {
        "at": "2026-10-01T09:00:00",
        "lon": 116.5,
        "lat": 39.4,
        "factor": "PFOA",
        "value": 3.2,
        "unit": "ng/L",
    }
    return [at | {"value": value} | cells for value in (3.2, 4.1)]


async def test_UN_13_a_survey_is_imported_whole_or_not_at_all(door: Door) -> None:
    body = {
        "name_zh": "新污染物调查",
        "name_en": "Emerging pollutants",
        "region": "131000",
        "theme": "emerging",
        "began_on": "2026-09-01",
        "ended_on": "2026-10-31",
    }
    path = "/registry/monitoring/surveys"
    rows = [
        {"code": "S-1", **body, "samples": samples()},
        {"code": "S-2", **body, "samples": samples(lat=99)},
    ]
    wrong = await door.post("health/data.submit@131000", path, {"rows": rows}, 422)
    assert wrong["errors"][0]["where"] == "row 1: samples[0].lat"
    assert (await door.get("health/data.submit@131000", path))["items"] == []
    rows[1]["samples"] = samples(unit="ng/L")
    told = await door.post("health/data.submit@131000", path, {"rows": rows})
    assert (told["entered"], told["unchanged"]) == (2, 0)
    again = await door.post("health/data.submit@131000", path, {"rows": rows})
    assert (again["entered"], again["unchanged"]) == (0, 2)
    found = (await door.get(READER, path, match="theme:emerging"))["items"]
    assert len(found) == 2 and found[0]["samples"][1]["value"] == 4.1


async def test_CC_25_a_flight_of_a_drone_is_a_data_set(door: Door) -> None:
    body = {"name_zh": "无人机巡查", "name_en": "UAV patrol", "region": "131081", "theme": "uav",
            "began_on": "2026-10-01", "ended_on": "2026-10-01", "samples": samples(height=120)}  # fmt: skip
    kept = await door.put(CLERK, "/registry/monitoring/surveys/UAV-1", body)
    assert (kept["theme"], kept["samples"][0]["height"]) == ("uav", 120)


async def test_SLm_13_a_mobile_track_is_a_data_set(door: Door) -> None:
    points = [
        {
            "at": f"2026-10-01T09:00:{second:02d}",
            "lon": 116.5 + second / 1e4,
            "lat": 39.4,
            "value": 30 + second,
        }
        for second in range(60)
    ]
    body = {"name_zh": "VOCs走航", "name_en": "VOCs run", "region": "131081", "vehicle": "冀R-0001",
            "factor": "a24088", "unit": "ug/m3", "points": points}  # fmt: skip
    kept = await door.put(CLERK, "/registry/monitoring/tracks/T-1", body)
    assert (len(kept["points"]), kept["points"][59]["value"]) == (60, 89)
    changed = await door.ask(CLERK, "PUT", "/registry/monitoring/tracks/T-1", json=body | {"vehicle": "x"},
                             headers={"If-Match": "*"})  # fmt: skip
    assert changed.json()["type"] == "/problems/record-of-fact"
    wrong = body | {"points": [points[0] | {"lon": "east"}]}
    told = await door.put(CLERK, "/registry/monitoring/tracks/T-2", wrong, 422)
    assert told["errors"][0]["where"] == "points[0].lon"


async def test_SLm_03_an_emergency_is_reported_upward_in_its_hours(door: Door, app: FastAPI) -> None:
    known = datetime.now(UTC) - timedelta(hours=3)
    path = "/registry/emergency/emergency-events"
    for level, hours, late in (("I", 2, True), ("II", 2, True), ("III", 4, False), ("IV", 4, False)):
        body = {"title": "槽罐车泄漏", "region": "131081", "level": level, "known_at": known.isoformat(),
                "recipients": ["gov@131000", "health@131000"]}  # fmt: skip
        kept = await door.put("emergency/data.submit@131081", f"{path}/E-{level}", body)
        clock = kept["clocks"]["reported_at"]
        assert (clock["hours"], clock["is_late"]) == (hours, late)
        assert datetime.fromisoformat(clock["due_at"]) == known.replace(
            microsecond=known.microsecond
        ) + timedelta(hours=hours)
    await watch(app.state.database, datetime.now(UTC))
    assert (await door.findings()).count("report-overdue") == 2
    ending = body | {
        "reported_at": (known + timedelta(hours=3, minutes=30)).isoformat(),
        "provincial_support": True,
        "reported_to": ["市政府", "市生态环境局"],
        "plan": "布设3个断面，每小时一次",
    }
    done = await door.edit(CLERK, f"{path}/E-IV", ending)
    assert done["clocks"]["reported_at"]["is_done"] and not done["clocks"]["reported_at"]["is_late"]
    assert [one["code"] for one in (await door.get(HEALTH, path))["items"]] == [
        "E-I",
        "E-II",
        "E-III",
        "E-IV",
    ]
    report = {
        "event": "E-IV",
        "region": "131081",
        "stage": "initial",
        "text": "初报",
        "reported_at": known.isoformat(),
    }
    await door.put(CLERK, "/registry/emergency/emergency-reports/R1", report)
    lost = await door.put(CLERK, "/registry/emergency/emergency-reports/R2", report | {"event": "E-V"}, 422)
    assert lost["errors"][0]["rule"] == "record-reference"


async def test_SLm_04_resources_and_drills_are_kept(door: Door) -> None:
    stock = {
        "name_zh": "便携气质联用仪",
        "name_en": "Portable GC-MS",
        "region": "131000",
        "type": "instrument",
        "quantity": 2,
        "place": "市站库房",
        "maintained_on": "2026-10-01",
        "maintain_by": "2027-04-01",
    }
    await door.put(CLERK, "/registry/emergency/emergency-resources/R1", stock)
    drill = {
        "region": "131000",
        "type": "drill",
        "held_on": "2026-06-05",
        "topic": "水污染应急监测",
        "participants": 40,
    }
    await door.put(CLERK, "/registry/emergency/emergency-drills/D1", drill)
    found = (await door.get("gov/data.read@131000", "/registry/emergency/emergency-resources"))["items"]
    assert [(one["quantity"], one["maintain_by"]) for one in found] == [(2, "2027-04-01")]
    history = await door.get(READER, "/registry/emergency/emergency-drills/D1/history")
    assert len(history["items"]) == 1


async def test_SLm_16_a_draw_creates_sampling_tasks(door: Door) -> None:
    task = {"site": OUTLET, "draw": "SJ-2026-11", "drawn_at": "2026-11-20T09:00:00", "factors": ["a21026"],
            "officers": ["甲", "乙"], "due_on": "2026-12-10", "recipients": ["ee.mon@131000"]}  # fmt: skip
    drawer = "ee.enf/inspection.drawer@131000"
    rows = [{"code": f"SJ-2026-11-{number}", **task} for number in (1, 2)]
    told = await door.post(drawer, "/registry/tasks/sampling-tasks", {"rows": rows})
    assert told["entered"] == 2
    mine = (await door.get(CLERK, "/registry/tasks/sampling-tasks", match="draw:SJ-2026-11"))["items"]
    assert len(mine) == 2
    done = task | {"done_on": "2026-12-01", "result": SHA}
    await door.edit(CLERK, "/registry/tasks/sampling-tasks/SJ-2026-11-1", done)
    await door.get(UNIT, "/registry/tasks/sampling-tasks", 403)


async def test_SLm_18_the_dictionaries_are_readable_by_everybody(door: Door) -> None:
    names = {one["name"] for one in (await door.get(None, "/dictionary"))["items"]}
    assert {"factors", "units", "regions", "elements", "kinds", "systems"} <= names
    for name in names:
        entries = (await door.get(None, f"/dictionary/{name}"))["items"]
        assert entries, name
    kinds = (await door.get(None, "/dictionary/kinds"))["items"]
    assert len(kinds) >= 28 and all(one["zh"] and one["en"] and one["source"] for one in kinds)
    assert (await door.ask(None, "GET", "/dictionary/nothing")).status_code == 404


async def test_SLm_21_steps_of_the_laboratory_are_stored(door: Door, database: FreshDatabase) -> None:
    await enter_agency(door)
    entrusting = {"uscc": USCC, "counterpart": AGENCY_USCC, "relation": "agency", "valid_from": "2026-01-01"}
    await door.put(CLERK, "/registry/units/relations/R1", entrusting)
    agency = "agency/data.submit@131000"
    for number, step in enumerate(("sampling", "handover", "analysis", "review")):
        body = {
            "sample": "Y-0001",
            "step": step,
            "happened_at": f"2026-11-20T1{number}:00:00",
            "site": OUTLET,
            "persons": ["孙七"] if step == "review" else ["王五", "赵六"],
            "uscc": "91110108551385082Q",
        }
        await door.put(agency, f"/registry/laboratory/lims-steps/Y-0001-{number}", body)
    found = (await door.get(READER, "/registry/laboratory/lims-steps", match="sample:Y-0001"))["items"]
    assert [one["step"] for one in found] == ["sampling", "handover", "analysis", "review"]
    events = await fetch(
        database, "SELECT data FROM outbox WHERE event = 'ingest.registry_changed.v1' AND key LIKE 'Y-0001%'"
    )
    assert len(events) == 4
    changed = await door.ask(agency, "PUT", "/registry/laboratory/lims-steps/Y-0001-0",
                             json=body | {"step": "report"}, headers={"If-Match": "*"})  # fmt: skip
    assert changed.status_code == 409
    await door.put("unit/data.submit@131081", "/registry/laboratory/lims-steps/X", body, 403)
    assert (await door.get(OFFICER, "/registry/laboratory/lims-steps"))["items"]
