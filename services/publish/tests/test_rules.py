"""What may enter a figure, what the hour then says, and what a correction tells."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publish.rules.diff import correction_reason
from publish.rules.figures import Figure, choose, left_out, reason
from publish.rules.hourly import Gate, Station, hourly_index, items
from publish.rules.places import at_level, level_of
from publish.rules.snapshot import canonical, digest, parse, snapshot
from publish.rules.states import is_falsification_effective, listing_status

HOUR = datetime(2026, 11, 21, 0, tzinfo=UTC)
ON = date(2026, 11, 21)
SIX = ("a21026", "a21004", "a21005", "a05024", "a34002", "a34004")
GATE = Gate(min_station_share=0.5)


def station(code: str, measures: tuple[str, ...] = SIX) -> Station:
    return Station(code, {"zh": f"{code}站", "en": f"Station {code}"}, frozenset(measures))


def figure(site: str, factor: str, amount: float | None, **changes: object) -> Figure:
    series = SIX.index(factor) + 1 + 100 * "AB".index(site)
    given = {
        "series_id": series,
        "site": site,
        "factor": factor,
        "ts": HOUR,
        "value": amount,
        "decimals": 0,
        "unit": "mg/m3" if factor == "a21005" else "ug/m3",
        "code": 1,
        "revision": 1,
    }
    return Figure(**(given | changes))  # type: ignore[arg-type]


def hour(site: str, pm25: float | None, **changes: object) -> list[Figure]:
    calm = [figure(site, factor, 10 if factor != "a21005" else 0.8) for factor in SIX if factor != "a34004"]
    return [*calm, figure(site, "a34004", pm25, **changes)]


def test_the_hourly_report_has_six_items() -> None:
    assert sorted(items(ON)) == sorted(SIX)


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({}, None),
        ({"code": 2}, None),
        ({"code": 3}, "suspect"),
        ({"code": 4}, "bad"),
        ({"code": 9}, "missing"),
        ({"value": None}, "missing"),
        ({"unit": "Cel"}, "unit"),
        ({"case_id": "7"}, "falsified"),
        ({"case_id": "7", "code": 4, "value": None}, "falsified"),
    ],
)
def test_a_value_is_left_out_for_one_named_reason(changes: dict[str, object], slug: str | None) -> None:
    assert left_out(figure("A", "a34004", 35, **changes), "ug/m3") == slug


def test_the_reason_names_the_case_and_its_typology() -> None:
    one = figure("A", "a34004", 35, case_id="7", typology="T03")
    assert reason("falsified", one) == {
        "zh": "已认定弄虚作假 (7, T03)",
        "en": "confirmed as falsified (7, T03)",
    }


def test_a_usable_source_speaks_before_an_unusable_one_but_never_for_a_falsified_one() -> None:
    bad, good = figure("A", "a34004", 35, code=4), figure("A", "a34004", 36, series_id=50)
    assert choose([bad, good]) is choose([good, bad]) is good
    false = figure("A", "a34004", 35, case_id="7", series_id=60)
    assert choose([good, false, bad]) is false
    assert choose([]) is None


def test_the_region_is_computed_from_mean_concentrations() -> None:
    index = hourly_index([station("A"), station("B")], hour("A", 80) + hour("B", 84), ON, GATE)
    assert index.standard == "HJ 633-2026"
    assert [told["aqi"] for told in index.stations] == [119, 122]
    assert index.region["aqi"] == 120
    assert index.region["level"]["level"] == 3
    assert index.region["primary"] == ["a34004"]
    assert index.left_out == []


def test_a_falsified_value_does_not_count_and_is_named() -> None:
    values = hour("A", 80, case_id="7", typology="T03") + hour("B", 84)
    index = hourly_index([station("A"), station("B")], values, ON, GATE)
    assert index.region["aqi"] == 122
    assert index.stations[0]["aqi"] is None
    assert index.stations[0]["missing"] == ["a34004"]
    (entry,) = index.left_out
    assert (entry["site"], entry["factor"], entry["slug"], entry["value"]) == ("A", "a34004", "falsified", 80)
    assert (6, HOUR) not in index.used
    assert (106, HOUR) in index.used


def test_an_incomplete_index_is_published_only_above_100() -> None:
    """HJ 633-2026 §5.3.1."""
    calm = hourly_index([station("A")], hour("A", None), ON, GATE)
    assert calm.region["aqi"] is None
    high = hour("A", None)
    high = [one if one.factor != "a34002" else figure("A", "a34002", 180) for one in high]
    assert hourly_index([station("A")], high, ON, GATE).region["aqi"] == 124


def test_an_exempt_item_may_be_missing() -> None:
    """HJ 633-2026 §5.3.2."""
    excused = Gate(min_station_share=0.5, exempt=frozenset({"a34004"}))
    assert hourly_index([station("A")], hour("A", None), ON, excused).region["aqi"] is not None


def test_an_item_needs_its_share_of_the_measuring_stations() -> None:
    strict = Gate(min_station_share=0.75)
    index = hourly_index([station("A"), station("B")], hour("A", 80, code=4) + hour("B", 84), ON, strict)
    assert "a34004" in index.region["missing"]
    without = station("A", tuple(factor for factor in SIX if factor != "a34004"))
    kept = [one for one in hour("A", 80) if one.factor != "a34004"]
    assert hourly_index([without, station("B")], kept + hour("B", 84), ON, strict).region["aqi"] == 122


def test_the_edition_of_the_day_decides() -> None:
    old = hourly_index([station("A")], hour("A", 80), date(2026, 2, 28), GATE)
    assert old.standard == "HJ 633-2012"
    assert "a34004" in old.region["missing"]


def test_values_in_other_units_are_converted() -> None:
    values = [one for one in hour("A", 80) if one.factor != "a34004"]
    values.append(figure("A", "a34004", 80_000, unit="ng/m3"))
    assert hourly_index([station("A")], values, ON, GATE).region["aqi"] == 119


@given(st.permutations(hour("A", 80) + hour("B", 84, code=3)))
def test_the_order_of_values_does_not_matter(values: list[Figure]) -> None:
    index = hourly_index([station("B"), station("A")], list(values), ON, GATE)
    told = snapshot("air.aqi.hourly", "131000", HOUR, index)
    straight = hourly_index([station("A"), station("B")], hour("A", 80) + hour("B", 84, code=3), ON, GATE)
    assert canonical(told) == canonical(snapshot("air.aqi.hourly", "131000", HOUR, straight))


def test_a_snapshot_is_canonical_and_carries_its_lineage() -> None:
    index = hourly_index([station("A")], hour("A", 80, revision=4), ON, GATE)
    content = snapshot("air.aqi.hourly", "131000", HOUR, index)
    assert content["from"] == "2026-11-21T08:00:00+08:00"
    pm25 = next(entry for entry in content["lineage"] if entry["factor"] == "a34004")
    assert pm25 == {
        "series": 6,
        "site": "A",
        "factor": "a34004",
        "ts": "2026-11-21T08:00:00+08:00",
        "value": 80,
        "code": 1,
        "revision": 4,
        "left_out": None,
        "case": None,
        "used": True,
    }
    text = canonical(content)
    assert parse(text) == content
    assert digest(text) == sha256(text.encode()).hexdigest()
    assert canonical({"b": 1.0, "a": "优"}) == '{"a":"优","b":1.0}'


def correction(before: list[Figure], after: list[Figure]) -> dict[str, str] | None:
    both = [station("A"), station("B")]
    old, new = (
        snapshot("air.aqi.hourly", "131000", HOUR, hourly_index(both, values, ON, GATE))
        for values in (before, after)
    )
    return correction_reason(old, new)


def test_a_correction_says_what_changed_and_why() -> None:
    good, false = hour("A", 80) + hour("B", 84), hour("A", 80, case_id="7") + hour("B", 84)
    assert correction(good, false) == {
        "zh": "A站细颗粒物：认定弄虚作假，剔除。AQI 120 → 122",
        "en": "Station A PM2.5: left out, confirmed as falsified. AQI 120 → 122",
    }
    assert "finding of falsification withdrawn" in (correction(false, good) or {})["en"]
    assert (
        "verdict of quality control changed"
        in (correction(good, hour("A", 80, code=4) + hour("B", 84)) or {})["en"]
    )
    assert "value changed" in (correction(good, hour("A", 81) + hour("B", 84)) or {})["en"]
    assert "arrived late" in (correction(good[:-1], good) or {})["en"]


def test_a_later_revision_that_says_the_same_is_no_correction() -> None:
    assert correction(hour("A", 80), hour("A", 80, revision=2)) is None


def test_many_changes_are_counted() -> None:
    all_gone = [figure("A", factor, None) for factor in SIX]
    said = correction(hour("A", 80) + hour("B", 84), all_gone + hour("B", 84))
    assert said is not None
    assert "and 3 more" in said["en"]
    assert "等6项" in said["zh"]


def at(hours: int | None) -> datetime | None:
    return None if hours is None else HOUR + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("confirmed", "withdrawn", "annulled", "counts"),
    [
        (None, None, None, False),
        (1, None, None, True),
        (1, 2, None, False),
        (1, 1, None, False),
        (3, 2, None, True),
        (3, 2, 1, False),
        (None, 2, None, False),
    ],
)
def test_a_falsification_counts_until_it_is_lifted(
    confirmed: int | None, withdrawn: int | None, annulled: int | None, counts: bool
) -> None:
    assert is_falsification_effective(at(confirmed), at(withdrawn), at(annulled)) is counts


def test_a_listing_is_suspended_and_removed() -> None:
    assert listing_status(None, at(1), None) is None
    assert listing_status(at(1), None, None) == "listed"
    assert listing_status(at(1), at(2), None) == "suspended"
    assert listing_status(at(3), at(2), None) == "listed"
    assert listing_status(at(3), at(2), at(1)) == "removed"


def test_an_item_is_issued_at_its_level() -> None:
    assert level_of("131000", ON) == "prefecture"
    assert at_level("131002", "prefecture", ON) == "131000"
    assert at_level("131000", "county", ON) is None
    assert level_of("999999", ON) is None
