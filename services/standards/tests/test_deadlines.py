"""Deadlines of the proceedings and the daily penalty."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from standards import deadlines
from standards.calendar import CHINA, OFFICIAL
from standards.tables import rows


@pytest.mark.parametrize(
    ("kind", "start", "last"),
    [
        ("filing", date(2026, 11, 21), date(2026, 12, 7)),
        ("filing", date(2022, 11, 21), date(2022, 11, 30)),
        ("decision", date(2026, 8, 3), date(2026, 11, 2)),
        ("service", date(2026, 4, 30), date(2026, 5, 13)),
        ("hearing_request", date(2026, 2, 12), date(2026, 2, 26)),
        ("payment", date(2026, 9, 18), date(2026, 10, 8)),
        ("publication_withdrawal", date(2026, 9, 18), date(2026, 9, 22)),
        ("lawsuit", date(2026, 3, 31), date(2026, 9, 30)),
        ("enforcement_application", date(2025, 11, 30), date(2026, 2, 28)),
    ],
)
def test_golden_due_days(kind: str, start: date, last: date) -> None:
    found = deadlines.due(kind, start)
    assert (found.date, found.provisional) == (last, False)
    assert found.at == datetime(last.year, last.month, last.day, 16, tzinfo=UTC)


def test_a_period_in_hours_is_exact_to_the_second_and_does_not_roll() -> None:
    begun = datetime(2026, 10, 2, 15, 30, 1, tzinfo=CHINA)
    assert deadlines.due("transfer", begun).at == datetime(2026, 10, 3, 15, 30, 1, tzinfo=CHINA)
    with pytest.raises(ValueError, match="needs an instant"):
        deadlines.due("transfer", date(2026, 10, 2))


def test_an_instant_counts_from_its_date_in_china() -> None:
    late_evening_utc = datetime(2026, 9, 28, 17, tzinfo=UTC)
    assert deadlines.due("publication_withdrawal", late_evening_utc).date == date(2026, 10, 9)


def test_deadlines_into_a_year_without_a_notice_are_provisional_until_it_is_imported() -> None:
    found = deadlines.due("decision", date(2026, 11, 21))
    assert (found.date, found.provisional, found.rule.confirmed) == (date(2027, 2, 19), True, True)
    noticed = OFFICIAL.extended([(date(2027, 2, 19), False), (date(2027, 2, 20), True)])
    moved = deadlines.due("decision", date(2026, 11, 21), calendar=noticed)
    assert (moved.date, moved.provisional) == (date(2027, 2, 20), False)


def test_the_law_of_another_day_may_be_asked_for() -> None:
    assert deadlines.due("filing", date(2026, 11, 20), on=date(2020, 1, 1)).rule.count == 7
    assert deadlines.rule("filing", date(2026, 1, 1)).confirmed is False
    with pytest.raises(LookupError):
        deadlines.rule("nothing", date(2026, 1, 1))


def test_every_deadline_has_names_a_class_and_a_source() -> None:
    for row in rows("deadlines"):
        assert row["unit"] in {"h", "cal", "wd", "month"}
        assert row["zh"] and row["en"] and row["source"]


def test_golden_daily_penalties() -> None:
    first, second = (date(2026, 3, 1), date(2026, 3, 20)), (date(2026, 3, 20), date(2026, 4, 10))
    assert deadlines.penalty_days([first]) == 19
    assert deadlines.daily_penalty(100_000, [first]) == Decimal(1_900_000)
    assert deadlines.penalty_days([first, second]) == 40
    assert deadlines.penalty_days([]) == 0
    for wrong in ([second, first], [(first[1], first[0])]):
        with pytest.raises(ValueError, match="follow one another"):
            deadlines.penalty_days(wrong)
