"""Which judge a kind names, the flags that follow from its fields alone, and when its clocks are due.

Promises: pure; every flag a judge sets is declared by its kind, with its texts. Leaves loading to the flows.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from qc.rules.assess import BEIJING
from qc.rules.registers.agencies import judge_mandate, judge_report
from qc.rules.registers.capacity import judge_capacity, judge_material, judge_plan
from qc.rules.registers.dated import first, read
from qc.rules.registers.instruments import (
    judge_calibration,
    judge_comparison,
    judge_verification,
    judge_visit,
)
from qc.rules.registers.judged import Cells, Context, Judge, Judged
from qc.rules.registers.model import Clock, Kind
from qc.rules.registers.points import judge_point
from qc.rules.registers.proficiency import (
    judge_activity,
    judge_comparability,
    judge_operator,
    judge_result,
    judge_value,
)
from qc.rules.validity.dated import Dated

UNREGISTERED = "method-unregistered"
JUDGES: dict[str, Judge] = {
    "calibration": judge_calibration,
    "comparison": judge_comparison,
    "verification": judge_verification,
    "visit": judge_visit,
    "material": judge_material,
    "value": judge_value,
    "result": judge_result,
    "operator": judge_operator,
    "activity": judge_activity,
    "comparability": judge_comparability,
    "report": judge_report,
    "mandate": judge_mandate,
    "capacity": judge_capacity,
    "plan": judge_plan,
    "point": judge_point,
}


class Period(Dated, frozen=True, kw_only=True):
    """So many hours by a rule of this name."""

    name: str
    hours: int


@cache
def periods() -> tuple[Period, ...]:
    return read("periods", tuple[Period, ...])


def period(name: str, day: date) -> Period:
    """The period in force on a day. Raises LookupError."""
    return first((one for one in periods() if one.name == name), day)


def judge(kind: Kind, values: Cells, context: Context) -> Judged:
    """What the rules make of a record: the judge of its kind, then the flags that its fields declare."""
    done = JUDGES[kind.judge](values, context) if kind.judge else Judged()
    unknown = [one for one in methods_used(values, context) if one[0] not in context.methods.get(one[1], ())]
    if UNREGISTERED in kind.flags and unknown:
        done.flags[UNREGISTERED] = {"items": [{"factor": of, "method": by} for of, by in unknown]}
    for name, flag in kind.flags.items():
        if not flag.is_declared:
            continue
        stands = all(not _at(path, values, context) for path in flag.empty)
        stands &= all(_at(path, values, context) == value for path, value in flag.equals.items())
        detail = {path: _at(path, values, context) for path in flag.past}
        days = [str(value)[:10] for value in detail.values() if value]
        stands &= not flag.past or (len(days) == 2 and days[0] < days[1])
        if stands:
            done.flags[name] = detail
    return done


def methods_used(values: Cells, context: Context | None = None) -> list[tuple[str, str]]:
    """(factor, standard of the method) of every result in a record; a round names its factor."""
    rows = [values, *(row for cell in values.values() if isinstance(cell, list) for row in cell)]
    round_ = context.related.get("round", {}) if context is not None else {}
    of = values.get("factor") or round_.get("factor", "")
    found = [
        (row.get("factor") or of, row["method"])
        for row in rows
        if isinstance(row, dict) and row.get("method")
    ]
    return sorted(set(found))


def _at(path: str, values: Cells, context: Context) -> Any:
    name, _, rest = path.partition(".")
    return context.related.get(name, {}).get(rest) if rest else values.get(name)


def clock_due(clock: Clock, values: Cells, judged: Mapping[str, Any]) -> tuple[datetime, bool] | None:
    """When a clock of a record is due and whether it is met; None while it does not run.

    A day is due at its end (+08:00). Worked example: expires_on 2026-03-31 is due at 2026-04-01T00:00+08:00.
    """
    began = values.get(clock.due or clock.start)
    if began is None:
        return None
    is_met = bool(clock.met and (values.get(clock.met) or judged.get(clock.met)))
    at = datetime.fromisoformat(began)
    if len(began) == 10:
        at = datetime.combine(at.date() + timedelta(days=1), time(), BEIJING)
    if clock.rule:
        at += timedelta(hours=period(clock.rule, at.date()).hours)
    return at, is_met
