"""Numbers that stand for no value, and those that only look like it."""

import numpy as np
import pytest
from qc.rules.offline.sentinels import signs, taken_for_missing

NONE = float("nan")


def taken(values, low=NONE, high=NONE, slope=1.0, shift=0.0):
    value = np.asarray(values, dtype=float)
    size = len(value)
    found, told = taken_for_missing(
        value, np.zeros(size, dtype=np.int64), np.array([low]), np.array([high]),
        np.full(size, slope), np.full(size, shift),
    )  # fmt: skip
    assert sum(one.times for one in told) == np.count_nonzero(found)
    assert set(value[found].tolist()) == {one.value for one in told}
    return {one.value: one.times for one in told}


def wave(least: float, most: float, size: int = 200) -> list[float]:
    return np.round(np.linspace(least, most, size), 2).tolist()


@pytest.mark.parametrize("sign", [-200.0, -99.0, -999.0, -9999.0, 9999.0, 99999.0, -99.9, -888.0, -32768.0])
@pytest.mark.parametrize("rest", [(647.0, 2040.0), (0.18, 2.2), (0.0, 63.7)])
def test_a_sign_far_from_an_unknown_series_is_missing(sign, rest):
    values = wave(*rest)
    values[20:20] = [sign] * 4
    assert taken(values) == {sign: 4}


def test_two_signs_in_one_series_do_not_hide_each_other():
    assert taken([*wave(3.0, 9.0), *[-999.0] * 3, *[9999.0] * 5, *[-9999.0] * 4]) == {
        -9999.0: 4, -999.0: 3, 9999.0: 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("plateau", "rest"),
    [
        (-0.02, (5.0, 6.0)), (0.0, (100.0, 150.0)), (500.0, (3.0, 20.0)), (999.0, (0.0, 400.0)),
        (-20.0, (0.0, 5.0)), (99.0, (0.0, 150.0)), (-100.0, (-160.0, 40.0)), (-300.0, (-150.0, -50.0)),
        (1000.0, (5.0, 40.0)), (-0.999, (0.0, 2.0)),
    ],
)  # fmt: skip
def test_a_plateau_a_cap_and_a_stop_stay_values(plateau, rest):
    assert taken([*wave(*rest), *[plateau] * 30]) == {}


def test_a_range_that_holds_the_number_makes_it_a_value_in_the_unit_of_the_file():
    values = [*wave(0.0, 100.0), *[999.0] * 5]
    assert taken(values) == {999.0: 5}
    assert taken(values, 0.0, 1000.0) == {}
    assert taken(values, 0.0, 1000.0, slope=2.0) == {999.0: 5}


def test_twice_may_be_an_accident_and_a_pollutant_is_never_negative():
    assert taken([*wave(0.0, 5.0), -999.0, -999.0]) == {}
    # One wild value would make the series as wide as the way to the sign.
    assert taken([*wave(0.0, 5.0), -3.0, 900.0, *[-200.0] * 3]) == {}
    assert taken([*wave(0.0, 5.0), -3.0, 900.0, *[-200.0] * 3], 0.0, 1000.0) == {-200.0: 3}


def test_a_column_of_nothing_but_signs_is_missing_and_infinite_or_absent_values_are_nothing():
    assert taken([-9999.0] * 12) == {-9999.0: 12}
    assert taken([9999.0] * 12) == {}
    assert taken([np.nan, np.inf, -np.inf] * 5) == {}
    assert np.all(np.diff(signs()) > 0) and 0.0 not in signs()


def test_series_side_by_side_are_told_apart():
    value = np.array([*wave(0.0, 5.0), *[-200.0] * 5, *wave(-500.0, 500.0), *[-200.0] * 5])
    member = np.repeat([0, 1], 205)
    mixed = np.random.default_rng(3).permutation(len(value))
    ones, nothing = np.ones(len(value)), np.full(2, NONE)
    found, told = taken_for_missing(value[mixed], member[mixed], nothing, nothing, ones, 0 * ones)
    assert [(one.member, one.value, one.times) for one in told] == [(0, -200.0, 5)]
    assert found.sum() == 5 and set(member[mixed][found].tolist()) == {0}
