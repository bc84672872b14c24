"""Tests for outlets with few values or without neighbours: they speak on what was planted alone."""

from dataclasses import replace

import numpy as np
import pytest
from qc.rules.falsify import catalogue, curved
from qc.rules.falsify.finding import Finding
from qc.rules.falsify.panel import DAY_MS, HOUR_MS, Panel, resolution_of
from qc.rules.falsify.reference import reference
from qc.rules.falsify.segments import surprising
from qc.rules.outcome import Floats

TESTS = {test.id: test for test in catalogue.load()}


def panel_of(rows: dict[str, Floats], step_ms: int) -> Panel:
    """One outlet's rows by factor."""
    value = np.array(list(rows.values()))
    nothing = np.full(len(value), np.nan)
    return Panel(
        0, step_ms, ("outlet",) * len(value), tuple(rows), ("",) * len(value), value,
        np.zeros(value.shape, np.int64), np.isfinite(value), np.array([resolution_of(one) for one in value]),
        nothing.copy(), nothing.copy(), nothing.copy(), nothing.copy(), np.full((len(value), 2), np.nan),
    )  # fmt: skip


def stack(seed: int, days: int = 400) -> Panel:
    """NOx of a stack that answers load and air temperature in curves, in five digits."""
    rng = np.random.default_rng(seed)
    n = 24 * days
    load, air = (_wander(rng, n, 0.98) for _ in range(2))
    noise = 2.0 * _wander(rng, n, 0.9)
    nox = np.fmax(80 + 6 * load + 4 * load * air - 3 * air**2 + noise, 20)
    nox = np.where(nox >= 100, np.round(nox, 2), np.round(nox, 3))
    rows = {"a21002": nox, "load": np.round(130 + 10 * load, 2), "AT": np.round(15 + 8 * air, 3)}
    return panel_of(rows, HOUR_MS)


def outlet(seed: int, days: int = 500) -> Panel:
    """COD of an outlet, one whole number a day."""
    rng = np.random.default_rng(seed)
    return panel_of({"w01018": np.round(np.exp(4.6 + 0.3 * _wander(rng, days, 0.5)))}, DAY_MS)


def _wander(rng: np.random.Generator, n: int, memory: float) -> Floats:
    shocks = rng.standard_normal(n) * np.sqrt(1 - memory**2)
    made = np.zeros(n)
    for i in range(1, n):
        made[i] = memory * made[i - 1] + shocks[i]
    return made


def told(test: str, panel: Panel, profile: str) -> list[Finding]:
    """What a test says in full or nearly so."""
    found = catalogue.RUNS[test](panel, catalogue.choose(TESTS[test], panel, profile))
    return [one for one in found if one.strength >= 0.89]


def with_row(panel: Panel, row: int, value: Floats) -> Panel:
    """The panel with another row."""
    values = panel.value.copy()
    values[row] = value
    return replace(panel, value=values)


def meets(found: list[Finding], begin: int, end: int) -> bool:
    """A finding lies on the stretch."""
    return any(one.where.row == 0 and one.where.from_i < end and begin < one.where.to_i for one in found)


def test_a_curve_leaves_half_of_what_a_line_leaves() -> None:
    panel = stack(1)
    left = reference(panel).cross[0]
    assert reference(panel).bent.all()
    line = np.polynomial.polynomial.polyfit(panel.value[1], panel.value[0], 1)
    assert np.nanstd(left) < 0.6 * np.std(panel.value[0] - line[0] - line[1] * panel.value[1])


def test_few_values_bend_nothing() -> None:
    assert not curved.can_bend(11, 4, 500)
    assert curved.can_bend(11, 4, 20_000)


@pytest.mark.parametrize("share", [0.6, 0.75])
def test_a_scaled_stack_without_neighbours_is_told_by_its_load(share: float) -> None:
    panel = stack(2)
    value = panel.value[0].copy()
    value[5000:5500] = np.round(value[5000:5500] * share, 3)
    assert meets(told("X6", with_row(panel, 0, value), "flue-gas"), 5000, 5500)
    assert not told("X6", panel, "flue-gas")


def test_load_and_weather_are_witnesses_and_not_judged() -> None:
    panel = stack(3)
    load = panel.value[1].copy()
    load[5000:5500] *= 0.5
    found = told("X6", with_row(panel, 1, load), "flue-gas")
    assert all(one.where.row == 0 for one in found)


