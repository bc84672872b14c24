"""Times as devices and departments write them, and the period they stand for.

Promises: instants are integer microseconds since 1970 UTC; naive times are +08:00, fixed (the tz database has
summer time in 1986–1991); periods are named by their start. Leaves to callers what "now" is.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal

from contracts.ingest import Mode

from ingest.rules.limits import Limits
from ingest.rules.refusals import Flaw, flaw

CHINA = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
PERIOD_SECONDS = {"rtd": 0, "min": 60, "hour": 3600, "day": 86400}
Label = Literal["start", "end"]
# Python takes any character between date and time: `2026-11-21+08:00`, a date in China, would be 08:00 of it.
_DATED = re.compile(r"\d{4}-?(?:\d\d-?\d\d|W\d\d-?\d)(?:[Tt ].+)?", re.ASCII)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware time, exactly."""
    return (moment - EPOCH) // MICROSECOND


def moment(at: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at)


@lru_cache(maxsize=65536)
def parse_time(text: str) -> int | None:
    """Microseconds since 1970 UTC, or None. Below a millisecond is cut off.

    Worked examples: `2026-11-21T08:00:00+08:00`, `2026-11-21 08:00`, `20261121080000` and
    `2026-11-21T00:00:00Z` are all 1795219200000000.
    """
    try:
        if text.isdigit() and text.isascii() and len(text) in (14, 17):
            parsed = datetime.fromisoformat(f"{text[:8]}T{text[8:14]}").replace(tzinfo=CHINA)
            extra = int(text[14:] or 0) * 1000
        elif _DATED.fullmatch(text) is None:
            return None
        else:
            parsed, extra = datetime.fromisoformat(text), 0
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=CHINA)
    return (micros(parsed) + extra) // 1000 * 1000


def start_of(at: int, label: Label, seconds: int) -> int:
    """The start of the period a label names; instants (0 seconds) stay.

    Worked example: an hour labelled by its end 09:00 starts at 08:00 (GB 3095 feeds label by the end).
    """
    return at - seconds * SECOND if label == "end" else at


def is_aligned(at: int, period: str) -> bool:
    """Whether an instant can start such a period: minutes at :00 s, hours at :00, days at 00:00 (+08:00)."""
    if period == "rtd":
        return True
    return (at + 8 * 3600 * SECOND) % (PERIOD_SECONDS[period] * SECOND) == 0


def earliest(limits: Limits) -> int:
    """The first accepted instant, in microseconds since 1970 UTC."""
    return micros(datetime(limits.earliest_year, 1, 1, tzinfo=CHINA))


def judge_time(start: int, period: str, now: int, limits: Limits, text: str) -> Flaw | None:
    """What is wrong with a start, if anything. A time exactly at the tolerance is accepted."""
    if start > now + limits.future_tolerance_seconds * SECOND:
        return flaw("time", "time-future", text)
    if start < earliest(limits):
        return flaw("time", "time-too-early", text)
    if not is_aligned(start, period):
        return flaw("time", "time-misaligned", text)
    return None


def mode_of(start: int, period: str, now: int, limits: Limits) -> Mode:
    """`live`, or `late` when the value comes longer after the end of its period than the limit of the day."""
    end = start + PERIOD_SECONDS[period] * SECOND
    return "late" if now - end > limits.late_after(period) * SECOND else "live"
