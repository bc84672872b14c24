"""What a factor, a constant taken off or a hidden drift leave behind, and an honest instrument does not."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_network_scene import changed, named, network, panel_of, say
from qc.rules.falsify import catalogue, digits, matched
from qc.rules.falsify.panel import Panel

DAYS = 480
A, B = 240 * 24, 300 * 24


@pytest.fixture(scope="module")
def honest() -> Panel:
    return network(7, days=DAYS)


def altered(panel: Panel, row: int, new: np.ndarray) -> Panel:
    values = panel.value[row].copy()
    values[A:B] = new
    return changed(panel, row, values)


def test_values_multiplied_after_rounding_form_a_comb(honest: Panel) -> None:
    twice = np.round(honest.value[0, A:B] * 0.71)
    found = named(say(altered(honest, 0, twice), "N4"), 0, A, B)
    assert found
    # 1 / 0.71 = 1.41 steps come to one: a tooth every 1 / 0.41 steps.
    assert found[0].figures["teeth"] == pytest.approx(1 / (1 / 0.71 - 1), rel=0.03)


def test_a_factor_before_rounding_leaves_no_comb(honest: Panel) -> None:
    fine = honest.value[0, A:B] + np.random.default_rng(1).uniform(-0.5, 0.5, B - A)
    assert named(say(altered(honest, 0, np.round(fine * 0.71)), "N4"), 0, A, B, 0.5) == []


def test_a_comb_the_series_always_has_is_its_analysers(honest: Panel) -> None:
    assert named(say(changed(honest, 0, np.round(honest.value[0] * 0.71)), "N4"), 0, 0, DAYS * 24, 0.5) == []


def test_a_constant_taken_off_rests_at_the_smallest(honest: Panel) -> None:
    taken = 0.5 * np.median(honest.value[0, A:B])
    found = named(say(altered(honest, 0, np.fmax(np.round(honest.value[0, A:B] - taken), 1)), "B4"), 0, A, B)
    assert found
    assert found[0].kind == "offset"
    assert found[0].figures["smallest"] == 1


def test_a_network_that_is_low_together_rests_nowhere(honest: Panel) -> None:
    value = honest.value.copy()
    value[:, A:B] = np.fmax(np.round(value[:, A:B] * 0.2), 1)
    assert [f for f in say(replace(honest, value=value), "B4") if f.strength >= 0.8] == []


def test_a_loss_put_right_again_and_again_is_a_saw() -> None:
    panel = network(8, days=DAYS)
    loss = 1 - 0.55 * (np.arange(B - A) % (15 * 24)) / (15 * 24)
    found = named(say(altered(panel, 4, np.round(panel.value[4, A:B] * loss)), "S1"), 4, A, B)
    assert found
    assert found[0].kind == "drift-hide"


def test_a_stretch_is_measured_by_the_colour_of_the_noise() -> None:
    rng = np.random.default_rng(3)
    white = rng.standard_normal((6, 2000))
    wander = np.cumsum(0.1 * rng.standard_normal((6, 2000)), axis=1) + 0.1 * white
    for rows in (white, wander):
        rows[2, 900:1000] -= 2.0
    best = [max(matched.excursions(rows, 4, 4, 3.0)[2], key=lambda e: e.z) for rows in (white, wander)]
    assert abs(best[0].from_i - 900) <= 20
    assert abs(best[0].to_i - 1000) <= 20
    assert best[0].level < 0
    assert best[0].z > 8
    # The same fall within a wander that falls as much by itself is told by its edges alone.
    assert best[1].z < best[0].z


def test_the_last_digit_is_the_one_a_file_writes_at_that_size() -> None:
    values = np.r_[np.round(np.random.default_rng(4).uniform(60, 100, 500), 3),
                   np.round(np.random.default_rng(5).uniform(100, 120, 500), 2)]  # fmt: skip
    steps = digits.digit_steps(values, 0.001)
    assert set(steps[values < 100]) == {0.001}
    assert set(steps[values >= 100]) == {0.01}


def test_what_a_controller_holds_is_no_cap() -> None:
    rng = np.random.default_rng(6)
    held = np.fmin(np.round(rng.normal(1080, 15, DAYS * 24), 1), 1090.0)
    held[: DAYS * 16] = np.round(rng.normal(1070, 15, DAYS * 16), 1)
    rows = np.array([held, held])
    found = {f.where.row for f in say(panel_of(rows, ("a21002", "TIT")), "B2", "flue-gas")}
    assert found == {0}


def test_a_test_judges_only_what_it_can_speak_of() -> None:
    panel = panel_of(np.ones((2, 48)), ("a21002", "load"))
    (b2,) = [test for test in catalogue.load() if test.id == "B2"]
    assert catalogue.choose(b2, panel, "flue-gas").rows == (0,)
