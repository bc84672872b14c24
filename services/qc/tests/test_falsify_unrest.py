"""Saw-teeth beside what the network did meanwhile: one station that drifts, and all that do."""

import numpy as np
import pytest
from falsify_network_scene import TESTS, network
from qc.rules.falsify import catalogue, matched, unrest
from qc.rules.falsify.scan import Excursion

# Blocks of hand-made residuals in which a sensor loses and is put right, and its cycle.
FROM, TO, CYCLE = 800, 1040, 60
HEEDING = matched.Belief(restless=1.2)


def residuals(losses: dict[int, float]) -> np.ndarray:
    rows = np.random.default_rng(11).normal(size=(8, 2000))
    tooth = np.arange(TO - FROM) % CYCLE / CYCLE - 0.5
    for row, loss in losses.items():
        rows[row, FROM:TO] -= loss * tooth
    return rows


def clearest(rows: np.ndarray, row: int, belief: matched.Belief, shape: str = "saw") -> Excursion:
    found = matched.excursions(rows, 4, 4, 3.0, belief=belief)[row]
    return max((e for e in found if e.shape == shape), key=lambda e: e.z)


def test_a_saw_while_all_stations_drift_is_believed_far_less() -> None:
    rows = residuals({row: 3.0 if row % 2 else -3.0 for row in range(8)})
    assert clearest(rows, 3, matched.AS_IT_IS).z > 5
    left = [e for e in matched.excursions(rows, 4, 4, 1.5, belief=HEEDING)[3] if e.shape == "saw"]
    assert max((e.z for e in left), default=0.0) < 3


def test_one_station_that_drifts_alone_is_believed_as_before() -> None:
    rows = residuals({3: 3.0})
    assert clearest(rows, 3, HEEDING).z == pytest.approx(clearest(rows, 3, matched.AS_IT_IS).z, rel=0.1)


def test_two_who_do_it_together_do_not_excuse_each_other() -> None:
    rows = residuals({3: 3.0, 5: 3.0})
    for row in (3, 5):
        heard, heeded = (clearest(rows, row, belief).z for belief in (matched.AS_IT_IS, HEEDING))
        assert heeded == pytest.approx(heard, rel=0.1)


def test_a_saw_is_believed_by_the_share_of_the_pack() -> None:
    rows = residuals({3: 3.0})
    less, more = clearest(rows, 3, matched.AS_IT_IS), clearest(rows, 3, matched.Belief(saw=1.08))
    assert (less.from_i, less.to_i) == (more.from_i, more.to_i)
    assert more.z == pytest.approx(1.2 * less.z)


def test_a_stretch_is_believed_as_it_is_whatever_the_others_do() -> None:
    rows = np.random.default_rng(11).normal(size=(8, 2000))
    rows[:, 900:1000] += np.where(np.arange(8) % 2, -1.2, 1.2)[:, None]
    heard, heeded = (clearest(rows, 3, belief, "box").z for belief in (matched.AS_IT_IS, HEEDING))
    assert heeded == heard > 7


@pytest.mark.parametrize("test", ["S1", "X6"])
def test_packs_of_other_profiles_say_nothing_of_it(test: str) -> None:
    panel = network(1, stations=2, days=5)
    for profile, known in (("ambient-air", True), ("flue-gas", False), ("waste-water", False)):
        chosen = catalogue.choose(TESTS[test], panel, profile)
        assert np.isfinite(chosen.asked("restless", 0)) == known
        assert np.isfinite(chosen.asked("saw_share", 0)) == known


def test_unrest_is_what_the_others_show_without_the_largest_of_them() -> None:
    z = np.ones((6, 40))
    z[1] = 30.0
    z[2:] *= np.array([[2.0], [2.0], [2.0], [9.0]])
    usual = np.ones(6)
    # Of the rows beside row 1 that at nine times its usual size is left out: 1, 2, 2, 2.
    assert unrest.unrest(z, usual, 1, 20, 8) == pytest.approx(np.sqrt((1 + 4 + 4 + 4) / 4))
    # Half a length to either side of the beginning is looked at.
    z[0, 25:] = 100.0
    assert unrest.unrest(z, usual, 1, 20, 8) == pytest.approx(np.sqrt(13 / 4))
    assert unrest.unrest(z, usual, 1, 21, 8) > np.sqrt(13 / 4)


def test_a_score_is_only_ever_lowered() -> None:
    assert unrest.lowered(2.4, 1.2) == pytest.approx(2.0)
    assert unrest.lowered(0.7, 1.2) == 1.0
    assert unrest.lowered(float("nan"), 1.2) == 1.0
    assert unrest.lowered(9.0, float("nan")) == 1.0


def test_four_stations_are_too_few_to_say_what_a_network_did() -> None:
    assert np.isnan(unrest.unrest(np.ones((4, 40)), np.ones(4), 0, 20, 8))
    rows = np.random.default_rng(7).normal(size=(4, 1500))
    rows[2, 300:540] -= 3.0 * (np.arange(240) % CYCLE / CYCLE - 0.5)
    heard, heeded = (clearest(rows, 2, one).z for one in (matched.AS_IT_IS, matched.Belief(restless=0.1)))
    assert heeded == heard > 0
