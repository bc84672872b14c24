"""The periods in which a plan asks for runs, by the calendar of China, and what became of a run.

Promises: pure; a period is [start, stop), due some hours after its stop. Leaves counting to `flows.plans`.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

from ingest.rules.times import CHINA

Outcome = Literal["done", "late", "missing"]
_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


class Period(NamedTuple):
    """One period, in aware times."""

    start: datetime
    stop: datetime


def periods(every: str, first: date, until: datetime) -> Iterator[Period]:
    """Whole periods that begin on or after `first` and have ended by `until`.

    What is monitored hourly is asked for day by day: single hours are a matter of validity, not of the plan.
    Worked example: `month` from 2026-01-10 until 2026-03-05 is February alone.
    """
    day = _first(every, first)
    while True:
        after = _next(every, day)
        stop = datetime.combine(after, time.min, CHINA)
        if stop > until:
            return
        yield Period(datetime.combine(day, time.min, CHINA), stop)
        day = after


def _first(every: str, day: date) -> date:
    if every in ("hour", "day"):
        return day
    if every == "week":
        return day + timedelta(days=-day.weekday() % 7)
    begin = date(day.year, 1, 1)
    while begin < day:
        begin = _next(every, begin)
    return begin


def _next(every: str, day: date) -> date:
    if every in ("hour", "day"):
        return day + timedelta(days=1)
    if every == "week":
        return day + timedelta(days=7)
    months = day.month - 1 + _MONTHS[every]
    return date(day.year + months // 12, months % 12 + 1, 1)


def outcome(wanted: int, received: list[datetime], due: datetime) -> tuple[Outcome, float | None]:
    """What became of a run, and by how many hours it was late: `received` are the times of receipt.

    Worked example: two wanted, the second received an hour after it was due: ("late", 1.0).
    """
    if len(received) < wanted:
        return "missing", None
    last = sorted(received)[wanted - 1]
    if last <= due:
        return "done", None
    return "late", round((last - due).total_seconds() / 3600, 2)
