"""The flood rule: of what one sender sends wrongly, the first N a day are kept, the rest is counted.

Promises: bounded memory, whoever floods. Leaves writing the counts down to `jobs`.
"""

from collections.abc import Iterable
from datetime import date

import msgspec

_MOST_SENDERS = 100_000


class Count(msgspec.Struct):
    """One sender's day under one rule. `noted` is how much of `counted` is written down already."""

    kept: int = 0
    counted: int = 0
    noted: tuple[int, int] = (0, 0)


class FloodGate:
    """Counts per (sender, rule) for the current day."""

    def __init__(self) -> None:
        self.day = date.min
        self.counts: dict[tuple[str, str], Count] = {}

    def keeps(self, sender: str, rule: str, day: date, most: int) -> bool:
        """Whether to keep this one too.

        Worked example: with `most` 20 the twentieth of a day is kept and the twenty-first is counted.
        """
        count = self.count(sender, rule, day)
        if count.kept < most:
            count.kept += 1
            return True
        count.counted += 1
        return False

    def count(self, sender: str, rule: str, day: date) -> Count:
        """The count of this sender and rule today; a new day begins at nothing."""
        if day != self.day:
            self.day, self.counts = day, {}
        key = (sender, rule)
        if key not in self.counts and len(self.counts) >= _MOST_SENDERS:
            key = ("others", rule)
        return self.counts.setdefault(key, Count())

    def unnoted(self) -> Iterable[tuple[str, str, Count]]:
        """Counts that changed since they were last written down."""
        for (sender, rule), count in self.counts.items():
            if count.noted != (count.kept, count.counted):
                yield sender, rule, count
