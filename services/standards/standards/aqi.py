"""The air quality index, by the edition of HJ 633 in force on the day: 2012, or 2026 from 2026-03-01.

Promises: exact arithmetic; concentrations are rounded half-even first (GB/T 8170), sub-indices rounded up,
so CO 2.2 mg/m³ gives 55 where floats give 56. Values come in the publication unit (µg/m³, CO mg/m³) keyed by
factor; None means missing. Leaves to others: which hours are valid, means and MDA8 (`standards.assessment`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from standards import factors
from standards.exact import Number, round_half_even, round_up
from standards.tables import Row, in_force

ReportKind = Literal["daily", "hourly"]


@dataclass(frozen=True, slots=True)
class Level:
    """Level 1-6 with its names and colour (`hex` for screens, `cmyk` for print)."""

    level: int
    level_zh: str
    category_zh: str
    category_en: str
    colour_zh: str
    colour_en: str
    hex: str
    cmyk: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `computed` is the index of the items present; `aqi` is what may be published (None = `NA`).

    `iaqi` has every required item, None where it is missing or not computed; `primary` is empty up to AQI 50.
    """

    kind: ReportKind
    edition: str
    iaqi: dict[str, int | None]
    computed: int | None
    aqi: int | None
    level: Level | None
    primary: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def text(self) -> str:
        """The index as printed: digits, or `NA` (HJ 633-2026 §5.3.1)."""
        return "NA" if self.aqi is None else str(self.aqi)


@lru_cache(maxsize=4096)
def _breakpoints(factor: str, averaging: str, on: date) -> tuple[tuple[int, Fraction], ...]:
    column = f"{factor}/{averaging}"
    return tuple(
        (int(row["iaqi"]), Fraction(row[column]))
        for row in in_force("aqi_breakpoints", on)
        if row.get(column, "")
    )


@lru_cache(maxsize=4096)
def _items(report: ReportKind, on: date) -> tuple[Row, ...]:
    return tuple(row for row in in_force("aqi_items", on) if row["report"] == report)


def iaqi(factor: str, averaging: str, value: Number, on: date) -> int | None:
    """The sub-index of one concentration (`averaging` is `1h`, `8h` or `24h`), or None if none is computed.

    1-hour particulate matter uses the daily breakpoints where the edition knows it (2026). Values below zero
    count as zero; above the table the edition's rule holds: 500; SO2-1h 200, O3-8h 300 (2026) or None (2012).

    >>> iaqi("a34004", "24h", 80, date(2026, 3, 1)), iaqi("a34004", "24h", 80, date(2026, 2, 28))
    (119, 107)
    """
    for report in ("daily", "hourly"):
        for item in _items(report, on):
            if (item["factor"], item["input"]) == (factor, averaging):
                return _item_index(item, value, on)
    return None


def _item_index(item: Row, value: Number, on: date) -> int | None:
    decimals = factors.get(item["factor"]).decimals
    concentration = max(Fraction(0), Fraction(round_half_even(value, decimals)))
    points = _breakpoints(item["factor"], item["breakpoints"], on)
    for (low_index, low), (high_index, high) in pairwise(points):
        if concentration <= high:
            share = (concentration - low) / (high - low)
            return round_up(share * (high_index - low_index) + low_index)
    return int(item["above_table"]) if item["above_table"] else None


def level(aqi: int, on: date) -> Level:
    """Level, category and colour of an index. ValueError below 0.

    >>> level(111, date(2026, 3, 1)).category_zh
    '轻度污染'
    """
    fitting = [row for row in in_force("aqi_levels", on) if int(row["above"]) < aqi]
    if not fitting:
        raise ValueError(f"no air quality index is {aqi}")
    row = max(fitting, key=lambda candidate: int(candidate["above"]))
    names = {key: row[key] for key in Level.__dataclass_fields__ if key != "level"}
    return Level(level=int(row["level"]), **names)


def daily(values: Mapping[str, Number | None], on: date, exempt: Collection[str] = ()) -> Report:
    """The report of a day: day means and, for O3 (`a05024`), the maximum 8-hour mean.

    2012 also takes the day's highest O3 hour as `a05024/1h`. `exempt`: items excused by HJ 633-2026 §5.3.2.

    >>> day = {"a34004": 48, "a34002": 92, "a21026": 9, "a21004": 45, "a21005": 0.9, "a05024": 172}
    >>> daily(day, date(2026, 3, 1)).text, daily(day, date(2026, 3, 1)).primary
    ('111', ('a05024',))
    """
    return _report("daily", values, on, exempt)


def hourly(values: Mapping[str, Number | None], on: date, exempt: Collection[str] = ()) -> Report:
    """The realtime report of an hour: 1-hour means; 2012 wants rolling 24-hour means for PM.

    2012 also takes `a05024/8h` (rolling) and, where SO2-1h exceeds 800, `a21026/24h`.
    """
    return _report("hourly", values, on, exempt)


def _report(
    kind: ReportKind, values: Mapping[str, Number | None], on: date, exempt: Collection[str]
) -> Report:
    edition = in_force("aqi_editions", on)[0]
    indices, missing = _indices(kind, values, on)
    present = [index for index in indices.values() if index is not None]
    computed = max(int(edition["lowest_aqi"]), *present) if present else None
    incomplete = any(index is None and factor not in exempt for factor, index in indices.items())
    may_publish = computed is not None and (
        not incomplete or computed > int(edition["publish_incomplete_above"])
    )
    primary = [factor for factor, index in indices.items() if index == computed and (computed or 0) > 50]
    return Report(
        kind=kind,
        edition=edition["edition"],
        iaqi=indices,
        computed=computed,
        aqi=computed if may_publish else None,
        level=level(computed, on) if may_publish and computed is not None else None,
        primary=tuple(primary),
        missing=missing,
    )


def _indices(
    kind: ReportKind, values: Mapping[str, Number | None], on: date
) -> tuple[dict[str, int | None], tuple[str, ...]]:
    indices: dict[str, int | None] = {}
    missing: list[str] = []
    for item in _items(kind, on):
        factor, role = item["factor"], item["role"]
        key = factor if role == "main" else f"{factor}/{item['input']}"
        value = values.get(key)
        index = None if value is None else _item_index(item, value, on)
        if role == "main":
            indices[factor] = index
            if value is None:
                missing.append(factor)
        elif index is not None and (role == "also" or indices[factor] is None):
            indices[factor] = max(index, indices[factor] or 0)
    return indices, tuple(missing)
