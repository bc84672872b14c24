"""An organisation writes about its own sites and those it is entrusted with, and about no others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from ingest.flows.plans import judge_plans
from ingest_scene import AIR, OUTLET, USCC
from registry_scene import AGENCY_USCC, APPROVER, CLERK, READER, UNIT, Door, enter_agency, plan

AGENCY, OPERATOR = "agency/data.submit@131000", "operator/data.submit@131000"
GUARANTEE = {"power": "none", "communication": "both", "keeper": "甲", "checked_on": "2026-11-20"}
STEP = {"sample": "Y-1", "step": "analysis", "happened_at": "2026-11-20T10:00:00", "persons": ["甲"]}
RESULT = {"factor": "a21002", "method": "HJ-693", "value": 18.5, "unit": "mg/m3", "sampled_by": ["甲"],
          "production_load": 82, "facility_state": "running"}  # fmt: skip
ENTRUSTING = {"uscc": USCC, "counterpart": AGENCY_USCC, "relation": "agency"}


def result(at: str = "2026-11-20T10:00:00", **cells: Any) -> dict[str, Any]:
    return {"site": OUTLET, "sampled_at": at} | RESULT | cells


@pytest.mark.parametrize(
    "path, body",
    [
        ("guarantee/station-guarantees", GUARANTEE),
        ("laboratory/lims-steps", STEP),
        ("laboratory/lims-steps", STEP | {"uscc": USCC}),
        ("monitoring/manual-results", result()),
    ],
)
async def test_a_unit_writes_nothing_about_a_station_of_nobody(
    door: Door, path: str, body: dict[str, Any]
) -> None:
    told = await door.put(UNIT, f"/registry/{path}/X1", body | {"site": AIR}, 403)
    assert told["type"] == "/problems/site-not-entrusted"
    assert "contracts" in told["detail"] and "委托" in told["detail"] and told["site"] == AIR
    assert await door.findings() == []
    await door.put(UNIT, f"/registry/{path}/X2", body | {"site": OUTLET})


async def test_a_given_organisation_does_not_make_a_foreign_site_its_own(door: Door) -> None:
    await enter_agency(door)
    step = STEP | {"site": OUTLET, "uscc": AGENCY_USCC}
    path = "/registry/laboratory/lims-steps/S1"
    assert (await door.put(AGENCY, path, step, 403))["type"] == "/problems/site-not-entrusted"
    relation = "/registry/units/relations/R1"
    for ended in (ENTRUSTING | {"valid_to": "2026-01-31"}, ENTRUSTING | {"relation": "supplier"}):
        await door.put(
            CLERK, relation, ended, **{"If-Match": "*"} if ended.get("relation") == "supplier" else {}
        )
        await door.put(AGENCY, path, step, 403)
    await door.edit(CLERK, relation, ENTRUSTING)
    await door.put(AGENCY, path, step)
    kept = await door.put(AGENCY, "/registry/monitoring/manual-results/M1", result())
    assert (kept["uscc"], kept["counterpart"]) == (AGENCY_USCC, USCC)
    assert (await door.get(UNIT, "/registry/monitoring/manual-results/M1"))["value"] == 18.5


async def test_a_contract_reaches_the_sites_it_names(door: Door) -> None:
    await enter_agency(door)
    contract = {"uscc": USCC, "counterpart": AGENCY_USCC, "purpose": "operation", "number": "HT-1",
                "signed_on": "2026-01-05", "clauses": ["breach"], "sites": [AIR]}  # fmt: skip
    path, keep = "/registry/units/contracts/HT-1", "/registry/guarantee/station-guarantees"
    await door.put(CLERK, path, contract)
    await door.put(OPERATOR, f"{keep}/G1", GUARANTEE | {"site": OUTLET}, 403)
    # The unit's region does not reach the station: its contract cannot entrust it.
    await door.put(OPERATOR, f"{keep}/G2", GUARANTEE | {"site": AIR}, 403)
    await door.put(CLERK, "/registry/units/relations/R1", ENTRUSTING | {"site": AIR, "relation": "operator"})
    await door.put(OPERATOR, f"{keep}/G2", GUARANTEE | {"site": AIR})
    await door.edit(CLERK, path, contract | {"sites": [OUTLET]})
    await door.put(OPERATOR, f"{keep}/G1", GUARANTEE | {"site": OUTLET})


async def test_a_plan_counts_results_of_its_unit_and_of_whom_it_entrusted(door: Door, app: FastAPI) -> None:
    await enter_agency(door)
    days = [(datetime.now(UTC) - timedelta(days=back)).date() for back in (6, 5, 4)]
    path = "/registry/monitoring/plans/P1-1"
    await door.put(UNIT, path, plan(OUTLET, valid_from=days[0].isoformat()))
    await door.post(APPROVER, f"{path}/approve", {"filing_no": "1"})
    await door.put(CLERK, "/registry/units/relations/R1", ENTRUSTING)
    for who, day in zip((UNIT, AGENCY, CLERK), days, strict=True):
        results = f"/registry/monitoring/manual-results/M-{day}"
        await door.put(who, results, result(f"{day}T10:00:00"))
    await judge_plans(app.state.database, datetime.now(UTC))
    runs = (await door.get(READER, "/plan-runs"))["items"]
    found = {one["start"][:10]: one["found"] for one in runs}
    assert [found[day.isoformat()] for day in days] == [1, 1, 0]
