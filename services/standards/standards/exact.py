"""Exact numbers: from what a caller has to `Decimal`, and the rounding of GB/T 8170.

Promises: a float is taken at its shortest decimal text (2.2 is 2.2, not 2.2000000000000001776); rounding is
half-even as GB/T 8170-2008 §3.2 says. Leaves to others: the decimals of a quantity (`standards.factors`).
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction

Number = Decimal | int | float | str | Fraction

_WIDE = Context(prec=40)
# Room for every digit before the point of the largest float, so that rounding it cannot fail.
_ROOMY = Context(prec=400)
# Beyond every float; a fraction of 1E+999999999 would not fit into memory.
_LARGEST = 330


def decimal(value: Number) -> Decimal:
    """The number as a Decimal; a fraction without a finite decimal form is cut at 40 digits.

    Errors: ValueError for NaN, infinity, text that is no number, and numbers beyond every float.
    """
    if isinstance(value, Fraction):
        return _WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))
    try:
        number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    except ArithmeticError as wrong:
        raise ValueError(f"not a number: {value!r}") from wrong
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    if abs(number.adjusted()) > _LARGEST:
        raise ValueError(f"a number out of range: {value!r}")
    return number


def fraction(value: Number) -> Fraction:
    """The number as an exact fraction; a float is taken at its shortest decimal text."""
    return value if isinstance(value, Fraction) else Fraction(decimal(value))


def round_half_even(value: Number, decimals: int) -> Decimal:
    """The value rounded to `decimals` places by GB/T 8170: 80.5 → 80, 81.5 → 82."""
    with localcontext(_ROOMY):
        return decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)


def round_up(value: Fraction) -> int:
    """The smallest integer not below the value (HJ 633 §4.2: sub-indices are rounded up)."""
    return -(-value.numerator // value.denominator)


def trim(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: 1.500 → 1.5, 1E+2 → 100."""
    with localcontext(_ROOMY):
        short = value.normalize()
        return short.quantize(Decimal(1)) if short == short.to_integral_value() else short
