"""Evidence eligibility over HTTP: per hour, calibrated ∧ normal ∧ unbroken ∧ logged, with reasons."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from contracts.evidence import QuorumLost, QuorumRegained
from contracts.ingest import Revised
from kit.outbox import Meta
from lab_scene import Lab
from qc import consumers
from qc.flows.revising import assess_revised
from qc.queries.registers import INSTRUMENTS
from qc.rules.registers.obligations import obligations
from qc.tables.registers import RegisterRecord
from qc_scene import BEGIN, HOUR, PM25, SITE, START, Lane, hours
from sqlalchemy import text

OFFICER = "ee.enf/case.officer@131000"
FACTOR = PM25.factor


async def enter(lane: Lane, kind: str, code: str, **more: Any) -> None:
    """A record as the registers keep it."""
    row = {
        "region": "131000", "parties": [], "site": SITE, "flags": [], "body": {}, "judged": {},
        "change_no": 1, "entered_at": BEGIN, "entered_by": "x",
    } | more  # fmt: skip
    async with lane.database.writer() as session:
        session.add(RegisterRecord(kind=kind, code=code, **row))


async def calibrate(lane: Lane, passed: bool = True) -> None:
    """An instrument in use, every check of which passed (or failed) the day before."""
    body = {
        "application": "ambient-air", "factors": [FACTOR], "is_automatic": True, "is_mandatory": False,
        "model_certificate": "C", "in_use_from": (BEGIN - timedelta(days=30)).isoformat(),
    }  # fmt: skip
    await enter(lane, INSTRUMENTS, "I-1", body=body)
    for kind in sorted({line.by for line in obligations()}):
        at = BEGIN - timedelta(hours=1)
        await enter(lane, kind, f"{kind}-1", about="I-1", happened_at=at, judged={"passed": {"*": passed}})


async def asked(lab: Lab, who: str = OFFICER, **params: Any) -> list[dict[str, Any]]:
    span = {"from": BEGIN.isoformat(), "to": (BEGIN + timedelta(hours=6)).isoformat()}
    answer = await lab.ask("/eligibility", who, site=SITE, **(span | params))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def told(items: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [[reason["reason"] for reason in item["reasons"]] for item in items]


@pytest.fixture
async def lab(lane: Lane, client, tokens) -> Lab:
    await lane.send(hours(PM25, [35.0, 36.0, None, 1200.0, 38.0]))
    return Lab(client, tokens)


async def test_LN_15_eligibility_is_computed_per_hour_with_its_reasons(lane: Lane, lab: Lab):
    assert {reason for hour in told(await asked(lab)) for reason in hour} >= {"uncalibrated"}
    await calibrate(lane)
    items = await asked(lab)
    assert told(items) == [[], [], ["missing"], ["invalid"], [], ["missing"]]
    assert [item["is_eligible"] for item in items] == [True, True, False, False, True, False]
    assert (items[2]["is_normal"], items[2]["is_calibrated"], items[2]["is_logged"]) == (False, True, True)
    reason = items[3]["reasons"][0]
    assert (reason["condition"], reason["zh"], reason["en"]) == ("normal", "质控结论为无效", "judged invalid")
    assert "辽宁" in reason["source"]


async def test_LN_15_a_failed_calibration_a_mark_or_another_value_takes_the_eligibility(lane: Lane, lab: Lab):
    await calibrate(lane, passed=False)
    items = await asked(lab)
    assert not any(item["is_eligible"] or item["is_calibrated"] for item in items)
    assert all(r["zh"] and r["en"] and r["source"] for item in items for r in item["reasons"])
    async with lane.database.writer() as session:
        await session.execute(text('UPDATE register_records SET judged = \'{"passed": {"*": true}}\''))
    await lane.send([(PM25, START + 5 * HOUR, 39.0)], flag="M")
    revised = Revised(
        submission="s2", series=PM25, ts_ms=START, first_value=35.0, later_value=21.0,
        received_at_ms=START + 9 * HOUR,
    )  # fmt: skip
    async with lane.database.writer() as session:
        await assess_revised(session, revised, lane.meta("ingest.revised.v1"), lane.setting)
    found = told(await asked(lab))
    assert "revised" in found[0] and found[1] == [] and "marked" in found[5]


async def test_LN_15_what_too_few_witnesses_cosigned_is_not_logged(lane: Lane, lab: Lab):
    await calibrate(lane)
    since = int(lane.clock().timestamp() * 1000) - 1
    lost = QuorumLost(
        log="l", region="131000", needed=2, since_ms=since, source_clause="-", lost_at_ms=since + 5
    )
    back = QuorumRegained(log="l", region="131000", needed=2, size=9, regained_at_ms=since + 9)
    async with lane.database.writer() as session:
        await consumers.on_quorum_lost(session, lost, _meta(lane))
    items = await asked(lab)
    assert told(items)[0] == ["unwitnessed"] and not items[0]["is_logged"]
    for event, handler in ((back, consumers.on_quorum_regained), (lost, consumers.on_quorum_lost)):
        async with lane.database.writer() as session:
            await handler(session, event, _meta(lane))
    assert told(await asked(lab))[0] == []


async def test_SLe_16_data_used_for_a_penalty_are_shown_hour_by_hour_to_the_officer(lane: Lane, lab: Lab):
    await calibrate(lane)
    seen, cursor = [], None
    while True:
        params = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        span = {"from": BEGIN.isoformat(), "to": (BEGIN + timedelta(hours=6)).isoformat()}
        page = (await lab.ask("/eligibility", OFFICER, site=SITE, **span, **params)).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == await asked(lab)
    assert [item["value"] for item in seen] == [35.0, 36.0, None, 1200.0, 38.0, None]
    unit = lab.tokens.bearer("unit/data.submit@131000", uscc=PM25.uscc)
    assert (await lab.client.get("/eligibility", params={"site": SITE}, headers=unit)).status_code == 200
    for who in ("ee.enf/case.officer@131100", "police/case.officer@131000"):
        assert (await lab.ask("/eligibility", who, site=SITE)).status_code == 403


async def test_an_hour_that_is_not_over_has_no_answer_and_bad_questions_say_why(lane: Lane, lab: Lab):
    assert await asked(lab, **{"from": "2098-01-01T00:00:00", "to": "2099-01-01T00:00:00"}) == []
    for params, slug in (
        ({"site": "none"}, "site-unknown"),
        ({"site": SITE, "edition": "hj212-1999"}, "edition-unknown"),
        ({"site": SITE, "from": "yesterday"}, "not-an-instant"),
        ({"site": SITE, "from": "2026-11-12", "to": "2026-11-11"}, "window-empty"),
    ):
        answer = await lab.ask("/eligibility", OFFICER, **params)
        assert answer.json()["type"] == f"/problems/{slug}", answer.text


def _meta(lane: Lane) -> Meta:
    return Meta("", "00", 1, "evidence-1", "", "", (), lane.clock())
