"""Tests that compare a series with others: what they find, and what they must leave alone."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_network_scene import changed, named, network, panel_of, say, scaled
from qc.rules.falsify import constant

A, B = 70 * 24, 84 * 24


@pytest.fixture(scope="module")
def honest():
    return network()


COMPARING = ("S1", "X6", "T1", "T2", "C1", "C2", "M1", "P3", "X4")


@pytest.mark.parametrize("test", COMPARING)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_honest_network_is_left_alone(test, seed):
    assert [f for f in say(network(seed), test) if f.strength >= 0.8] == []


def test_a_scaled_fortnight_is_named_with_its_ends_its_row_and_its_neighbours(honest):
    found = named(say(scaled(honest, 3, A, B, 0.5), "S1"), 3, A, B)
    assert found
    assert abs(found[0].where.from_i - A) <= 48
    assert abs(found[0].where.to_i - B) <= 48
    assert found[0].figures["percent"] == pytest.approx(-50, abs=12)
    assert {s.row for s in found[0].evidence} <= {0, 6, 9, 12, 15}


def test_what_the_whole_network_shows_is_weather(honest):
    value = honest.value.copy()
    value[:, A:B] = np.round(value[:, A:B] * 0.5)
    assert [f for f in say(replace(honest, value=value), "S1") if f.strength >= 0.8] == []


def test_a_neighbour_of_a_falsified_row_is_not_accused(honest):
    found = say(scaled(honest, 3, A, B, 0.4), "S1")
    assert {f.where.row for f in found if f.strength >= 0.9 and f.where.from_i < B and f.where.to_i > A} == {
        3
    }


def test_a_rise_is_asked_for_more_than_a_fall(honest):
    down = named(say(scaled(honest, 3, A, B, 0.75), "S1"), 3, A, B, 0.0)
    up = named(say(scaled(honest, 3, A, B, 1 / 0.75), "S1"), 3, A, B, 0.0)
    assert max(f.statistic for f in down) > max((f.statistic for f in up), default=0.0)


def test_a_station_alone_is_judged_by_its_other_factors():
    alone = network(3, stations=1)
    found = say(scaled(alone, 0, A, B, 0.5), "X6")
    assert named(found, 0, A, B)
    assert [f for f in say(alone, "X6") if f.strength >= 0.8] == []


def test_a_series_alone_is_judged_by_its_own_days_only_where_nothing_else_is_there():
    whole = network(4, stations=1)
    single = replace(panel_of(whole.value[:1], ("a34004",)))
    assert say(whole, "T2") == []
    assert named(say(scaled(single, 0, A, B, 0.05), "T2"), 0, A, B)


def test_days_running_within_a_band_are_rarer_than_any_one_of_them(honest, monkeypatch):
    values = honest.value[4].copy()
    band = 1 + np.random.default_rng(6).uniform(-0.08, 0.08, 120)
    values[1500:1620] = np.round(np.median(values) * band)
    panel = changed(honest, 4, values)
    running = max(f.statistic for f in named(say(panel, "K2"), 4, 1500, 1620, least=0.1))
    monkeypatch.setattr(constant, "BAND_TIMES", (1,))
    assert running > max(f.statistic for f in named(say(panel, "K2"), 4, 1500, 1620, least=0.1))


def test_a_shifted_week_is_found_with_its_lag(honest):
    values = honest.value[4].copy()
    values[A : A + 168] = honest.value[4, A - 6 : A + 162]
    found = named(say(changed(honest, 4, values), "C1"), 4, A, A + 168)
    assert found
    assert found[0].kind == "shift-time"
    assert found[0].figures["lag_hours"] == 6


def test_a_shifted_series_is_told_by_its_own_station_where_the_neighbours_say_less(honest):
    # What only this station sees moves both of its factors; a network alone would take it for noise.
    value = honest.value.copy()
    rng = np.random.default_rng(11)
    local = np.exp(np.repeat(rng.normal(0, 0.5, honest.shape[1] // 3 + 1), 3)[: honest.shape[1]])
    value[[3, 4]] = np.round(value[[3, 4]] * local)
    moved = value[4].copy()
    moved[A : A + 168] = value[4, A - 4 : A + 164]
    value[4] = moved
    assert honest.station[3] == honest.station[4]
    found = named(say(replace(honest, value=value), "C1"), 4, A, A + 168)
    assert found
    assert found[0].figures["lag_hours"] == 4


def test_nights_that_are_raised_are_found(honest):
    values, hour = honest.value[5].copy(), np.arange(honest.shape[1]) % 24
    night = ((hour >= 22) | (hour < 6)) & (np.arange(honest.shape[1]) >= A) & (np.arange(honest.shape[1]) < B)
    values[night] = np.round(values[night] * 2)
    assert named(say(changed(honest, 5, values), "T1"), 5, A, B)


def when_high(panel, row, share=0.8):
    inside = np.arange(panel.shape[1])
    high = panel.value[row] > np.quantile(panel.value[row, A : A + 720], share)
    return (inside >= A) & (inside < A + 720) & high


def test_gaps_on_high_hours_are_found_and_the_same_gaps_elsewhere_are_not(honest):
    gone = when_high(honest, 2)
    found = say(changed(honest, 2, np.where(gone, np.nan, honest.value[2])), "C2")
    assert named(found, 2, A, A + 720)
    assert found[0].figures["odds"] > 3
    elsewhere = changed(honest, 2, np.where(np.roll(gone, 37 * 24 + 5), np.nan, honest.value[2]))
    assert [f for f in say(elsewhere, "C2") if f.strength >= 0.8] == []


def test_a_gap_of_the_whole_station_is_no_choice_of_one_factor(honest):
    gone = when_high(honest, 3)
    value = honest.value.copy()
    value[3:6, gone] = np.nan
    assert say(replace(honest, value=value), "C2") == []


def test_marks_on_high_hours_are_found_and_random_marks_are_not(honest):
    mark = honest.mark.copy()
    mark[2, when_high(honest, 2)] = ord("M")
    assert named(say(replace(honest, mark=mark), "M1"), 2, A, A + 720)
    normal = np.where(mark > 0, ord("N"), 0)
    assert say(replace(honest, mark=normal), "M1") == []
    anywhere = honest.mark.copy()
    anywhere[2, np.random.default_rng(1).random(honest.shape[1]) < 0.05] = ord("M")
    assert [f for f in say(replace(honest, mark=anywhere), "M1") if f.strength >= 0.8] == []


def test_a_probe_in_a_standard_is_found_and_a_calm_network_is_not(honest):
    values = honest.value[2].copy()
    values[A : A + 48] = np.round(50 + np.random.default_rng(1).normal(0, 0.4, 48))
    assert named(say(changed(honest, 2, values), "P3"), 2, A, A + 48)
    calm = honest.value.copy()
    calm[:, A : A + 48] = np.round(calm[:, A : A + 1] + np.random.default_rng(2).normal(0, 1, (18, 48)))
    assert [f for f in say(replace(honest, value=calm), "P3") if f.strength >= 0.8] == []


def test_dust_kept_down_is_named_on_both_dust_rows_and_not_on_the_gas(honest):
    value = honest.value.copy()
    value[3:5, A : A + 96] = np.round(value[3:5, A : A + 96] * 0.5)
    found = say(replace(honest, value=value), "X4")
    assert named(found, 3, A, A + 96)
    assert named(found, 4, A, A + 96)
    assert {f.where.row for f in found if f.strength >= 0.8} <= {3, 4}


def test_air_let_into_a_duct_is_found_at_constant_load_only():
    random, n = np.random.default_rng(1), 120 * 24
    load = np.round(80 + 8 * np.sin(np.arange(n) / 40) + random.normal(0, 1, n), 1)
    rows = [load, 6 + random.normal(0, 0.3, n), load + random.normal(0, 3, n), 120 + random.normal(0, 2, n)]
    panel = panel_of(np.array(rows), ("load", "a19001", "a21026", "a01012"))
    diluted = panel.value.copy()
    diluted[1, A : A + 48] += 4
    diluted[2, A : A + 48] *= 0.7
    diluted[3, A : A + 48] -= 25
    assert named(say(replace(panel, value=diluted), "X4", "flue-gas"), 2, A, A + 48)
    assert [f for f in say(panel, "X4", "flue-gas") if f.strength >= 0.8] == []


def test_six_weeks_of_one_station_are_judged_with_what_they_have():
    short = network(5, stations=1, days=42)
    assert [f for test in COMPARING for f in say(short, test) if f.strength >= 0.8] == []
    assert named(say(scaled(short, 0, 480, 720, 0.3), "X6"), 0, 480, 720, 0.5)
