"""HJ 633 golden values by edition, and the properties every edition has."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import aqi

OLD, NEW = date(2026, 2, 28), date(2026, 3, 1)
PM25, PM10, SO2, NO2, CO, O3 = "a34004", "a34002", "a21026", "a21004", "a21005", "a05024"
DAY = {PM25: 48, PM10: 92, SO2: 9, NO2: 45, CO: Decimal("0.9"), O3: 172}
COLUMNS = [(PM25, "24h"), (PM10, "24h"), (SO2, "24h"), (SO2, "1h"), (NO2, "24h"), (NO2, "1h")]
COLUMNS += [(CO, "24h"), (CO, "1h"), (O3, "8h"), (O3, "1h")]


@pytest.mark.parametrize(
    ("factor", "averaging", "value", "in_2012", "in_2026"),
    [
        (PM25, "24h", 12, 18, 18),
        (PM25, "24h", 36, 52, 52),
        (PM25, "24h", 60, 82, 100),
        (PM25, "24h", 61, 83, 101),
        (PM25, "24h", 80, 107, 119),
        (PM25, "24h", 115, 150, 150),
        (PM25, "24h", 300, 350, 350),
        (PM25, "24h", 620, 500, 500),
        (PM10, "24h", 80, 65, 72),
        (PM10, "24h", 121, 86, 101),
        (PM10, "24h", 180, 115, 124),
        (SO2, "24h", 12, 12, 12),
        (SO2, "24h", 475, 150, 150),
        (SO2, "1h", 700, 167, 167),
        (SO2, "1h", 900, None, 200),
        (NO2, "24h", 65, 82, 82),
        (NO2, "1h", 150, 75, 75),
        (CO, "24h", "1.2", 30, 30),
        (CO, "24h", "2.2", 55, 55),
        (CO, "24h", 2.2, 55, 55),
        (CO, "24h", "3.0", 75, 75),
        (CO, "1h", "7.5", 75, 75),
        (O3, "8h", 161, 101, 101),
        (O3, "8h", 215, 150, 150),
        (O3, "8h", 900, None, 300),
        (O3, "1h", 210, 105, 105),
        (PM25, "24h", "80.5", 107, 119),
        (PM25, "24h", -3, 0, 0),
    ],
)
def test_golden_sub_indices(
    factor: str, averaging: str, value: int | str, in_2012: int | None, in_2026: int | None
) -> None:
    assert aqi.iaqi(factor, averaging, value, OLD) == in_2012
    assert aqi.iaqi(factor, averaging, value, NEW) == in_2026


def test_the_example_day_is_lightly_polluted_by_ozone() -> None:
    new, old = aqi.daily(DAY, NEW), aqi.daily(DAY, OLD)
    assert [new.iaqi[f] for f in (PM25, PM10, SO2, NO2, CO, O3)] == [76, 80, 9, 57, 23, 111]
    assert [old.iaqi[f] for f in (PM25, PM10, SO2, NO2, CO, O3)] == [67, 71, 9, 57, 23, 111]
    assert (new.aqi, new.primary, new.edition) == (111, (O3,), "HJ 633-2026")
    assert new.level is not None
    assert (new.level.level_zh, new.level.category_zh, new.level.hex) == ("三级", "轻度污染", "#FF7E00")


def test_the_second_example_day_differs_between_the_editions() -> None:
    day = {**DAY, PM25: 78, PM10: 118, O3: 150}
    new = aqi.daily(day, NEW)
    assert (new.iaqi[PM25], new.iaqi[PM10], new.iaqi[O3]) == (117, 99, 92)
    assert (new.aqi, new.primary) == (117, (PM25,))
    assert aqi.daily(day, OLD).aqi == 104


def test_a_missing_item_leaves_the_index_unpublished_up_to_100() -> None:
    report = aqi.daily({**DAY, O3: None}, NEW)
    assert (report.computed, report.aqi, report.text, report.missing) == (80, None, "NA", (O3,))
    assert report.level is None
    assert aqi.daily({**DAY, PM25: None}, NEW).aqi == 111
    assert aqi.daily({**DAY, O3: None}, NEW, exempt=[O3]).aqi == 80
    nothing = aqi.hourly({}, NEW)
    assert (nothing.computed, nothing.text, len(nothing.missing)) == (None, "NA", 6)


def test_the_realtime_report_of_2026_uses_one_hour_means_with_the_daily_breakpoints() -> None:
    hour = {PM25: 80, PM10: 80, SO2: 900, NO2: 150, CO: "7.5", O3: 210}
    report = aqi.hourly(hour, NEW)
    assert report.iaqi == {PM25: 119, PM10: 72, SO2: 200, NO2: 75, CO: 75, O3: 105}
    assert aqi.iaqi(PM25, "1h", 80, NEW) == 119
    assert aqi.iaqi(PM25, "1h", 80, OLD) is None
    assert (report.aqi, report.primary) == (200, (SO2,))


def test_2012_falls_back_to_the_day_of_so2_and_the_hour_of_o3() -> None:
    hour = {PM25: 80, PM10: 80, SO2: 900, NO2: 150, CO: "7.5", O3: 210}
    assert aqi.hourly(hour, OLD).iaqi[SO2] is None
    assert aqi.hourly(hour, OLD).missing == ()
    assert aqi.hourly({**hour, "a21026/24h": 475}, OLD).iaqi[SO2] == 150
    assert aqi.hourly({**hour, "a05024/8h": 215}, OLD).iaqi[O3] == 150
    assert aqi.daily({**DAY, O3: 900, "a05024/1h": 1000}, OLD).iaqi[O3] == 400


def test_levels_and_the_lowest_index() -> None:
    clean = dict.fromkeys(DAY, 0)
    assert aqi.daily(clean, OLD).aqi == 0
    assert aqi.daily(clean, NEW).aqi == 1
    assert aqi.daily(clean, NEW).primary == ()
    categories = [aqi.level(n, NEW).category_zh for n in (1, 50, 51, 101, 151, 201, 300, 301, 500)]
    assert categories == [
        "优",
        "优",
        "良",
        "轻度污染",
        "中度污染",
        "重度污染",
        "重度污染",
        "严重污染",
        "严重污染",
    ]
    with pytest.raises(ValueError, match="no air quality index"):
        aqi.level(-1, NEW)


def test_items_with_the_same_highest_index_are_all_primary() -> None:
    assert set(aqi.daily({**DAY, PM25: 60, PM10: 120, O3: 160}, NEW).primary) == {PM25, PM10, O3}


@given(
    st.sampled_from(COLUMNS),
    st.decimals(0, 800, places=1),
    st.decimals(0, 800, places=1),
    st.sampled_from([OLD, NEW]),
)
def test_more_pollution_never_has_a_smaller_index(
    column: tuple[str, str], one: Decimal, other: Decimal, on: date
) -> None:
    low, high = (aqi.iaqi(*column, value, on) for value in sorted((one, other)))
    assert low is not None and high is not None
    assert 0 <= low <= high <= 500


@given(st.fixed_dictionaries({factor: st.integers(0, 400) for factor in DAY}), st.sampled_from([OLD, NEW]))
def test_the_index_is_the_largest_sub_index(day: dict[str, int], on: date) -> None:
    report = aqi.daily(day, on)
    present = [index for index in report.iaqi.values() if index is not None]
    assert report.aqi == max(1 if on == NEW else 0, *present)
    assert all(report.iaqi[factor] == report.aqi for factor in report.primary)
