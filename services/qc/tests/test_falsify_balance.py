"""Figures that must follow from others, logs and orders: pure functions by hand, and the tests over them."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_network_scene import named, network, panel_of, say
from qc.rules.falsify import balance, clock, order, outside, parameters
from qc.rules.falsify.extras import Check, Extras, ParameterChange

N = 24 * 30


def row(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize(
    ("gap", "worth"),
    [
        (balance.nox_gap(row(100), row(20), row(30), 1.533), 0.3401),
        (balance.nox_gap(row(50), row(20), row(30), 1.0), 0.0),
        (balance.conversion_gap(row(120), row(100), row(11), 6.0), 0.25),
        (balance.conversion_gap(row(150), row(100), row(11), 6.0), 0.0),
        (balance.mass_gap(row(0.4), row(50), row(10_000)), 0.25),
        (balance.mass_gap(row(0.5), row(50), row(10_000)), 0.0),
        (balance.mean_gap(row(80), row(100), 1.0), 0.25),
        (balance.mean_gap(row(80), row(81), 1.0), 0.0),
    ],
)
def test_gaps_by_hand(gap, worth):
    assert gap[0] == pytest.approx(worth, abs=1e-4)


@pytest.mark.parametrize(
    "gap",
    [
        balance.nox_gap(row(0), row(20), row(30), 1.533),
        balance.conversion_gap(row(120), row(100), row(20.5), 6.0),
        balance.mass_gap(row(0), row(50), row(10)),
        balance.mean_gap(row(80), row(np.nan), 1.0),
    ],
)
def test_what_cannot_be_judged_is_not(gap):
    assert np.isnan(gap).all()


def test_saturation_at_50_degrees_is_about_12_per_cent():
    assert balance.saturation(row(50, -3, 120))[0] == pytest.approx(12.2, abs=0.2)
    assert np.isnan(balance.saturation(row(-3, 120))).all()


def steady(level: float, seed: int, spread: float = 0.1) -> np.ndarray:
    return level * np.exp(np.random.default_rng(seed).normal(0, spread, N))


def test_nox_that_is_not_its_parts_is_named_for_as_long_as_it_lasts():
    no, no2 = steady(30, 1), steady(20, 2)
    nox = no2 + 1.533 * no
    honest = panel_of(np.array([nox, no2, no]), ("a21002", "a21004", "a21003"))
    assert say(honest, "X2") == []
    value = honest.value.copy()
    value[0, 100:130] *= 0.6
    found = say(replace(honest, value=value), "X2")
    assert [(f.where.row, f.where.from_i, f.where.to_i) for f in found] == [(0, 100, 130)]
    assert found[0].evidence


def test_conversion_follows_the_oxygen_of_the_station():
    value = np.array([steady(100, 1), np.full(N, 11.0)])
    due = np.vstack([value[0] * 15 / 10, np.full(N, np.nan)])
    panel = panel_of(value, ("a21026", "a19001"), extras=Extras(converted=due))
    assert say(panel, "X3", "flue-gas") == []
    wrong = due.copy()
    wrong[0, 50:60] *= 0.7
    found = say(replace(panel, extras=Extras(converted=wrong)), "X3", "flue-gas")
    assert [(f.where.from_i, f.where.to_i, f.strength) for f in found] == [(50, 60, 1.0)]


def test_minutes_and_totals_are_recomputed():
    value = np.array([np.round(steady(80, 1)), steady(1000, 2)])
    minutes = np.vstack([value[0], value[1]])
    total = np.vstack([value[0] * value[1] * 1e-6, np.full(N, np.nan)])
    panel = panel_of(value, ("a21026", "flow"), extras=Extras(from_minutes=minutes, total=total))
    assert say(panel, "X9") == []
    assert say(panel, "X8") == []
    minutes, total = minutes.copy(), total.copy()
    minutes[0, 10:40] *= 1.3
    total[0, 10:40] *= 0.5
    false = replace(panel, extras=Extras(from_minutes=minutes, total=total))
    assert named(say(false, "X9"), 0, 10, 40)
    assert named(say(false, "X8"), 0, 10, 40)


def test_a_wet_scrubber_is_moist_and_idle_treatment_does_not_clean():
    panel = panel_of(np.array([np.full(N, 12.2), np.full(N, 50.0)]), ("a01014", "a01012"))
    assert say(panel, "X5", "flue-gas") == []
    value = panel.value.copy()
    value[0, 100:200] = 4
    assert say(replace(panel, value=value), "X5", "flue-gas")[0].where.from_i == 100
    power = np.full(N, 40.0)
    panel = panel_of(np.array([np.full(N, 30.0), power]), ("a21026", "power"))
    assert say(panel, "X10", "flue-gas") == []
    value = panel.value.copy()
    value[1, 100:180] = 0
    assert named(say(replace(panel, value=value), "X10", "flue-gas"), 0, 100, 180)


def test_a_part_above_its_whole_needs_more_than_both_errors():
    assert order.excess(row(95, 89, np.nan), row(80, 80, 80), 10, 0.1).tolist()[:2] == [5, -1]
    value = np.array([np.full(N, 70.0), np.full(N, 80.0)])
    value[0, 100:130] = 120
    value[0, 200:202] = 120
    found = say(panel_of(value, ("a34004", "a34002")), "X1")
    assert [(f.where.row, f.where.from_i, f.where.to_i) for f in found] == [(0, 100, 130)]
    assert say(panel_of(value, ("a34004", "a34002"), ("s0", "s1")), "X1") == []
    water = say(panel_of(value, ("w01017", "w01018")), "X7", "waste-water")
    assert {(f.where.from_i, f.where.to_i) for f in water} == {(100, 130), (200, 202)}


def change(after: float, ordered: bool = False, at: int = 100) -> ParameterChange:
    return ParameterChange(0, at, "i13007", 1.0, after, 1.0, ordered)


def test_a_parameter_changed_without_an_order_holds_until_it_is_taken_back():
    panel = panel_of(np.full((1, N), 50.0), ("a21026",))
    assert say(replace(panel, extras=Extras(changes=(change(0.7, ordered=True),))), "P1") == []
    log = Extras(changes=(change(1.0, at=150), change(0.7)))
    found = say(replace(panel, extras=log), "P1")
    assert (found[0].where.from_i, found[0].where.to_i) == (100, 150)
    assert found[0].strength == 1.0
    assert parameters.weighed(change(0.7)) == pytest.approx(2.5)
    assert parameters.weighed(change(float("nan"))) == pytest.approx(6.0)


def test_checks_may_be_good_but_not_perfect():
    random = np.random.default_rng(1)
    honest = tuple(Check(0, i, 50, 50 + random.normal(0, 1), 2.5, 0.5) for i in range(12))
    perfect = tuple(Check(0, i, 50, 50 + random.normal(0, 0.01), 2.5, 0.5) for i in range(12))
    panel = panel_of(np.full((1, N), 50.0), ("a21026",))
    assert say(replace(panel, extras=Extras(checks=honest)), "P2") == []
    assert say(replace(panel, extras=Extras(checks=perfect)), "P2")[0].strength > 0.9
    assert say(replace(panel, extras=Extras(checks=perfect[:9])), "P2") == []


def test_a_value_is_the_first_one_received():
    assert clock.rewritten(row(61, 82, 82), row(82, 82, np.nan), 1.0).tolist() == [True, False, False]
    value = np.round(np.array([steady(80, 1)]))
    first = value.copy()
    panel = panel_of(value, ("a21026",), extras=Extras(first=first))
    assert say(panel, "C1") == []
    first = first.copy()
    first[0, 10:14] += 40
    found = say(replace(panel, extras=Extras(first=first)), "C1")
    assert [(f.where.from_i, f.where.to_i, f.strength) for f in found] == [(10, 14, 1.0)]
    late = np.zeros((1, N))
    late[0, 300:320] = 100 * 3_600_000
    found = say(replace(panel, extras=Extras(delay_ms=late)), "C1")
    assert [(f.where.from_i, f.where.to_i) for f in found] == [(300, 320)]
    assert found[0].strength < 0.5


def test_marks_around_exceedances_and_against_the_process():
    value = np.array([np.full(N, 50.0), np.full(N, 900.0)])
    value[0, 40::60] = 150
    panel = replace(panel_of(value, ("a21026", "flow")), limit=row(100, np.nan))
    mark = panel.mark.copy()
    mark[0, 41::60] = ord("M")
    assert named(say(replace(panel, mark=mark), "M2"), 0, 41, N)
    assert say(replace(panel, mark=np.roll(mark, 30, axis=1)), "M2") == []
    stopped = panel.mark.copy()
    stopped[0, 100:112] = ord("S")
    assert named(say(replace(panel, mark=stopped), "M4", "flue-gas"), 0, 100, 112)
    still = value.copy()
    still[1, 100:112] = 0
    assert say(replace(panel, value=still, mark=stopped), "M4", "flue-gas") == []


def test_calibrations_follow_a_schedule():
    panel = panel_of(np.full((1, N), 50.0), ("a21026",))
    mark = panel.mark.copy()
    mark[0, ::24] = ord("C")
    assert say(replace(panel, mark=mark), "M3") == []
    mark[0, 240:288:4] = ord("C")
    assert any(f.where.from_i == 240 for f in say(replace(panel, mark=mark), "M3"))


def test_inspections_and_satellites_are_weighed_by_chance():
    low = row(*([0.0] * 190 + [-0.7] * 12))
    ratio, p = outside.permuted(low + np.random.default_rng(1).normal(0, 0.1, 202), low < 0)
    assert ratio == pytest.approx(0.5, abs=0.05)
    assert p < 0.001
    assert outside.permuted(np.random.default_rng(1).normal(0, 0.1, 202), low < 0)[1] > 0.01
    assert outside.two_shares(20, 100, 2, 200) == pytest.approx(5.95, abs=0.01)
    assert outside.two_shares(1, 100, 2, 200) == 0.0


def test_values_that_sink_under_inspection_are_named():
    panel = network(6, stations=3, days=120)
    inspected = np.zeros(panel.shape, dtype=np.int64)
    for day in range(5, 110, 9):
        inspected[:, day * 24 : day * 24 + 24] = 1
    assert say(replace(panel, extras=Extras(inspected=inspected)), "S3") == []
    value = panel.value.copy()
    value[0] = np.where(inspected[0] > 0, np.round(value[0] * 0.5), value[0])
    found = say(replace(panel, value=value, extras=Extras(inspected=inspected)), "S3")
    assert found
    assert {f.where.row for f in found} == {0}


def test_impulses_on_days_of_high_satellite_values_are_named():
    random = np.random.default_rng(1)
    daily = random.normal(0, 0.5, 400)
    seen = np.repeat(daily, 24)[None]
    value = np.round(60 * np.exp(seen + random.normal(0, 0.1, seen.shape)) + 10)
    panel = panel_of(value, ("a34004",), extras=Extras(satellite=seen))
    assert say(panel, "S2") == []
    cut = np.repeat((daily > 0.4) & (np.arange(400) % 3 == 0), 24)
    hidden = np.where(cut, np.round(value * 0.3), value)
    assert say(replace(panel, value=hidden), "S2")
