"""K, D, B and N tests on cases made by hand: what each finds, and one innocent case each that it
leaves alone."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_scene import honest, over, panel_of, say, with_high
from qc.rules.falsify import patterns
from qc.rules.falsify.finding import Finding, Stretch

HOURS = 120 * 24


def test_k1_names_the_frozen_hours_and_no_others() -> None:
    series = honest(HOURS, 1)
    series[1000:1030] = series[1000]
    found = over(say(panel_of(series), "K1"), 0, 1000, 1030)
    assert (found[-1].where.from_i, found[-1].where.to_i) == (1000, 1030)
    assert found[0].where.to_i <= 1024, "a day of equal values is known before the freeze ends"
    assert found[-1].figures["equal_values"] == 30


def test_k1_leaves_plateaus_at_the_bottom_of_a_coarse_scale_and_marked_hours_alone() -> None:
    coarse = np.fmax(2, np.round(honest(HOURS, 2) / 40))
    coarse[500:560] = 2
    assert say(panel_of(coarse), "K1") == []
    series = honest(HOURS, 3)
    series[700:740] = 55
    panel = panel_of(series)
    panel.mark[0, 700:740] = ord("M")
    assert say(panel, "K1") == []


def test_k1_leaves_a_batch_analyser_that_holds_every_value_alone() -> None:
    held = np.repeat(honest(HOURS // 8, 4, decimals=1), 8)
    assert say(panel_of(held, factors=("w01018",)), "K1", "waste-water") == []


def test_k2_finds_days_within_two_percent_of_their_mean() -> None:
    series = honest(HOURS, 5)
    rng = np.random.default_rng(6)
    series[1500:1572] = np.round(80 * (1 + rng.uniform(-0.02, 0.02, 72)))
    found = over(say(panel_of(series), "K2"), 0, 1500, 1572)
    assert abs(found[-1].where.from_i - 1500) <= 8
    assert abs(found[-1].where.to_i - 1572) <= 8


def test_k2_asks_ozone_for_more_wherever_it_stands_in_the_panel() -> None:
    series = honest(HOURS, 5)
    series[1500:1530] = np.round(80 * (1 + np.random.default_rng(6).uniform(-0.06, 0.06, 30)))
    said = say(panel_of(series, series, factors=("a34004", "a05024"), stations=("s0", "s0")), "K2")
    dust, ozone = (max((f for f in said if f.where.row == row), key=lambda f: f.statistic) for row in (0, 1))
    assert ozone.statistic == dust.statistic
    assert 0 < ozone.strength < dust.strength


def test_k2_takes_calm_air_over_all_stations_for_weather() -> None:
    rng = np.random.default_rng(7)
    rows = [honest(HOURS, 10 + i) for i in range(8)]
    for row in rows:
        row[1500:1572] = np.round(80 * (1 + rng.uniform(-0.02, 0.02, 72)))
    assert over(say(panel_of(*rows), "K2"), 0, 1500, 1572) == []


def test_k3_asks_for_load() -> None:
    low = honest(HOURS, 8)
    low[1000:1200] = 1.0
    load = np.full(HOURS, 100.0)
    panel = panel_of(low, load, factors=("a21026", "load"), stations=("stack", "stack"))
    panel = replace(panel, detection_limit=np.array([2.0, np.nan]))
    found = [f for f in say(panel, "K3", "flue-gas") if f.where.row == 0]
    assert found[0].where.from_i <= 1010
    assert found[0].where.to_i >= 1190
    idle = replace(panel, value=np.stack([low, np.where(np.arange(HOURS) < 2000, 10.0, 100.0)]))
    assert [f for f in say(idle, "K3", "flue-gas") if f.where.row == 0] == []


def test_k4_compares_ph_with_its_own_habit() -> None:
    rng = np.random.default_rng(9)
    living = np.round(7.4 + 0.3 * np.sin(np.arange(HOURS) / 4) + rng.normal(0, 0.1, HOURS), 2)
    frozen = living.copy()
    frozen[800:848] = 7.41
    frozen[2000] = 10.9
    found = say(panel_of(frozen, factors=("w01001",)), "K4", "waste-water")
    assert any(f.kind == "freeze" and f.where.from_i <= 824 < f.where.to_i for f in found)
    assert any(f.kind == "probe-in-standard" and f.where.from_i in (1999, 2000) for f in found)
    steady = np.round(7.4 + rng.normal(0, 0.01, HOURS), 2)
    assert say(panel_of(steady, factors=("w01001",)), "K4", "waste-water") == []


def test_d1_names_the_copy_and_shows_the_original() -> None:
    series = honest(HOURS, 11)
    series[1440:1464] = series[1200:1224]
    found = over(say(panel_of(series), "D1"), 0, 1440, 1464)
    assert found[-1].where.from_i == 1440
    assert found[-1].where.to_i == 1464
    assert (found[-1].evidence[0].from_i, found[-1].evidence[0].to_i) == (1200, 1224)


def test_d1_finds_a_copy_under_noise_offset_and_scale() -> None:
    rng = np.random.default_rng(12)
    series = honest(HOURS, 13)
    series[1440:1464] = np.round(series[1200:1224] * 1.08 * (1 + rng.normal(0, 0.01, 24)) + 4)
    assert over(say(panel_of(series), "D1"), 0, 1440, 1464)


def test_d1_leaves_repeated_plateaus_and_the_spikes_of_a_zero_check_alone() -> None:
    series = honest(HOURS, 14)
    series[1000:1024] = series[2000:2024] = 40
    checks = np.full(HOURS, 5.0)
    checks[::48] = 90
    checks[1::48] = 30
    panel = panel_of(series, checks)
    assert over(say(panel, "D1"), 0, 1000, 1024) == []
    assert [f for f in say(panel, "D1") if f.where.row == 1] == []


def neighbours(count: int, seed: int) -> list[np.ndarray]:
    """Stations that share their weather and differ by their own sources."""
    rng = np.random.default_rng(seed)
    shared = honest(HOURS, seed)
    return [
        np.round(shared * rng.uniform(0.8, 1.2) + 0.8 * honest(HOURS, seed + 50 + i)) for i in range(count)
    ]


def test_d2_names_the_station_that_was_filled_with_anothers_values() -> None:
    rows = neighbours(5, 15)
    rows[3][1700:1730] = rows[1][1700:1730]
    found = over(say(panel_of(*rows), "D2"), 3, 1700, 1730)
    assert found
    assert found[0].evidence[0].row == 1
    noisy = neighbours(5, 16)
    rng = np.random.default_rng(17)
    noisy[2][1700:1740] = np.round(noisy[0][1700:1740] + rng.normal(0, 0.6, 40))
    assert over(say(panel_of(*noisy), "D2"), 2, 1700, 1740)


def test_d2_takes_a_network_that_was_filled_in_together_for_a_fault() -> None:
    rows = neighbours(8, 18)
    for row in rows:
        row[1700:1730] = rows[0][1700:1730]
    assert [f for row in range(8) for f in over(say(panel_of(*rows), "D2"), row, 1700, 1730, 0.0)] == []


def test_d3_finds_a_day_that_comes_back_every_day() -> None:
    rng = np.random.default_rng(19)
    series = honest(HOURS, 20)
    series[1200:1344] = np.round(np.tile(series[1200:1224], 6) * (1 + rng.normal(0, 0.02, 144)))
    found = over(say(panel_of(series), "D3"), 0, 1200, 1344)
    assert found[0].figures["lag"] in (24, 48)


def test_d3_leaves_a_plant_with_the_same_cycle_all_year_alone() -> None:
    rng = np.random.default_rng(21)
    cycle = np.round(100 + 40 * np.sin(2 * np.pi * np.arange(HOURS) / 24) + rng.normal(0, 3, HOURS))
    assert over(say(panel_of(cycle), "D3"), 0, 0, HOURS) == []


def checks(rng: np.random.Generator, alike: bool) -> patterns.Moves:
    d = np.tile(rng.normal(0, 1, 48), 6) if alike else rng.normal(0, 1, 288)
    d[10::48], d[11::48] = 60.0, -60.0
    return patterns.Moves(d, np.cumsum(d), 0.0)


@pytest.mark.parametrize(("alike", "is_check"), [(False, True), (True, False)])
def test_what_repeats_beside_a_check_decides(alike: bool, is_check: bool) -> None:
    finding = Finding(
        "D3", Stretch(0, 0, 289), 5.0, 1.5, 0.0, 1.0, "period", figures={"lag": 48.0}
    )  # fmt: skip
    assert patterns.checked_daily(checks(np.random.default_rng(1), alike), finding) is is_check


def test_an_interval_of_few_periods_has_no_room_for_a_check() -> None:
    finding = Finding("D3", Stretch(0, 0, 289), 5.0, 1.5, 0.0, 1.0, "period", figures={"lag": 8.0})
    assert not patterns.checked_daily(checks(np.random.default_rng(1), False), finding)


def test_d4_finds_a_week_under_a_moving_average_but_not_an_analyser_that_always_averages() -> None:
    series = honest(HOURS, 22)
    averaged = np.convolve(series, np.ones(7) / 7, "same")
    smoothed = series.copy()
    smoothed[1200:1440] = np.round(averaged[1200:1440])
    assert over(say(panel_of(smoothed), "D4"), 0, 1200, 1440)
    assert over(say(panel_of(np.round(averaged)), "D4"), 0, 0, HOURS) == []


def test_b1_finds_what_was_moved_below_a_limit() -> None:
    rng = np.random.default_rng(23)
    series = honest(8000, 24)
    month = slice(4000, 5440)
    part = series[month]
    moved = (part >= 75) & (part < 105)
    series[month] = np.where(moved, np.round(rng.uniform(69, 74, len(part))), part)
    panel = replace(panel_of(series), limit=np.array([75.0]))
    found = over(say(panel, "B1"), 0, 4000, 5440, 0.8)
    assert 70 <= found[0].figures["limit"] <= 78
    assert over(say(replace(panel_of(honest(8000, 25)), limit=np.array([75.0])), "B1"), 0, 0, 8000) == []


def test_b2_finds_a_cap_but_not_the_end_of_the_measuring_range() -> None:
    series = honest(HOURS, 26)
    top = float(np.quantile(series[1200:1680], 0.85))
    series[1200:1680] = np.fmin(series[1200:1680], np.round(top))
    found = over(say(panel_of(series), "B2"), 0, 1200, 1680)
    assert found[-1].figures["top"] == np.round(top)
    assert over(say(with_high(panel_of(series), float(np.round(top))), "B2"), 0, 1200, 1680) == []


def test_b3_finds_gaps_that_begin_when_it_is_high_but_not_gaps_at_random() -> None:
    rng = np.random.default_rng(27)
    series = honest(HOURS, 28)
    hidden = series.copy()
    part = hidden[1000:2000]
    part[part > np.quantile(series, 0.85)] = np.nan
    assert over(say(panel_of(hidden), "B3"), 0, 1000, 2000, 0.5)
    at_random = series.copy()
    at_random[rng.random(HOURS) < 0.03] = np.nan
    assert over(say(panel_of(at_random), "B3"), 0, 0, HOURS) == []


def test_n1_judges_only_series_over_two_powers_of_ten() -> None:
    rng = np.random.default_rng(29)
    wide = np.round(10 ** rng.uniform(1, 4, 3000))
    narrow = np.round(rng.uniform(50, 99, 3000))
    invented = np.round(rng.uniform(5, 9.9, 3000) * 10 ** rng.integers(0, 4, 3000).astype(float))
    assert say(panel_of(wide), "N1") == []
    assert say(panel_of(narrow), "N1") == []
    assert say(panel_of(invented), "N1")[0].statistic > 0.015


def test_n2_finds_invented_last_digits_and_lets_a_change_of_unit_only_speak_along() -> None:
    rng = np.random.default_rng(30)
    series = honest(HOURS, 31)
    invented = series.copy()
    liked = rng.choice([3, 7, 8, 2, 4], len(series[1000:1700]), p=[0.3, 0.3, 0.2, 0.1, 0.1])
    invented[1000:1700] = np.floor(series[1000:1700] / 10) * 10 + liked
    assert over(say(panel_of(invented), "N2"), 0, 1000, 1700)
    converted = series.copy()
    converted[2300:2400] = converted[2300:2400] * 0.9837 + 0.0013
    found = say(panel_of(converted), "N2")
    assert found
    assert max(f.strength for f in found) <= 0.5


def test_n3_finds_heaping_at_fives_but_not_on_a_coarse_scale() -> None:
    series = honest(HOURS, 32)
    heaped = series.copy()
    heaped[1000:1400] = np.round(series[1000:1400] / 5) * 5
    assert over(say(panel_of(heaped), "N3"), 0, 1000, 1400)
    coarse = np.round(series / 40)
    coarse[1000:1100] = 5
    assert say(panel_of(coarse), "N3") == []
