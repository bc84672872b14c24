"""Steps of a laboratory over HTTP: stored in order, nothing overwritten, clocks and edits flagged."""

import pytest
from lab_scene import Lab, step
from qc_scene import Lane
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


@pytest.fixture
async def lab(client, tokens) -> Lab:
    return Lab(client, tokens)


async def listed(lab: Lab, sample: str) -> dict:
    return (await lab.ask("/lims/steps", "ee.mon/qc.analyst@131000", sample=sample)).json()


async def test_SLm_21_steps_are_stored_in_order_and_never_overwritten(lab: Lab, lane: Lane):
    first = await lab.tell("S-1", [step(1), step(2), step(3)])
    assert [row["outcome"] for row in first.json()["items"]] == ["accepted"] * 3
    again = await lab.tell("S-1", [step(2), step(3, measurement="0.5 mg/L"), step(4)])
    assert [row["outcome"] for row in again.json()["items"]] == ["repeat", "edit-kept", "accepted"]
    kept = (await listed(lab, "S-1"))["items"]
    assert [(row["number"], row["revision"]) for row in kept] == [(1, 0), (2, 0), (3, 0), (3, 1), (4, 0)]
    assert (kept[2]["measurement"], kept[3]["measurement"]) == ("0.0213, 0.0211 mg/L", "0.5 mg/L")
    assert kept[0]["raw"] == "raw record of step 1" and len(kept[0]["raw_sha256"]) == 64
    assert ("edited", "3") in [(flag["flag"], flag["where"]) for flag in again.json()["flags"]]
    for statement in ("DELETE FROM lab_steps", "UPDATE lab_steps SET measurement = ''"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with lane.database.writer() as session:
                await session.execute(text(statement))


async def test_SLm_21_gaps_and_clocks_are_flagged(lab: Lab):
    steps = [
        step(1, happened_at="2026-11-20T10:00:00+08:00"),
        step(3, happened_at="2026-11-20T09:00:00+08:00"),
        step(4, happened_at="2099-01-01T00:00:00+08:00"),
    ]
    flags = (await lab.tell("S-2", steps)).json()["flags"]
    found = {(flag["flag"], flag["where"]) for flag in flags}
    assert found >= {("number-gap", "3"), ("clock-back", "3"), ("clock-ahead", "4")}
    assert ("entered-late", "4") not in found and ("clock-back", "4") not in found
    assert all(flag["zh"] and flag["en"] and flag["source"] for flag in flags)
    await lab.tell("S-2", [step(2, happened_at="2026-11-20T10:30:00+08:00")])
    later = {(flag["flag"], flag["where"]) for flag in (await listed(lab, "S-2"))["flags"]}
    assert ("number-gap", "3") not in later and ("clock-back", "3") in later


async def test_SLm_21_a_bad_row_is_refused_by_itself_and_only_bad_rows_altogether(lab: Lab):
    bad = [step(2, stage="tasting"), step(3, raw_sha256="0" * 64), {"number": "x"}]
    told = await lab.tell("S-3", [step(1), *bad])
    assert [row["outcome"] for row in told.json()["items"]] == ["accepted", "refused", "refused", "refused"]
    faults = [fault for row in told.json()["items"] for fault in row.get("errors", [])]
    assert faults[0]["where"] == "steps[1].stage" and "siting" in faults[0]["mend"]
    refused = await lab.tell("S-3", bad)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/no-row-acceptable")
    assert [row["number"] for row in (await listed(lab, "S-3"))["items"]] == [1]


async def test_SLm_21_one_reads_on_where_the_page_ended(lab: Lab):
    await lab.tell("S-4", [step(at) for at in range(1, 6)])
    seen, cursor = [], None
    while True:
        page = await lab.ask(
            "/lims/steps", "samr/data.read@131000", limit=2, **({"cursor": cursor} if cursor else {})
        )
        seen += [row["number"] for row in page.json()["items"]]
        cursor = page.json()["next"]
        if cursor is None:
            break
    assert seen == [1, 2, 3, 4, 5]
    assert (await lab.ask("/lims/steps", "samr/data.read@131100")).json()["items"] == []
    wrong = lab.headers("ee/data.submit@131000")
    body = {"sample": "S-5", "region": "131000", "steps": [step(1)]}
    assert (await lab.post("/lims/steps", body, wrong)).status_code == 403
