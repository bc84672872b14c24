"""Warnings of one series of soil or radiation, computed from all that is known of it.

Promises: a trend warns below the limit; every warning carries its figures and its source. Leaves the
judgement to `qc.rules.validity.warnings`.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from contracts.ingest import SeriesRef
from kit.problems import Invalid
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.explaining import series_key
from qc.queries.binary import driver
from qc.queries.columns import stretches
from qc.rules.falsify.panel import HOUR_MS
from qc.rules.outcome import Ints
from qc.rules.validity.dated import in_force, legal_day
from qc.rules.validity.rows import Rows
from qc.rules.validity.told import figure, iso
from qc.rules.validity.warnings import (
    ALARM,
    INVESTIGATE,
    Densified,
    Rise,
    Trend,
    dose_rates,
    is_densified,
    rising,
    soil_levels,
    warning_rules,
)

Land = Literal["farmland", "industrial"]
SOIL_UNIT = "mg/kg"
LEVELS = (
    ("未超过筛选值", "not above the screening value"),
    ("超过筛选值", "above the screening value"),
    ("超过管制值", "above the intervention value"),
)
DOSES = {
    INVESTIGATE: ("高于本底波动范围，应核查", "above the spread of the background: to be investigated"),
    ALARM: ("达到报警水平", "at or above the alarm level"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """Rows in [start, end), UTC milliseconds, shown from `page` on, `limit` at most; use and pH of the
    soil.
    """

    start: int
    end: int
    page: int
    limit: int
    land: Land = "farmland"
    ph: float = 7.0


async def warnings_of(session: AsyncSession, ref: SeriesRef, look: Look) -> dict[str, Any]:
    """The warnings of a series; Invalid where the series is neither soil nor radiation."""
    shown = {"series": {"id": ref.id, "key": series_key(ref), "unit": ref.unit}, "element": ref.element}
    if ref.element == "soil":
        return shown | await _soil(session, ref, look)
    if ref.element == "radiation":
        return shown | await _radiation(session, ref, look)
    detail = f"Warnings are given for soil and radiation, not for {ref.element} 仅土壤、辐射序列有此类预警"
    raise Invalid("element-unfit", detail)


def _page(rows: Rows, found: Ints, look: Look) -> tuple[list[int], str | None]:
    """The rows of this page and where the next one begins."""
    left = found[rows.ts[found] >= look.page].tolist()
    return left[: look.limit], iso(int(rows.ts[left[look.limit]])) if len(left) > look.limit else None


def _unit_fits(ref: SeriesRef, wanted: str) -> None:
    if ref.unit != wanted:
        raise Invalid(
            "unit-unfit", f"The thresholds are in {wanted}, the series in {ref.unit} 单位与阈值不符"
        )


async def _soil(session: AsyncSession, ref: SeriesRef, look: Look) -> dict[str, Any]:
    _unit_fits(ref, SOIL_UNIT)
    rows = (await stretches(await driver(session), [ref.id], look.start, look.end))[ref.id]
    rules, on = warning_rules(), legal_day(look.end - 1)
    soils = [soil for soil in in_force(rules.soil, on) if (soil.land, soil.factor) == (look.land, ref.factor)]
    if not soils:
        raise Invalid("soil-unknown", f"No value for {ref.factor} in {look.land} soil 该污染物无土壤风险值")
    soil, band, trend = soils[-1], rules.band(look.ph), in_force(rules.trend, on)[-1]
    good = np.flatnonzero(rows.is_good)
    level = soil_levels(rows.value, soil, band)
    rise = rising(rows.ts[good], rows.value[good], soil.screening[band], trend)
    warned = level[good] > 0
    if len(warned):
        warned[-1] |= rise.warns
    dense = next((one for one in in_force(rules.densified, on) if is_densified(warned, one)), None)
    shown, following = _page(rows, good, look)
    return {
        "land": look.land,
        "ph": look.ph,
        "substance": {"zh": soil.zh, "en": soil.en},
        "screening": soil.screening[band],
        "intervention": soil.intervention[band],
        "source": soil.source,
        "exceedance_warning": bool(len(good)) and bool(level[good[-1]] > 0),
        "trend_warning": rise.warns,
        "trend": _trend(rise, len(good), trend),
        "densified_monitoring": None if dense is None else _dense(dense),
        "items": [_result(rows, at, int(level[at])) for at in shown],
        "next": following,
    }


def _trend(rise: Rise, results: int, rule: Trend) -> dict[str, Any]:
    return {
        "slope_per_year": figure(rise.slope),
        "chance": figure(rise.chance),
        "rising_run": rise.run,
        "years_to_screening": figure(rise.years_to_limit),
        "results": results,
        "source": rule.source,
    }


def _dense(rule: Densified) -> dict[str, Any]:
    return {
        "times": rule.times,
        "until": rule.until,
        "text_zh": f"监测频次提高至原来的 {rule.times} 倍，直至连续 {rule.until} 次结果不再预警。",
        "text_en": f"Sample {rule.times} times as often until {rule.until} results in a row give no warning.",
        "source": rule.source,
    }


def _result(rows: Rows, at: int, level: int) -> dict[str, Any]:
    zh, en = LEVELS[level]
    found = {"ts": iso(int(rows.ts[at])), "value": figure(rows.value[at])}
    return found | {"level": level, "text_zh": zh, "text_en": en}


async def _radiation(session: AsyncSession, ref: SeriesRef, look: Look) -> dict[str, Any]:
    rules = in_force(warning_rules().radiation, legal_day(look.end - 1))
    if not rules:
        raise Invalid("radiation-undated", "No threshold of radiation was in force 该日期无辐射阈值")
    rule = rules[-1]
    _unit_fits(ref, rule.unit)
    before = look.start - rule.background_hours * HOUR_MS
    rows = (await stretches(await driver(session), [ref.id], before, look.end))[ref.id]
    dose = dose_rates(rows.ts, rows.value, rows.is_good, rule)
    found = np.flatnonzero((dose.state >= INVESTIGATE) & (rows.ts >= look.start))
    shown, following = _page(rows, found, look)
    return {
        "alarm": rule.alarm,
        "unit": rule.unit,
        "source": rule.source,
        "alarms": int((dose.state[found] == ALARM).sum()),
        "items": [_dose(rows, at, int(dose.state[at]), float(dose.threshold[at])) for at in shown],
        "next": following,
    }


def _dose(rows: Rows, at: int, state: int, threshold: float) -> dict[str, Any]:
    zh, en = DOSES[state]
    return {
        "ts": iso(int(rows.ts[at])),
        "value": figure(rows.value[at]),
        "state": "alarm" if state == ALARM else "investigate",
        "investigated_above": figure(threshold),
        "text_zh": zh,
        "text_en": en,
    }
