"""Working days, rolled days, clock hours and provisional years (golden values: State Council notices)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import calendar
from standards.calendar import OFFICIAL, LegalDay, add_calendar_roll, add_workdays

DAYS = st.dates(date(2004, 1, 1), date(2039, 6, 30))


@pytest.mark.parametrize(
    ("start", "count", "workday", "rolled"),
    [
        ("2026-09-29", 3, "2026-10-09", "2026-10-08"),
        ("2026-02-12", 5, "2026-02-26", "2026-02-24"),
        ("2026-04-30", 7, "2026-05-13", "2026-05-07"),
        ("2026-09-18", 3, "2026-09-22", "2026-09-21"),
        ("2026-11-20", 3, "2026-11-25", "2026-11-23"),
    ],
)
def test_golden_deadlines_of_2026(start: str, count: int, workday: str, rolled: str) -> None:
    day = date.fromisoformat(start)
    assert add_workdays(day, count) == LegalDay(date.fromisoformat(workday), False)
    assert add_calendar_roll(day, count) == LegalDay(date.fromisoformat(rolled), False)


def test_2026_has_248_workdays_33_days_off_by_notice_and_six_make_up_days() -> None:
    year = [date(2026, 1, 1) + timedelta(n) for n in range(365)]
    assert sum(map(calendar.is_workday, year)) == 248
    by_notice = [OFFICIAL.exceptions[day] for day in year if day in OFFICIAL.exceptions]
    assert by_notice.count(False) == 33
    made_up = [f"{day:%m-%d}" for day in year if OFFICIAL.exceptions.get(day)]
    assert made_up == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


def test_a_year_without_a_notice_is_counted_and_flagged() -> None:
    assert add_workdays(date(2026, 12, 30), 5) == LegalDay(date(2027, 1, 7), True)
    assert add_workdays(date(2026, 12, 30), 1) == LegalDay(date(2026, 12, 31), False)
    assert not calendar.is_workday(date(2027, 10, 1))
    assert add_calendar_roll(date(2026, 12, 25), 7) == LegalDay(date(2027, 1, 4), True)


def test_an_imported_notice_ends_the_provisional_year() -> None:
    noticed = OFFICIAL.extended([(date(2027, 1, 1), False), (date(2027, 1, 3), True)])
    assert add_workdays(date(2026, 12, 30), 5, noticed) == LegalDay(date(2027, 1, 6), False)


def test_a_legal_date_is_a_date_in_china() -> None:
    assert calendar.legal_date(datetime(2026, 11, 20, 15, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert calendar.legal_date(datetime(2026, 11, 20, 16, 0, tzinfo=UTC)) == date(2026, 11, 21)
    assert calendar.end_of(date(2026, 11, 20)) == datetime(2026, 11, 20, 16, tzinfo=UTC)
    with pytest.raises(ValueError, match="offset"):
        calendar.legal_date(datetime(2026, 11, 20))


def test_hours_are_clock_hours_and_do_not_roll() -> None:
    friday = datetime(2026, 10, 2, 9, 30, tzinfo=calendar.CHINA)
    assert calendar.add_hours(friday, 24) == datetime(2026, 10, 3, 9, 30, tzinfo=calendar.CHINA)


def test_a_negative_count_is_refused() -> None:
    for count in (add_workdays, add_calendar_roll):
        with pytest.raises(ValueError, match="negative"):
            count(date(2026, 1, 1), -1)


@given(DAYS, st.integers(0, 40), st.integers(0, 40))
def test_adding_workdays_is_additive(start: date, a: int, b: int) -> None:
    first = add_workdays(start, a)
    second = add_workdays(first.date, b)
    assert add_workdays(start, a + b) == LegalDay(second.date, first.provisional or second.provisional)


@given(DAYS, st.integers(1, 60))
def test_a_deadline_falls_on_a_workday_and_workdays_never_end_before_days(start: date, count: int) -> None:
    by_workdays, rolled = add_workdays(start, count).date, add_calendar_roll(start, count).date
    assert calendar.is_workday(by_workdays)
    assert calendar.is_workday(rolled)
    assert rolled <= by_workdays
