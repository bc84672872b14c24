"""Working days of the People's Republic and the day counts built on them.

Promises: legal dates are dates in China; days of 2004-2026 follow the State Council's yearly notices
(`data/calendar_days.csv`: make-up Sundays are workdays); for a year without a notice, workdays are Monday to
Friday minus the statutory days, and every answer that used such a year says `provisional`.
Leaves to others: which deadline applies (`standards.deadlines`), and recomputing when a notice appears.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType

from standards.tables import rows

# Asia/Shanghai has been UTC+8 without summer time since 1991-09-15, before any rule kept here.
CHINA = timezone(timedelta(hours=8), "+08:00")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LegalDay:
    """A counted day; `provisional` if a year without an official notice took part in the count."""

    date: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """Exceptions to the Monday-Friday rule, the years they cover, and the statutory days of other years."""

    exceptions: Mapping[date, bool]
    statutory: frozenset[date]
    years: frozenset[int]

    def extended(self, days: Iterable[tuple[date, bool]]) -> "Calendar":
        """The calendar with a further notice: (day, is it a workday); its years are official from then on."""
        added = dict(days)
        merged = MappingProxyType({**self.exceptions, **added})
        return Calendar(merged, self.statutory, self.years | {day.year for day in added})

    def is_provisional(self, day: date) -> bool:
        """True if no official notice covers the year of `day`."""
        return day.year not in self.years

    def is_workday(self, day: date) -> bool:
        """True if offices work on `day`. A Sunday may be one: 2026-09-20 is."""
        if day in self.exceptions:
            return self.exceptions[day]
        return day.weekday() < 5 and day not in self.statutory


def _official() -> Calendar:
    days = {date.fromisoformat(row["date"]): row["is_workday"] == "1" for row in rows("calendar_days")}
    statutory = frozenset(date.fromisoformat(row["date"]) for row in rows("statutory_days"))
    return Calendar(MappingProxyType(days), statutory, frozenset(day.year for day in days))


OFFICIAL = _official()


def is_workday(day: date, calendar: Calendar = OFFICIAL) -> bool:
    """True if `day` is a working day (see `Calendar.is_workday`)."""
    return calendar.is_workday(day)


def add_workdays(start: date, count: int, calendar: Calendar = OFFICIAL) -> LegalDay:
    """The `count`-th working day after `start`; the start day is not counted. ValueError if `count` < 0.

    >>> add_workdays(date(2026, 9, 29), 3).date
    datetime.date(2026, 10, 9)
    """
    if count < 0:
        raise ValueError("count must not be negative")
    day, left, provisional = start, count, False
    while left:
        day += _DAY
        provisional = provisional or calendar.is_provisional(day)
        left -= calendar.is_workday(day)
    return LegalDay(day, provisional)


def add_calendar_roll(start: date, count: int, calendar: Calendar = OFFICIAL) -> LegalDay:
    """`count` calendar days after `start`, moved to the next working day if it falls on a day off.

    The start day is not counted (行政处罚法 Art. 85; 环发〔2017〕17号 Art. 38). ValueError if `count` < 0.

    >>> add_calendar_roll(date(2026, 9, 29), 3).date
    datetime.date(2026, 10, 8)
    """
    if count < 0:
        raise ValueError("count must not be negative")
    return roll(start + count * _DAY, calendar)


def roll(day: date, calendar: Calendar = OFFICIAL) -> LegalDay:
    """`day`, or the next working day if offices are closed on it."""
    provisional = calendar.is_provisional(day)
    while not calendar.is_workday(day):
        day += _DAY
        provisional = provisional or calendar.is_provisional(day)
    return LegalDay(day, provisional)


def add_hours(instant: datetime, hours: int) -> datetime:
    """A limit in hours: clock hours, which no holiday moves. ValueError if the instant has no offset."""
    _require_offset(instant)
    return instant + timedelta(hours=hours)


def legal_date(instant: datetime) -> date:
    """The date in China at an instant. ValueError if the instant has no offset.

    >>> legal_date(datetime.fromisoformat("2026-11-20T16:30:00+00:00"))
    datetime.date(2026, 11, 21)
    """
    _require_offset(instant)
    return instant.astimezone(CHINA).date()


def end_of(day: date) -> datetime:
    """The instant at which a legal date ends: midnight in China after it."""
    return datetime.combine(day + _DAY, datetime.min.time(), CHINA)


def _require_offset(instant: datetime) -> None:
    if instant.utcoffset() is None:
        raise ValueError("an instant needs an offset from UTC")
