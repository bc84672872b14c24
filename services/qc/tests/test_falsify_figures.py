"""Statistics of the falsification tests against figures worked out by hand."""

import numpy as np
import pytest
from falsify_network_scene import changed, named, network, panel_of, say
from falsify_scene import TESTS, honest
from qc.rules.falsify import comb, constant, daymax, lag, sites
from qc.rules.falsify.clock import like_a_shift
from qc.rules.falsify.finding import Chosen
from qc.rules.falsify.night import night_of
from qc.rules.falsify.panel import Panel

A, B = 100 * 24, 140 * 24


@pytest.fixture(scope="module")
def calm() -> Panel:
    return network(9, days=240)


# N4, N7: combs.


def test_a_comb_is_as_rare_as_its_power_over_the_frequencies_looked_at() -> None:
    # Eight blocks of 200 values; at a tooth every four steps (frequency 64 of 256) the last one's waves
    # add up to 100: 100² / 200 = 50, of 125 - 39 = 86 frequencies → 50 / ln 10 - lg 86 = 19.78.
    waves = np.zeros((8, 129), dtype=np.complex128)
    waves[7, 64] = 100
    tail, teeth = comb.strongest(comb.upto_of(waves, np.full(8, 200)), 1)
    assert tail[7] == pytest.approx(19.78, abs=0.005)
    assert teeth[7] == 4.0
    assert tail[0] == pytest.approx(-np.log10(86))


def test_at_night_a_comb_is_measured_by_the_other_frequencies_of_its_window() -> None:
    # All frequencies of the last block have 20² / 200 = 2, which ln 2 takes to 2.885: 50 counts as 17.33,
    # 17.33 / ln 10 - lg 86 = 5.59.
    waves = np.zeros((8, 129), dtype=np.complex128)
    waves[7] = 20
    waves[7, 64] = 100
    tail, _ = comb.strongest(comb.upto_of(waves, np.full(8, 200)), 1, local=True)
    assert tail[7] == pytest.approx(5.59, abs=0.005)
    assert comb.strongest(comb.upto_of(waves, np.full(8, 200)), 1)[0][7] == pytest.approx(19.78, abs=0.005)


def test_a_night_goes_from_ten_to_six() -> None:
    day = panel_of(np.zeros((1, 24)), ("a34004",))
    assert np.flatnonzero(night_of(day)).tolist() == [0, 1, 2, 3, 4, 5, 22, 23]


def test_nights_multiplied_after_rounding_are_told_by_their_digits(calm: Panel) -> None:
    values = calm.value[3].copy()
    night = night_of(calm) & (np.arange(len(values)) >= A) & (np.arange(len(values)) < B)
    values[night] = np.round(values[night] * 2.3)
    found = named(say(changed(calm, 3, values), "N7"), 3, A, B)
    assert found
    assert found[0].kind == "night-dump"
    # 1 / 2.3 = 0.435 steps come to one: a tooth every 2.3 steps.
    assert found[0].figures["teeth"] == pytest.approx(2.3, rel=0.03)
    assert [f for f in say(calm, "N7") if f.strength >= 0.8] == []


def test_nights_that_are_high_by_themselves_leave_no_comb(calm: Panel) -> None:
    values = calm.value[3].copy()
    night = night_of(calm) & (np.arange(len(values)) >= A) & (np.arange(len(values)) < B)
    fine = values[night] + np.random.default_rng(2).uniform(-0.5, 0.5, night.sum())
    values[night] = np.round(fine * 2.3)
    assert named(say(changed(calm, 3, values), "N7"), 3, A, B, 0.5) == []


# The running maximum that a platform writes for an hour.


def test_the_running_maximum_is_that_of_the_day_before() -> None:
    tops = daymax.running_maximum(np.array([3.0, 1, 2, 2, np.nan, np.nan, 5]), 2)
    np.testing.assert_array_equal(tops, [np.nan, np.nan, 3, 2, 2, 2, np.nan])


def test_a_return_is_exact_and_what_comes_near_is_chance() -> None:
    x = np.array([133.0, 46, 133, 46, 131, 129, 46, 50])
    tops = np.full(8, 133.0)
    exact, near = daymax.returns(x, tops, 1.0)
    # 46 → 133 returns; 46 → 131 is within three steps: a sixth of a return; 129 is no rise.
    assert exact.tolist() == [False, False, True, False, False, False, False, False]
    np.testing.assert_allclose(near, [0, 0, 0, 0, 1 / 6, 0, 0, 0])


def test_what_is_left_over_belongs_to_the_last_block() -> None:
    assert daymax.by_block(np.ones(7), 3).tolist() == [3, 4]


def test_no_station_excuses_itself() -> None:
    exact, near = np.zeros((4, 2)), np.full((4, 2), 1.0)
    exact[:, 0], exact[3, 1] = 6, 40
    # First month: three others with 6 returns each, chance gives 3: 18 > 3 × (3 + 2). Second: one with all.
    assert daymax.is_habit(exact, near, 0).tolist() == [True, False]
    assert daymax.is_habit(exact, near, 3).tolist() == [True, False]


