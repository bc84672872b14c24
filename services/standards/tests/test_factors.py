"""The factor dictionary and its units."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import factors, units
from standards.tables import rows

UNITS = [row["ucum"] for row in rows("units")]


def test_the_dictionary_has_the_codes_of_the_standard() -> None:
    assert len(factors.every()) >= 60
    cod = factors.get("w01018")
    assert (cod.zh, cod.en, cod.hj212_unit, cod.decimals, cod.old) == ("化学需氧量", "COD", "mg/L", 1, "011")
    assert factors.get("a34004").hj212_unit == "ng/m3"
    assert factors.get("a34004").published("air") == ("ug/m3", 0)
    assert factors.get("a21026").published("air") == ("ug/m3", 0)
    assert factors.get("a21026").published("gas") == ("mg/m3", 2)
    assert factors.get("a05024").unit_text == "µg/m³"
    assert factors.find("w99999") is None
    with pytest.raises(factors.UnknownFactor):
        factors.get("w99999")


def test_every_factor_is_named_in_both_languages_and_every_unit_is_known() -> None:
    for factor in factors.every().values():
        assert factor.zh and factor.en and factor.source
        assert factor.element in {"water", "air", "gas", "noise", "met", "radiation"}
        assert units.are_compatible(factor.hj212_unit, factor.unit), factor.code
        assert units.are_compatible(factor.unit, factor.gas_unit), factor.code


@pytest.mark.parametrize(
    ("code", "system", "now"),
    [
        ("060", "32", "w21003"),
        ("011", "32", "w01018"),
        ("001", "32", "w01001"),
        ("B01", "32", "w00000"),
        ("101", "21", "w21011"),
        ("02", "31", "a21026"),
        ("B02", "31", "a00000"),
        ("s01", "31", "a19001"),
        ("01", "31", "a34013"),
        ("W01018", None, "w01018"),
        (" a34004 ", "22", "a34004"),
        ("Leq", "23", "Leq"),
        ("060", None, None),
        ("060", "99", None),
        ("xyz", "32", None),
    ],
)
def test_codes_of_every_dialect_are_understood(code: str, system: str | None, now: str | None) -> None:
    assert factors.normalise(code, system) == now


def test_old_codes_are_unique_within_water_and_within_air() -> None:
    old = [(f.code[0], f.old) for f in factors.every().values() if f.old]
    assert len(old) == len(set(old))


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        ("35000", "ng/m3", "ug/m3", "35"),
        ("0.035", "mg/m3", "ug/m3", "35"),
        ("1", "ug/L", "mg/L", "0.001"),
        ("10", "L/s", "m3/h", "36"),
        ("2", "m3/s", "m3/h", "7200"),
        ("36", "m3/h", "L/s", "10"),
        ("20", "Cel", "K", "293.15"),
        ("101.325", "kPa", "Pa", "101325"),
    ],
)
def test_golden_conversions(value: str, source: str, target: str, result: str) -> None:
    assert str(units.convert(Decimal(value), source, target)) == result


@pytest.mark.parametrize(
    ("source", "target"), [("mg/L", "mg/m3"), ("mg/L", "Cel"), ("ppm", "mg/m3"), ("x", "x")]
)
def test_units_of_different_things_are_refused(source: str, target: str) -> None:
    with pytest.raises(units.IncompatibleUnits):
        units.convert(1, source, target)


def test_spellings_of_units_are_understood() -> None:
    assert [units.ucum(t) for t in ("μg/m³", "mg/l", "℃", "°C", "m³/h", "ug/m3")] == [
        "ug/m3",
        "mg/L",
        "Cel",
        "Cel",
        "m3/h",
        "ug/m3",
    ]
    assert units.ucum("furlong") is None
    assert units.text("furlong") == "furlong"


@given(st.decimals(-(10**6), 10**6, places=4), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_a_conversion_and_back_gives_the_value(value: Decimal, source: str, target: str) -> None:
    if not units.are_compatible(source, target):
        return
    back = units.convert(units.convert(value, source, target), target, source)
    assert abs(back - value) <= abs(value) * Decimal("1e-30") + Decimal("1e-30")


@given(st.decimals(-(10**6), 10**6, places=4), st.permutations(["ng/m3", "ug/m3", "mg/m3", "g/m3"]))
def test_decimal_units_convert_without_any_loss(value: Decimal, path: list[str]) -> None:
    moved = value
    for source, target in zip(path, path[1:] + path[:1], strict=True):
        moved = units.convert(moved, source, target)
    assert moved == value


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_only_finite_numbers_are_numbers(value: float) -> None:
    if value != value or value in (float("inf"), float("-inf")):
        with pytest.raises(ValueError, match="not a finite number"):
            units.convert(value, "mg/L", "mg/L")
    else:
        assert float(units.convert(value, "mg/L", "mg/L")) == value
        assert units.convert(value, "mg/L", "ug/L") == Decimal(repr(value)) * 1000
