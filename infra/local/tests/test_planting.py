"""Every kind is planted as the truth says, nothing else is touched, and what is written looks as before."""

from typing import Any

import numpy as np
import pytest
from jianzhen.planting.plant import KINDS, PLANTERS, Planted, plant, plant_all
from planted_scene import city, outlet, stack
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.panel import Panel

PANELS = {"city": city(), "stack": stack(), "outlet": outlet()}
# What a panel offers no place for: no second station, no night within a day's value.
NOWHERE = {"stack": {"copy-site"}, "outlet": {"copy-site", "night-dump"}}
CASES = [(name, kind) for name in PANELS for kind in KINDS if kind not in NOWHERE.get(name, ())]


def differing(one: Panel, other: Panel) -> np.ndarray[Any, np.dtype[np.bool_]]:
    same = (one.value == other.value) | (np.isnan(one.value) & np.isnan(other.value))
    found: np.ndarray[Any, np.dtype[np.bool_]] = (
        ~same | (one.mark != other.mark) | (one.present != other.present)
    )
    return found


def stretches(panel: Panel, planted: Planted) -> np.ndarray[Any, np.dtype[np.bool_]]:
    inside = np.zeros(panel.shape, dtype=np.bool_)
    for truth in planted.truths:
        inside[truth.row, truth.from_i : truth.to_i] = True
    return inside


def test_twenty_kinds_have_a_planter() -> None:
    assert len(KINDS) == 20
    assert set(PLANTERS) == set(KINDS)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_truth_is_what_changed_and_nothing_else_changed(name: str, kind: Kind) -> None:
    panel = PANELS[name]
    for seed in range(8):
        planted = plant(panel, kind, np.random.default_rng(seed))
        assert planted.truths, f"no place with seed {seed}"
        differs = differing(panel, planted.panel)
        assert not (differs & ~stretches(panel, planted)).any()
        for truth in planted.truths:
            row = differs[truth.row, truth.from_i : truth.to_i]
            assert row[0] and row[-1]
            assert int(row.sum()) == truth.changed
            assert (panel.station[truth.row], panel.factor[truth.row]) == (truth.station, truth.factor)
            assert truth.kind == kind


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_one_seed_one_result_and_another_seed_another(name: str, kind: Kind) -> None:
    panel = PANELS[name]
    one, again, other = (plant(panel, kind, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one.truths == again.truths
    assert one.parameters == again.parameters
    np.testing.assert_array_equal(one.panel.value, again.panel.value)
    np.testing.assert_array_equal(one.panel.mark, again.panel.mark)
    assert one.truths != other.truths


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_changed_values_are_written_like_the_others_and_stay_plausible(name: str, kind: Kind) -> None:
    panel = PANELS[name]
    for seed in range(4):
        planted = plant(panel, kind, np.random.default_rng(seed))
        for truth in planted.truths:
            changed = planted.panel.value[truth.row, truth.from_i : truth.to_i]
            digits = changed[np.isfinite(changed)] / panel.resolution[truth.row]
            assert np.abs(digits - np.rint(digits)).max() < 1e-6
            real = panel.value[truth.row]
            most = (
                20.9 if truth.factor == "a19001" else np.nanmax(real) * (3.1 if kind == "night-dump" else 1.5)
            )
            assert np.nanmax(changed) <= most
            assert np.nanmin(changed) >= 0
            # What nobody reported is not invented.
            assert not (np.isfinite(planted.panel.value[truth.row]) & np.isnan(real)).any()


def test_the_panel_given_is_left_as_it_was() -> None:
    panel = PANELS["city"]
    value, mark, limit = panel.value.copy(), panel.mark.copy(), panel.limit.copy()
    plant_all(panel, KINDS, np.random.default_rng(0))
    np.testing.assert_array_equal(panel.value, value)
    np.testing.assert_array_equal(panel.mark, mark)
    np.testing.assert_array_equal(panel.limit, limit)


def test_several_kinds_in_one_panel_never_lie_over_one_another() -> None:
    panel = PANELS["city"]
    planted = plant_all(panel, KINDS, np.random.default_rng(11))
    assert len({truth.kind for truth in planted.truths}) >= 15
    assert stretches(panel, planted).sum() == sum(truth.to_i - truth.from_i for truth in planted.truths)
    assert not (differing(panel, planted.panel) & ~stretches(panel, planted)).any()


def test_none_planted_is_the_panel_itself() -> None:
    planted = plant_all(PANELS["city"], (), np.random.default_rng(0))
    assert not planted.truths
    assert not differing(PANELS["city"], planted.panel).any()


def test_a_window_is_kept_to() -> None:
    for seed in range(20):
        for truth in plant(PANELS["city"], "scale", np.random.default_rng(seed), (2000, 6000)).truths:
            assert truth.from_i >= 2000
            assert truth.to_i <= 6000


@pytest.mark.parametrize("name", NOWHERE)
def test_a_kind_without_a_place_is_named(name: str) -> None:
    for kind in KINDS:
        if kind in NOWHERE[name]:
            planted = plant(PANELS[name], kind, np.random.default_rng(0))
            assert planted.unplaced == (kind,)
            assert not planted.truths


def planted(kind: Kind, seed: int = 1, name: str = "city") -> tuple[Panel, Planted]:
    return PANELS[name], plant(PANELS[name], kind, np.random.default_rng(seed))


def test_a_freeze_holds_the_value_before_it() -> None:
    _, done = planted("freeze")
    truth = done.truths[0]
    row = done.panel.value[truth.row, truth.from_i : truth.to_i]
    assert len(np.unique(row[np.isfinite(row)])) == 1


def test_a_cap_lies_below_its_limit() -> None:
    _, done = planted("cap")
    truth = done.truths[0]
    assert np.nanmax(done.panel.value[truth.row, truth.from_i : truth.to_i]) < done.panel.limit[truth.row]


def test_marks_are_made_on_high_hours_and_leave_values() -> None:
    panel, done = planted("mark-when-high")
    truth = done.truths[0]
    marked = done.panel.mark[truth.row] != 0
    np.testing.assert_array_equal(panel.value, done.panel.value)
    high = panel.value[truth.row, truth.from_i : truth.to_i]
    inside = marked[truth.from_i : truth.to_i]
    assert np.nanmedian(high[inside]) > np.nanmedian(high[~inside])


def test_dilution_moves_oxygen_up_and_all_pollutants_and_the_temperature_down_at_constant_load() -> None:
    panel, done = planted("dilution", name="stack")
    one = done.truths[0]
    here = slice(one.from_i, one.to_i)
    change = {
        factor: np.nanmedian(done.panel.value[row, here] - panel.value[row, here])
        for row, factor in enumerate(panel.factor)
    }
    assert change["a19001"] > 1.5
    assert change["a01012"] < -5
    assert change["a21002"] < 0 > change["a21026"]
    assert change["load"] == 0


def test_a_parameter_change_is_logged_in_some_cases_only() -> None:
    logged = [bool(planted("parameter-change", seed)[1].parameters) for seed in range(20)]
    assert 0 < sum(logged) < 20


def test_a_copied_day_is_found_in_the_real_series() -> None:
    panel, done = planted("copy-day", 2)
    truth = done.truths[0]
    pasted = done.panel.value[truth.row, truth.from_i : truth.to_i]
    history = np.lib.stride_tricks.sliding_window_view(panel.value[truth.row], len(pasted))
    equal = ((history == pasted) | np.isnan(history)).mean(axis=1)
    equal[truth.from_i] = 0
    assert equal.max() > 0.6
