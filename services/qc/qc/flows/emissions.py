"""Emission masses of a series by day, month, quarter or year: made anew from concentration and flow, beside
the reported sum, and what stands in for invalid hours or days.

Promises: computed from what is known now; a substituted mass is shown apart from the measured one. Leaves
formulas and tables to `qc.rules.validity`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from kit.problems import Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.explaining import series_key
from qc.flows.validity import Asked, load, paged
from qc.queries import reading
from qc.queries.binary import driver
from qc.queries.columns import known_span
from qc.rules.falsify.panel import DAY_MS, HOUR_MS
from qc.rules.outcome import Ints
from qc.rules.validity.beside import beside, resolution
from qc.rules.validity.chain import judge_days
from qc.rules.validity.family import family_of, medium_of, profile_of
from qc.rules.validity.masses import Masses, by_period, day_masses, factor_to, hour_masses, part_masses
from qc.rules.validity.periods import Period, number_of, start_ms
from qc.rules.validity.rows import Known, Question
from qc.rules.validity.substitution import substitutions
from qc.rules.validity.told import comparisons, figure, frame, iso

MOST: Mapping[Period, int] = {"day": 100, "month": 12, "quarter": 4, "year": 1}
# 2,160 valid hours before a gap lie within so many days at the poorest capture rate that is substituted.
BACK_MS = 130 * DAY_MS


async def emissions_of(session: AsyncSession, ref: SeriesRef, asked: Asked) -> dict[str, Any]:
    """A page of periods with masses in kg. Raises NotFound without hours or flow, Invalid if units do not
    fit.
    """
    site = await reading.series_of_site(session, ref.site)
    family = family_of(ref, site)
    hours = family.raw_hours if ref.basis == "converted" else family.hours
    if hours is None or family.flow_hours is None:
        detail = f"Hours of {series_key(ref)} and of the flow are needed 缺少小时浓度或小时流量序列"
        raise NotFound("flow-unknown", detail)
    question = Question(hours, family_of(hours, site), asked.period, np.zeros(0, dtype=np.int64))
    span = await known_span(await driver(session), hours.id)
    number, following = paged(asked, span, MOST)
    items = [] if span is None or not len(number) else await _items(session, question, number, span)
    shown = {"id": hours.id, "key": series_key(hours), "unit": hours.unit}
    flow = {"id": family.flow_hours.id, "key": series_key(family.flow_hours), "unit": family.flow_hours.unit}
    answer = {"series": shown, "flow": flow, "profile": profile_of(hours), "period": asked.period}
    return answer | {"unit": "kg", "items": items, "next": following}


async def _items(
    session: AsyncSession, asked: Question, number: Ints, span: tuple[int, int]
) -> list[dict[str, Any]]:
    begin, end = start_ms(asked.period, np.array([number[0], number[-1] + 1])).tolist()
    quarters = number_of("quarter", np.array([begin, end - 1])) + np.array([0, 1])
    first, last = start_ms("quarter", quarters).tolist()
    begin = max(span[0] - span[0] % HOUR_MS, first - BACK_MS)
    end = min(last, span[1] - span[1] % HOUR_MS + HOUR_MS)
    known = await load(session, asked, begin, end)
    masses = _masses(asked, known, begin, end)
    measured, put, parts = by_period(asked.period, number, masses)
    reported = _reported(asked, known, number)
    have, due = _with_mass(asked, known, number)
    # Only of a period without gaps can the reported sum be held against the one made anew.
    complete = have == due
    one = beside(
        "mass",
        _total(asked),
        medium_of(asked.ref),
        start_ms(asked.period, number),
        reported,
        [measured],
        complete,
    )
    found = []
    for place, at in enumerate(number.tolist()):
        entry = frame(asked.period, at)
        total = (
            np.nansum([measured[place], put[place]])
            if np.isfinite([measured[place], put[place]]).any()
            else np.nan
        )
        entry |= {
            "measured": figure(measured[place]),
            "hours_with_mass": int(have[place]),
            "hours": int(due[place]),
            "substituted": figure(put[place]),
            "substituted_parts": int(parts[place]),
            "with_substitution": figure(total),
            "reported": figure(reported[place]),
            "recomputed": [] if one is None else comparisons([one], place),
            "substitutions": _substitutions(asked.period, at, masses),
        }
        found.append(entry)
    return found


def _masses(asked: Question, known: Known, begin: int, end: int) -> Masses:
    ref, flow, profile = asked.ref, asked.family.flow_hours, profile_of(asked.ref)
    assert flow is not None
    mass = hour_masses(ref, flow, medium_of(ref), known.hours)
    if mass is None:
        detail = f"{ref.unit} and {flow.unit} give no mass 浓度与流量单位无法换算为质量"
        raise Invalid("units-unfit", detail)
    grid = np.arange(begin, end, HOUR_MS)
    table = substitutions()
    of_hours = part_masses(profile, known.hours, known.done, mass, grid, table)
    if profile != "waste-water":
        return of_hours
    first, last = number_of("day", np.array([begin, end - 1])).tolist()
    days = judge_days(profile, ref.factor, np.arange(first, last + 1), known.hours, known.done)
    return day_masses(profile, days.validity, of_hours, table)


def _reported(asked: Question, known: Known, number: Ints) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The sums the device reported, in kg: those of days, else those of hours; NaN where one is missing."""
    found = np.full(len(number), np.nan)
    for total, step in ((asked.family.day_total, DAY_MS), (asked.family.hour_total, HOUR_MS)):
        scale = None if total is None else factor_to(total.unit, "kg")
        if total is None or scale is None or total.id not in known.of:
            continue
        rows = known.of[total.id]
        bounds = start_ms(asked.period, np.append(number, number[-1] + 1))
        at = np.searchsorted(rows.ts, bounds)
        for place in range(len(number)):
            own = rows.value[at[place] : at[place + 1]]
            if len(own) * step == bounds[place + 1] - bounds[place] and np.isnan(found[place]):
                found[place] = own.sum() * scale
    return found


