"""Penalty ranges by the law of the day, limitation, deadlines and the typology."""

from datetime import date

import pytest
from cases.rules import clocks, penalties, typology
from cases.rules.dated import read

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("subject", "act", "act_end", "decided", "is_serious", "expected"),
    [
        ("unit", "falsification", date(2026, 1, 1), TODAY, False, "regulation-44"),
        ("unit", "falsification", date(2026, 8, 14), TODAY, False, "regulation-44"),
        ("unit", "falsification", date(2026, 8, 15), TODAY, False, "code-1088"),
        ("unit", "falsification", date(2025, 12, 31), TODAY, False, None),
        ("agency", "falsification", date(2026, 3, 1), date(2026, 5, 1), False, "regulation-45"),
        ("agency", "falsification", date(2026, 11, 1), TODAY, True, "code-1091"),
        ("operator", "falsification", date(2026, 11, 1), TODAY, False, "code-1230"),
        ("operator", "falsification", date(2026, 3, 1), TODAY, False, None),
        ("supplier", "falsification", date(2026, 11, 1), TODAY, False, None),
        ("unit", "evasion", date(2026, 11, 1), TODAY, False, "code-1108"),
        ("unit", "damage", date(2026, 2, 1), TODAY, False, "regulation-40"),
        ("supplier", "damage", date(2026, 11, 1), TODAY, False, "code-1093"),
        ("person", "falsification", date(2026, 11, 1), TODAY, False, None),
    ],
)
def test_the_clause_is_that_of_the_day_the_act_ended(
    subject: str, act: str, act_end: date, decided: date, is_serious: bool, expected: str | None
) -> None:
    basis = penalties.basis_for(subject, act, act_end, decided, is_serious=is_serious)
    assert (basis.id if basis else None) == expected
    assert basis is None or not basis.is_milder_later


def test_a_milder_later_law_replaces_the_law_of_the_act(monkeypatch: pytest.MonkeyPatch) -> None:
    record = next(one for one in read("penalties")["bases"] if one["id"] == "code-1088")
    monkeypatch.setitem(record, "max_yuan", 500_000)
    monkeypatch.delitem(record, "is_heavier_than")
    basis = penalties.basis_for("unit", "falsification", date(2026, 7, 1), TODAY)
    assert basis is not None
    assert (basis.id, basis.is_milder_later) == ("code-1088", True)


@pytest.mark.parametrize(
    ("subject", "is_serious", "amount", "is_refused"),
    [
        ("unit", False, 99_999, True),
        ("unit", False, 100_000, False),
        ("unit", False, 1_000_000, False),
        ("unit", False, 1_000_001, True),
        ("agency", False, 500_001, True),
        ("agency", True, 500_001, False),
        ("agency", True, 499_999, True),
        ("agency", True, 2_000_000, False),
    ],
)
def test_an_amount_outside_the_range_is_refused_with_the_clause(
    subject: str, is_serious: bool, amount: int, is_refused: bool
) -> None:
    basis = penalties.basis_for(subject, "falsification", date(2026, 11, 1), TODAY, is_serious=is_serious)
    refusal = penalties.amount_refusal(basis, amount, date(2026, 11, 1))
    assert (refusal is not None) == is_refused
    if refusal is not None and basis is not None:
        assert refusal.rule == basis.text
        assert refusal.mend == f"{basis.min_yuan}–{basis.max_yuan}"


def test_without_a_range_on_file_no_amount_is_accepted() -> None:
    refusal = penalties.amount_refusal(None, 100_000, date(2025, 3, 1))
    assert refusal is not None
    assert refusal.where == "legal_basis"


def test_ranges_of_one_subject_and_act_never_overlap() -> None:
    bases = read("penalties")["bases"]
    for one in bases:
        for other in bases:
            shared = set(one["subjects"]) & set(other["subjects"])
            if one is other or one["act"] != other["act"] or not shared:
                continue
            assert (one["valid_to"] or date.max) < other["valid_from"] or (
                other["valid_to"] or date.max
            ) < one["valid_from"]


@pytest.mark.parametrize(
    ("act_end", "discovered", "has_harm", "is_refused"),
    [
        (date(2024, 11, 21), date(2026, 11, 21), False, False),
        (date(2024, 11, 20), date(2026, 11, 21), False, True),
        (date(2024, 11, 20), date(2026, 11, 21), True, False),
        (date(2021, 11, 20), date(2026, 11, 21), True, True),
        (date(2024, 2, 29), date(2026, 2, 28), False, False),
        (date(2024, 2, 29), date(2026, 3, 1), False, True),
    ],
)
def test_old_acts_are_not_penalised(
    act_end: date, discovered: date, has_harm: bool, is_refused: bool
) -> None:
    assert (clocks.limitation_refusal(act_end, discovered, has_harm=has_harm) is not None) == is_refused


def test_the_decision_is_due_ninety_days_after_filing() -> None:
    due = clocks.due("decision", date(2026, 3, 2))
    assert (due.day, due.is_provisional) == (date(2026, 6, 1), False)
    assert clocks.due("decision", TODAY) == clocks.Due(date(2027, 2, 19), True, due.source)


def test_a_lead_is_filed_within_fifteen_days_rolled_to_a_workday() -> None:
    assert clocks.due("filing", date(2026, 9, 18)).day == date(2026, 10, 8)


def test_a_late_act_needs_the_reason_of_its_extension() -> None:
    last = date(2026, 12, 7)
    assert clocks.lateness_refusal(last, last, "") is None
    assert clocks.lateness_refusal(last, date(2026, 12, 8), " ") is not None
    assert clocks.lateness_refusal(last, date(2026, 12, 8), "局长批准延长15日") is None


def test_the_typology_has_fourteen_eight_and_five_codes() -> None:
    codes = typology.codes()
    assert [sum(code[0] == family for code in codes) for family in "TFI"] == [14, 8, 5]
    assert all(zh and en for zh, en in codes.values())
    assert typology.refusal("T09") is None
    assert typology.label("T09")[1].startswith("Hidden interface")
    refusal = typology.refusal("T15")
    assert refusal is not None
    assert "T01–T14" in refusal.mend
