"""Conversion of columns: to dry gas, to the standard state, to reference oxygen, from ppm to mg/m³.

Promises: the formulas of HJ 212-2017 appendix D on columns (`standards.emission` has them for single
figures); a row that cannot be converted is NaN and says why. Leaves which series is which to the flows.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from qc.rules.outcome import Floats
from qc.rules.source import once
from qc.rules.validity.dated import Dated, in_force, read

DONE, NO_INPUT, BEYOND_CEILING, IMPOSSIBLE = 0, 1, 2, 3
REASONS = {
    NO_INPUT: ("缺少浓度或辅助参数", "the concentration or an auxiliary value is missing"),
    BEYOND_CEILING: ("氧含量接近空气，折算无意义", "oxygen as in air: a conversion has no meaning"),
    IMPOSSIBLE: ("辅助参数超出物理范围", "an auxiliary value is physically impossible"),
}


class Oxygen(Dated, frozen=True, kw_only=True):
    """The oxygen of air in the formula, and from which content on nothing is converted, both in % by
    volume.
    """

    air_oxygen: float
    ceiling: float


class State(Dated, frozen=True, kw_only=True):
    """Temperature and pressure concentrations refer to, and the molar volume the standard uses there."""

    medium: Literal["gas", "ambient"]
    kelvin: float
    pascal: float
    litre_per_mole: float


class MolarMass(Dated, frozen=True, kw_only=True):
    """Of a factor, in g/mol."""

    factor: str
    gram_per_mole: float


class ReferenceOxygen(Dated, frozen=True, kw_only=True):
    """The oxygen (% by volume) to which a kind of plant converts."""

    kind: str
    percent: float
    zh: str
    en: str


class NitrogenOxides(Dated, frozen=True, kw_only=True):
    """The molar masses by which NO is counted as NO2."""

    dioxide: float
    oxide: float


class ConversionRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `conversion.yaml`."""

    oxygen: tuple[Oxygen, ...]
    states: tuple[State, ...]
    molar_masses: tuple[MolarMass, ...]
    nitrogen_oxides: tuple[NitrogenOxides, ...]
    reference_oxygen: tuple[ReferenceOxygen, ...]

    def oxygen_on(self, on: date) -> Oxygen:
        """The figures of the conversion on a day."""
        return in_force(self.oxygen, on)[-1]

    def state(self, medium: Literal["gas", "ambient"], on: date) -> State:
        """The standard state of a medium on a day; LookupError if none was in force."""
        found = [state for state in in_force(self.states, on) if state.medium == medium]
        if not found:
            raise LookupError(f"no standard state of {medium} on {on}")
        return found[-1]

    def per_ppm(self, factor: str, medium: Literal["gas", "ambient"], on: date) -> float:
        """mg/m³ per µmol/mol. Worked example: ("a21026", "gas", …) → 2.860; ambient since 2018-09 → 2.620."""
        mass = next((m.gram_per_mole for m in in_force(self.molar_masses, on) if m.factor == factor), None)
        if mass is None:
            raise LookupError(f"no molar mass of {factor}")
        return mass / self.state(medium, on).litre_per_mole

    def reference(self, kind: str, on: date) -> float:
        """The reference oxygen of a kind of plant; LookupError if the kind is unknown."""
        found = [entry.percent for entry in in_force(self.reference_oxygen, on) if entry.kind == kind]
        if not found:
            raise LookupError(f"no reference oxygen of {kind} on {on}")
        return found[-1]


@once
def conversion_rules() -> ConversionRules:
    """The packaged figures."""
    return read("conversion", ConversionRules)


@dataclass(frozen=True, slots=True)
class Converted:
    """The converted column, NaN where `state` is not 0 (1 input missing, 2 oxygen of air, 3 impossible
    input).
    """

    value: Floats
    state: NDArray[np.uint8]


def _done(value: Floats, missing: NDArray[np.bool_], wrong: NDArray[np.bool_], state: int) -> Converted:
    said = np.where(missing, NO_INPUT, np.where(wrong, state, DONE)).astype(np.uint8)
    return Converted(np.where(said == DONE, value, np.nan), said)


