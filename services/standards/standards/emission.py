"""The calculations of HJ 212-2017 Appendix D, to recompute what a data logger reports.

Promises: exact until the last step (results carry up to 40 digits; round where you publish); arguments are in
the units the clause uses, named in each docstring. Leaves to others: which values are valid and complete
(`standards.assessment.minimum`), and choosing the reference oxygen of a plant.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from standards.exact import Number, decimal, fraction

_MOLAR_VOLUME = Fraction("22.4")
_STANDARD_PRESSURE = 101325
_ICE_POINT = 273
_AIR_OXYGEN = 21


def weighted_concentration(pairs: Sequence[tuple[Number, Number]]) -> Decimal | None:
    """Flow-weighted mean of (concentration, flow) pairs; None if no water flowed. COD 42/55/38 → 47.17."""
    flow = sum((fraction(q) for _, q in pairs), Fraction())
    if flow == 0:
        return None
    return decimal(sum((fraction(c) * fraction(q) for c, q in pairs), Fraction()) / flow)


def water_volume(flow: Number, seconds: Number) -> Decimal:
    """m³ of a slice from the flow in L/s and its length in s: D = Q·T·10⁻³."""
    return decimal(fraction(flow) * fraction(seconds) / 1000)


def water_mass(concentration: Number, volume: Number) -> Decimal:
    """kg in a volume of m³ at a concentration in mg/L: G = C·D·10⁻³."""
    return decimal(fraction(concentration) * fraction(volume) / 1000)


def dry(wet: Number, moisture_percent: Number) -> Decimal:
    """Dry-basis concentration from the wet one: C/(1 - X)."""
    return decimal(fraction(wet) / (1 - fraction(moisture_percent) / 100))


def at_standard_state(actual: Number, temperature: Number, pressure: Number, static: Number) -> Decimal:
    """Concentration at 0 °C and 101 325 Pa from the actual one; °C, atmospheric and static pressure in Pa."""
    expansion = Fraction(_ICE_POINT) + fraction(temperature)
    absolute = fraction(pressure) + fraction(static)
    return decimal(fraction(actual) * _STANDARD_PRESSURE / absolute * expansion / _ICE_POINT)


def mass_from_ppm(ppm: Number, molar_mass: Number) -> Decimal:
    """mg/m³ at 0 °C from µmol/mol: C·M/22.4; 1 ppm SO2 (M 64.06) → 2.860."""
    return decimal(fraction(ppm) * fraction(molar_mass) / _MOLAR_VOLUME)


def nitrogen_oxides(nitric_oxide: Number, nitrogen_dioxide: Number) -> Decimal:
    """NOx as NO2, all in mg/m³: NO·46/30 + NO2."""
    return decimal(fraction(nitric_oxide) * Fraction(46, 30) + fraction(nitrogen_dioxide))


def excess_air(oxygen: Number) -> Decimal:
    """Excess-air coefficient 21/(21 - O2 %). ValueError at 21 % and more. 8.5 % → 1.68."""
    return decimal(Fraction(_AIR_OXYGEN) / _oxygen_gap(oxygen))


def at_reference_oxygen(concentration: Number, oxygen: Number, reference: Number) -> Decimal:
    """Concentration converted to the reference oxygen (折算): C·(21 - O2ref)/(21 - O2). ValueError at 21 %.

    >>> at_reference_oxygen(28, 8.5, 6)
    Decimal('33.6')
    """
    return decimal(fraction(concentration) * (_AIR_OXYGEN - fraction(reference)) / _oxygen_gap(oxygen))


def at_reference_excess(concentration: Number, oxygen: Number, reference: Number) -> Decimal:
    """Concentration converted to a reference excess-air coefficient: C·α/α_ref. ValueError at 21 % oxygen."""
    return decimal(fraction(concentration) * _AIR_OXYGEN / _oxygen_gap(oxygen) / fraction(reference))


def gas_flow(area: Number, velocity: Number) -> Decimal:
    """Wet flow in m³/h at stack conditions from the duct area (m²) and the mean velocity (m/s): 3600·F·V."""
    return decimal(3600 * fraction(area) * fraction(velocity))


def dry_standard_flow(
    flow: Number, temperature: Number, pressure: Number, static: Number, moisture_percent: Number
) -> Decimal:
    """Dry flow in m³/h at 0 °C and 101 325 Pa from the wet one; °C, Pa, Pa, % by volume."""
    cooled = fraction(flow) * _ICE_POINT / (_ICE_POINT + fraction(temperature))
    pressed = cooled * (fraction(pressure) + fraction(static)) / _STANDARD_PRESSURE
    return decimal(pressed * (1 - fraction(moisture_percent) / 100))


def gas_mass(concentration: Number, flow: Number) -> Decimal:
    """kg/h from the hour's mean concentration (mg/m³) and dry standard flow (m³/h): C·Q·10⁻⁶."""
    return decimal(fraction(concentration) * fraction(flow) / 1_000_000)


def _oxygen_gap(oxygen: Number) -> Fraction:
    gap = _AIR_OXYGEN - fraction(oxygen)
    if gap <= 0:
        raise ValueError("oxygen of 21 % and more cannot be converted")
    return gap
