"""Surface-water class by GB 3838 and its assessment by 环办〔2011〕22号.

Promises: each item gets the best class whose limit it meets (equality meets it); the worst of the 21 assessed
items decides a section; main pollution items are those worse than III. Values come in the publication unit of
each factor (`standards.factors`); missing items are left out and listed. Leaves to others: which values are
valid, and averaging over samples or sections.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from standards import factors, units
from standards.exact import Number, decimal, fraction
from standards.tables import Row, in_force

Body = Literal["river", "lake"]
GRADES = ("I", "II", "III", "IV", "V")
DISSOLVED_OXYGEN, WATER_TEMPERATURE = "w01009", "w01010"


@dataclass(frozen=True, slots=True)
class ItemClass:
    """One item's class: 1-5, 6 = worse than V. `multiple` is (C - S)/S over class III, None for pH and DO."""

    factor: str
    grade: int
    multiple: Decimal | None


@dataclass(frozen=True, slots=True)
class Section:
    """The class of a section: the worst item's. `worst` and `main` are ordered, worst first."""

    grade: int
    name: str
    quality_zh: str
    quality_en: str
    colour_en: str
    items: tuple[ItemClass, ...]
    worst: tuple[str, ...]
    main: tuple[ItemClass, ...]
    missing: tuple[str, ...]


def saturation(temperature: Number) -> Decimal:
    """Oxygen saturation in mg/L at °C: 468/(31.6 + T); 20 °C → 9.07."""
    return decimal(Fraction(468) / (Fraction("31.6") + fraction(temperature)))


def item_class(
    factor: str, value: Number, body: Body, on: date, temperature: Number | None = None
) -> ItemClass | None:
    """The class of one item (`value` in its publication unit), or None if GB 3838 table 1 does not have it.

    With the water temperature, oxygen of 90 % saturation and more is class I even below 7.5 mg/L.

    >>> item_class("w21011", 0.06, "lake", date(2026, 1, 1)).grade
    4
    """
    for row in _limits(body, on):
        if factor == row["factor"] or factor in row["instead"].split(";"):
            amount = fraction(units.convert(value, factors.get(factor).unit, row["unit"]))
            return ItemClass(factor, _grade(row, amount, temperature), _multiple(row, amount))
    return None


def section(values: Mapping[str, Number | None], on: date, body: Body = "river") -> Section | None:
    """The class of a section from its items' values; None if no assessed item has a value.

    >>> s = section({"w01009": 5.4, "w01019": 5.1, "w21003": 1.7, "w21011": 0.18}, date(2026, 1, 1))
    >>> s.name, s.quality_zh, s.main[0].factor, s.main[0].multiple
    ('V', '中度污染', 'w21003', Decimal('0.7'))
    """
    temperature = values.get(WATER_TEMPERATURE)
    items: list[ItemClass] = []
    missing: list[str] = []
    for row in _limits(body, on):
        if row["assessed"] != "1":
            continue
        names = [row["factor"], *filter(None, row["instead"].split(";"))]
        present = [(name, value) for name in names if (value := values.get(name)) is not None]
        if not present:
            missing.append(row["factor"])
            continue
        item = item_class(*present[0], body, on, temperature)
        if item is not None:
            items.append(item)
    return _section(items, missing, on) if items else None


def rivers_quality(grades: Sequence[int], on: date) -> tuple[str, str]:
    """Quality (zh, en) of a river or basin from the classes of its sections, 5 or more. ValueError below 5.

    With fewer sections each item is averaged over them and assessed as one section.

    >>> rivers_quality([2] * 7 + [4] + [6] * 2, date(2026, 1, 1))[0]
    '中度污染'
    """
    if len(grades) < 5:
        raise ValueError("shares need at least 5 sections: average the items and assess one section")
    good = Fraction(sum(grade <= 3 for grade in grades), len(grades))
    worst = Fraction(sum(grade == 6 for grade in grades), len(grades))
    for row in in_force("water_shares", on):
        if _lies(good, row["good_from"], row["good_below"]) and _lies(
            worst, row["worst_from"], row["worst_below"]
        ):
            return row["quality_zh"], row["quality_en"]
    raise ValueError("no share of sections fits")


def _limits(body: Body, on: date) -> list[Row]:
    return [row for row in in_force("gb3838", on) if row["body"] in ("", body)]


def _lies(share: Fraction, lowest: str, below: str) -> bool:
    return Fraction(lowest or "0") <= share and (not below or share < Fraction(below))


def _meets(row: Row, name: str, amount: Fraction) -> bool:
    if row["kind"] == "range":
        low, high = map(Fraction, row[name].split("-"))
        return low <= amount <= high
    return amount >= Fraction(row[name]) if row["kind"] == "min" else amount <= Fraction(row[name])


def _grade(row: Row, amount: Fraction, temperature: Number | None) -> int:
    if (
        row["factor"] == DISSOLVED_OXYGEN
        and temperature is not None
        and amount >= fraction(saturation(temperature)) * Fraction(9, 10)
    ):
        return 1
    return next((grade for grade, name in enumerate(GRADES, 1) if _meets(row, name, amount)), 6)


def _multiple(row: Row, amount: Fraction) -> Decimal | None:
    if row["kind"] != "max":
        return None
    third = Fraction(row["III"])
    return decimal((amount - third) / third)


def _section(items: list[ItemClass], missing: list[str], on: date) -> Section:
    ranked = sorted(items, key=lambda item: (-item.grade, -(item.multiple or 0)))
    grade = ranked[0].grade
    named = next(row for row in in_force("water_classes", on) if int(row["grade"]) == grade)
    return Section(
        grade=grade,
        name=named["name"],
        quality_zh=named["quality_zh"],
        quality_en=named["quality_en"],
        colour_en=named["colour_en"],
        items=tuple(items),
        worst=tuple(item.factor for item in ranked if item.grade == grade),
        main=tuple(item for item in ranked if item.grade > 3)[:3],
        missing=tuple(missing),
    )
