"""Ground, period, standing and the procurement answer, table by table."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from credit.rules import listing
from credit.rules.dated import read
from credit.rules.listing import Known
from credit.rules.procurement import Entry, procurement_answer

DAY = date(2026, 11, 21)
USCC = "9144030071526726XG"
LISTED = Entry(
    "l-1", "LISTED", "甲公司", "Company A", "falsified_monitoring_data", "弄虚作假", "falsified",
    "环发〔2015〕175号", "Doc. 175", DAY, date(2029, 11, 21), "廊环罚〔2026〕1号",
)  # fmt: skip


@pytest.mark.parametrize(
    ("decided_on", "basis"),
    [(date(2026, 3, 31), "第七十七条"), (date(2026, 4, 1), "第36号"), (DAY, "第36号")],
)
def test_a_listing_is_serious_and_holds_three_years_by_the_law_of_its_day(
    decided_on: date, basis: str
) -> None:
    term = listing.term("unit", decided_on)
    assert term is not None
    assert (term.grade, term.valid_from) == ("serious", decided_on)
    assert term.repair_from == listing.months_later(decided_on, 12)
    assert term.valid_to == listing.months_later(decided_on, 36)
    assert basis in term.basis_zh
    assert "175" in term.basis_en


def test_without_a_ground_nobody_is_listed() -> None:
    assert listing.term("person", DAY) is None
    assert listing.term("unit", date(2015, 12, 31)) is None


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 21), 36, date(2029, 11, 21)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 1, 31), 12, date(2027, 1, 31)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_a_period_in_months_ends_on_the_day_of_the_same_number(
    day: date, months: int, expected: date
) -> None:
    assert listing.months_later(day, months) == expected


@pytest.mark.parametrize(
    ("withdrawn", "annulled", "today", "expected"),
    [
        (False, False, DAY, "LISTED"),
        (False, False, date(2029, 11, 21), "LISTED"),
        (False, False, date(2029, 11, 22), "EXPIRED"),
        (True, False, DAY, "SUSPENDED"),
        (True, False, date(2029, 11, 22), "EXPIRED"),
        (False, True, DAY, "ANNULLED"),
        (True, True, date(2029, 11, 22), "ANNULLED"),
    ],
)
def test_where_a_listing_stands(withdrawn: bool, annulled: bool, today: date, expected: str) -> None:
    assert listing.standing(Known(DAY, date(2029, 11, 21), withdrawn, annulled), today) == expected


@pytest.mark.parametrize(
    ("on_date", "answer"),
    [
        (DAY - timedelta(days=1), "clear"),
        (DAY, "barred"),
        (date(2029, 11, 21), "barred"),
        (date(2029, 11, 22), "clear"),
    ],
)
def test_a_supplier_is_barred_on_both_days_of_its_listing(on_date: date, answer: str) -> None:
    found = procurement_answer([LISTED], USCC, on_date)
    assert found.answer == answer
    assert bool(found.reasons) == (answer == "barred")
    assert found.notes == ()


def test_the_bar_says_why_on_what_basis_and_until_when_in_both_languages() -> None:
    found = procurement_answer([LISTED], USCC, DAY)
    (reason,) = found.reasons
    assert (reason.ground_zh, reason.ground_en) == ("弄虚作假", "falsified")
    assert reason.decision_no == "廊环罚〔2026〕1号"
    assert "2029-11-21" in found.summary_zh
    assert "2029-11-21" in found.summary_en


def test_a_suspended_listing_bars_nobody_and_is_noted_with_its_reason() -> None:
    suspended = replace(
        LISTED,
        standing="SUSPENDED",
        suspended_reason_zh="线索撤回",
        suspended_reason_en="suspicion withdrawn",
    )
    found = procurement_answer([suspended], USCC, DAY)
    assert found.answer == "clear"
    (note,) = found.notes
    assert "线索撤回" in note.zh
    assert "suspicion withdrawn" in note.en


def test_a_listing_that_ended_is_not_mentioned() -> None:
    for standing in ("ANNULLED", "EXPIRED"):
        found = procurement_answer([replace(LISTED, standing=standing)], USCC, DAY)
        assert (found.answer, found.reasons, found.notes) == ("clear", (), ())


def test_one_listing_in_force_bars_whatever_stands_beside_it() -> None:
    for standings in product(("LISTED", "SUSPENDED", "ANNULLED", "EXPIRED"), repeat=3):
        entries = [replace(LISTED, standing=one) for one in standings]
        found = procurement_answer(entries, USCC, DAY)
        assert (found.answer == "barred") == ("LISTED" in standings)


def test_a_wrong_check_digit_is_a_warning_not_a_refusal() -> None:
    found = procurement_answer([LISTED], "91350100M000100Y4Z", DAY)
    assert found.answer == "barred"
    assert "GB 32100" in found.notes[0].zh


def test_every_record_of_law_cites_its_source_and_speaks_both_languages() -> None:
    for records in read().values():
        for record in records:
            assert record["source"]
            assert record["zh"]
            assert record["en"]
            assert record["basis_zh"]
            assert record["basis_en"]
    notice = listing.notice(DAY)
    assert notice is not None
    assert notice["step"] == "prior_notice"
