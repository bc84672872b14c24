"""The hourly index of stations and of their region, from the values that may be used.

Promises: the edition of HJ 633 in force on the hour's legal date decides; a value that is left out makes
its item missing, and an incomplete index is published only above 100, else as NA with its concentrations
(§5.3.1). The region's concentration is the arithmetic mean over its assessment stations (HJ 663: the city's
value is the mean of its assessment stations), rounded half-even, and the region's index is computed from
those means, not from the stations' indices. An item for which fewer than the catalogue item's share of
stations speak is missing. Leaves to `snapshot` how it is kept. An edition that wants longer means for an
item (HJ 633-2012: PM over 24 hours) finds that item missing here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from standards import aqi, exact, factors, tables, units

from publish.rules.figures import Figure, Text, choose, left_out, reason, told_value

Json = dict[str, Any]
Heard = dict[tuple[str, str], list[Figure]]


@dataclass(frozen=True, slots=True)
class Station:
    """An air station with the factors it measures."""

    code: str
    name: Text
    measures: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gate:
    """A catalogue item's quality gate: the share of stations needed, items excused by HJ 633 §5.3.2."""

    min_station_share: float
    exempt: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HourlyIndex:
    """What one hour says: the region, its stations, what was left out, and every value looked at."""

    standard: str
    region: Json
    stations: list[Json]
    left_out: list[Json]
    figures: list[Figure]
    used: set[tuple[int, datetime]] = field(default_factory=set)


def items(on: date) -> list[str]:
    """The factors of the hourly report in the order of the standard, e.g. `["a21026", "a21004", …]`."""
    rows = tables.in_force("aqi_items", on)
    return [row["factor"] for row in rows if row["report"] == "hourly" and row["role"] == "main"]


def _hourly_inputs(on: date) -> set[str]:
    rows = tables.in_force("aqi_items", on)
    return {row["factor"] for row in rows if row["report"] == "hourly" and row["input"] == "1h"}


def _value(figure: Figure) -> Decimal:
    assert figure.value is not None
    known = factors.get(figure.factor)
    exact_value = units.convert(figure.value, figure.unit, known.unit)
    return exact.round_half_even(exact_value, known.decimals)


def _level(report: aqi.Report) -> Json | None:
    if report.level is None:
        return None
    level = report.level
    return {
        "level": level.level,
        "category": {"zh": level.category_zh, "en": level.category_en},
        "colour": level.hex,
    }


def _index(values: Mapping[str, Decimal | None], on: date, gate: Gate, extra: Mapping[str, Json]) -> Json:
    """AQI, level, primary pollutants and the pollutants' table of one place. `extra` joins each pollutant."""
    inputs = _hourly_inputs(on)
    report = aqi.hourly({f: v if f in inputs else None for f, v in values.items()}, on, gate.exempt)
    pollutants = []
    for factor in items(on):
        known, value = factors.get(factor), values.get(factor)
        pollutants.append(
            {
                "factor": factor,
                "name": {"zh": known.zh, "en": known.en},
                "unit": known.unit_text,
                "decimals": known.decimals,
                "value": None if value is None else float(value),
                "iaqi": report.iaqi.get(factor),
                **extra.get(factor, {}),
            }
        )
    return {
        "aqi": report.aqi,
        "level": _level(report),
        "primary": list(report.primary) if report.aqi is not None else [],
        "missing": [factor for factor in report.missing if factor not in gate.exempt],
        "pollutants": pollutants,
    }


def _chosen(station: Station, heard: Heard, on: date) -> dict[str, Figure]:
    """Per factor of the index the figure that speaks for the station."""
    found = {}
    for factor in items(on):
        unit = factors.get(factor).unit
        mine = [_same_unit(figure, unit) for figure in heard.get((station.code, factor), ())]
        if (one := choose(mine, unit)) is not None:
            found[factor] = one
    return found


def _same_unit(figure: Figure, unit: str) -> Figure:
    """The figure in the index's unit where it can be converted, else as it is."""
    if figure.unit == unit or figure.value is None or not units.are_compatible(figure.unit, unit):
        return figure
    converted = float(units.convert(figure.value, figure.unit, unit))
    return replace(figure, value=converted, unit=unit)


def _left_out(station: Station, chosen: Mapping[str, Figure], on: date) -> tuple[list[Json], set[str]]:
    entries, factors_out = [], set()
    for factor in items(on):
        known, figure = factors.get(factor), chosen.get(factor)
        if figure is None and factor not in station.measures:
            continue
        slug = "missing" if figure is None else left_out(figure, known.unit)
        if slug is None:
            continue
        factors_out.add(factor)
        words = {"zh": "缺测", "en": "missing"} if figure is None else reason(slug, figure)
        entries.append(
            {
                "site": station.code,
                "name": station.name,
                "factor": factor,
                "pollutant": {"zh": known.zh, "en": known.en},
                "value": None if figure is None else told_value(figure),
                "unit": known.unit_text,
                "code": 9 if figure is None else figure.code,
                "slug": slug,
                "reason": words,
            }
        )
    return entries, factors_out


def _region_values(
    spoken: list[tuple[Station, dict[str, Decimal]]], on: date, gate: Gate
) -> tuple[dict[str, Decimal | None], dict[str, Json]]:
    values: dict[str, Decimal | None] = {}
    extra: dict[str, Json] = {}
    for factor in items(on):
        measuring = sum(factor in station.measures for station, _ in spoken)
        usable = [exact.fraction(found[factor]) for _, found in spoken if factor in found]
        is_enough = bool(usable) and len(usable) >= gate.min_station_share * measuring
        mean = sum(usable, start=exact.fraction(0)) / len(usable) if is_enough else None
        values[factor] = None if mean is None else exact.round_half_even(mean, factors.get(factor).decimals)
        extra[factor] = {"stations": len(usable), "of": measuring}
    return values, extra


def hourly_index(stations: Collection[Station], figures: list[Figure], on: date, gate: Gate) -> HourlyIndex:
    """The index of one hour. `figures` are all values of that hour at those stations; `on` its legal date.

    Worked example (HJ 633-2026): stations A and B with PM2.5 80 and 84, the other five items at 10: the
    region's PM2.5 is 82, IAQI 120, AQI 120. With A's PM2.5 falsified and a share of 0.5: PM2.5 84, AQI 123
    from B alone.
    """
    heard: Heard = {}
    for figure in figures:
        heard.setdefault((figure.site, figure.factor), []).append(figure)
    told, out, spoken, used = [], [], [], set()
    for station in sorted(stations, key=lambda s: s.code):
        chosen = _chosen(station, heard, on)
        entries, barred = _left_out(station, chosen, on)
        kept = {factor: one for factor, one in chosen.items() if factor not in barred}
        values = {factor: _value(one) for factor, one in kept.items()}
        used |= {(one.series_id, one.ts) for one in kept.values()}
        extra = {f: {"monitored": f in station.measures, "left_out": f in barred} for f in items(on)}
        told.append({"site": station.code, "name": station.name, **_index(values, on, gate, extra)})
        out += entries
        spoken.append((station, values))
    means, extra = _region_values(spoken, on, gate)
    standard = aqi.hourly({}, on).edition
    return HourlyIndex(standard, _index(means, on, gate, extra), told, out, figures, used)
