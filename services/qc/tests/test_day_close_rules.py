"""Calendar, panels and following: the pure part of a day close."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qc.rules.closing.days import Pass, begins_ms, day_of, first_of, last_due, passes
from qc.rules.closing.following import Standing, Wanted, beside, follow
from qc.rules.closing.grouping import MOST_SERIES, Panel, city_of, joined
from qc.rules.closing.pack import load_closing_pack
from qc_scene import ref

PACK = load_closing_pack()
TODAY = date(2026, 11, 21)


def test_a_day_is_due_when_its_grace_is_over_by_local_time():
    assert PACK.on(TODAY).grace_hours == 3
    assert last_due(datetime(2026, 11, 10, 18, 59, tzinfo=UTC), 3) == date(2026, 11, 9)
    assert last_due(datetime(2026, 11, 10, 19, 0, tzinfo=UTC), 3) == date(2026, 11, 10)
    assert day_of(begins_ms(date(2026, 3, 1))) == date(2026, 3, 1)
    assert day_of(begins_ms(date(2026, 3, 1)) - 1) == date(2026, 2, 28)
    assert first_of(date(2026, 3, 5), -6) == date(2025, 9, 1)


def test_a_month_that_has_left_the_newest_pass_is_decided_by_the_last_pass_that_saw_it():
    first, due = date(2026, 1, 15), date(2026, 10, 3)
    plan = passes(first, None, due, set(), 6)
    assert [(one.since, one.through) for one in plan] == [
        (date(2026, 1, 1), date(2026, 7, 31)),
        (date(2026, 2, 1), date(2026, 8, 31)),
        (date(2026, 3, 1), date(2026, 9, 30)),
        (date(2026, 4, 1), due),
    ]
    assert passes(first, due, due, set(), 6) == []
    late = passes(first, due, due, {date(2026, 1, 20)}, 6)
    assert [one.since for one in late] == [date(2026, 1, 1)]
    later = passes(first, due, due, {date(2026, 9, 1)}, 6)
    assert [one.since for one in later] == [date(2026, 3, 1), date(2026, 4, 1)]


days = st.dates(date(2024, 1, 1), date(2026, 11, 30))


@settings(max_examples=200, deadline=None)
@given(
    first=days, more=st.lists(st.integers(0, 200), max_size=6), touched=st.data(), months=st.integers(0, 8)
)
def test_whenever_days_were_closed_every_month_ends_decided_by_the_same_pass(first, more, touched, months):
    """Closing now and then, with late days in between, leaves each month with the pass of one single
    close.
    """
    decided: dict[date, tuple[date, date]] = {}
    stale: set[date] = set()
    closed, due = None, first
    for step in more:
        due = date.fromordinal(due.toordinal() + step)
        late = touched.draw(st.sets(st.integers(0, (due - first).days), max_size=3))
        stale = {date.fromordinal(first.toordinal() + one) for one in late}
        for one in passes(first, closed, due, stale, months):
            month = one.decides_from
            while month <= one.through and one.decides(month):
                decided[month] = (one.since, one.through)
                month = first_of(month, 1)
            assert one.since <= one.decides_from
            stale -= {day for day in stale if one.since <= day <= one.through}
        assert not stale
        closed = due
    once = passes(first, None, due, set(), months) if more else []
    for one in once:
        month = one.decides_from
        while month <= one.through and one.decides(month):
            if month >= first_of(first):
                assert decided[month] == (one.since, one.through)
            month = first_of(month, 1)


def test_a_panel_is_one_city_one_profile_one_period_without_twins():
    refs = [ref(1), ref(2, "a34002"), ref(3, source="DL-2"), ref(4, site="131002-B01", region="131002")]
    refs += [ref(5, site="131100-C01", region="131100"), ref(6, period="day"), ref(7, period="min")]
    refs += [ref(8, statistic="max"), ref(9, "w01018", site="o", site_kind="outlet", element="waste_water")]
    refs += [ref(10, "a21026", site="s", site_kind="outlet", element="waste_gas"), ref(11, element="noise")]
    found = {one.id: panel for one, panel in joined(refs, [], PACK, TODAY)}
    assert set(found) == {1, 2, 3, 4, 5, 6, 9, 10}
    assert found[1] is found[2] is found[4]
    assert (found[1].region, found[5].region) == ("131000", "131100")
    assert len({id(panel) for panel in found.values()}) == 6
    assert (found[9].profile, found[10].profile) == ("waste-water", "flue-gas")


def test_a_full_panel_takes_nobody_and_a_site_stays_together():
    full = Panel(7, "131000", "ambient-air", "hour", {(f"s{n}", "x") for n in range(MOST_SERIES)})
    own = Panel(8, "131000", "ambient-air", "hour", {("131000-A01", "a34002")})
    roomy = Panel(6, "131000", "ambient-air", "hour", {("131000-A09", "a34004")})
    ((_, panel),) = joined([ref(1)], [full, roomy, own], PACK, TODAY)
    assert panel is own
    ((_, new),) = joined([ref(1)], [full], PACK, TODAY)
    assert new.number is None


@pytest.mark.parametrize(("region", "city"), [("131002", "131000"), ("131000", "131000"), ("x", "x")])
def test_a_county_is_judged_with_its_city(region, city):
    assert city_of(region) == city


def stood(number: int, from_ms: int, to_ms: int, kind: str = "freeze", series: int = 1) -> Standing:
    return Standing(UUID(int=number), series, kind, from_ms, to_ms)


def test_a_stretch_that_grows_keeps_its_number_and_what_it_swallows_is_merged():
    grown = Wanted(1, "freeze", 0, 100, True)
    followed = follow([grown], [stood(1, 0, 60), stood(2, 70, 90), stood(3, 200, 300)])
    assert followed.carried == (UUID(int=1),)
    assert [(gone.standing.suspicion_id.int, gone.merged_into) for gone in followed.gone] == [
        (2, 0),
        (3, None),
    ]


def test_a_number_stays_with_its_kind_and_its_series():
    day, year = Wanted(1, "copy-day", 40, 64, True), Wanted(1, "smooth", 0, 1000, True)
    followed = follow([year, day], [stood(1, 40, 64, "smooth"), stood(2, 40, 64, "copy-day")])
    assert followed.carried == (UUID(int=1), UUID(int=2))
    assert follow([day], [stood(1, 40, 64, series=2)]).carried == (None,)


def test_a_streaming_suspicion_beside_is_one_of_the_same_series_and_hours():
    want = Wanted(1, "freeze", 40, 64, True)
    assert beside(want, [stood(1, 64, 70), stood(2, 0, 41), stood(3, 45, 60)]) == UUID(int=3)
    assert beside(want, [stood(1, 64, 70), stood(2, 40, 64, series=2)]) is None


def test_a_pass_that_decides_for_good_decides_one_month():
    settled = Pass(date(2026, 1, 1), date(2026, 7, 31), date(2026, 1, 1), date(2026, 2, 1))
    assert settled.decides(date(2026, 1, 31)) and not settled.decides(date(2026, 2, 1))
