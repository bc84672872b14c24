"""Regions are contained by parent rows and by date, never by prefix."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import regions
from standards.tables import rows

CODES = sorted({row["code"] for row in rows("regions")})
DAYS = st.none() | st.dates(date(2000, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("region", "ancestor", "inside"),
    [
        ("131002", "131000", True),
        ("131000", "131000", True),
        ("131000", "130000", True),
        ("131000", "100000", True),
        ("131100", "131000", False),
        ("131102", "131000", False),
        ("131000", "131002", False),
        ("131002001", "131002", True),
        ("131002001", "131000", True),
        ("131002001", "131003", False),
        ("999999", "100000", False),
        ("999999", "999999", False),
        ("611022", "611000", True),
    ],
)
def test_containment_follows_the_parent_rows(region: str, ancestor: str, inside: bool) -> None:
    assert regions.is_within(region, ancestor) is inside


def test_gongzhuling_belonged_to_siping_before_and_to_changchun_since_2020_06_19() -> None:
    before, after = date(2020, 6, 18), date(2020, 6, 19)
    assert regions.is_within("220381", "220300", before)
    assert not regions.is_within("220381", "220300", after)
    assert regions.is_within("220184", "220100", after)
    assert not regions.is_within("220184", "220100", before)
    assert regions.get("220184", before) is None
    assert regions.is_within("220381", "220300"), "an ended code is read as it stood last"
    assert "220381" in regions.children("220300", before)
    assert "220381" not in regions.children("220300")


def test_langfang_has_its_eleven_counties() -> None:
    assert len(regions.children("131000")) == 11
    assert regions.name("131025") == "大城县"
    assert regions.name("131000", "en") == "Langfang"
    assert regions.name("000000") == "000000"
    assert regions.ancestors("131002001") == ("131002", "131000", "130000", "100000")


@given(st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(CODES), DAYS)
def test_containment_is_a_partial_order(a: str, b: str, c: str, on: date | None) -> None:
    if regions.is_within(a, b, on) and regions.is_within(b, c, on):
        assert regions.is_within(a, c, on)
    if a != b:
        assert not (regions.is_within(a, b, on) and regions.is_within(b, a, on))
    if regions.get(a, on) is not None:
        assert regions.is_within(a, "100000", on)


def test_every_parent_exists_and_every_region_has_two_names() -> None:
    for row in rows("regions"):
        assert row["zh"] and row["en"]
        assert row["parent"] in CODES or row["code"] == regions.NATION
