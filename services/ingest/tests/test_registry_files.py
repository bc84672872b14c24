"""Files of the registry: templates, dry runs, all or nothing; and what was known at a moment."""

import asyncio
import io
from datetime import UTC, datetime

import openpyxl
from fastapi import FastAPI
from ingest_scene import AIR, MN, OUTLET, USCC, count
from kit.testing.databases import FreshDatabase
from registry_scene import APPROVER, CLERK, READER, UNIT, Door, station

CSV = {"Content-Type": "text/csv"}
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
SITES = "/registry/tables/sites"
HEAD = "code,kind,element,region,name_zh,name_en,longitude,latitude,level,categories\n"


def csv_of(*rows: str) -> bytes:
    return (HEAD + "".join(f"{row}\n" for row in rows)).encode()


GOOD = [f"131000-C{at},station,air,131002,站{at},Site {at},116.{at},39.5,city,township_air;devzone_air"
        for at in range(1, 6)]  # fmt: skip


async def test_a_file_of_sites_is_entered_whole_and_the_same_again_changes_nothing(
    door: Door, database: FreshDatabase
) -> None:
    dry = await door.ask(CLERK, "POST", f"{SITES}?validate=only", content=csv_of(*GOOD), headers=CSV)
    assert dry.json() | {"rows": []} == {"entered": 5, "unchanged": 0, "rows": [], "validated_only": True}
    before = await count(database, "registry_changes")
    assert (await door.ask(READER, "GET", "/sites/131000-C1")).status_code == 404
    told = (await door.ask(CLERK, "POST", SITES, content=csv_of(*GOOD), headers=CSV)).json()
    assert (told["entered"], told["rows"][4]) == (5, {"row": 4, "code": "131000-C5", "outcome": "entered"})
    again = (await door.ask(CLERK, "POST", SITES, content=csv_of(*GOOD), headers=CSV)).json()
    assert (again["entered"], again["unchanged"]) == (0, 5)
    assert await count(database, "registry_changes") == before + 5
    kept = await door.get(READER, "/sites/131000-C3")
    assert (kept["categories"], kept["longitude"]) == (["township_air", "devzone_air"], 116.3)


async def test_one_wrong_row_keeps_the_whole_file_out_and_every_wrong_row_is_named(
    door: Door, database: FreshDatabase
) -> None:
    before = await count(database, "registry_changes")
    rows = [*GOOD, "131000-C7,station,aether,131002,站,Site,116,39.5,city,",
            "131000-C8,station,air,131100,站,Site,116,39.5,city,", "131000-C1,station,air,131002,站,S,1,3,,",
            "131000-C9,station,air,131002,站,Site,east,39.5,city,"]  # fmt: skip
    answer = await door.ask(CLERK, "POST", SITES, content=csv_of(*rows), headers=CSV)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/file-not-acceptable")
    wrong = {one["row"]: one for one in answer.json()["errors"]}
    assert {at: one["rule"] for at, one in wrong.items()} == {
        5: "unknown-element", 6: "out-of-scope", 7: "table-repeat", 8: "record-type",
    }  # fmt: skip
    assert wrong[8]["where"] == "row 8: longitude" and wrong[5]["mend_zh"]
    assert await count(database, "registry_changes") == before


async def test_a_workbook_goes_out_and_comes_back(door: Door) -> None:
    template = await door.ask(CLERK, "GET", f"{SITES}?format=template-xlsx")
    head = next(
        openpyxl.load_workbook(io.BytesIO(template.content)).worksheets[0].iter_rows(values_only=True)
    )
    assert {"code", "region", "level", "outlet_code"} <= set(head)
    for table in ("organisations", "sites", "devices", "series"):
        for form, media in (("xlsx", XLSX), ("csv", CSV)):
            out = await door.ask(CLERK, "GET", f"/registry/tables/{table}?format={form}")
            assert out.status_code == 200 and table in out.headers["content-disposition"]
            back = await door.ask(
                CLERK, "POST", f"/registry/tables/{table}", content=out.content, headers=media
            )
            assert back.status_code == 200, back.text
            assert (back.json()["entered"], back.json()["unchanged"] > 0) == (0, True), table
    device = await door.get(READER, f"/devices/{MN}")
    assert device["site"] == AIR


