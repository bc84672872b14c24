"""X11: dust that falls by one factor."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_network_scene import named, network, say
from qc.rules.falsify.covered import fall_of
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference

A = 100 * 24
DUST, GAS = (3, 4), 5


@pytest.fixture(scope="module")
def calm() -> Panel:
    return network(1)


def times(panel: Panel, by: dict[int, float], hours: int) -> Panel:
    value = panel.value.copy()
    for row, factor in by.items():
        value[row, A : A + hours] = np.round(value[row, A : A + hours] * factor)
    return replace(panel, value=value)


def test_a_covered_inlet_is_named_once_with_the_other_dust_beside_it(calm: Panel) -> None:
    found = named(say(times(calm, dict.fromkeys(DUST, 0.6), 30), "X11"), 3, A, A + 30)
    found += named(say(times(calm, dict.fromkeys(DUST, 0.6), 30), "X11"), 4, A, A + 30)
    (one,) = found
    assert one.kind == "dilution"
    assert one.figures["percent"] == pytest.approx(-40, abs=8)
    assert {s.row for s in one.evidence} == {3, 4, 5} - {one.where.row}
    assert [f for f in say(calm, "X11") if f.strength >= 0.5] == []


@pytest.mark.parametrize("by", [{3: 1.0, 4: 0.4}, {3: 0.6, 4: 0.6, 5: 0.6}, {3: 1.8, 4: 1.8}])
def test_one_dust_alone_all_together_or_a_rise_is_no_cover(calm: Panel, by: dict[int, float]) -> None:
    found = say(times(calm, by, 30), "X11")
    assert [f for f in found if f.strength >= 0.9 and f.where.from_i < A + 30 and f.where.to_i > A] == []


def test_a_fall_is_the_share_inside_against_that_beside(calm: Panel) -> None:
    panel = times(calm, {3: 0.5}, 48)
    assert fall_of(panel, reference(panel), 3, A, A + 48) == pytest.approx(np.log(2), abs=0.12)
    assert fall_of(calm, reference(calm), 3, A, A + 48) == pytest.approx(0, abs=0.12)


def test_days_are_too_long_for_it(calm: Panel) -> None:
    assert say(replace(calm, step_ms=86_400_000), "X11") == []