def ozone(seed: int, returning: int) -> Panel:
    """Six ozone stations of 120 days; at `returning` of them the hours from 20 to 4 hold the day's largest
    every third day.
    """
    rng, hours = np.random.default_rng(seed), 120 * 24
    hour = np.arange(hours) % 24
    rows = []
    for station in range(6):
        swing = np.repeat(rng.uniform(30, 70, 120), 24) * np.fmax(0, np.sin((hour - 6) * np.pi / 14))
        x = np.round(25 + swing + rng.normal(0, 3, hours).clip(-9, 9))
        for day in range(station % 3, 119, 3) if station < returning else ():
            x[day * 24 + 20 : day * 24 + 28] = x[day * 24 + 6 : day * 24 + 20].max()
        rows.append(x)
    return panel_of(np.array(rows), ("a05024",) * 6, tuple(f"s{i}" for i in range(6)))


def test_what_a_network_holds_at_the_days_largest_is_its_platforms() -> None:
    for returning, innocent in ((5, True), (0, False)):
        panel = ozone(1, returning)
        values = panel.value[5].copy()
        # The last station holds the largest of the day before for thirty hours, of which the first ten still
        # follow a night.
        values[1000:1030] = values[976:1000].max()
        panel = changed(panel, 5, values)
        assert daymax.at_maximum(panel)[5, 1000:1010].all() == innocent
        assert (named(say(panel, "K1"), 5, 1000, 1030) == []) == innocent


def test_a_narrow_band_meets_its_own_largest_and_is_not_excused() -> None:
    panel = ozone(1, 5)
    values = panel.value[5].copy()
    values[1000:1096] = 60 + np.resize([0, 1, 2, 2, 1], 96)
    assert not daymax.at_maximum(changed(panel, 5, values))[5, 1024:1096].any()


def test_a_freeze_at_another_value_is_found_beside_a_network_that_returns() -> None:
    held = ozone(2, 5)
    values = held.value[5].copy()
    values[1000:1040] = 41
    assert named(say(changed(held, 5, values), "K1"), 5, 1000, 1040)


# C1, K2 and D2 as decision 50 has them.


def test_a_shift_that_a_long_window_dilutes_counts_by_what_it_gives_back() -> None:
    # In place spares 40 % of the loss, moved back 24 %: 0.24 / (0.75 × 0.4) = 0.8; a reference that spares
    # 20 % is worth 0.2 / 0.25 = 0.8 of one, what is given back all of it.
    assert like_a_shift(lag.Shift(0, 72, 5, 6.0, gain=0.24, usual=0.4)) == pytest.approx(0.8)
    assert like_a_shift(lag.Shift(0, 72, 5, 6.0, gain=0.15, usual=0.2)) == pytest.approx(0.8)


def test_of_windows_of_one_length_a_shift_has_its_gain_and_what_place_is_worth() -> None:
    # Forty blocks lose 10 each in place; moved they lose 4 more (-4), in blocks 16 to 19 they lose 6 less.
    gains = np.full(40, -4.0) + np.where(np.arange(40) % 2, 0.5, -0.5)
    gains[16:20] = 6.0
    upto = np.r_[0.0, np.cumsum(gains)][None]
    (found,) = lag._best(upto, 10.0 * np.arange(41), np.array([5]), 4, 2.0)
    assert (found.from_i, found.to_i, found.lag) == (16, 20, 5)
    # 24 of 40 lost are saved; the middle window saves -16, so place spares 16 of 40 + 16.
    assert found.gain == pytest.approx(0.6)
    assert found.usual == pytest.approx(16 / 56)


@pytest.mark.parametrize("size", [(24, 1), (72, 6)])
def test_a_band_is_the_logarithm_of_its_deviation_less_its_usual_at_that_level(size: tuple[int, int]) -> None:
    x = honest(60 * 24, 5, level=200.0, decimals=3)
    quick = constant._narrow(x, 150.0, 120.0, 1.0, size)
    begins = np.arange(0, len(x) - size[0] + 1, size[1])
    inside = [(x[a : a + size[0]] - 150) / 120 for a in begins]
    coarse = (1 / 120) ** 2 / 12
    plain = np.array([-0.5 * np.log(part.var() + coarse + 1e-12) for part in inside])
    mean = np.array([part.mean() for part in inside])
    edges = np.sort(mean)[np.arange(1, 10) * len(mean) // 10]
    tenth = (mean[:, None] >= edges).sum(axis=1)
    usual = np.array([np.median(plain[tenth == one]) for one in tenth])
    told = np.isfinite(quick)
    assert told.mean() > 0.9
    np.testing.assert_allclose(quick[told], (plain - usual)[told], atol=1e-6)


def test_three_days_running_are_asked_every_six_hours() -> None:
    assert constant.BAND_TIMES == (1, 3)
    assert max(1, 24 * 3 // constant.BAND_STRIDES) == 6


@pytest.mark.parametrize(("profile", "strong"), [("ambient-air", 6.8), ("waste-water", 5.0)])
def test_a_copied_site_counts_by_where_it_lies_below_full(profile: str, strong: float) -> None:
    test = TESTS["D2"]
    entry = test.settings_for(profile, "a34004")
    assert entry is not None
    assert (entry.set["threshold"], entry.set["strong"]) == (2, strong)
    chosen = Chosen(test, (0, 1), {name: (value,) * 2 for name, value in entry.set.items()})
    reach = (chosen.figure("threshold", 0), chosen.figure("strong", 0))
    told = sites._both(chosen, ((0, 100), (1, 100)), reach, {"rare": 4.4, "values": 20.0})
    # (4.4 - 2) / (6.8 - 2) = 0.5; (4.4 - 2) / (5 - 2) = 0.8.
    assert [one.where.row for one in told] == [0, 1]
    assert {round(one.strength, 6) for one in told} == {round(2.4 / (strong - 2), 6)}
