"""How long the log may go without its quorum: dated data, and what follows from it.

Promises: the limit of the legal day decides. Leaves counting cosignatures to `tlog.cosignature`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml


@dataclass(frozen=True)
class Limit:
    """For how long a quorum may be missing, and where that is written."""

    span: timedelta
    source: str


@dataclass(frozen=True)
class Standing:
    """Since when the quorum is missing, and when that was said to be too long."""

    since: datetime | None = None
    lost_at: datetime | None = None


@cache
def _limits() -> list[dict[str, Any]]:
    text = files("evidence.rules").joinpath("quorum.yaml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.load(text, Loader=yaml.CSafeLoader)["limits"]
    return found


def limit_on(day: date) -> Limit:
    """The limit in force. Raises LookupError on a day without one."""
    for row in _limits():
        if row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"]):
            return Limit(timedelta(hours=row["hours"]), row["source"])
    raise LookupError(f"no limit is in force on {day}")


def settle(
    known: Standing, now: datetime, limit: Limit, *, is_reached: bool
) -> tuple[Standing, Literal["lost", "regained"] | None]:
    """Where the quorum stands now, and what is to be said about it.

    >>> settle(Standing(), datetime(2026, 11, 21), Limit(timedelta(hours=4), ""), is_reached=True)[1]
    """
    if is_reached:
        return Standing(), "regained" if known.lost_at else None
    since = known.since or now
    if known.lost_at is None and now - since >= limit.span:
        return Standing(since, now), "lost"
    return Standing(since, known.lost_at), None
