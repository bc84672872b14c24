"""Completeness, MDA8, percentiles, limits and the composite index."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import assessment, limits
from standards.exact import round_half_even

OLD, NEW = date(2026, 2, 28), date(2026, 3, 1)
CITY = {"a21026": 9, "a21004": 30, "a34002": 66, "a34004": 38, "a21005": "1.2", "a05024": 168}


def test_golden_percentiles() -> None:
    year = range(1, 366)
    assert assessment.percentile(year, 98) == Decimal("357.72")
    assert assessment.percentile(year, 95) == Decimal("346.8")
    assert assessment.percentile(year, 90) == Decimal("328.6")
    assert assessment.percentile([50, 10, 30, 20, 40], 90) == 46
    assert assessment.percentile([7], 98) == 7
    with pytest.raises(ValueError, match="needs values"):
        assessment.percentile([], 98)
    assert [assessment.city_percentile(f, NEW) for f in CITY] == [98, 98, 95, 95, 95, 90]
    with pytest.raises(LookupError):
        assessment.city_percentile("w01018", NEW)


def test_golden_composite_indices() -> None:
    old, _ = assessment.composite_index(CITY, OLD)
    unweighted, _ = assessment.composite_index(CITY, NEW, weighted=False)
    new, worst = assessment.composite_index(CITY, NEW)
    assert [round_half_even(i, 3) for i in (old, unweighted, new)] == [
        Decimal("4.279"),
        Decimal("4.617"),
        Decimal("8.950"),
    ]
    assert worst == "a34004"


def test_the_maximum_eight_hour_mean_needs_14_windows_of_6_hours_unless_it_exceeds_the_limit() -> None:
    assert assessment.mda8([50] * 8 + [90] * 16, 160, NEW) == 90
    assert assessment.mda8([None] * 3 + [100] * 21, 160, NEW) == 100
    assert assessment.mda8([None] * 10 + [100] * 14, 160, NEW) is None
    assert assessment.mda8([None] * 10 + [161] * 14, 160, NEW) == 161
    assert assessment.mda8([None] * 24, 160, NEW) is None
    with pytest.raises(ValueError, match="24 hours"):
        assessment.mda8([1] * 23, 160, NEW)


def test_minimum_numbers_of_values() -> None:
    assert assessment.minimum("hour", "ambient_gas", NEW) == 45
    assert assessment.minimum("day", "ambient", OLD) == 20
    assert assessment.minimum("hour", "flue_gas", NEW) == 45
    assert assessment.minimum("month", "flue_gas", NEW) == 25
    assert assessment.mean([1, None, "2.5"], 2) == Decimal("1.75")
    assert assessment.mean([1, None], 2) is None
    assert assessment.mean([], 0) is None
    with pytest.raises(LookupError):
        assessment.minimum("day", "noise", NEW)


def test_a_year_needs_324_days_and_27_a_month() -> None:
    assert assessment.is_valid_year([27, 25] + [28] * 10, NEW) is True
    assert assessment.is_valid_year([26, 28] + [31] * 10, NEW) is False
    assert assessment.is_valid_year([27, 25] + [27] * 10, NEW) is False
    assert assessment.is_valid_year([31] * 11, NEW) is False


@pytest.mark.parametrize(
    ("factor", "averaging", "zone", "figures"),
    [
        ("a34004", "day", 2, (75, 60, 50)),
        ("a34004", "year", 2, (35, 30, 25)),
        ("a34004", "year", 1, (15, 15, 10)),
        ("a34002", "day", 2, (150, 120, 100)),
        ("a34002", "year", 2, (70, 60, 50)),
        ("a21026", "year", 2, (60, 60, 20)),
        ("a21026", "1h", 2, (500, 500, 150)),
        ("a21004", "day", 1, (80, 80, 50)),
        ("a05024", "8h", 2, (160, 160, 160)),
        ("a21005", "day", 2, (4, 4, 4)),
    ],
)
def test_ambient_limits_hold_by_date(
    factor: str, averaging: str, zone: limits.Zone, figures: tuple[int, int, int]
) -> None:
    days = (OLD, NEW, date(2031, 1, 1))
    assert date(2030, 12, 31) < days[2]
    found = [limits.ambient(factor, averaging, zone, day) for day in days]
    assert tuple(limit.value for limit in found if limit) == figures
    assert limits.ambient(factor, "week", zone, NEW) is None


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(0, 100), st.integers(0, 100))
def test_percentiles_are_ordered_and_lie_within_the_values(values: list[int], one: int, other: int) -> None:
    low, high = (assessment.percentile(values, p) for p in sorted((one, other)))
    assert min(values) <= low <= high <= max(values)
