"""Legal days: a day of China, which has had no summer time since 1991. Pure."""

from datetime import date, datetime, time, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


def day_of(moment: datetime) -> date:
    """The day in China.

    Worked example: 2026-11-27T16:00Z is 2026-11-28.
    """
    return moment.astimezone(CHINA).date()


def beginning(day: date) -> datetime:
    """Its first instant."""
    return datetime.combine(day, time(), CHINA)


def hour_of(moment: datetime) -> datetime:
    """The hour it lies in: who is told when somebody looked is not told the minute."""
    return moment.replace(minute=0, second=0, microsecond=0)
