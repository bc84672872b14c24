"""An answer about validity in words and figures: one entry per period.

Promises: every period asked for has an entry; what is invalid says why, in both languages and by which
clause. Leaves the judgement to its neighbours.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np

from qc.rules.outcome import Floats, Ints
from qc.rules.validity.beside import Beside, beside, converted_beside, minutes_beside
from qc.rules.validity.chain import Means, judge_days, judge_periods, unmet
from qc.rules.validity.completeness import NO_CLAUSE, Parts, clauses_for, told
from qc.rules.validity.dated import legal_day
from qc.rules.validity.exceedance import Exceedance, exceeded
from qc.rules.validity.family import medium_of, profile_of
from qc.rules.validity.limit import Bound, bound_of
from qc.rules.validity.marks import mark_rules
from qc.rules.validity.periods import Period, number_of, start_ms
from qc.rules.validity.rows import Known, Question

STATES = {1: "valid", 0: "invalid", NO_CLAUSE: "no-clause"}
EXCEEDED = ("not-judged", "within", "above", "exempt", "presumed")
BEIJING = timezone(timedelta(hours=8))
MISSING = {
    "clause": "missing",
    "text_zh": "该小时没有数据。",
    "text_en": "Nothing is known of this hour.",
    "source": "GB 3095-2012 6.3",
}
NO_FLOW = {
    "clause": "no-flow",
    "text_zh": "该小时流量为零，浓度不计为有效，该小时也不计入应测时数。",
    "text_en": "No water flowed: the concentration does not count, and the hour was not due.",
    "source": "HJ 356-2019",
}


def iso(at_ms: int) -> str:
    """An instant as it is read in China. Worked example: 0 → 1970-01-01T08:00:00+08:00."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(BEIJING).isoformat()


def figure(number: float) -> float | None:
    """A figure as it travels: NaN as null, noise of binary fractions rounded away."""
    return None if not np.isfinite(number) else float(f"{number:.10g}")


def entries(asked: Question, known: Known) -> list[dict[str, Any]]:
    """One entry per period of the question."""
    return _hours(asked, known) if asked.period == "hour" else _longer(asked, known)


def frame(period: Period, number: int) -> dict[str, Any]:
    """When a period begins and ends."""
    begin, end = start_ms(period, np.array([number, number + 1])).tolist()
    return {"from": iso(begin), "to": iso(end)}


def _bounds(asked: Question, start: Ints) -> list[Bound | None]:
    """The limit of each period, looked up once a day."""
    ref, family, period, zone = asked.hour_ref, asked.family, asked.period, asked.zone
    days = [legal_day(at) for at in start.tolist()]
    of_day = {day: bound_of(ref, family, period, zone, day) for day in dict.fromkeys(days)}
    return [of_day[day] for day in days]


def _limits(bounds: list[Bound | None]) -> Floats:
    return np.array([np.nan if bound is None else bound.value for bound in bounds], dtype=np.float64)


def _exceedance(bound: Bound | None, above: Exceedance, place: int) -> dict[str, Any] | None:
    if bound is None:
        return None
    return {
        "state": EXCEEDED[int(above.state[place])],
        "limit": figure(bound.value),
        "multiple": figure(above.multiple[place]),
        "source": bound.source,
    }


def comparisons(besides: list[Beside], place: int) -> list[dict[str, Any]]:
    """The comparisons that could be made on one row."""
    return [
        {
            "item": one.item,
            "reported": figure(one.reported[place]),
            "recomputed": figure(one.done.value[place]),
            "difference": figure(one.done.difference[place]),
            "allowed": figure(one.done.allowed[place]),
            "differs": bool(one.done.differs[place]),
            "source": one.source,
        }
        for one in besides
        if one.done.ran[place]
    ]


def _hours(asked: Question, known: Known) -> list[dict[str, Any]]:
    hours, done, start = known.hours, known.done, start_ms("hour", asked.number)
    at = np.searchsorted(hours.ts, start)
    is_there = np.isin(start, hours.ts)
    bounds = _bounds(asked, start)
    limit = np.full(len(hours.ts), np.nan)
    limit[at[is_there]] = _limits(bounds)[is_there]
    marked = np.isin(hours.flag, mark_rules().edition("hj212-2017").letters("presumed_exceedance"))
    nowhere = np.zeros(len(hours.ts), dtype=bool)
    above = exceeded(hours.value, done.is_valid, limit, nowhere, marked)
    besides = _hours_beside(asked, known)
    found = []
    for place, row in enumerate(at.tolist()):
        entry = frame(asked.period, int(asked.number[place]))
        if not is_there[place]:
            entry |= {"state": "invalid", "value": None, "code": 9, "is_checked": False, "reasons": [MISSING]}
            found.append(entry | {"recomputed": [], "exceedance": None})
            continue
        entry |= {
            "state": "valid" if done.is_valid[row] else "invalid",
            "value": figure(hours.value[row]),
            "code": int(hours.code[row]),
            "is_checked": bool(done.is_checked[row]),
            "reasons": _why(known, row),
            "recomputed": comparisons(besides, row),
            "exceedance": _exceedance(bounds[place], above, row),
        }
        found.append(entry)
    return found


