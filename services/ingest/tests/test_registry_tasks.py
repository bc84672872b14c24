"""Tasks down the line and enforcement in the field: rows of the requirements table, over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI
from ingest.flows.escalating import escalate
from ingest.tables import RegistryRecord
from ingest_scene import OUTLET
from registry_scene import OFFICER, READER, SHA, UNIT, Door

CITY, COUNTY, TOWN = "gov/data.submit@131000", "gov/data.submit@131081", "township/data.submit@131081"
HELPER = "ee/data.submit@131081"
TASKS = "/registry/dispatch/work-tasks"
FIELD = "/registry/tasks/field-records"


def task(now: datetime, **cells: Any) -> dict[str, Any]:
    body = {"title": "站房周边整治", "region": "131081", "lead": ["gov@131081"], "responsible": "县长 张三"}
    return body | {"given_at": now.isoformat(), "due_at": (now + timedelta(days=10)).isoformat()} | cells


async def state(door: Door, code: str, who: str = CITY) -> str:
    return str((await door.get(who, f"{TASKS}/{code}"))["state"])


async def test_LF_54_a_task_is_acknowledged_answered_and_escalates_when_it_is_not(
    door: Door, app: FastAPI
) -> None:
    now = datetime.now(UTC)
    for code in ("T-1", "T-2"):
        await door.put(CITY, f"{TASKS}/{code}", task(now))
    # The county acknowledges and hands it on to the township; who gave it cannot do so in its place.
    await door.post(CITY, f"{TASKS}/T-1/acknowledge", {"receiver": "李四"}, 403)
    await door.post(COUNTY, f"{TASKS}/T-1/acknowledge", {}, 422)
    taken = await door.post(COUNTY, f"{TASKS}/T-1/acknowledge", {"receiver": "李四"})
    assert datetime.fromisoformat(taken["acknowledged_at"]) >= now.replace(microsecond=0)
    part = task(now, part_of="T-1", lead=["township@131081"], responsible="镇长 王五")
    await door.put(COUNTY, f"{TASKS}/T-1-1", part)
    assert (await door.get(TOWN, f"{TASKS}/T-1-1"))["lead"] == ["township@131081"]
    await escalate(app.state.database, now + timedelta(hours=23))
    assert await state(door, "T-2") == "given"
    for _ in range(2):
        await escalate(app.state.database, now + timedelta(hours=25))
    assert [await state(door, code) for code in ("T-1", "T-1-1", "T-2")] == [
        "acknowledged",
        "escalated",
        "escalated",
    ]
    assert (await door.findings()).count("task-overdue") == 2
    # What came late can still be done, and is answered; not answered in time, it escalates once more.
    await door.post(COUNTY, f"{TASKS}/T-2/acknowledge", {"receiver": "李四"})
    await door.post(COUNTY, f"{TASKS}/T-1/report", {"feedback": "已整治"})
    await escalate(app.state.database, now + timedelta(days=11))
    assert [await state(door, code) for code in ("T-1", "T-2")] == ["reported", "escalated"]
    await door.post(COUNTY, f"{TASKS}/T-1/finish", {"opinion": "同意"}, 403)
    await door.post(CITY, f"{TASKS}/T-1/return", {"opinion": "附照片"})
    await door.post(COUNTY, f"{TASKS}/T-1/report", {"feedback": "已附照片"})
    await door.post(CITY, f"{TASKS}/T-1/finish", {"opinion": "同意办结"})
    steps = (await door.get(CITY, f"{TASKS}/T-2/history"))["items"]
    assert [one["after"]["state"] for one in steps] == ["given", "escalated", "acknowledged", "escalated"]
    assert steps[1]["changed_by"] == "ingest watch"
    assert (await door.ask(COUNTY, "POST", f"{TASKS}/T-2/escalate", json={})).status_code == 404


async def test_LF_54_a_task_that_is_taken_on_at_this_moment_is_not_escalated_over_it(
    door: Door, app: FastAPI
) -> None:
    now, late = datetime.now(UTC), datetime.now(UTC) + timedelta(hours=25)
    await door.put(CITY, f"{TASKS}/T-1", task(now))
    async with app.state.database.writer() as session:
        row = await session.get(RegistryRecord, ("work-tasks", "T-1"), with_for_update=True)
        row.state, row.body = "acknowledged", {**row.body, "acknowledged_at": now.isoformat()}
        await session.flush()
        async with asyncio.timeout(5):
            await escalate(app.state.database, late)
    await escalate(app.state.database, late)
    assert await state(door, "T-1") == "acknowledged"
    assert "task-overdue" not in await door.findings()


async def test_UN_21_each_task_shows_who_leads_and_who_supports_and_reaches_them_alone(door: Door) -> None:
    now = datetime.now(UTC)
    named = task(now, region="131000", lead=["water@131000"], supporting=["ee@131081", "police@131000"])
    kept = await door.put(CITY, f"{TASKS}/T-1", named)
    assert (kept["lead"], kept["supporting"]) == (["water@131000"], ["ee@131081", "police@131000"])
    assert kept["given_by"] == ["gov@131000"]
    for who in ("water/data.read@131000", HELPER, "police/data.read@131000"):
        (seen,) = (await door.get(who, TASKS))["items"]
        assert (seen["lead"], seen["supporting"]) == (kept["lead"], kept["supporting"])
    for who in ("agri/data.read@131000", "police/data.read@131081", "gov/data.read@131081"):
        assert (await door.get(who, TASKS))["items"] == []
        await door.get(who, f"{TASKS}/T-1", 404)
    await door.post(HELPER, f"{TASKS}/T-1/acknowledge", {"receiver": "赵六"}, 403)
    await door.post("agri/data.submit@131000", f"{TASKS}/T-1/acknowledge", {"receiver": "赵六"}, 403)
    await door.post("water/data.submit@131000", f"{TASKS}/T-1/acknowledge", {"receiver": "赵六"})
    nobody = await door.put(CITY, f"{TASKS}/T-2", task(now, lead=[]), 422)
    assert [(one["where"], one["rule"]) for one in nobody["errors"]] == [("lead", "record-field-missing")]
    strange = await door.put(CITY, f"{TASKS}/T-2", task(now, supporting=["nobody@131000"]), 422)
    assert strange["errors"][0]["rule"] == "record-reference"


async def test_CC_26_a_task_is_taken_apart_with_who_answers_and_by_when(door: Door) -> None:
    now = datetime.now(UTC)
    await door.put(CITY, f"{TASKS}/T-1", task(now))
    for missing in ("responsible", "due_at"):
        body = {name: cell for name, cell in task(now, part_of="T-1").items() if name != missing}
        told = await door.put(CITY, f"{TASKS}/T-1-1", body, 422)
        assert [(one["where"], one["rule"]) for one in told["errors"]] == [(missing, "record-field-missing")]
    late = task(now, part_of="T-1", due_at=(now + timedelta(days=11)).isoformat())
    told = await door.put(CITY, f"{TASKS}/T-1-1", late, 422)
    assert [(one["where"], one["rule"]) for one in told["errors"]] == [("due_at", "task-after-whole")]
    own = await door.put(CITY, f"{TASKS}/T-1", task(now, acknowledged_at=now.isoformat()), 422)
    assert own["errors"][0]["rule"] == "record-stamped"
    for number, who in enumerate(("张三", "李四")):
        await door.put(CITY, f"{TASKS}/T-1-{number}", task(now, part_of="T-1", responsible=who))
    parts = (await door.get(CITY, TASKS, match="part_of:T-1"))["items"]
    assert [one["responsible"] for one in parts] == ["张三", "李四"]
    assert all(not one["clocks"]["reported_at"]["is_late"] for one in parts)
    looped = task(now, part_of="T-1-1")
    tag = (await door.ask(CITY, "GET", f"{TASKS}/T-1-1")).headers["etag"]
    told = await door.put(CITY, f"{TASKS}/T-1-1", looped, 422, **{"If-Match": tag})
    assert told["errors"][0]["rule"] == "task-of-itself"


async def test_SLe_08_records_made_offline_in_the_field_come_once_with_place_photos_and_two_officers(
    door: Door,
) -> None:
    camera = {"name_zh": "执法记录仪", "name_en": "Body camera", "region": "131000", "type": "recorder",
              "number": "SN-1", "keeper": "张三", "checked_by": "2027-06-30"}  # fmt: skip
    await door.put(OFFICER, "/registry/tasks/enforcement-equipment/R-1", camera)
    made = {"site": OUTLET, "made_at": "2026-11-20T09:00:00+08:00", "lon": 116.7, "lat": 39.5,
            "officers": ["张三", "李四"], "equipment": "R-1", "photos": [SHA],
            "text": "采样管被拔出"}  # fmt: skip
    rows = [{"code": f"phone-7-{number}", **made} for number in range(3)]
    # Back online the phone sends all it kept, and again when the answer was lost: nothing is there twice.
    assert (await door.post(OFFICER, FIELD, {"rows": rows}))["entered"] == 3
    assert (await door.post(OFFICER, FIELD, {"rows": rows}))["entered"] == 0
    seen = (await door.get(READER, FIELD))["items"]
    assert [(one["code"], one["lon"], one["photos"]) for one in seen] == [
        (f"phone-7-{number}", 116.7, [SHA]) for number in range(3)
    ]
    tag = (await door.ask(OFFICER, "GET", f"{FIELD}/phone-7-0")).headers["etag"]
    other = made | {"text": "未见异常"}
    changed = await door.put(OFFICER, f"{FIELD}/phone-7-0", other, 409, **{"If-Match": tag})
    assert changed["type"] == "/problems/record-of-fact"
    for missing in ("lon", "lat", "photos", "made_at"):
        body = {name: cell for name, cell in made.items() if name != missing}
        told = await door.put(OFFICER, f"{FIELD}/phone-7-9", body, 422)
        assert [(one["where"], one["rule"]) for one in told["errors"]] == [(missing, "record-field-missing")]
    alone = await door.put(OFFICER, f"{FIELD}/phone-7-9", made | {"officers": ["张三"]}, 422)
    assert alone["errors"][0]["rule"] == "record-few"
    unknown = await door.put(OFFICER, f"{FIELD}/phone-7-9", made | {"equipment": "R-2"}, 422)
    assert unknown["errors"][0]["rule"] == "record-reference"
    bare = door.tokens.bearer(OFFICER, officer_cert_no=None)
    refused = await door.client.put(f"{FIELD}/phone-7-9", json=made, headers=bare)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/certificate-missing")
    await door.get(UNIT, FIELD, 403)
    assert (await door.get("ee.enf/case.officer@131100", FIELD))["items"] == []