def test_hours_told_twice_are_a_shifted_clock() -> None:
    panel = stack(4)
    value = panel.value[0].copy()
    value[4000:4240] = panel.value[0, 3994:4234]
    found = told("D6", with_row(panel, 0, value), "flue-gas")
    assert meets(found, 4000, 4240)
    assert {one.kind for one in found} == {"shift-time"}
    assert not told("D6", panel, "flue-gas")


def test_a_retouched_day_is_still_a_copy() -> None:
    panel, rng = stack(5), np.random.default_rng(5)
    value = panel.value[0].copy()
    value[4800:4824] = panel.value[0, 4560:4584] + 0.001 * rng.integers(-1, 2, 24)
    assert meets(told("D6", with_row(panel, 0, value), "flue-gas"), 4800, 4824)


def test_ten_copied_days_of_one_value_a_day_are_a_copy() -> None:
    panel = outlet(6)
    value = panel.value[0].copy()
    value[300:310] = value[272:282]
    value[304] = np.nan
    assert meets(told("D6", with_row(panel, 0, value), "waste-water"), 300, 310)
    assert not told("D6", panel, "waste-water")


def test_a_week_again_and_again_is_told_twice() -> None:
    panel = outlet(7)
    value = panel.value[0].copy()
    value[200:242] = np.resize(value[193:200], 42)
    assert meets(told("D6", with_row(panel, 0, value), "waste-water"), 200, 242)


def test_more_digits_than_the_instrument_writes() -> None:
    panel = stack(8)
    nox = np.where(panel.value[0] >= 85, np.round(panel.value[0], 1), panel.value[0]) + 20
    nox = np.where(nox >= 100, np.round(nox, 2), np.round(nox, 3))
    panel = with_row(panel, 0, nox)
    changed = nox.copy()
    changed[6000:6200] = np.round(nox[6000:6200] * 0.97, 3)
    found = told("N5", with_row(panel, 0, changed), "flue-gas")
    assert meets(found, 6000, 6200)
    assert all(one.where.from_i >= 5990 and one.where.to_i <= 6210 for one in found)
    assert not told("N5", panel, "flue-gas")


@pytest.mark.parametrize("seed", range(10, 14))
def test_daily_values_of_an_honest_outlet_are_left_alone(seed: int) -> None:
    for test in ("K5", "B6", "N6", "D6"):
        assert not told(test, outlet(seed), "waste-water"), test


def test_two_averaged_months_of_daily_values_move_too_little() -> None:
    panel = outlet(15)
    value = panel.value[0].copy()
    value[200:260] = np.round(np.convolve(value, np.ones(5) / 5, "same")[200:260])
    assert meets(told("K5", with_row(panel, 0, value), "waste-water"), 200, 260)


def test_a_cap_of_daily_values() -> None:
    panel = outlet(16)
    value = panel.value[0].copy()
    value[150:270] = np.fmin(value[150:270], 115)
    found = told("B6", with_row(panel, 0, value), "waste-water")
    assert meets(found, 150, 270)
    assert found[0].figures["top"] == 115


def test_daily_values_read_off_a_dial() -> None:
    panel, rng = outlet(17), np.random.default_rng(17)
    value = panel.value[0].copy()
    round_ones = rng.random(80) < 0.8
    value[200:280] = np.where(round_ones, np.round(value[200:280] / 5) * 5, value[200:280])
    found = told("N6", with_row(panel, 0, value), "waste-water")
    assert meets(found, 200, 280)
    assert found[0].kind == "heap"


def test_marks_on_high_days_only() -> None:
    panel = outlet(18)
    mark, random = panel.mark.copy(), panel.mark.copy()
    high = np.flatnonzero(panel.value[0] > np.quantile(panel.value[0], 0.85))
    mark[0, high[high > 250]] = ord("M")
    random[0, ::9] = ord("M")
    assert meets(told("M5", replace(panel, mark=mark), "waste-water"), 250, 500)
    assert not told("M5", replace(panel, mark=random), "waste-water")


def test_forty_hits_running_are_one_segment() -> None:
    hits = np.zeros(1000, dtype=np.bool_)
    hits[::10] = True
    hits[500:540] = True
    (found,) = surprising(hits, 0.1, 3.0)
    assert abs(found.from_i - 500) <= 10 and abs(found.to_i - 540) <= 10
    assert found.rare > 20