@np.errstate(all="ignore")
def at_reference_oxygen(value: Floats, oxygen: Floats, reference: float, rule: Oxygen) -> Converted:
    """Concentrations at the reference oxygen: C · (21 − O2ref)/(21 − O2), oxygen in % by volume (dry).

    Source: HJ 212-2017 appendix D. Worked example: 28 mg/m³ at 8.5 %, reference 6 % → 33.6; at 20.9 % → NaN.
    """
    converted = value * (rule.air_oxygen - reference) / (rule.air_oxygen - oxygen)
    result = _done(converted, np.isnan(value) | np.isnan(oxygen), oxygen >= rule.ceiling, BEYOND_CEILING)
    negative = oxygen < 0
    return Converted(
        np.where(negative, np.nan, result.value),
        np.where(negative, IMPOSSIBLE, result.state).astype(np.uint8),
    )


@np.errstate(all="ignore")
def excess_air(oxygen: Floats, rule: Oxygen) -> Converted:
    """The excess-air coefficient α = 21/(21 − O2). Source: HJ 212-2017 appendix D. 8.5 % → 1.68."""
    alpha = rule.air_oxygen / (rule.air_oxygen - oxygen)
    return _done(alpha, np.isnan(oxygen), oxygen >= rule.ceiling, BEYOND_CEILING)


def at_reference_excess(value: Floats, oxygen: Floats, reference: float, rule: Oxygen) -> Converted:
    """Concentrations at a reference excess-air coefficient: C · α/α_s. 28 at 8.5 % with α_s 1.4 → 33.6."""
    alpha = excess_air(oxygen, rule)
    result = value * alpha.value / reference
    missing = np.isnan(value) & (alpha.state == DONE)
    return Converted(result, np.where(missing, NO_INPUT, alpha.state).astype(np.uint8))


@np.errstate(all="ignore")
def dry(wet: Floats, moisture: Floats) -> Converted:
    """Concentrations in dry gas: C/(1 − X), moisture in % by volume.

    Source: HJ 212-2017 appendix D. Worked example: 88.8 wet at 11.2 % → 100; 100 % and more is impossible.
    """
    wrong = (moisture < 0) | (moisture >= 100)
    return _done(wet / (1 - moisture / 100), np.isnan(wet) | np.isnan(moisture), wrong, IMPOSSIBLE)


@np.errstate(all="ignore")
def at_standard_state(
    actual: Floats, celsius: Floats, pascal: Floats, static: Floats, state: State
) -> Converted:
    """Concentrations at the standard state: C · p0/(Ba + Ps) · (T0 + t)/T0; °C, Pa, Pa.

    Source: HJ 212-2017 appendix D. Worked example: 100 mg/m³ at 273 °C and 101,325 Pa → 200 mg/m³.
    """
    kelvin, absolute = state.kelvin + celsius, pascal + static
    value = actual * state.pascal / absolute * kelvin / state.kelvin
    missing = np.isnan(actual) | np.isnan(celsius) | np.isnan(absolute)
    return _done(value, missing, (kelvin <= 0) | (absolute <= 0), IMPOSSIBLE)


@np.errstate(all="ignore")
def dry_standard_flow(
    flow: Floats, celsius: Floats, pascal: Floats, static: Floats, moisture: Floats, state: State
) -> Converted:
    """Dry flow at the standard state (m³/h) from the wet one at stack conditions; °C, Pa, Pa, % by volume.

    Source: HJ 212-2017 appendix D. Worked example: 318,150 m³/h, 52 °C, 100,800 − 150 Pa, 11.2 % → 235,734
    m³/h.
    """
    kelvin, absolute = state.kelvin + celsius, pascal + static
    value = flow * state.kelvin / kelvin * absolute / state.pascal * (1 - moisture / 100)
    missing = np.isnan(flow) | np.isnan(celsius) | np.isnan(absolute) | np.isnan(moisture)
    wrong = (kelvin <= 0) | (absolute <= 0) | (moisture < 0) | (moisture >= 100)
    return _done(value, missing, wrong, IMPOSSIBLE)


def nitrogen_oxides(nitric_oxide: Floats, nitrogen_dioxide: Floats, rule: NitrogenOxides) -> Floats:
    """NOx as NO2, all in mg/m³: NO · 46/30 + NO2. Source: HJ 212-2017 appendix D. 30 and 4 → 50."""
    return nitric_oxide * (rule.dioxide / rule.oxide) + nitrogen_dioxide


def at_state(value: Floats, old: State, new: State) -> Floats:
    """Ambient concentrations of a gas reported at `old`, as they are at `new`: C · T_old/T_new · p_new/p_old.

    Source: GB 3095-2012 amendment of 2018. Worked example: 100 µg/m³ at 273.15 K → 91.6 at 298.15 K.
    """
    return value * old.kelvin / new.kelvin * new.pascal / old.pascal
