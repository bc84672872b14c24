"""The monthly ranking of regions by one factor, and what confirmed falsification does to it.

Promises: pure. A region's day is the mean over its assessment stations' valid days (GB 3095 table 4), its
month the mean of its days; equal figures share a rank. A day with confirmed falsification counts with the
highest value that the station ever had on that day of the year in earlier years, else in that month of
earlier years (环发〔2015〕175号 Art. 11); where no history is known the region has no figure. A region with
such days is marked downgraded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from standards import exact, factors, tables
from standards.assessment import mean, minimum

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StationDay:
    """One local day of a station: the mean of its usable hours, how many there are, the cases that bar it."""

    site: str
    day: date
    mean: Decimal | None
    hours: int
    cases: tuple[str, ...] = ()


def effect(name: str, on: date) -> Mapping[str, str] | None:
    """The dated rule about falsified days: `ranking` or `assessment`."""
    return next((row for row in tables.in_force("falsified_days", on) if row["effect"] == name), None)


def is_valid(one: StationDay) -> bool:
    return one.mean is not None and not one.cases and one.hours >= minimum("day", "ambient", one.day)


def highest(site: str, day: date, history: Iterable[StationDay]) -> Decimal | None:
    """The highest valid value of the station on that day in earlier years, else in that month of them.

    Worked example: 11-21 was 90 in 2024 and 70 in 2025, and 11-03 was 140 in 2025 → 90.
    """
    earlier = [one for one in history if one.site == site and one.day.year < day.year and is_valid(one)]
    months = [one for one in earlier if one.day.month == day.month]
    same = [one for one in months if one.day.day == day.day]
    return max((one.mean for one in same or months if one.mean is not None), default=None)


def _region_day(
    day: date, of: Sequence[StationDay], history: Sequence[StationDay]
) -> tuple[Decimal | None, Json]:
    """A region's value of one day, and how it came about."""
    is_falsified = any(one.cases for one in of)
    rule = effect("ranking", day) if is_falsified else None
    values = [
        highest(one.site, day, history) if one.cases and rule else one.mean
        for one in of
        if (one.cases and rule) or is_valid(one)
    ]
    # A falsified day without any history is no better than none: it must not be averaged away.
    value = None if None in values else mean(values)
    told = {"day": day.isoformat(), "value": None if value is None else float(value), "cases": _cases(of)}
    return value, told | ({"source": rule["source"]} if rule else {})


def _cases(days: Iterable[StationDay]) -> list[str]:
    return sorted({case for one in days for case in one.cases})


def region_month(
    region: str, factor: str, days: Sequence[StationDay], history: Sequence[StationDay], on: date
) -> Json:
    """What one region says in the ranking: its figure, its substituted days, its assessment."""
    known = factors.get(factor)
    values, substituted = [], []
    for day in sorted({one.day for one in days}):
        of = [one for one in days if one.day == day]
        value, told = _region_day(day, of, history)
        if told["cases"]:
            substituted.append(told)
        if value is not None or told["cases"]:
            values.append(value)
    figure = None if None in values else mean(values)
    rule = effect("assessment", on) if substituted else None
    words = None if rule is None else {"zh": rule["zh"], "en": rule["en"]}
    return {
        "region": region,
        "value": None if figure is None else float(exact.round_half_even(figure, known.decimals)),
        "days": len(values),
        "substituted": substituted,
        "assessment": {
            "is_downgraded": rule is not None,
            "reason": words,
            "source": rule["source"] if rule else None,
            "cases": _cases(days),
        },
    }


def ranked(regions: Iterable[Json]) -> list[Json]:
    """Cleanest first; equal figures share a rank; who has no figure has no rank and comes last.

    Worked example: 30, 35, 35, 40, none → ranks 1, 2, 2, 4, none.
    """
    told = sorted(regions, key=lambda one: (one["value"] is None, one["value"] or 0, one["region"]))
    figures = [one["value"] for one in told]
    return [
        {"rank": None if one["value"] is None else figures.index(one["value"]) + 1, **one} for one in told
    ]