def _why(known: Known, row: int) -> list[dict[str, Any]]:
    reasons = [dict(told(one, row)) for one in unmet(known.done.met, row)]
    if known.done.is_exempt[row]:
        reasons.append(dict(NO_FLOW))
    if not known.done.is_valid[row] and not reasons:
        code = int(known.hours.code[row])
        verdict = {
            "clause": "verdict",
            "text_zh": f"质控结论为 {code}，该值不计为有效；原因见质控解释。",
            "text_en": f"The verdict on the value is {code}: it does not count; explain says why.",
            "source": "QARTOD code of the verdict",
        }
        reasons.append(dict(verdict))
    return reasons


def _hours_beside(asked: Question, known: Known) -> list[Beside]:
    family, hours, ref = asked.family, known.hours, asked.hour_ref
    found: list[Beside | None] = []
    if family.minutes is not None and family.minutes.id in known.of:
        minutes = known.of[family.minutes.id]
        flow = known.values(family.flow_minutes, minutes.ts)
        clauses = clauses_for(profile_of(ref), ref.factor, "hour")
        least = max([1, *(clause.at_least or 1 for clause in clauses)])
        found.append(minutes_beside(ref, medium_of(ref), hours.ts, hours.value, minutes, flow, least))
    if ref.basis == "converted" and asked.plant is not None:
        raw = known.values(family.raw_hours, hours.ts)
        oxygen = known.values(family.oxygen_hours, hours.ts)
        found.append(converted_beside(ref, hours.ts, hours.value, raw, oxygen, asked.plant))
    return [one for one in found if one is not None]


def _longer(asked: Question, known: Known) -> list[dict[str, Any]]:
    ref, profile = asked.hour_ref, profile_of(asked.hour_ref)
    begin, end = start_ms(asked.period, np.array([asked.number[0], asked.number[-1] + 1])).tolist()
    first, last = number_of("day", np.array([begin, end - 1])).tolist()
    daily = bound_of(ref, asked.family, "day", asked.zone, legal_day(begin))
    limit = np.nan if daily is None else daily.value
    days = judge_days(profile, ref.factor, np.arange(first, last + 1), known.hours, known.done, limit)
    if asked.period == "day":
        return _periods(asked, known, days)
    parts = Parts("hour", known.hours.ts, known.done.is_valid, known.done.is_exempt)
    return _periods(asked, known, judge_periods(profile, ref.factor, asked.period, asked.number, days, parts))


def _periods(asked: Question, known: Known, means: Means) -> list[dict[str, Any]]:
    validity, start = means.validity, means.validity.start
    value = np.where(np.isfinite(means.weighted), means.weighted, means.plain)
    bounds = _bounds(asked, start)
    nowhere = np.zeros(len(start), dtype=bool)
    above = exceeded(value, validity.state == 1, _limits(bounds), nowhere, nowhere)
    besides = _days_beside(asked, known, means)
    unchecked = number_of(asked.period, known.hours.ts[known.done.is_valid & ~known.done.is_checked])
    found = []
    for place, number in enumerate(asked.number.tolist()):
        entry = frame(asked.period, int(asked.number[place]))
        entry |= {
            "state": STATES[int(validity.state[place])],
            "value": figure(value[place]),
            "have": int(validity.have[place]),
            "due": int(validity.due[place]),
            "clauses": [met.clause.id for met in validity.met if met.applies[place]],
            "reasons": [dict(told(met, place)) for met in unmet(validity.met, place)],
            "unchecked_hours": int((unchecked == number).sum()),
            "recomputed": comparisons(besides, place),
            "exceedance": _exceedance(bounds[place], above, place),
        }
        found.append(entry)
    return found


def _days_beside(asked: Question, known: Known, means: Means) -> list[Beside]:
    ref, medium = asked.family.days, medium_of(asked.hour_ref)
    if asked.period != "day" or ref is None:
        return []
    reported = known.values(ref, means.validity.start)
    lawful = [means.plain, means.weighted] if medium == "water" else [means.plain]
    found = beside("day-mean", ref, medium, means.validity.start, reported, lawful, np.isfinite(means.plain))
    return [] if found is None else [found]
