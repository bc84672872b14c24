"""Data nobody tuned on: one station alone, slow sensors, records older than the platform."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_scene import honest, over, panel_of, say
from qc.rules.falsify import echoes
from qc.rules.falsify.clock import like_a_shift
from qc.rules.falsify.echoes import lags_of, pieces_of
from qc.rules.falsify.lag import Shift
from qc.rules.falsify.night import standing_out
from qc.rules.falsify.panel import DAY_MS, HOUR_MS
from qc.rules.offline import judge, panels
from qc.rules.offline.parameters import parameter_of
from qc.rules.offline.profile import load_profile
from qc.rules.offline.readings import Member, Readings, ordered

YEAR_1990_MS = 631_123_200_000


def kinds(panel, profile):
    """What a file's panel is suspected of, by row."""
    task = panels.Task(panel, profile, frozenset(), load_profile(profile).pack.case_threshold)
    return {(g.where.row, g.kind) for g in panels.said(task).groups if g.score >= task.threshold}


def test_a_record_older_than_the_platform_is_looked_at():
    values = honest(300, 5, decimals=1)
    values[180:210] = values[140:170]
    old = replace(
        panel_of(values, factors=("w01018",), step_ms=DAY_MS), start_ms=YEAR_1990_MS, unit=("mg/L",)
    )
    assert (0, "copy-day") in kinds(old, "waste-water")


def slow(hours: int, seed: int) -> np.ndarray:
    """The temperature of a river: a daily wave upon days that follow each other, to a tenth of a degree."""
    rng, days = np.random.default_rng(seed), np.zeros(hours)
    for i in range(1, hours):
        days[i] = 0.98 * days[i - 1] + rng.normal(0, 0.15)
    return np.round(18 + 1.2 * np.sin(2 * np.pi * np.arange(hours) / 24) + days, 1)


def test_a_slow_sensor_that_comes_back_the_same_way_repeats_nothing():
    for step_ms in (HOUR_MS, 4 * HOUR_MS):
        every = step_ms // HOUR_MS
        panel = panel_of(
            *(slow(900 * every, seed)[::every] for seed in range(4)),
            factors=("w01010",) * 4,
            step_ms=step_ms,
        )
        assert not [f for f in say(panel, "D6", "surface-water") if f.strength >= 0.8]


def test_a_slow_sensor_whose_day_is_told_again_is_still_found():
    values = slow(900, 1)
    values[600:660] = values[480:540]
    assert over(say(panel_of(values, factors=("w01010",)), "D6", "surface-water"), 0, 600, 660)


def test_a_better_fit_somewhere_is_no_shift_unless_it_gives_back_what_was_lost():
    assert like_a_shift(Shift(0, 72, 5, 6.0, gain=0.3, usual=0.7)) < 0.6
    assert like_a_shift(Shift(0, 72, 5, 6.0, gain=0.12, usual=0.1)) < 0.5
    assert like_a_shift(Shift(0, 72, 5, 6.0, gain=0.6, usual=0.7)) == 1.0
    assert like_a_shift(Shift(0, 72, 5, 6.0, gain=0.6, usual=0.0)) == 0.0


def test_a_short_file_knows_its_usual_digits_although_a_month_of_it_is_invented():
    rng = np.random.default_rng(3)
    values = np.round(4 * np.exp(rng.normal(0, 0.3, 2880)), 2)
    liked = rng.choice(10, 1200, p=np.array([1, 8, 9, 19, 6, 5, 9, 23, 12, 8]) / 100)
    values[900:2100] = np.floor(values[900:2100] * 10) / 10 + liked / 100
    found = say(panel_of(values, factors=("a34013",)), "N2", "flue-gas")
    assert any(f.where.from_i >= 800 and f.where.to_i <= 2200 and f.strength > 0.5 for f in found)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a21026-i13008", ("a21026", "i13008")),
        ("SO2_slope", ("SO2", "i13008")),
        ("SO2斜率", ("SO2", "i13008")),
        ("i13007-Info", ("", "i13007")),
        ("截距", ("", "i13007")),
        ("a21026-Avg", None),
        ("SO2", None),
        ("i12001", None),
    ],
)
def test_a_parameter_of_an_instrument_is_known_by_its_name(name, told):
    assert parameter_of(name) == told


