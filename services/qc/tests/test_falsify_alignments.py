"""D1, D2: stretches that go along value by value, by hand and in series of few steps."""

import numpy as np
import pytest
from falsify_scene import honest, over, panel_of, say
from qc.rules.falsify import aligned, culprit, pasted
from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.outcome import Floats

HOURS = 90 * 24


def coarse(seed: int, hours: int = HOURS) -> Floats:
    """Carbon monoxide in tenths of a mg/m³, most of it between 1 and 6."""
    return np.round(honest(hours, seed) / 30, 1)


def retouched(values: Floats, seed: int) -> Floats:
    """A third of the values one step up or down, so that no twelve running are the same."""
    rng = np.random.default_rng(seed)
    third = rng.random(len(values)) < 1 / 3
    return np.round(values + 0.1 * rng.choice((-1.0, 1.0), len(values)) * third, 1)


def test_a_column_is_whole_steps_and_how_far_each_moved() -> None:
    column = aligned.column_of(np.array([1.0, 1.2, np.nan, 1.2, 1.3]), 0.1)
    assert column.digits.tolist() == [10, 12, 0, 12, 13]
    assert column.moved.tolist() == [0, 2, 0, 0, 1]
    # 10 to 13 steps lie between 8.5 and 16.5.
    assert column.level[[0, 1, 3, 4]].tolist() == [3, 3, 3, 3]


def test_values_meet_by_level_by_what_was_before_and_by_moves() -> None:
    one = aligned.column_of(np.array([10.0, 10, 12, 13, np.nan]), 1.0)
    other = aligned.column_of(np.array([10.0, 11, 12, 20, 20]), 1.0)
    met = aligned.meeting(one, other)
    assert met.apart.tolist() == [0, 1, 0, 2, 2]
    assert met.known.tolist() == [True, True, True, True, False]
    # Level 3; before: 2 (nothing), 0, 1, 0; the larger move: 0, 1, 2, 2 (8 to 20).
    assert met.kind[:4].tolist() == [3 * 9 + 6, 3 * 9 + 1, 3 * 9 + 5, 3 * 9 + 2]
    assert met.counts().sum() == 4


def test_a_sum_of_gains_runs_from_its_lowest_to_its_top() -> None:
    column = aligned.column_of(np.arange(5.0), 1.0)
    met = aligned.meeting(column, column)
    (found,) = aligned.stretches(met, np.array([-1.0, 2, 2, -1, 1]), 3.0)
    assert (found.from_i, found.to_i, found.gain, found.equal) == (1, 3, 4.0, 1.0)
    assert aligned.stretches(met, np.array([-1.0, 2, 2, -1, 1]), 4.5) == []


def test_what_is_seldom_equal_says_much_for_a_copy() -> None:
    met = aligned.Meeting(np.array([0]), np.array([4]), np.array([True]))
    shares = np.tile([0.02, 0.1, 0.88], (aligned.KINDS, 1))
    # 72 of 100 values of a copy are equal, 2 of 100 of these: a factor of 36.
    assert aligned.gains(met, shares)[0] == pytest.approx(np.log10(36))


def test_what_a_pair_usually_does_only_takes_away() -> None:
    together = np.tile([0.1, 0.2, 0.7], (aligned.KINDS, 1))
    counts = np.zeros((aligned.KINDS, 3))
    counts[0], counts[1] = (80, 0, 0), (0, 0, 80)
    own = aligned.usual(counts, together)
    # (80 + 20 × 0.1) / 100 are equal in the first kind; the second has none, and is believed as all are.
    assert own[0, 0] == pytest.approx(0.82)
    np.testing.assert_allclose(own[1], together[1])


def test_a_few_moves_to_the_same_value_are_chance() -> None:
    assert pasted._enough(0.1) == 8
    assert pasted._enough(0.0) == pasted.LEAST


def test_d1_finds_a_retouched_day_of_a_coarse_series() -> None:
    series = coarse(31)
    series[1440:1464] = retouched(series[1200:1224], 1)
    found = over(say(panel_of(series), "D1"), 0, 1440, 1464)
    assert found
    assert found[0].figures["lag"] == 240
    assert [f for f in say(panel_of(coarse(31)), "D1") if f.strength >= 0.5] == []


def test_d1_leaves_days_at_another_hour_to_exact_repeats() -> None:
    series = coarse(32)
    series[1440:1464] = retouched(series[1207:1231], 2)
    assert over(say(panel_of(series), "D1"), 0, 1440, 1464) == []


def network(seed: int) -> list[Floats]:
    shared = coarse(seed)
    return [np.round(0.5 * shared + 0.5 * coarse(seed + 1 + i), 1) for i in range(6)]


@pytest.mark.parametrize(("hours", "by_hand"), [(16, False), (40, True)])
def test_d2_finds_hours_of_a_coarse_neighbour(hours: int, by_hand: bool) -> None:
    rows = network(40)
    assert [f for f in say(panel_of(*rows), "D2") if f.strength >= 0.5] == []
    copied = rows[4][1000 : 1000 + hours]
    rows[2][1000 : 1000 + hours] = retouched(copied, 3) if by_hand else copied
    found = over(say(panel_of(*rows), "D2"), 2, 1000, 1000 + hours)
    assert found
    assert found[0].evidence[0].row == 4
    assert abs(found[0].figures["values"] - hours) <= 4


def test_d2_takes_neighbours_that_rest_at_a_few_values_for_weather() -> None:
    rows = network(50)
    for row in rows[:2]:
        row[1000:1060] = np.repeat([0.9, 1.0, 0.9], 20)
    assert [f for f in say(panel_of(*rows), "D2") if f.strength >= 0.5] == []


def test_the_station_without_other_factors_is_told_by_its_jumps() -> None:
    x = np.vstack([honest(400, 3), honest(400, 4)])
    x[0, 100:130] = x[1, 100:130] = np.round(300 + 5 * np.sin(np.arange(30)))
    x[1, 60:170] += 240
    both = (Stretch(0, 100, 130), Stretch(1, 100, 130))
    found = [
        Finding("D2", me, 9.0, 2.0, 0.0, 1.0, "copy-site", (it,)) for me, it in (both, both[::-1])
    ]  # fmt: skip
    panel = panel_of(x[0], x[1])
    assert [f.where.row for f in culprit.copies_only(panel, x, found)] == [0]


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324, np.nan, np.inf, 0.0, 1e11])
def test_no_value_breaks_an_alignment(value: float) -> None:
    rows = [np.where(np.random.default_rng(i).random(600) < 0.5, value, 7.5) for i in range(4)]
    for test in ("D1", "D2"):
        for finding in say(panel_of(*rows), test):
            assert 0 <= finding.where.from_i < finding.where.to_i <= 600
            assert 0.0 <= finding.strength <= 1.0
