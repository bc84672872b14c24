"""The proceedings against a real PostgreSQL: the full walk, and everything the law refuses on the way."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from case_scene import (
    ANNUL,
    CONFIRM,
    DECIDE,
    FILE,
    MS,
    NOW,
    REVIEW,
    alarm,
    doer_for,
    papers,
    series,
    suspicion,
    suspicion_withdrawn,
)
from cases import queries
from cases.flows import leads, proceedings, signals
from cases.flows.asked import Annul, ConfirmFraud, Decide, FileLead, OpenLead, RejectLead, Review
from cases.tables import Case, Lead
from kit.db import Database
from kit.problems import Conflict, Forbidden, Invalid, NotFound, Problem
from kit.testing.plugin import ServiceDatabase
from sqlalchemy import select, text

REPORT = {
    "origin": "report",
    "origin_id": "12369-2026-0001",
    "region": "131000",
    "site": "131000-A01",
    "summary": "群众反映站房夜间有人进入",
}


async def said(database: Database) -> list[tuple[str, dict[str, Any]]]:
    async with database.writer() as session:
        found = await session.execute(text("SELECT event, data FROM outbox ORDER BY id"))
        return [(event.split(".")[1], msgspec.json.decode(data)) for event, data in found]


async def opened(database: Database) -> UUID:
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(), NOW)
    async with database.writer() as session:
        return (await session.scalars(select(Lead.lead_id))).one()


async def file(database: Database, lead_id: UUID, who: Any = None, **more: Any) -> Case:
    async with database.writer() as session:
        asked = FileLead.model_validate({**FILE, **more})
        return await leads.file_lead(session, lead_id, asked, who or doer_for("leads:decide"))


async def confirm(database: Database, case: Case, who: Any = None, **more: Any) -> Case:
    async with database.writer() as session:
        asked = ConfirmFraud.model_validate({**CONFIRM, **more})
        return await proceedings.confirm_fraud(
            session, case.case_id, asked, who or doer_for("cases:confirm-fraud")
        )


async def review(database: Database, case: Case, who: Any = None, **more: Any) -> Case:
    async with database.writer() as session:
        asked = Review.model_validate({**REVIEW, **more})
        return await proceedings.review(session, case.case_id, asked, who or doer_for("cases:review"))


async def decide(database: Database, case: Case, who: Any = None, **more: Any) -> Case:
    async with database.writer() as session:
        asked = Decide.model_validate({**DECIDE, **more})
        return await proceedings.decide(session, case.case_id, asked, who or doer_for("cases:decide"))


async def annul(database: Database, case: Case, who: Any = None, **more: Any) -> Case:
    async with database.writer() as session:
        asked = Annul.model_validate({**ANNUL, **more})
        return await proceedings.annul(session, case.case_id, asked, who or doer_for("cases:annul"))


async def reviewed(database: Database) -> Case:
    case = await file(database, await opened(database))
    await confirm(database, case)
    return await review(database, case)


def wheres(problem: Problem) -> list[str]:
    return [fault["where"] for fault in problem.errors]


async def test_the_full_walk_says_every_fact_once(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    case = await reviewed(database)
    await decide(database, case)
    await annul(database, case)
    facts = await said(database)
    assert [name for name, _ in facts] == [
        "lead_opened", "case_filed", "fraud_confirmed", "penalty_decided", "leaf_requested", "case_annulled",
        "leaf_requested",
    ]  # fmt: skip
    filed, confirmed, decided = (event for _, event in facts[1:4])
    assert filed["decide_by"] == "2027-02-19"
    assert (confirmed["series_ids"], confirmed["typology"]) == ([7], "T08")
    assert (confirmed["from_ms"], confirmed["to_ms"]) == (MS - 12 * 3_600_000, MS - 2 * 3_600_000)
    assert (decided["uscc"], decided["organisation_zh"]) == ("9144030071526726XG", "甲运维公司")
    assert decided["legal_basis"].startswith("《生态环境法典》第一千二百三十条")
    async with database.writer() as session:
        found = await queries.case(session, case.case_id)
        history = [
            (step.act, step.actor, step.to_state) for step in await queries.steps(session, found.lead_id)
        ]
    assert history == [
        ("open", "qc", "LEAD"),
        ("file", "case.officer", "FILED"),
        ("confirm_fraud", "case.officer", "FRAUD_CONFIRMED"),
        ("review", "case.legal_reviewer", "LEGAL_REVIEWED"),
        ("decide", "case.approver", "DECIDED"),
        ("annul", "case.approver", "ANNULLED"),
    ]


async def test_the_same_person_cannot_investigate_review_and_decide(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    case = await file(database, await opened(database))
    await confirm(database, case)
    with pytest.raises(Forbidden, match="separation-of-duties"):
        await review(database, case, doer_for("cases:review", subject="case.officer"))
    await review(database, case)
    for subject in ("case.officer", "case.legal_reviewer"):
        with pytest.raises(Forbidden, match="separation-of-duties"):
            await decide(database, case, doer_for("cases:decide", subject=subject))


@pytest.mark.parametrize("region", ["131100", "220100"])
async def test_another_region_is_refused_every_act(service_database: ServiceDatabase, region: str) -> None:
    database = await service_database("cases")
    lead_id = await opened(database)
    with pytest.raises(Forbidden, match="out-of-scope"):
        await file(database, lead_id, doer_for("leads:decide", region=region))
    case = await file(database, lead_id)
    for act, permission in (
        (confirm, "cases:confirm-fraud"),
        (review, "cases:review"),
        (annul, "cases:annul"),
    ):
        with pytest.raises(Forbidden, match="out-of-scope"):
            await act(database, case, doer_for(permission, region=region))


async def test_a_county_files_its_own_lead_but_only_the_city_confirms(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(region="131002"), NOW)
        lead_id = (await session.scalars(select(Lead.lead_id))).one()
    with pytest.raises(Forbidden, match="out-of-scope"):
        await file(database, lead_id, doer_for("leads:decide", region="131003"))
    case = await file(database, lead_id, doer_for("leads:decide", region="131002"))
    with pytest.raises(Forbidden, match="authority-not-competent"):
        await confirm(database, case, doer_for("cases:confirm-fraud", region="131002"))
    assert (await confirm(database, case)).state == "FRAUD_CONFIRMED"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"reason": " "}, ["reason"]),
        ({"officers": FILE["officers"][:1]}, ["officers"]),
        ({"documents": CONFIRM["documents"][1:]}, ["documents/site_inspection_record"]),
        ({"investigation_report": ""}, ["investigation_report"]),
        ({"typology": "T99"}, ["typology"]),
        ({"subject_type": None}, ["subject_type"]),
        ({"act_from": "2026-11-22T00:00:00Z"}, ["act_from"]),
        ({"act_to": "2026-11-22T00:00:00Z"}, ["act_from"]),
        ({"series_ids": [7, 99]}, ["series_ids"]),
    ],
)  # fmt: skip
async def test_an_incomplete_confirmation_is_refused_with_what_is_missing(
    service_database: ServiceDatabase, more: dict[str, Any], expected: list[str]
) -> None:
    database = await service_database("cases")
    case = await file(database, await opened(database))
    with pytest.raises(Invalid) as caught:
        await confirm(database, case, **more)
    assert wheres(caught.value) == expected
    async with database.writer() as session:
        found = await queries.case(session, case.case_id)
    assert (found.state, found.typology) == ("FILED", None)


async def test_a_suspicion_of_the_running_hour_is_confirmed_up_to_now(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    running = msgspec.structs.replace(suspicion(), to_ms=MS + 1_800_000)
    async with database.writer() as session:
        await signals.raise_suspicion(session, running, NOW)
        lead_id = (await session.scalars(select(Lead.lead_id))).one()
    assert (await confirm(database, await file(database, lead_id))).act_to_at == NOW


async def test_a_series_that_alarmed_at_the_site_may_be_named_too(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    case = await file(database, await opened(database))
    async with database.writer() as session:
        await signals.raise_alarm(session, alarm(series_id=8), NOW)
    assert (await confirm(database, case, series_ids=[7, 8])).series_ids == [7, 8]


async def test_a_lead_about_a_foreign_site_reaches_none_of_its_series(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    foreign = alarm(site="131100-A01", region="131100")
    async with database.writer() as session:
        await signals.raise_alarm(session, foreign, NOW)
        asked = OpenLead.model_validate({**REPORT, "site": "131100-A01"})
        lead = await leads.open_lead(session, asked, doer_for("leads:open"))
        assert await queries.alarms_beside(session, lead) == []
    case = await file(database, lead.lead_id)
    subject = {"uscc": "9144030071526726XG", "organisation_zh": "甲公司"}
    window = {"act_from": "2026-11-20T00:00:00Z", "act_to": "2026-11-20T12:00:00Z"}
    with pytest.raises(Invalid) as caught:
        await confirm(database, case, series_ids=[7], **subject, **window)
    assert wheres(caught.value) == ["series_ids"]


async def test_a_suspicion_across_regions_confirms_only_the_series_of_its_own(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    event = suspicion()
    across = msgspec.structs.replace(event, series=[*event.series, series(9, "131100-A01", "131100")])
    async with database.writer() as session:
        await signals.raise_suspicion(session, across, NOW)
        lead_id = (await session.scalars(select(Lead.lead_id))).one()
    assert (await confirm(database, await file(database, lead_id))).series_ids == [7]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"reason": ""}, ["reason"]),
        ({"documents": papers("penalty_decision")}, ["documents/prior_notice"]),
        ({"amount_yuan": 99_999}, ["amount_yuan"]),
        ({"amount_yuan": 500_001}, ["amount_yuan"]),
        ({"amount_yuan": 500_001, "is_serious": True}, ["documents/collective_discussion"]),
        ({"act": "evasion"}, ["legal_basis"]),
    ],
)
async def test_a_decision_without_reasons_notice_or_outside_the_range_is_refused(
    service_database: ServiceDatabase, more: dict[str, Any], expected: list[str]
) -> None:
    database = await service_database("cases")
    case = await reviewed(database)
    with pytest.raises(Invalid) as caught:
        await decide(database, case, **more)
    assert wheres(caught.value) == expected


async def test_no_decision_without_a_review_and_none_after_a_returned_one(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    case = await file(database, await opened(database))
    await confirm(database, case)
    with pytest.raises(Conflict, match="act-not-possible"):
        await decide(database, case)
    assert (await review(database, case, outcome="returned", reason="证据不足")).state == "FRAUD_CONFIRMED"
    with pytest.raises(Conflict, match="act-not-possible"):
        await decide(database, case)


async def test_an_act_of_before_the_law_has_no_range_and_an_old_act_is_not_penalised(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    case = await file(database, await opened(database))
    window = {"act_from": "2024-01-01T00:00:00+08:00", "act_to": "2024-02-01T00:00:00+08:00"}
    await confirm(database, case, **window)
    await review(database, case)
    with pytest.raises(Invalid) as caught:
        await decide(database, case)
    assert wheres(caught.value) == ["legal_basis", "act_end"]


async def test_a_decision_number_is_given_once(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    await decide(database, await reviewed(database))
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(suspicion_id="s-2"), NOW)
        lead_id = await session.scalar(select(Lead.lead_id).where(Lead.origin_id == "s-2"))
    assert lead_id is not None
    other = await file(database, lead_id)
    await confirm(database, other)
    await review(database, other)
    with pytest.raises(Conflict, match="decision-number-taken"):
        await decide(database, other)


async def test_a_late_act_needs_the_reason_of_its_extension(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    lead_id = await opened(database)
    late = NOW + timedelta(days=20)
    with pytest.raises(Invalid) as caught:
        await file(database, lead_id, doer_for("leads:decide", now=late))
    assert wheres(caught.value) == ["late_reason"]
    case = await file(database, lead_id, doer_for("leads:decide", now=late), late_reason="局长批准延长15日")
    await confirm(database, case, doer_for("cases:confirm-fraud", now=late))
    await review(database, case, doer_for("cases:review", now=late))
    very_late = doer_for("cases:decide", now=datetime(2027, 4, 1, tzinfo=UTC))
    with pytest.raises(Invalid) as caught:
        await decide(database, case, very_late)
    assert wheres(caught.value) == ["late_reason"]
    assert (await decide(database, case, very_late, late_reason="集体讨论延长")).state == "DECIDED"


async def test_a_case_without_its_basis_is_only_annulled(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    case = await reviewed(database)
    async with database.writer() as session:
        await signals.withdraw_suspicion(session, suspicion_withdrawn(), NOW)
    with pytest.raises(Conflict, match="act-not-possible") as caught:
        await decide(database, case)
    assert wheres(caught.value) == ["basis"]
    assert (await annul(database, case)).state == "ANNULLED"
    with pytest.raises(Conflict):
        await annul(database, case)


async def test_a_rejected_lead_says_why_and_cannot_be_filed(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    lead_id = await opened(database)
    async with database.writer() as session:
        asked = RejectLead(reason="经核查为仪器卡滞，不属弄虚作假")
        await leads.reject_lead(session, lead_id, asked, doer_for("leads:decide"))
    name, event = (await said(database))[-1]
    assert (name, event["outcome"]) == ("lead_closed", "rejected")
    with pytest.raises(Conflict):
        await file(database, lead_id)


async def test_a_report_opens_a_lead_once_by_its_number(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    who = doer_for("leads:open")
    ids = set()
    for _ in range(2):
        async with database.writer() as session:
            ids.add((await leads.open_lead(session, OpenLead.model_validate(REPORT), who)).lead_id)
    assert len(ids) == 1
    assert [name for name, _ in await said(database)] == ["lead_opened"]
    with pytest.raises(Conflict, match="lead-number-taken"):
        async with database.writer() as session:
            await leads.open_lead(session, OpenLead.model_validate({**REPORT, "summary": "另一件事"}), who)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"region": "131100"}, Forbidden),
        ({"region": "999999"}, Invalid),
        ({"from_time": "2026-11-20T00:00:00Z"}, Invalid),
    ],
)
async def test_a_lead_elsewhere_or_without_a_window_is_refused(
    service_database: ServiceDatabase, more: dict[str, Any], problem: type[Problem]
) -> None:
    database = await service_database("cases")
    with pytest.raises(problem):
        async with database.writer() as session:
            await leads.open_lead(
                session, OpenLead.model_validate({**REPORT, **more}), doer_for("leads:open")
            )


async def test_what_does_not_exist_is_not_found(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    with pytest.raises(NotFound, match="no-such-lead"):
        await file(database, UUID(int=0))
