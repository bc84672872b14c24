"""Separation of duties on records of the registry, over HTTP: by persons, by policy, in any order."""

from typing import Any

import policy
import pytest
from ingest.flows import duties
from ingest_scene import OUTLET
from registry_scene import UNIT, Door, plan

STEPS = "/registry/laboratory/lims-steps"
PLANS = "/registry/monitoring/plans"
BOTH = "ee/data.submit+registry.approver@131000"


def step(name: str, *persons: str, sample: str = "Y-1") -> dict[str, Any]:
    return {"sample": sample, "step": name, "happened_at": "2026-11-20T10:00:00", "site": OUTLET,
            "persons": list(persons)}  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("analysis", "review"),
        ("sampling", "review"),
        ("field_test", "report"),
        ("review", "report"),
        ("review", "analysis"),
        ("report", "sampling"),
        ("report", "review"),
    ],
)
async def test_who_analysed_a_sample_does_not_review_or_issue_it_in_whatever_order_it_is_entered(
    door: Door, earlier: str, later: str
) -> None:
    await door.put(UNIT, f"{STEPS}/S-1", step(earlier, "王五", "赵六"))
    refused = await door.put(UNIT, f"{STEPS}/S-2", step(later, "孙七", "赵六"), 403)
    assert refused["type"] == "/problems/separation-of-duties"
    [fault] = refused["errors"]
    assert "二11" in fault["rule"]
    assert f"{earlier}（赵六 2026-11-20 10:00）" in fault["what"]
    assert "another person" in fault["mend"]
    row = {"code": "S-3", **step(later, "赵六")}
    file = await door.post(UNIT, STEPS, {"rows": [row]}, 422)
    assert [(one["row"], one["what"]) for one in file["errors"]] == [(0, fault["what"])]
    await door.put(UNIT, f"{STEPS}/S-2", step(later, "孙七"))
    await door.put(UNIT, f"{STEPS}/S-4", step(later, "赵六", sample="Y-2"))


async def test_one_file_with_analyst_and_reviewer_in_one_person_is_refused(door: Door) -> None:
    rows = [{"code": f"S-{name}", **step(name, "王五")} for name in ("analysis", "handover", "review")]
    told = await door.post(UNIT, STEPS, {"rows": rows}, 422)
    assert [one["row"] for one in told["errors"]] == [2]
    assert (await door.get(UNIT, STEPS))["items"] == []


async def test_who_entered_or_changed_a_plan_does_not_approve_it_even_if_another_changed_it_since(
    door: Door,
) -> None:
    path = f"{PLANS}/P-1"
    one, two, three = (door.tokens.bearer(BOTH, sub=f"person-{number}") for number in (1, 2, 3))
    assert (await door.client.put(path, json=plan(OUTLET), headers=one)).status_code == 200
    again = two | {"If-Match": "*"}
    changed = await door.client.put(path, json=plan(OUTLET, quality="平行样"), headers=again)
    assert changed.status_code == 200
    for who in (one, two):
        refused = await door.client.post(f"{path}/approve", json={"filing_no": "1"}, headers=who)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/separation-of-duties")
        assert "enter（" in refused.json()["errors"][0]["what"]
    approved = await door.client.post(f"{path}/approve", json={"filing_no": "1"}, headers=three)
    assert (approved.status_code, approved.json()["state"]) == (200, "filed")


async def test_the_policy_decides_what_is_apart(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its lines the same acts pass: no rule stands in code beside them."""
    without = policy.load()
    lines = tuple(line for line in without.separation.lines if line.record not in {"lims-steps", "plans"})
    bare = policy.Separation(without.separation.records, lines)
    monkeypatch.setattr(duties.policy, "load", lambda: type("Bare", (), {"separation": bare}))
    await door.put(UNIT, f"{STEPS}/S-1", step("analysis", "王五"))
    await door.put(UNIT, f"{STEPS}/S-2", step("review", "王五"))
    await door.put(BOTH, f"{PLANS}/P-1", plan(OUTLET))
    await door.post(BOTH, f"{PLANS}/P-1/approve", {"filing_no": "1"})