def _total(asked: Question) -> SeriesRef:
    """The reported sum as a series in kg: its last digit bounds what a comparison can tell."""
    total = asked.family.day_total or asked.family.hour_total or asked.ref
    scale = factor_to(total.unit, "kg")
    return total if scale is None else msgspec.structs.replace(total, resolution=resolution(total) * scale)


def _with_mass(asked: Question, known: Known, number: Ints) -> tuple[Ints, Ints]:
    """Per period: hours that have a mass, and hours in all."""
    good = known.hours.ts[known.done.is_valid & np.isfinite(known.hours.flow)]
    bounds = start_ms(asked.period, np.append(number, number[-1] + 1))
    return np.diff(np.searchsorted(good, bounds)), np.diff(bounds) // HOUR_MS


def _substitutions(period: Period, number: int, masses: Masses) -> list[dict[str, Any]]:
    """What stands in, stretch by stretch."""
    begin, end = start_ms(period, np.array([number, number + 1])).tolist()
    step = int(masses.ts[1] - masses.ts[0]) if len(masses.ts) > 1 else HOUR_MS
    put, table, found = masses.substituted, substitutions(), list[dict[str, Any]]()
    inside = np.flatnonzero((masses.ts >= begin) & (masses.ts < end) & (put.line >= 0))
    for place in inside.tolist():
        at, source = int(masses.ts[place]), int(put.taken_from[place])
        line = table[int(put.line[place])]
        if found and (found[-1]["to"], found[-1]["taken_from"]) == (iso(at), iso(int(masses.ts[source]))):
            found[-1]["to"] = iso(at + step)
            continue
        found.append(
            {
                "from": iso(at),
                "to": iso(at + step),
                "kg_each": figure(put.mass[place]),
                "taken_from": iso(int(masses.ts[source])),
                "capture_percent": figure(put.capture[place]),
                "text_zh": line.zh,
                "text_en": line.en,
                "source": line.source,
            }
        )
    return found
