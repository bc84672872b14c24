"""HJ 212-2017 Appendix D: the computed values of the dossier, and what must hold for all inputs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import emission
from standards.exact import round_half_even as rounded


def test_golden_conversion_to_reference_oxygen() -> None:
    assert emission.at_reference_oxygen(28, "8.5", 6) == Decimal("33.6")
    assert emission.excess_air("8.5") == Decimal("1.68")
    assert rounded(emission.at_reference_excess(28, 8.5, 1.4), 2) == Decimal("33.60")
    assert rounded(emission.at_reference_oxygen(28, 12, 9), 2) == Decimal("37.33")
    with pytest.raises(ValueError, match="21 %"):
        emission.at_reference_oxygen(28, 21, 6)


def test_golden_flow_and_mass() -> None:
    flow = emission.gas_flow("7.07", "12.5")
    standard = emission.dry_standard_flow(flow, 52, 100_800, -150, "11.2")
    assert flow == 318_150
    assert rounded(standard, 0) == 235_734
    assert rounded(emission.gas_mass(28, standard), 3) == Decimal("6.601")


def test_golden_weighted_mean_of_water() -> None:
    hours = [(42, 10), (55, 30), (38, 20)]
    assert rounded(emission.weighted_concentration(hours) or 0, 2) == Decimal("47.17")
    assert emission.weighted_concentration([(42, 0)]) is None
    assert emission.water_volume(10, 5) == Decimal("0.05")
    assert emission.water_mass(40, 100) == 4


def test_golden_gas_factors() -> None:
    molar = [("64.06", "2.860"), ("46.01", "2.054"), ("30.01", "1.340")]
    assert [rounded(emission.mass_from_ppm(1, m), 3) for m, _ in molar] == [Decimal(f) for _, f in molar]
    assert rounded(emission.mass_from_ppm(1, 30), 3) == Decimal("1.339")
    assert emission.nitrogen_oxides(30, 10) == 56
    assert emission.dry(80, 20) == 100
    assert emission.at_standard_state(10, 273, 101_325, 0) == 20


@given(st.integers(1, 500), st.decimals(0, 20, places=1), st.decimals(0, 20, places=1))
def test_conversion_raises_the_value_exactly_when_oxygen_is_above_the_reference(
    value: int, oxygen: Decimal, reference: Decimal
) -> None:
    converted = emission.at_reference_oxygen(value, oxygen, reference)
    assert (converted > value) == (oxygen > reference)
