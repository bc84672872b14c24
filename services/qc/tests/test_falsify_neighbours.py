"""What only the neighbours show: who turns too seldom, skips the limit, hides peaks or copied whom."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_network_scene import changed, named, network, say, slow
from qc.rules.falsify import crossing, episodes, turning
from qc.rules.falsify.panel import Panel

DAYS = 480
A, B = 240 * 24, 300 * 24
LIMIT = 75.0


@pytest.fixture(scope="module")
def honest() -> Panel:
    panel = network(9, days=DAYS)
    return replace(panel, limit=np.where(np.array(panel.factor) == "a34004", LIMIT, np.nan))


def altered(panel: Panel, row: int, new: np.ndarray) -> Panel:
    values = panel.value[row].copy()
    values[A:B] = new
    return changed(panel, row, values)


def coarse(panel: Panel) -> Panel:
    """The panel on a scale on which a value moves by a step or two an hour."""
    return replace(panel, value=np.round(panel.value / 10) * 10)


def averaged(values: np.ndarray, width: int) -> np.ndarray:
    return np.round(np.convolve(values, np.ones(width) / width, "same") / 10) * 10


@pytest.mark.parametrize("test", ["D5", "B5", "C3"])
def test_nothing_is_said_of_an_honest_network(honest: Panel, test: str) -> None:
    assert [f for f in say(honest, test) if f.strength >= 0.5] == []


def test_an_average_on_a_coarse_scale_turns_too_seldom(honest: Panel) -> None:
    panel = coarse(honest)
    found = named(say(altered(panel, 0, averaged(panel.value[0], 9)[A:B]), "D5"), 0, A, B)
    assert found
    assert found[0].kind == "smooth"
    assert [f for f in say(panel, "D5") if f.strength >= 0.5] == []


def test_an_analyser_that_always_averages_is_no_finding(honest: Panel) -> None:
    panel = coarse(honest)
    always = changed(panel, 0, averaged(panel.value[0], 9))
    assert named(say(always, "D5"), 0, 0, DAYS * 24, 0.5) == []


def test_a_calm_of_the_whole_network_is_weather(honest: Panel) -> None:
    value = honest.value.copy()
    for row in value:
        row[A:B] = averaged(row, 9)[A:B]
    assert [f for f in say(replace(honest, value=value), "D5") if f.strength >= 0.5] == []


def test_turns_are_counted_over_plateaus() -> None:
    rows = np.tile([1.0, 2.0, 3.0, 3.0, 2.0, 4.0], (1, 4))
    turns, goes_on = turning.paired(replace(network(1, 1, 1), value=np.resize(rows, (3, 24))))
    assert (turns.sum(axis=1) == 14).all()
    assert (goes_on.sum(axis=1) == 4).all()


def test_values_typed_in_below_the_limit_are_missing_above_it(honest: Panel) -> None:
    random = np.random.default_rng(3)
    values = honest.value[0, A:B].copy()
    moved = (values >= LIMIT) & (values < 1.15 * LIMIT)
    values[moved] = np.round(LIMIT - random.uniform(1, 4, moved.sum()))
    found = named(say(altered(honest, 0, values), "B5"), 0, A, B)
    assert found
    assert found[0].figures["above"] < found[0].figures["below"] / 3
    assert found[0].figures["limit"] == LIMIT


def test_a_network_without_values_above_the_limit_keeps_none(honest: Panel) -> None:
    value = honest.value.copy()
    rows = [row for row, factor in enumerate(honest.factor) if factor == "a34004"]
    value[rows, A:B] = np.fmin(value[rows, A:B], LIMIT - 1)
    assert [f for f in say(replace(honest, value=value), "B5") if f.strength >= 0.5] == []


def test_a_value_on_the_limit_lies_above_it() -> None:
    x = np.tile([70.0, 74.0, 75.0, 80.0, np.nan], (1, 2))
    assert crossing.counted(x, 75.0, 0.1, 10)[0, -1, 0].tolist() == [4, 4]


def hidden(honest: Panel) -> np.ndarray:
    values = honest.value[0].copy()
    inside = np.arange(len(values))
    high = values > np.quantile(values[A:B], 0.85)
    values[high & (inside >= A) & (inside < B)] = np.nan
    return values


def test_gaps_that_begin_and_end_with_a_peak(honest: Panel) -> None:
    found = named(say(changed(honest, 0, hidden(honest)), "C3"), 0, A, B)
    assert found
    assert found[0].figures["rank"] > 0.8


def test_as_many_gaps_at_another_time_hide_nothing(honest: Panel) -> None:
    gone = np.roll(np.isnan(hidden(honest)), 9 * 24 + 6)
    values = np.where(gone, np.nan, honest.value[0])
    assert named(say(changed(honest, 0, values), "C3"), 0, 0, DAYS * 24, 0.5) == []


def test_a_check_at_the_hour_of_the_daily_peak_hides_nothing(honest: Panel) -> None:
    values = honest.value[0].copy()
    values[20::24] = np.nan
    assert named(say(changed(honest, 0, values), "C3"), 0, 0, DAYS * 24, 0.5) == []


def test_the_clearest_gaps_are_told_by_their_ends() -> None:
    at = np.stack([np.arange(0, 240, 24), np.arange(3, 243, 24)], axis=1)
    rank = np.array([0.4, 0.6, 0.2, 0.95, 0.97, 0.9, 0.99, 0.96, 0.3, 0.5])
    first, last, z = episodes.clearest(at, rank, 5, 10_000) or (0, 0, 0.0)
    assert (first, last) == (3, 7)
    assert z == pytest.approx(2.27 / np.sqrt(7 / 12))


def test_who_copied_is_named_and_who_was_copied_is_not(honest: Panel) -> None:
    # Each station has plumes of its own, which all its factors show.
    random, value = np.random.default_rng(4), honest.value.copy()
    for rows in honest.of_station.values():
        value[rows] = np.round(value[rows] * np.exp(slow(value.shape[1], random, 0.8, 0.2)))
    own, other = 0, 9
    copied = value[own].copy()
    copied[A : A + 48] = value[other, A : A + 48]
    found = [f for f in say(changed(replace(honest, value=value), own, copied), "D2") if f.strength >= 0.9]
    assert {f.where.row for f in found} == {own}
    assert found[0].evidence[0].row == other
