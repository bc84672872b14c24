"""The chain of custody over HTTP, as the laboratory and as the supervisor: rows of requirements."""

import pytest
from contracts.credit import Listed, ListingSuspended, PersonBanLifted, PersonBanned
from kit.outbox import Meta
from lab_scene import AGENCY, SIGNING, Lab, refusals, step
from qc import consumers
from qc_scene import Lane
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

ELSEWHERE = "ee/qc.reviewer@131100"


@pytest.fixture
async def lab(client, tokens) -> Lab:
    made = Lab(client, tokens)
    await made.staff()
    return made


async def hear(lane: Lane, handler, event) -> None:
    async with lane.database.writer() as session:
        await handler(session, event, Meta("", "00", 1, "credit-1", "", "", (), lane.clock()))


def ban(person: str, ban_id: str = "b-1", valid_from: str = "2026-01-01", **more) -> PersonBanned:
    return PersonBanned(
        ban_id=ban_id, person=person, name="己", region="131000", ground="falsified",
        decision_no="廊环罚〔2026〕9号", legal_basis="《生态环境监测条例》第四十五条", valid_from=valid_from,
        banned_at_ms=1, **more,
    )  # fmt: skip


async def test_LF_39_a_value_lists_all_persons_and_who_leaves_keeps_the_liability(lab: Lab, lane: Lane):
    result = await lab.made()
    await lab.issue(result)
    body = {"left_on": "2026-11-25", "reason": "辞职"}
    left = await lab.post("/custody/people/P3/departure", body, lab.headers("agency/data.submit@131000"))
    assert left.status_code == 201 and left.json()["is_liable"]
    shown = await lab.shown(result)
    listed = [(link["post"], link["person"], link["name"]) for link in shown["chain"]]
    assert listed == [
        ("sampler", "P1", "采样员甲"),
        ("sampler", "P2", "采样员乙"),
        ("analyst", "P3", "分析员丙"),
        ("analyst", "P2", "采样员乙"),
        ("checker", "P4", "校核员丁"),
        ("reviewer", "P5", "审核员戊"),
        ("signatory", "P6", "签字人己"),
        ("head", "P7", "负责人庚"),
    ]
    gone = shown["chain"][2]
    assert (gone["left_on"], gone["is_liable"]) == ("2026-11-25", True)
    assert "终身负责" in gone["liability_zh"] and "for life" in gone["liability_en"]
    assert all(link["is_liable"] for link in shown["chain"])
    assert (await lab.ask(f"/custody/results/{result}", ELSEWHERE)).status_code == 404
    for table in ("signatures", "lab_people", "person_departures", "lab_steps", "manual_results"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET institution = institution"):
            if table == "signatures":
                statement = statement.replace("institution", "person")
            with pytest.raises(DBAPIError, match="permission denied"):
                async with lane.database.writer() as session:
                    await session.execute(text(statement))
    assert await lab.shown(result) == shown


async def test_LF_39_who_has_left_signs_nothing_more(lab: Lab):
    result = await lab.made()
    body = {"left_on": "2026-11-25", "reason": "辞职"}
    await lab.post("/custody/people/P3/departure", body, lab.headers("agency/data.submit@131000"))
    lab_now = await lab.sign(result, "analyst")
    assert lab_now.status_code == 403 and refusals(lab_now) == ["post"]


async def test_CC_14_samplers_and_analysts_answer_for_life(lab: Lab):
    result = await lab.made()
    chain = (await lab.shown(result, "ee.enf/case.officer@131000"))["chain"]
    assert [(link["post"], link["person"]) for link in chain] == [
        ("sampler", "P1"), ("sampler", "P2"), ("analyst", "P2"), ("analyst", "P3"),
    ]  # fmt: skip
    for link in chain:
        assert link["is_liable"] and "长春" in link["liability_source"]


async def test_LN_16_the_grade_is_stored_analyst_first_reviewer_and_signatory_main(lab: Lab, lane: Lane):
    result = await lab.made()
    await lab.issue(result)
    async with lane.database.writer() as session:
        rows = await session.execute(text("SELECT post, grade FROM signatures"))
        stored = {row.post: row.grade for row in rows}
    assert stored == {"analyst": "first", "checker": "main", "reviewer": "main", "signatory": "main"}
    chain = (await lab.shown(result))["chain"]
    assert {(link["post"], link["grade"], link["grade_zh"]) for link in chain} >= {
        ("analyst", "first", "首要责任"),
        ("reviewer", "main", "主要责任（领导责任）"),
        ("signatory", "main", "主要责任（领导责任）"),
        ("head", "institution", "机构负责人责任"),
    }


async def test_LF_41_a_missing_stage_is_flagged(lab: Lab):
    steps = [step(at) for at in range(1, 10) if at not in (4, 5)]
    told = await lab.tell("S-2", steps)
    assert told.status_code == 202
    result = (await lab.result("R-2", "S-2")).json()
    missing = [flag for flag in result["flags"] if flag["flag"] == "stage-missing"]
    assert [flag["where"] for flag in missing] == ["preparation", "handover"]
    assert (
        "样品制备" in missing[0]["zh"]
        and "Preparation" in missing[0]["en"]
        and "二12" in missing[0]["source"]
    )
    assert [stage["id"] for stage in result["stages"] if not stage["is_present"]] == [
        "preparation",
        "handover",
    ]
    assert len(result["stages"]) == 9
    await lab.tell("S-2", [step(4), step(5)])
    flags = (await lab.shown(result["id"]))["flags"]
    assert "stage-missing" not in {flag["flag"] for flag in flags}


async def lacking(lab: Lab, sample: str, **bare) -> list[str]:
    """What is flagged as missing where the analysis lacks `bare`."""
    whole = [step(at) for at in range(1, 10)]
    whole[5] = step(6, **bare)
    assert (await lab.tell(sample, whole)).status_code == 202
    result = (await lab.result(f"R-{sample}", sample)).json()
    found = [flag for flag in result["flags"] if flag["flag"] == "element-missing"]
    assert all("辽宁" in flag["source"] and flag["zh"] and flag["en"] for flag in found)
    return sorted(flag["where"].removeprefix("6/analysis/") for flag in found)


async def test_LN_18_a_record_that_lacks_an_element_is_flagged(lab: Lab):
    assert await lacking(lab, "S-3") == []
    assert await lacking(lab, "S-4", method=None, environment={}) == ["environment", "method"]
    assert await lacking(lab, "S-5", persons=[], instruments=[]) == ["instrument", "person"]
    assert await lacking(lab, "S-6", measurement=None, raw=None, materials=[]) == ["material", "measurement"]


async def test_CC_15_persons_equipment_reference_material_method_and_environment_are_on_record(lab: Lab):
    result = await lab.made()
    (analysis,) = [one for one in (await lab.shown(result))["steps"] if one["stage"] == "analysis"]
    assert (analysis["persons"], analysis["instruments"], analysis["materials"]) == (
        ["P3"], ["ICP-01"], ["GBW07405"],
    )  # fmt: skip
    assert (analysis["method"], analysis["environment"]["temperature"]) == ("HJ 700-2014", "21.5 C")
    assert await lacking(lab, "S-7", materials=[], environment={}) == ["environment", "material"]


async def test_LF_44_an_unreviewed_report_cannot_be_filed(lab: Lab):
    result = await lab.made()
    for post in SIGNING:
        refused = await lab.file("B-1", [result])
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/report-unreviewed")
        assert len(refused.json()["errors"]) == 4 - list(SIGNING).index(post)
        assert (await lab.sign(result, post)).status_code == 201
    filed = await lab.file("B-1", [result])
    assert filed.status_code == 201 and filed.json()["results"] == [result]
    assert (await lab.file("B-1", [result])).status_code == 409
    listed = (await lab.ask("/custody/reports", "samr/data.read@131000")).json()["items"]
    assert [report["number"] for report in listed] == ["B-1"]


async def test_LF_44_the_levels_follow_each_other_and_a_returned_result_is_corrected_by_another(lab: Lab):
    result = await lab.made()
    early = await lab.sign(result, "reviewer")
    assert (early.status_code, refusals(early)) == (409, ["order"])
    await lab.sign(result, "analyst")
    assert (await lab.sign(result, "checker", outcome="returned")).status_code == 422
    returned = await lab.sign(result, "checker", outcome="returned", reason="平行样超差")
    assert returned.status_code == 201 and returned.json()["state"] == "returned"
    after = await lab.sign(result, "reviewer")
    assert (after.status_code, refusals(after)) == (409, ["returned"])
    corrected = await lab.result("R-1b", "S-1", corrects=result, value="<0.02")
    assert corrected.status_code == 201
    assert (await lab.shown(result))["corrected_by"] == corrected.json()["id"]
    assert (await lab.result("R-1c", "S-1", corrects=result)).status_code == 409
    await lab.issue(corrected.json()["id"])
    assert (await lab.file("B-2", [result])).status_code == 422
    assert (await lab.file("B-2", [corrected.json()["id"]])).status_code == 201


async def test_LF_61_a_banned_person_is_refused_as_signatory(lab: Lab, lane: Lane):
    result = await lab.made()
    for post in ("analyst", "checker", "reviewer"):
        await lab.sign(result, post)
    await hear(lane, consumers.on_person_banned, ban("subject-P6", valid_to="2031-11-20"))
    refused = await lab.sign(result, "signatory")
    assert refused.status_code == 403
    assert refusals(refused) == ["《生态环境监测条例》第四十五条"]
    assert "2031-11-20" in refused.json()["detail"] and "barred" in refused.json()["detail"]
    await hear(lane, consumers.on_person_banned, ban("subject-P8", "b-2"))
    entered = await lab.enter("P8", ["signatory"])
    assert (entered.status_code, entered.json()["type"]) == (403, "/problems/person-banned")
    assert "终身" in entered.json()["detail"]
    lifted = PersonBanLifted(
        ban_id="b-1", person="subject-P6", region="131000", reason="撤销", lifted_at_ms=2
    )
    await hear(lane, consumers.on_person_ban_lifted, lifted)
    await hear(lane, consumers.on_person_banned, ban("subject-P6", valid_to="2031-11-20"))
    assert (await lab.sign(result, "signatory")).status_code == 201


async def test_LF_61_a_ban_bars_on_its_days_and_a_listed_institution_signs_nothing(lab: Lab, lane: Lane):
    result = await lab.made()
    await hear(lane, consumers.on_person_banned, ban("subject-P3", valid_to="2026-02-01"))
    listing = Listed(
        listing_id="l-1", case_id="c", decision_no="D", uscc=AGENCY, organisation_zh="甲",
        organisation_en="A",
        subject_type="agency", region="131000", ground="falsified_monitoring_data", legal_basis="175号",
        valid_from="2026-01-01", valid_to="2029-01-01", listed_at_ms=1,
    )  # fmt: skip
    await hear(lane, consumers.on_listed, listing)
    refused = await lab.sign(result, "analyst")
    assert (refused.status_code, refusals(refused)) == (403, ["175号"])
    suspended = ListingSuspended(
        listing_id="l-1", uscc=AGENCY, region="131000", reason="-", suspended_at_ms=2
    )
    await hear(lane, consumers.on_listing_suspended, suspended)
    assert (await lab.sign(result, "analyst")).status_code == 201


async def test_analyst_reviewers_and_signatory_are_different_people(lab: Lab):
    result = await lab.made()
    for number, posts in (
        ("P3", ["analyst", "checker"]),
        ("P4", ["checker", "reviewer"]),
        ("P1", ["checker"]),
    ):
        assert (await lab.enter(number, posts)).status_code == 201
    stranger = await lab.sign(result, "analyst", "P5", role="qc.analyst")
    assert (stranger.status_code, refusals(stranger)) == (
        403,
        ["post", "who produces the figure answers for it"],
    )
    await lab.sign(result, "analyst")
    for worked in ("P3", "P1"):
        same = await lab.sign(result, "checker", worked)
        assert (same.status_code, refusals(same)) == (403, ["separation of duties"])
    await lab.sign(result, "checker")
    twice = await lab.sign(result, "reviewer", "P4")
    assert (twice.status_code, refusals(twice)) == (403, ["separation of duties"])
    wrong_role = await lab.sign(result, "reviewer", role="qc.analyst")
    assert (wrong_role.status_code, refusals(wrong_role)) == (403, ["role"])
    other = lab.headers("agency/qc.reviewer@131000", "P5", uscc="91131000MA0000009X")
    foreign = await lab.post(f"/custody/results/{result}/signatures", {"post": "reviewer"}, other)
    assert foreign.status_code == 403


async def test_a_write_needs_a_key_and_its_repeat_gets_the_same_answer(lab: Lab):
    who = lab.headers("agency/data.submit@131000")
    assert (await lab.client.post("/custody/people", json={}, headers=who)).status_code == 422
    body = {"sample": "S-9", "region": "131000", "steps": [step(1)]}
    first = await lab.post("/lims/steps", body, who, "same-key-1")
    assert (await lab.post("/lims/steps", body, who, "same-key-1")).json() == first.json()
    other = await lab.post("/lims/steps", body | {"sample": "S-10"}, who, "same-key-1")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_bad_input_gets_a_clear_answer(lab: Lab):
    await lab.tell("S-1", [step(1)])
    for more, status, slug in (
        ({"value": "about 3"}, 422, None),
        ({"region": "999999"}, 422, "region-unknown"),
        ({"sample": "none"}, 404, "sample-unknown"),
        ({"unheard": 1}, 422, None),
        ({"number": "a\x00b"}, 422, None),
        ({"region": "131100"}, 201, None),
        ({"region": "131100"}, 409, "number-taken"),
    ):
        answer = await lab.result(**({"number": "R-1", "sample": "S-1"} | more))
        assert answer.status_code == status, answer.text
        assert slug is None or answer.json()["type"] == f"/problems/{slug}"


async def test_an_institution_sees_its_own_and_a_department_its_region(lab: Lab):
    result = await lab.made()
    assert (await lab.ask("/custody/results", "agency/qc.reviewer@131000")).json()["items"][0]["id"] == result
    assert len((await lab.ask("/custody/people", "ee.mon/qc.analyst@131000", limit=3)).json()["items"]) == 3
    assert (await lab.ask("/custody/results", ELSEWHERE)).json()["items"] == []
    other = lab.headers("agency/data.submit@131000", uscc="91131000MA0000009X")
    assert (await lab.client.get("/custody/results", headers=other)).json()["items"] == []
    assert (await lab.client.get(f"/custody/results/{result}", headers=other)).status_code == 404
    assert (await lab.client.get("/custody/results")).status_code == 401
