"""Exact numbers and the rounding of GB/T 8170."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import exact


class Half(float):
    """A float whose `repr` is not its text, as array libraries have them."""

    def __repr__(self) -> str:
        return f"Half({float(self)})"


def test_golden_rounding_is_half_to_even() -> None:
    rounded = [exact.round_half_even(text, 0) for text in ("80.5", "81.5", "80.50001", "-0.5")]
    assert rounded == [80, 82, 81, 0]
    assert str(exact.round_half_even(0.25, 1)) == "0.2"
    assert str(exact.round_half_even("7", 2)) == "7.00"


def test_floats_are_taken_at_their_shortest_text() -> None:
    assert exact.decimal(2.2) == Decimal("2.2")
    assert exact.fraction(0.1) == Fraction(1, 10)
    assert exact.decimal(Half(2.2)) == Decimal("2.2")


@pytest.mark.parametrize(
    "wrong", ["", "x", "NaN", float("inf"), float("nan"), Decimal("sNaN"), "1e331", "1e-999999999"]
)
def test_what_is_no_finite_number_is_refused(wrong: str | float | Decimal) -> None:
    with pytest.raises(ValueError, match="number"):
        exact.decimal(wrong)


def test_rounding_up_is_exact() -> None:
    assert [exact.round_up(Fraction(n, 10)) for n in (540, 541, 550, 0, -5)] == [54, 55, 55, 0, 0]


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_every_float_can_be_rounded_and_trimmed(value: float, decimals: int) -> None:
    rounded = exact.round_half_even(value, decimals)
    assert abs(Fraction(rounded) - exact.fraction(value)) <= Fraction(1, 2 * 10**decimals)
    trimmed = exact.trim(exact.decimal(value))
    assert trimmed == exact.decimal(value)
    assert float(trimmed) == value
