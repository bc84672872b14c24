"""GB 3838 classes, sections and rivers."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import water
from standards.exact import round_half_even
from standards.tables import rows

ON = date(2026, 11, 21)
SECTION = {"w01009": "5.4", "w01019": "5.1", "w21003": "0.62", "w21011": "0.18"}
MAXIMA = sorted({row["factor"] for row in rows("gb3838") if row["kind"] == "max"})


def test_a_section_is_as_good_as_its_worst_item() -> None:
    good = water.section(SECTION, ON)
    assert good is not None
    assert (good.name, good.quality_zh, good.main) == ("III", "良好", ())
    bad = water.section({**SECTION, "w21003": "1.7"}, ON)
    assert bad is not None
    assert (bad.name, bad.quality_zh, bad.worst) == ("V", "中度污染", ("w21003",))
    assert [(item.factor, item.multiple) for item in bad.main] == [("w21003", Decimal("0.7"))]


def test_twenty_one_items_are_assessed() -> None:
    nearly_all = water.section({"w01001": 7}, ON)
    assert nearly_all is not None
    assert len(nearly_all.missing) == 20
    assert water.section({"w21001": 9, "w02003": 10**6}, ON, "lake") is None


@pytest.mark.parametrize(
    ("factor", "value", "body", "grade"),
    [
        ("w21011", "0.06", "lake", 4),
        ("w21011", "0.06", "river", 2),
        ("w21011", "0.05", "lake", 3),
        ("w21001", "1.2", "lake", 4),
        ("w01009", "7.5", "river", 1),
        ("w01009", "7.4", "river", 2),
        ("w01009", "1.9", "river", 6),
        ("w01001", "6", "river", 1),
        ("w01001", "9.1", "river", 6),
        ("w01001", "5.9", "river", 6),
        ("w01018", "20", "river", 3),
        ("w01018", "40.1", "river", 6),
        ("w20111", "0.08", "river", 3),
        ("w20142", "0.00008", "river", 3),
        ("w02003", "9999", "river", 3),
    ],
)
def test_golden_item_classes(factor: str, value: str, body: water.Body, grade: int) -> None:
    item = water.item_class(factor, value, body, ON)
    assert item is not None
    assert item.grade == grade


def test_items_outside_the_table_have_no_class() -> None:
    assert water.item_class("w01014", 500, "river", ON) is None
    assert water.item_class("w21001", 1, "river", ON) is None


def test_oxygen_near_saturation_is_class_one() -> None:
    assert round_half_even(water.saturation(20), 2) == Decimal("9.07")
    warm = water.item_class("w01009", "7.0", "river", ON, temperature=30)
    cold = water.item_class("w01009", "7.0", "river", ON, temperature=10)
    assert warm is not None and cold is not None
    assert (warm.grade, cold.grade) == (1, 2)


def test_main_items_are_the_three_worst_by_class_then_multiple() -> None:
    values = {"w01018": 31, "w21003": "1.6", "w21011": "0.9", "w22001": "0.4", "w01009": "2.5"}
    section = water.section(values, ON)
    assert section is not None
    assert [item.factor for item in section.main] == ["w21011", "w21003", "w01018"]
    assert section.name == "劣V"


@pytest.mark.parametrize(
    ("grades", "quality"),
    [
        ([2] * 9 + [4] * 3, "良好"),
        ([2] * 7 + [4] + [6] * 2, "中度污染"),
        ([1] * 9 + [6], "优"),
        ([3] * 5 + [4] * 5, "轻度污染"),
        ([6] * 4 + [5] * 6, "重度污染"),
    ],
)
def test_rivers_are_judged_by_shares(grades: list[int], quality: str) -> None:
    assert water.rivers_quality(grades, ON)[0] == quality


def test_few_sections_have_no_shares() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        water.rivers_quality([1, 2], ON)


@given(st.sampled_from(MAXIMA), st.decimals(0, 50, places=3), st.decimals(0, 50, places=3))
def test_a_higher_concentration_never_has_a_better_class(factor: str, one: Decimal, other: Decimal) -> None:
    low, high = (water.item_class(factor, value, "lake", ON) for value in sorted((one, other)))
    assert low is not None and high is not None
    assert low.grade <= high.grade


@given(st.lists(st.integers(1, 6), min_size=5, max_size=40))
def test_every_share_of_sections_has_a_quality(grades: list[int]) -> None:
    assert water.rivers_quality(grades, ON)[0]
