"""Deadlines of the proceedings as dated data, and their due days.

Promises: the period in force on the asked day is used; `h` are clock hours and never move, `wd` are working
days, `cal` days and `month` months roll to the next working day (行政处罚法 Art. 85); the start day is day 0.
`confirmed` is False where only a secondary source was read. Leaves to others: suspension and extension of a
clock, and what follows a missed one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from standards.calendar import (
    OFFICIAL,
    Calendar,
    LegalDay,
    add_calendar_roll,
    add_hours,
    add_workdays,
    end_of,
    legal_date,
    roll,
)
from standards.exact import Number, decimal
from standards.tables import in_force


@dataclass(frozen=True, slots=True)
class Rule:
    """A period of law: `count` of `unit` (`h`, `cal`, `wd`, `month`)."""

    kind: str
    count: int
    unit: str
    zh: str
    en: str
    confirmed: bool
    source: str


@dataclass(frozen=True, slots=True)
class Due:
    """Until when: `date` is the last legal day, `at` the instant after which it is late."""

    date: date
    at: datetime
    provisional: bool
    rule: Rule


def rule(kind: str, on: date) -> Rule:
    """The period of this kind in force on a day. LookupError if there is none."""
    for row in in_force("deadlines", on):
        if row["kind"] == kind:
            count, confirmed = int(row["count"]), row["confirmed"] == "1"
            return Rule(kind, count, row["unit"], row["zh"], row["en"], confirmed, row["source"])
    raise LookupError(f"no deadline {kind} on {on}")


def due(kind: str, start: date | datetime, on: date | None = None, calendar: Calendar = OFFICIAL) -> Due:
    """When a deadline that began at `start` ends, by the law of `on` (default: of the start day).

    A datetime needs an offset and counts as its date in China; periods in hours need a datetime. Errors:
    LookupError for an unknown kind, ValueError for a period in hours without an instant.

    >>> due("service", date(2026, 4, 30)).date
    datetime.date(2026, 5, 13)
    """
    day = legal_date(start) if isinstance(start, datetime) else start
    period = rule(kind, on or day)
    if period.unit == "h":
        if not isinstance(start, datetime):
            raise ValueError(f"{kind} is counted in hours and needs an instant")
        at = add_hours(start, period.count)
        return Due(legal_date(at), at, False, period)
    last = _last_day(period, day, calendar)
    return Due(last.date, end_of(last.date), last.provisional, period)


def _last_day(period: Rule, start: date, calendar: Calendar) -> LegalDay:
    if period.unit == "wd":
        return add_workdays(start, period.count, calendar)
    if period.unit == "cal":
        return add_calendar_roll(start, period.count, calendar)
    return roll(_months_later(start, period.count), calendar)


def _months_later(start: date, months: int) -> date:
    years, month = divmod(start.month - 1 + months, 12)
    for day in range(start.day, 27, -1):
        try:
            return date(start.year + years, month + 1, day)
        except ValueError:
            continue
    return date(start.year + years, month + 1, min(start.day, 28))


def penalty_days(rounds: Sequence[tuple[date, date]]) -> int:
    """Days of a daily penalty (环境保护部令第28号 Art. 17-19) from (order served, recheck) of each round.

    Counting starts the day after service and ends on the day of the recheck, both included; rounds add up.
    ValueError if a recheck precedes its service or a round begins before the one before it ended.

    >>> penalty_days([(date(2026, 3, 1), date(2026, 3, 20)), (date(2026, 3, 20), date(2026, 4, 10))])
    40
    """
    ends = date.min
    for served, recheck in rounds:
        if recheck < served or served < ends:
            raise ValueError("rounds must follow one another, each recheck after its service")
        ends = recheck
    return sum((recheck - served).days for served, recheck in rounds)


def daily_penalty(fine: Number, rounds: Sequence[tuple[date, date]]) -> Decimal:
    """The original fine for every day (环境保护部令第28号 Art. 17): 19 days of 100 000 → 1 900 000."""
    return decimal(fine) * penalty_days(rounds)