def of_file(slope: np.ndarray, marks: str = "", name: str = "SO2-i13008"):
    """A stack's SO2 and NOx of 30 days beside a parameter of it."""
    rows = [honest(720, 1, decimals=2), honest(720, 2, decimals=2), slope]
    members = [
        Member("", "SO2", "a21026", True, "mg/m3"),
        Member("", "NOx", "a21002", True, "mg/m3"),
        Member("", name, parameter_of(name)[1], True, "1"),
    ]
    flag = np.zeros((3, 720), dtype=np.int64)
    for place in range(len(marks)):
        flag[2, 400 + place] = ord(marks[place])
    readings = Readings(
        np.repeat(np.arange(3), 720), np.tile(YEAR_1990_MS + np.arange(720) * HOUR_MS, 3),
        np.concatenate(rows), flag.reshape(-1), np.zeros(3 * 720, dtype=np.int64),
    )  # fmt: skip
    result = judge.judge(readings, members, load_profile("flue-gas"), frozenset(), lambda *told: None)
    return result, [(r.member, r.kind, (r.from_ms - YEAR_1990_MS) // HOUR_MS) for r in result.seen.raised]


def test_a_slope_that_is_changed_without_a_word_is_a_suspicion_of_the_series_it_scales():
    slope = np.where(np.arange(720) < 400, 1.0, 0.7)
    result, raised = of_file(slope)
    assert [one for one in raised if one[1] == "parameter-change"] == [(0, "parameter-change", 400)]
    # Standing still is what a parameter does: neither the rule nor the tests speak of it.
    assert not np.any(result.tests[1440:]) and not np.any(result.found[1440:])
    assert [m for m, kind, _ in of_file(slope, name="i13008")[1] if kind == "parameter-change"] == [0, 1]


def test_a_declared_or_a_slight_change_is_none():
    slope = np.where(np.arange(720) < 400, 1.0, 0.7)
    slight = np.where(np.arange(720) < 400, 1.0, 1.02)
    offset = np.where(np.arange(720) < 400, 0.0, 0.2)
    for result, raised in (of_file(slope, "CC"), of_file(slight), of_file(offset, name="SO2-i13007")):
        assert not [one for one in raised if one[1] == "parameter-change"]
        assert result.seen.not_run.keys().isdisjoint({"P1"})


@pytest.mark.parametrize("step_ms", [HOUR_MS, 4 * HOUR_MS])
def test_a_month_of_dumping_at_night_is_found_in_three_months_of_one_outlet(step_ms):
    every = step_ms // HOUR_MS
    rows = [honest(90 * 24, seed, decimals=1)[::every] for seed in (1, 2)]
    quiet = panel_of(*rows, factors=("w01018", "w21003"), stations=("a", "a"), step_ms=step_ms)
    hour = np.arange(len(rows[0])) * every % 24
    dumped = rows[0].copy()
    at = (np.arange(len(dumped)) >= 30 * 24 // every) & (np.arange(len(dumped)) < 60 * 24 // every)
    dumped[at & ((hour >= 23) | (hour < 5))] *= 2
    loud = panel_of(dumped, rows[1], factors=("w01018", "w21003"), stations=("a", "a"), step_ms=step_ms)
    assert [f for f in say(quiet, "T1", "waste-water") if f.strength > 0.5] == []
    assert over(say(loud, "T1", "waste-water"), 0, 30 * 24 // every, 60 * 24 // every)


def test_nights_that_are_quieter_for_a_while_are_no_dumping():
    rng = np.random.default_rng(4)
    days = rng.normal(0, 0.1, 90)
    days[30:60] -= 0.4
    found = standing_out(days)
    assert found is None or found.z < 5
    days = rng.normal(0, 0.1, 90)
    days[:30] -= 0.4
    found = standing_out(days)
    assert (found.from_i, found.to_i) == (pytest.approx(30, abs=3), 90) and found.z > 8


def test_a_year_of_minutes_is_compared_at_no_more_lags_than_one_of_hours():
    assert len(lags_of(105_120, 60 * 288)) <= len(lags_of(8_760, 60 * 24))
    values = np.round(40 * np.exp(np.random.default_rng(2).normal(0, 0.2, 3000)), 2)
    values[2000:2060] = values[2000 - 288 : 2060 - 288]
    assert over(say(panel_of(values, factors=("a21026",), step_ms=300_000), "D6", "flue-gas"), 0, 2000, 2060)


def test_a_long_row_is_compared_piece_by_piece_and_nothing_is_lost_at_the_seams(monkeypatch):
    values = np.round(40 * np.exp(np.random.default_rng(2).normal(0, 0.2, 3000)), 2)
    for begin, lag in ((970, 288), (1200, 900), (2500, 288)):
        values[begin : begin + 60] = values[begin - lag : begin - lag + 60]
    values[1500:1900] = np.nan
    panel = panel_of(values, factors=("a21026",), step_ms=300_000)
    whole = say(panel, "D6", "flue-gas")
    monkeypatch.setattr(echoes, "MOST_PERIODS", 1000)
    known = np.isfinite(values)
    assert pieces_of(known, 1441) == [(0, 1000, 0), (0, 2000, 1000), (559, 3000, 2000)]
    known[:2900] = False
    assert pieces_of(known, 1441) == [(2900, 3000, 2000)]
    found = say(panel, "D6", "flue-gas")
    assert {one.where for one in found} == {one.where for one in whole}
    assert {one.figures["lag"] for one in found if one.strength == 1.0} == {288.0, 900.0}


def test_two_days_of_a_network_have_no_clock_to_tell():
    day = 30 + 20 * np.sin(2 * np.pi * np.arange(48) / 24)
    rng = np.random.default_rng(6)
    rows = [np.round(day + rng.normal(0, 3, 48)) for _ in range(5)]
    long = [np.r_[row, np.full(9000, np.nan)] for row in rows]
    assert say(panel_of(*long), "C1") == []


def test_a_single_value_is_in_no_panel():
    hours = np.r_[np.arange(100), 400_000]
    readings = Readings(
        np.r_[np.zeros(100, dtype=np.int64), 1], YEAR_1990_MS + hours * HOUR_MS,
        np.r_[honest(100, 1), 5.0], np.zeros(101, dtype=np.int64), np.zeros(101, dtype=np.int64),
    )  # fmt: skip
    members = [Member("a", "SO2", "a21026", True, "ug/m3"), Member("b", "SO2", "a21026", True, "ug/m3")]
    known = ordered(readings, 2)
    network = panels.Network(
        known, tuple(members), np.array([HOUR_MS, HOUR_MS]), np.ones(2), np.ones(101, bool)
    )
    assert [(places, periods) for places, _, periods in panels.stretches(network, [])] == [([0], 100)]


def test_two_records_years_apart_are_two_panels():
    hours = np.r_[np.arange(100), 50_000 + np.arange(80)]
    ts, nothing = YEAR_1990_MS + hours * HOUR_MS, np.zeros(180, dtype=np.int64)
    known = ordered(Readings(nothing, ts, honest(180, 1), nothing, nothing), 1)
    member = Member("a", "SO2", "a21026", True, "ug/m3")
    network = panels.Network(known, (member,), np.array([HOUR_MS]), np.ones(1), np.ones(180, bool))
    assert [(start, periods) for _, start, periods in panels.stretches(network, [])] == [
        (YEAR_1990_MS, 100),
        (YEAR_1990_MS + 50_000 * HOUR_MS, 80),
    ]