async def test_records_of_a_kind_go_out_and_come_back_and_formulas_stay_text(door: Door) -> None:
    path = "/registry/units/key-units"
    rows = [{"code": f"2026-{at}", "year": 2026, "uscc": USCC, "category": "air", "entered_for": "other",
             "automatic": "是", "entry_detail": "=cmd|' /C calc'!A0"} for at in range(3)]  # fmt: skip
    assert (await door.post(CLERK, path, {"rows": rows}))["entered"] == 3
    out = await door.ask(CLERK, "GET", f"{path}?format=csv")
    assert "'=cmd|" in out.content.decode("utf-8-sig")
    back = await door.ask(CLERK, "POST", path, content=out.content, headers=CSV)
    assert back.json()["unchanged"] == 3, back.text
    again = out.content.replace(b",other,", b",complaint,")
    assert (await door.ask(CLERK, "POST", path, content=again, headers=CSV)).json()["entered"] == 3
    template = (await door.ask(CLERK, "GET", f"{path}?format=template-csv")).content.decode("utf-8-sig")
    assert "名录类别 Category" in template and template.count("\n") == 2


async def test_files_that_are_none_are_refused_with_their_reason(door: Door) -> None:
    bad = [
        (b"", CSV), (b"PK\x03\x04nothing", XLSX), (b"\xff\xfe\x00\x00\x80", CSV), (b"code,code\n1,2\n", CSV),
        (b"code,nonsense\nA,B\n", CSV), (b'{"rows": 3}', {"Content-Type": "application/json"}),
        (b"x", {"Content-Type": "image/png"}), (csv_of("1,2,3,4,5,6,7,8,9,10,11,12"), CSV),
        (b'code\n"unclosed\n', CSV), (b"[" * 100_000, {"Content-Type": "application/json"}),
    ]  # fmt: skip
    for content, headers in bad:
        answer = await door.ask(CLERK, "POST", SITES, content=content, headers=headers)
        assert answer.status_code == 422, (content[:20], answer.text)
        assert answer.json()["type"] in ("/problems/file-unreadable", "/problems/file-not-acceptable")
    many = csv_of(*(GOOD[0].replace("C1", f"D{at}") for at in range(5001)))
    answer = await door.ask(CLERK, "POST", SITES, content=many, headers=CSV)
    assert "5,000" in answer.json()["detail"]


async def test_a_key_is_answered_once_and_a_file_cannot_move_a_station(door: Door, app: FastAPI) -> None:
    key = CSV | {"Idempotency-Key": "file-1"}
    first = await door.ask(CLERK, "POST", SITES, content=csv_of(*GOOD), headers=key)
    moved = GOOD[0].replace("116.1", "117.9")
    again = await door.ask(CLERK, "POST", SITES, content=csv_of(*GOOD), headers=key)
    assert again.json() == first.json()
    other = await door.ask(CLERK, "POST", SITES, content=csv_of(moved), headers=key)
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    refused = await door.ask(CLERK, "POST", SITES, content=csv_of(moved, *GOOD[1:]), headers=CSV)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/station-change-needs-approval")
    assert await door.findings() == ["station-change-unapproved"]


async def test_what_was_known_at_a_moment_can_be_read_for_every_kind(door: Door) -> None:
    path = "/registry/units/key-units/2026-1"
    body = {"year": 2026, "uscc": USCC, "category": "air", "entered_for": "other", "automatic": True}
    await door.put(CLERK, path, body)
    await asyncio.sleep(0.02)
    then = datetime.now(UTC).isoformat()
    await door.edit(CLERK, path, body | {"category": "water"})
    await door.put(CLERK, f"/sites/{AIR}", station(zh="改名"))
    await door.put(CLERK, f"/organisations/{USCC}", {"zh": "改名", "en": "Renamed", "region": "131081"})
    series = {"site": OUTLET, "factor": "a21026", "source": "cnemc", "permit_limit": 20}
    await door.put(CLERK, "/series", {"series": [series | {"permit_from": "2026-12-01"}]})
    assert (await door.get(READER, path, asOf=then))["category"] == "air"
    listed = await door.get(None, "/registry/units/key-units", asOf=then)
    assert [one["category"] for one in listed["items"]] == ["air"]
    assert (await door.get(READER, path))["category"] == "water"
    assert (await door.get(READER, f"/sites/{AIR}", asOf=then))["name_zh"] == "安次站"
    assert (await door.get(READER, f"/organisations/{USCC}", asOf=then))["name_zh"] == "示例钢铁"
    assert len((await door.get(READER, "/sites", asOf=then))["items"]) == 3
    old = (await door.get(READER, "/series", asOf=then, limit=1000))["items"]
    assert [one["permit_limit"] for one in old if one["site"] == OUTLET] == [35]
    assert (await door.get(READER, "/devices", asOf=then))["items"][0]["mn"] == MN
    await door.get(READER, f"/sites/{AIR}", 404, asOf="2020-01-01T00:00:00Z")
    await door.get("ee/data.read@131100", f"/sites/{AIR}", 404, asOf=then)
    history = (await door.get(READER, "/registry/changes", table="sites", code=AIR))["items"]
    assert [one["after"]["name_zh"] for one in history] == ["安次站", "改名"]
    assert history[1]["changed_by"].startswith("ee.mon/data.submit@131000 ")


