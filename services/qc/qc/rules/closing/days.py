"""Which local days are due, and which stretches of days have to be judged (again).

Promises: pure calendar. A pass over [since, through] decides about the findings that end in [decides_from,
decides_to); passes that are left out would say what stands already. Leaves reading and judging to others.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from qc.rules.falsify.panel import DAY_MS, LOCAL_MS
from qc.rules.outcome import Ints

EPOCH = date(1970, 1, 1)
ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pass:
    """Judge the days `since` … `through` together. What ends from `decides_from` on and before `decides_to`
    (None: at any later day) is decided by this pass.
    """

    since: date
    through: date
    decides_from: date
    decides_to: date | None

    @property
    def start_ms(self) -> int:
        """The first instant, UTC milliseconds."""
        return begins_ms(self.since)

    @property
    def end_ms(self) -> int:
        """The instant after the last one."""
        return begins_ms(self.through + ONE)

    def decides(self, day: date) -> bool:
        """Whether a finding that ends on this day is this pass's affair."""
        return self.decides_from <= day and (self.decides_to is None or day < self.decides_to)


def begins_ms(day: date) -> int:
    """When a local day begins, UTC milliseconds. Worked example: 1970-01-02 → 57,600,000 (16 h)."""
    return (day - EPOCH).days * DAY_MS - LOCAL_MS


def day_of(ts_ms: int) -> date:
    """The local day of an instant."""
    return EPOCH + timedelta(days=(ts_ms + LOCAL_MS) // DAY_MS)


def last_due(now: datetime, grace_hours: float) -> date:
    """The latest local day that is over for at least the grace.

    Worked example: 02:59 on the 11th with 3 h → the 9th; 03:00 → the 10th.
    """
    return day_of(round(now.timestamp() * 1000) - round(grace_hours * 3_600_000)) - ONE


def first_of(day: date, months: int = 0) -> date:
    """The first of the month `months` after that of `day`. Worked example: 2026-03-05, -6 → 2025-09-01."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def passes(
    first: date, closed: date | None, due: date, touched: Collection[date], history_months: int
) -> list[Pass]:
    """What has to be judged so that everything through `due` is closed.

    `first` is the first day with a value, `closed` the last day closed so far, `touched` the days of which
    something became known since. A pass sees the month of its last day and `history_months` before it. While
    a month can still be seen by the newest pass, that one decides about it; when it has left, the last pass
    that saw it does, and only late data can bring that one back.
    Worked example: six months of history, data since 2026-01, due 2026-03-10 → one pass over all of it; a
    value of 2026-01-05 that comes in October → the pass through 2026-07-31 again, as well as the newest one.
    """
    newest = first_of(due, -history_months)
    found = []
    month = first_of(first)
    while month < newest:
        through = first_of(month, history_months + 1) - ONE
        was_open = closed is None or (first_of(closed, -history_months) <= month and closed != through)
        if was_open or any(month <= day <= through for day in touched):
            found.append(Pass(month, through, month, first_of(month, 1)))
        month = first_of(month, 1)
    if closed is None or due > closed or any(newest <= day <= due for day in touched):
        found.append(Pass(newest, due, newest, None))
    return found


def by_day(ts: Ints) -> dict[date, int]:
    """How many of the instants lie in each local day, days without any left out."""
    days, counts = np.unique((ts + LOCAL_MS) // DAY_MS, return_counts=True)
    return {
        EPOCH + timedelta(days=day): count for day, count in zip(days.tolist(), counts.tolist(), strict=True)
    }
