"""The pure judgements behind liveness: clocks, intervals, missing periods, pauses."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.rules.terms import Terms, terms_on
from ingest.rules.watching import (
    clock_error,
    drift_of,
    floor_period,
    habit_of,
    interval_of,
    missing,
    pause,
    runs,
    silent_after,
    starts,
)

CHINA = timezone(timedelta(hours=8))
EIGHT = datetime(2026, 11, 21, 8, tzinfo=CHINA)
HOUR = timedelta(hours=1)


def test_a_clock_is_measured_by_the_quickest_of_several_frames_and_not_by_a_backlog() -> None:
    received = EIGHT + timedelta(seconds=3.5)
    assert drift_of("20261121080000500", received) == pytest.approx(-3.0)
    for text in (None, "", "2026112108000050", "20261321080000500", "x" * 17):
        assert drift_of(text, received) is None
    assert clock_error([-30.2, -0.4, -95.0], 3, 120) == -0.4
    assert clock_error([-30.2, -0.4], 3, 120) is None
    assert clock_error([-3600.0, -60.0, -0.1], 3, 120) is None
    assert clock_error([3600.1, 3600.0, 3599.9], 3, 120) == 3600.1


def test_an_interval_is_agreed_or_the_longer_of_register_and_habit() -> None:
    assert habit_of([60, 61, 59, 60, 4000], 3) == 61
    assert habit_of([60, 60, 60], 3) is None
    assert interval_of(30, 60, 3600) == 30
    assert interval_of(None, 60, 3600.0) == 3600
    assert interval_of(None, 60, None) == 60
    assert interval_of(None, None, None) is None
    assert (silent_after(60, 3, 300), silent_after(3600, 3, 300)) == (300, 10800)


def test_periods_begin_where_china_begins_them() -> None:
    moment = datetime(2026, 11, 21, 0, 30, 15, 999, tzinfo=UTC)
    assert floor_period(moment, "min") == datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    assert floor_period(moment, "hour") == datetime(2026, 11, 21, tzinfo=UTC)
    assert floor_period(moment, "day") == datetime(2026, 11, 21, tzinfo=CHINA)
    assert starts(EIGHT, EIGHT + timedelta(minutes=90), 3600) == [EIGHT, EIGHT + HOUR]


def test_what_is_missing_is_one_gap_while_it_goes_on() -> None:
    hours = [EIGHT + n * HOUR for n in range(6)]
    recorded = [(1, hours[0]), (2, hours[0]), (1, hours[1]), (1, hours[4]), (2, hours[4]), (1, hours[5])]
    missed = missing({1: 3600, 2: 3600}, recorded, EIGHT, EIGHT + 6 * HOUR)
    assert missed == {hours[1]: [2], hours[2]: [1, 2], hours[3]: [1, 2], hours[5]: [2]}
    assert runs(missed, 3600) == [(hours[1], hours[4], [1, 2]), (hours[5], hours[5] + HOUR, [2])]


def test_a_series_of_ten_minutes_is_due_every_ten_minutes_only() -> None:
    missed = missing({7: 600}, [], EIGHT + timedelta(minutes=5), EIGHT + timedelta(minutes=30))
    assert sorted(missed) == [EIGHT + timedelta(minutes=10), EIGHT + timedelta(minutes=20)]


@given(st.sets(st.integers(0, 200)), st.sets(st.integers(0, 200)))
def test_gaps_hold_what_is_missing_and_nothing_else(first: set[int], second: set[int]) -> None:
    at = [EIGHT + timedelta(minutes=n) for n in range(201)]
    recorded = [(1, at[n]) for n in first] + [(2, at[n]) for n in second]
    missed = missing({1: 60, 2: 60}, recorded, at[0], at[200] + timedelta(minutes=1))
    found = {start for begin, stop, _ in runs(missed, 60) for start in starts(begin, stop, 60)}
    assert found == {at[n] for n in range(201) if n not in first & second}
    ordered = runs(missed, 60)
    assert all(before[1] < after[0] for before, after in pairwise(ordered))


def test_pauses_grow_and_every_term_has_a_value_and_a_source() -> None:
    assert [pause(n, 300) for n in range(5)] == [300, 300, 600, 1200, 2400]
    terms = terms_on(date(2026, 11, 21))
    assert set(Terms.__struct_fields__) == {
        name for name in Terms.__struct_fields__ if getattr(terms, name) >= 0
    }
    assert (terms.gap_settle("hour"), terms.slice_seconds("min")) == (3600, 21600)
    with pytest.raises(LookupError, match="answer_seconds"):
        terms_on(date(1999, 1, 1))
