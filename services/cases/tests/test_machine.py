"""The state machine refuses what the law refuses, and says how to mend it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cases.rules import machine
from cases.rules.dated import read
from cases.rules.machine import Proposal, Step

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
HISTORY = [
    Step("file", "officer", NOON),
    Step("confirm_fraud", "officer", NOON + timedelta(hours=1)),
    Step("review", "reviewer", NOON + timedelta(hours=2)),
]
FILE = Proposal("file", "LEAD", "officer", "事实清楚", ["filing_approval"], ["HB-1", "HB-2"])
CONFIRM = Proposal(
    "confirm_fraud",
    "FILED",
    "officer",
    "参数被改",
    ["site_inspection_record", "investigation_report", "determination_opinion"],
    ["HB-1", "HB-2"],
    HISTORY[:1],
)
REVIEW = Proposal(
    "review", "FRAUD_CONFIRMED", "reviewer", "事实清楚", ["review_opinion"], history=HISTORY[:2]
)
DECIDE = Proposal(
    "decide", "LEGAL_REVIEWED", "approver", "依法处罚", ["prior_notice", "penalty_decision"], history=HISTORY
)
ANNUL = Proposal("annul", "DECIDED", "approver", "依据不成立", history=HISTORY)


def where(proposal: Proposal) -> list[str]:
    return [refusal.where for refusal in machine.refusals(proposal, DAY)]


@pytest.mark.parametrize("proposal", [FILE, CONFIRM, REVIEW, DECIDE, ANNUL], ids=lambda p: p.act)
def test_a_complete_act_by_the_right_person_is_not_refused(proposal: Proposal) -> None:
    assert machine.refusals(proposal, DAY) == []


@pytest.mark.parametrize(
    ("proposal", "expected"),
    [
        (replace(FILE, reason="  "), ["reason"]),
        (replace(FILE, documents=[]), ["documents/filing_approval"]),
        (replace(FILE, officers=["HB-1", "HB-1 "]), ["officers"]),
        (replace(FILE, state="REJECTED"), ["state"]),
        (replace(FILE, state="WITHDRAWN"), ["state"]),
        (replace(CONFIRM, state="LEAD"), ["state"]),
        (replace(CONFIRM, documents=["investigation_report"], officers=[]),
         ["officers", "documents/site_inspection_record", "documents/determination_opinion"]),
        (replace(CONFIRM, is_basis_withdrawn=True), ["basis"]),
        (replace(CONFIRM, authority_depth=3), ["authority"]),
        (replace(CONFIRM, authority_depth=1), []),
        (replace(REVIEW, actor="officer"), ["actor"]),
        (replace(REVIEW, state="FILED"), ["state"]),
        (replace(DECIDE, actor="officer"), ["actor"]),
        (replace(DECIDE, actor="reviewer"), ["actor"]),
        (replace(DECIDE, documents=["penalty_decision"]), ["documents/prior_notice"]),
        (replace(DECIDE, is_serious=True), ["documents/collective_discussion"]),
        (replace(DECIDE, state="FRAUD_CONFIRMED"), ["state"]),
        (replace(DECIDE, state="DECIDED"), ["state"]),
        (replace(DECIDE, is_basis_withdrawn=True), ["basis"]),
        (replace(ANNUL, reason=""), ["reason"]),
        (replace(ANNUL, state="ANNULLED"), ["state"]),
        (replace(FILE, act="no_such_act"), ["state"]),
    ],
)  # fmt: skip
def test_what_stands_against_an_act(proposal: Proposal, expected: list[str]) -> None:
    assert where(proposal) == expected


def test_a_review_older_than_the_last_confirmation_does_not_carry_a_decision() -> None:
    late = [*HISTORY, Step("confirm_fraud", "officer", NOON + timedelta(hours=3))]
    assert where(replace(DECIDE, history=late)) == ["order"]
    backdated = [*HISTORY[:2], Step("review", "reviewer", NOON)]
    assert where(replace(DECIDE, history=backdated)) == ["order"]


def test_a_case_without_its_basis_can_only_be_annulled() -> None:
    for state in ("FILED", "FRAUD_CONFIRMED", "LEGAL_REVIEWED", "DECIDED"):
        assert [one.act for one in machine.acts_from(state, DAY, is_basis_withdrawn=True)] == ["annul"]
    assert machine.refusals(replace(ANNUL, is_basis_withdrawn=True), DAY) == []


def test_every_refusal_says_what_and_how_to_mend_in_both_languages() -> None:
    for proposal in (
        replace(REVIEW, actor="officer"),
        replace(DECIDE, documents=[]),
        replace(FILE, state="FILED"),
    ):
        for refusal in machine.refusals(proposal, DAY):
            assert " · " in refusal.what
            assert refusal.rule
            assert refusal.mend


def test_before_the_revised_penalty_law_no_act_is_on_file() -> None:
    assert machine.act("decide", date(2021, 7, 14)) is None
    assert machine.act("decide", date(2021, 7, 15)) is not None


def test_the_data_names_only_known_states_documents_and_acts() -> None:
    data = read("machine")
    names = {record["act"] for record in data["acts"]}
    for record in data["acts"]:
        assert {*record["from"], record["to"]} <= set(data["states"])
        assert {*record["documents"], *record.get("documents_if_serious", ())} <= set(data["documents"])
        assert {*record.get("after", {}), *record.get("after", {}).values()} <= names
        assert record["basis"]
        assert all(data["states"][state]["is_open"] for state in record["from"])


def test_states_and_documents_have_names_in_both_languages() -> None:
    assert machine.label("DECIDED") == ("已作出处罚决定", "Penalty decided")
    assert machine.document_label("penalty_decision") == ("行政处罚决定书", "penalty decision")
    assert machine.document_label("photo") == ("photo", "photo")
