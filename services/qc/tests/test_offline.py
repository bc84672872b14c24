"""A file judged at once: the same rules as the platform's, rows kept, findings carried back to their rows."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jianzhen.selfcheck.cores import on_every_core
from qc.rules import pieces
from qc.rules.assess import assess
from qc.rules.falsify import catalogue as falsification
from qc.rules.falsify.finding import FalsificationTest, Finding, Settings, Stretch
from qc.rules.frame import roster_of
from qc.rules.offline import catalogue, judge, panels
from qc.rules.offline.profile import NAMES, load_profile
from qc.rules.offline.readings import NO_TIME, Member, Readings, digit_steps, ordered, step_of

AIR = load_profile("ambient-air")
HOUR = 3_600_000
BEGIN = 1_767_225_600_000
PM25 = Member("S", "PM2.5", "a34004", True, "ug/m3")
PM10 = Member("S", "PM10", "a34002", True, "ug/m3")
BITS = {rule.id: rule.bit for rule in AIR.pack.rules} | {
    name: test.bit for name, test in catalogue.file_tests().items()
}


def readings(values, member=None, hours=None, flag=None):
    length = len(values)
    hours = np.arange(length) if hours is None else np.array(hours)
    return Readings(
        np.zeros(length, dtype=np.int64) if member is None else np.array(member),
        np.where(hours < 0, NO_TIME, BEGIN + hours * HOUR).astype(np.int64),
        np.array(values, dtype=np.float64),
        np.zeros(length, dtype=np.int64) if flag is None else np.array([ord(f) if f else 0 for f in flag]),
        np.zeros(length, dtype=np.int64),
    )


def judged(rows, members=(PM25,), profile=AIR):
    return judge.judge(rows, members, profile, frozenset(), lambda *told: None)


def said(result):
    return [{name for name, bit in BITS.items() if tests & bit} for tests in result.tests.tolist()]


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_has_the_core_rules_and_closes_its_list(name):
    profile = load_profile(name)
    core = {rule.id for rule in AIR.pack.rules if rule.number < 20}
    assert core <= {rule.id for rule in profile.pack.rules}
    listed = catalogue.entries(profile)
    assert len({entry.id for entry in listed}) == len(listed)
    assert all(entry.zh and entry.en and entry.source and entry.severity for entry in listed)
    assert profile.pack.version.startswith(f"{name}@")


def test_rows_and_rules_do_not_share_a_bit():
    assert not {test.number for test in catalogue.file_tests().values()} & {
        rule.number for name in NAMES for rule in load_profile(name).pack.rules
    }


@pytest.mark.parametrize(
    ("profile", "name", "code", "unit"),
    [
        ("ambient-air", "PM2.5(μg/m³)", "a34004", "ug/m3"),
        ("ambient-air", "细颗粒物", "a34004", None),
        ("ambient-air", "SO₂", "a21026", None),
        ("ambient-air", "TEMP", "a01001", None),
        ("flue-gas", "TEMP", "a01012", None),
        ("flue-gas", "O2 (%)", "a19001", "%"),
        ("waste-water", "nh3_n", "w21003", None),
        ("waste-water", "化学需氧量", "w01018", None),
        ("waste-water", "W01018-Avg", "w01018", None),
        ("surface-water", "高锰酸盐指数", "w01019", None),
    ],
)
def test_factors_are_known_by_code_name_and_spelling(profile, name, code, unit):
    known, found = load_profile(profile).factor_of(name)
    assert known is not None and (known.code, found) == (code, unit)


def test_an_unknown_name_is_none():
    assert AIR.factor_of("class_id") == (None, None)


def test_range_constant_missing_and_mark_each_have_their_code():
    values = [35, 1200, 36, np.nan, 37, *[42] * 7, 40]
    result = judged(readings(values, flag=[*["N"] * 4, "M", *["N"] * 8]))
    assert result.code.tolist() == [1, 4, 1, 9, 4, *[3] * 7, 1]
    spoken = said(result)
    assert (spoken[1], spoken[3], spoken[4], spoken[5]) == ({"range"}, {"missing"}, {"mark"}, {"K1"})


def test_a_bad_value_does_not_condemn_its_neighbours():
    result = judged(readings([50, 1e308, 52, 51]))
    assert result.code.tolist() == [1, 4, 1, 1]


def test_of_repeated_rows_the_first_stands_and_a_different_one_is_judged_by_itself():
    result = judged(readings([35, 36, 35, 35, 5000], hours=[0, 1, 0, 1, 1]))
    assert result.code.tolist() == [1, 3, 1, 3, 4]
    assert said(result) == [set(), {"C1"}, {"duplicate"}, {"duplicate", "C1"}, {"duplicate", "C1", "range"}]


def test_a_row_without_time_is_kept_in_its_place():
    rows = readings([35, 36, 37], hours=[0, -1, 2])
    noted = np.array([0, BITS["no-time"], 0])
    result = judged(replace(rows, noted=noted))
    assert result.code.tolist() == [1, 4, 1] and said(result)[1] == {"no-time"}


def test_two_stations_do_not_answer_for_each_other():
    other = replace(PM10, station="T")
    values = [95.0, 96, 97, 98, 80, 81, 82, 83]
    apart = judged(readings(values, [0] * 4 + [1] * 4, [*range(4)] * 2), (PM25, other))
    together = judged(readings(values, [0] * 4 + [1] * 4, [*range(4)] * 2), (PM25, PM10))
    assert apart.code.tolist() == [1] * 8 and together.code.tolist() == [3] * 8


def test_units_that_differ_by_a_thousand_are_suspected():
    values = [*np.linspace(20, 40, 200), *np.linspace(20_000, 40_000, 20)]
    spoken = said(judged(readings(values)))
    assert spoken[0] == set() and all({"unit", "range"} <= one for one in spoken[200:])


@pytest.mark.parametrize(
    ("hours", "step"),
    [([0, 1, 2, 5, 6], HOUR), ([0, 24, 48, 120], 24 * HOUR), ([3], 0), ([0, 7, 14], 7 * HOUR)],
)
def test_the_step_is_the_usual_distance(hours, step):
    assert step_of(np.array(hours, dtype=np.int64) * HOUR) == step


def test_the_last_digit_in_usual_use_is_not_the_finest():
    assert digit_steps(np.array([3, 4, 7.25, 5, 6.0])) == (0.01, 1.0)
    assert digit_steps(np.array([3.1, 4.2, 7.25, 5.3, 6.4])) == (0.01, 0.1)


def test_minutes_stand_still_by_hours_not_by_numbers():
    minute = readings([42.0] * 100 + [43.0] * 121)
    fine = replace(minute, ts=BEGIN + np.arange(221) * 60_000)
    assert judged(fine).code.tolist() == [1] * 100 + [3] * 121


def test_the_pieces_do_not_show(monkeypatch):
    rng = np.random.default_rng(5)
    values = np.rint(np.abs(np.cumsum(rng.normal(0, 9, 6000)) % 300))
    values[1000:1040] = 77
    values[rng.integers(0, 6000, 60)] = np.nan
    rows = readings(values, [0] * 3000 + [1] * 3000, [*range(3000)] * 2)
    whole = judged(rows, (PM25, PM10))
    monkeypatch.setattr(pieces, "PIECE", 500)
    cut = judged(rows, (PM25, PM10))
    assert np.count_nonzero(whole.tests & BITS["X1"]) and np.count_nonzero(whole.tests & BITS["K1"])
    assert np.array_equal(whole.code, cut.code) and np.array_equal(whole.tests, cut.tests)


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from([10.0, 42.0, 42.0, 43.5, 900.0, 1e308, -5.0, float("nan")]), min_size=1, max_size=60
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_changes_nothing(values, chance):
    order = list(range(len(values)))
    chance.shuffle(order)
    straight = judged(readings(values))
    mixed = judged(readings([values[i] for i in order], hours=order))
    assert mixed.code.tolist() == straight.code[order].tolist()
    assert mixed.tests.tolist() == straight.tests[order].tolist()


def test_a_file_is_judged_as_the_platform_judges():
    rng = np.random.default_rng(3)
    values = np.rint(np.abs(np.cumsum(rng.normal(0, 20, 500)) % 400))
    values[100:110] = 55
    rows = readings(values)
    known = ordered(rows, 1)
    ref = judge.ref_of(0, PM25, HOUR, 1.0, AIR)
    direct = assess(known.columns, roster_of([ref], AIR.pack), AIR.pack)
    assert judged(rows).code.tolist() == direct.code.tolist()


def planted(panel, chosen):
    """A test for tests: hours 10 … 20 of the first row resemble hours 30 … 40, at full strength."""
    where = Stretch(0, 10, 20)
    return [Finding("Z1", where, 9.0, 3.0, 0.001, 1.0, "copy-day", (Stretch(0, 30, 40),), {"lag": 20.0})]


@pytest.fixture
def one_test(monkeypatch):
    def register(weight, needs=()):
        test = FalsificationTest(
            id="Z1", zh="检验", en="test", text_zh="{lag}", text_en="{lag}", source="a test", weight=weight,
            kind="copy-day", needs=needs, valid_from=date(2000, 1, 1), settings=(Settings(set={}),),
        )  # fmt: skip
        monkeypatch.setitem(falsification.RUNS, "Z1", planted)
        for module in (catalogue, panels):
            monkeypatch.setattr(module, "falsification_tests", lambda: (test,))

    return register


def test_a_finding_informs_and_a_suspicion_makes_its_rows_suspect(one_test):
    rows = readings(np.arange(20.0, 70.0))
    one_test(0.5)
    alone = judged(rows)
    assert alone.found.tolist() == [0] * 10 + [1] * 10 + [0] * 30
    assert alone.score.tolist() == [0.0] * 10 + [0.5] * 10 + [0.0] * 30
    assert set(alone.code.tolist()) == {1} and not alone.seen.raised
    one_test(0.9)
    raised = judged(rows)
    assert raised.code.tolist() == [1] * 10 + [3] * 10 + [1] * 30
    (one,) = raised.seen.raised
    assert (one.kind, one.tests, one.score) == ("copy-day", ("Z1",), pytest.approx(0.9))
    assert (one.from_ms, one.to_ms) == (BEGIN + 10 * HOUR, BEGIN + 20 * HOUR)
    assert one.picture is not None and len(one.picture.originals) == 1


def test_a_test_without_its_inputs_is_named_with_what_it_lacks(one_test):
    one_test(0.5, ("load",))
    result = judged(readings(np.arange(20.0, 70.0)))
    assert result.seen.not_run == {"Z1": ("load",)} and not result.found.any()


def test_a_long_file_is_cut_into_panels_and_none_of_it_is_lost(one_test, monkeypatch):
    one_test(0.5)
    monkeypatch.setattr(panels, "CELLS", 25)
    result = judged(readings(np.arange(20.0, 70.0)))
    assert result.found.tolist() == [*[0] * 10, *[1] * 10, *[0] * 15, *[1] * 10, *[0] * 5]


def test_finer_steps_than_an_hour_are_cut_evenly_into_parts_half_as_large(one_test, monkeypatch):
    one_test(0.5)
    assert panels.most_cells(60_000) * 2 == panels.most_cells(HOUR) == panels.CELLS
    assert panels._even(158_000, 150_000, 4320) == 82_080 and panels._even(900, 1000, 300) == 900
    monkeypatch.setattr(panels, "CELLS", 60)
    minutes = replace(readings(np.arange(20.0, 70.0)), ts=BEGIN + 60_000 * np.arange(50))
    assert judged(minutes).found.tolist() == [*[0] * 10, *[1] * 10, *[0] * 15, *[1] * 10, *[0] * 5]


def test_a_large_network_is_judged_by_neighbourhoods_here_or_on_every_core(monkeypatch):
    monkeypatch.setattr(panels, "CELLS", 4000)
    monkeypatch.setattr(panels, "SERIES", 4)
    rng, hours = np.random.default_rng(7), 600
    at = [(116.0 + k % 3, 39.0 + 0.1 * k) for k in range(6)]
    members = [replace(one, station=f"S{k}", place=at[k]) for k in range(6) for one in (PM25, PM10)]
    value = np.round(60 * np.exp(np.cumsum(rng.normal(0, 0.1, (12, hours)), axis=1) * 0.3))
    value[3, 200:240] = value[3, 200]
    rows = readings(value.ravel(), np.repeat(np.arange(12), hours), [*range(hours)] * 12)
    groups = panels.neighbourhoods(tuple(members), list(range(12)))
    assert sorted(place for group in groups for place in group) == list(range(12))
    west = {members[place].station for place in groups[0]}
    assert all(len(group) <= 4 for group in groups) and len(west) * 2 == len(groups[0])
    heard: list[tuple[str, int, int]] = []
    here, there = (
        judge.judge(rows, members, AIR, frozenset(), lambda *told: heard.append(told), each)
        for each in (None, on_every_core)
    )
    tests = len(groups) * len(catalogue.falsification_tests())
    assert [told for told in heard if told[1] == told[2]].count(("falsification", tests, tests)) >= 2
    assert here.found.any() and len(here.seen.raised) > 0
    assert np.array_equal(here.found, there.found) and np.array_equal(here.score, there.score)
    assert [one.from_ms for one in here.seen.raised] == [one.from_ms for one in there.seen.raised]


def test_a_series_without_a_step_is_left_out_by_name(one_test):
    one_test(0.9)
    hours = np.cumsum(np.random.default_rng(2).integers(1, 400, 50))
    result = judged(readings(np.arange(20.0, 70.0), hours=hours))
    assert result.seen.left_out == [0] and not result.found.any() and set(result.code.tolist()) == {1}