async def test_lists_are_paged_and_ended_records_stay(door: Door) -> None:
    rows = [{"code": f"K{at:03d}", "year": 2026, "uscc": USCC, "category": "air", "entered_for": "other",
             "automatic": True, "valid_to": "2026-06-30" if at % 2 else None} for at in range(7)]  # fmt: skip
    await door.post(CLERK, "/registry/units/key-units", {"rows": rows})
    seen, cursor = [], None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        found = await door.get(READER, "/registry/units/key-units", **params)
        seen += [one["code"] for one in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    assert seen == [f"K{at:03d}" for at in range(7)]
    valid = (await door.get(READER, "/registry/units/key-units", on="2026-07-01"))["items"]
    assert len(valid) == 4


async def test_an_organisation_sees_and_writes_its_own_only(door: Door) -> None:
    other = {"zh": "另一单位", "en": "Other", "region": "131081"}
    await door.put(CLERK, "/organisations/91512081MA62K0260E", other)
    site = {"kind": "outlet", "element": "waste_water", "region": "131081", "zh": "排口", "en": "Outlet"}
    await door.put(CLERK, "/sites/OTHER-DW001", site | {"uscc": "91512081MA62K0260E"})
    path = "/registry/monitoring/transmission-anomalies/"
    body = {"site": "OTHER-DW001", "cause": "power", "detail": "停电", "began_at": "2026-11-20T08:00:00",
            "reported_at": "2026-11-20T09:00:00"}  # fmt: skip
    await door.put(UNIT, f"{path}A1", body, 403)
    await door.put(CLERK, f"{path}A1", body)
    await door.get(UNIT, f"{path}A1", 404)
    await door.put("health/data.submit@131000", f"{path}A2", body, 403)
    proposal = {"object": "sites", "object_code": OUTLET, "site": OUTLET, "change": "更名", "reason": "改制"}
    await door.put(UNIT, "/registry/monitoring/proposals/P1", proposal)
    step = "/registry/monitoring/proposals/P1/approve"
    assert (await door.post(APPROVER, step, {}))["state"] == "accepted"


async def test_a_permit_limit_holds_in_its_days_and_an_ended_device_is_heard_no_more(
    door: Door, app: FastAPI
) -> None:
    series = {"site": OUTLET, "factor": "a21026", "source": "cnemc", "permit_limit": 35}
    for first, last, limit in (
        (None, "2020-12-31", None),
        ("2020-01-01", None, 35),
        ("2090-01-01", None, None),
    ):
        await door.put(CLERK, "/series", {"series": [series | {"permit_from": first, "permit_to": last}]})
        known = await app.state.catalog.refresh()
        (channel,) = (one for one in known.by_id.values() if one.ref.site == OUTLET)
        assert channel.ref.permit_limit == limit
    assert MN in known.devices
    await door.put(CLERK, f"/devices/{MN}", {"site": AIR, "valid_to": "2026-01-31"})
    assert MN not in (await app.state.catalog.refresh()).devices
    assert (await door.get(READER, "/devices", on="2026-01-31"))["items"][0]["mn"] == MN
    assert (await door.get(READER, "/devices", on="2026-02-01"))["items"] == []


async def test_a_record_does_not_make_the_register_of_readings_load_again(door: Door, app: FastAPI) -> None:
    before = await app.state.catalog.refresh()
    body = {"name_zh": "园区", "name_en": "Park", "region": "131002", "type": "devzone"}
    await door.put(CLERK, "/registry/points/areas/P1", body)
    assert await app.state.catalog.refresh() is before
    await door.put(CLERK, "/sites/131000-Z1", station())
    assert await app.state.catalog.refresh() is not before
