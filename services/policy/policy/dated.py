"""Lines of the policy that hold from one day until another, and the legal day of an instant.

Promises: pure; the first day counts, the last day named (`valid_to`) does not. Leaves what a line says to the
modules that have lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, kw_only=True)
class Dated:
    """In force from `valid_from` until the day before `valid_to` (None: until further notice)."""

    valid_from: date
    valid_to: date | None = None
    source: str

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def dated_errors(where: str, lines: tuple[Dated, ...]) -> Iterator[str]:
    """Lines that end before they begin, or say no source."""
    for line in lines:
        if line.valid_to is not None and line.valid_to <= line.valid_from:
            yield f"{where}: ends before it begins"
        if not line.source.strip():
            yield f"{where}: says no source"


def day_at(seconds: float) -> date:
    """The legal day in China at an instant in unix seconds.

    Worked example: `day_at(1796054400.0)` (2026-11-30 16:00 UTC) is 2026-12-01.
    """
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA).date()
