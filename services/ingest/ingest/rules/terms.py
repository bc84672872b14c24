"""The dated terms of conversations with data loggers: time-outs, resends, silence, gaps.

Promises: pure; the packaged table is read once. Leaves applying them to `exchange`, `watching` and the flows.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml


class Terms(msgspec.Struct, frozen=True):
    """What holds on a given day; see `terms.yaml` for the meaning and source of each."""

    answer_seconds: int
    resends: int
    execution_seconds: int
    waiting_seconds: int
    orphan_seconds: int
    straggler_seconds: int
    greeting_period_seconds: int
    drift_limit_seconds: int
    drift_frames: int
    silence_factor: int
    silence_floor_seconds: int
    silence_alarm_seconds: int
    gap_settle_seconds_min: int
    gap_settle_seconds_hour: int
    gap_settle_seconds_day: int
    running_days: int
    slice_seconds_min: int
    slice_seconds_hour: int
    slice_seconds_day: int
    pull_pause_seconds: int
    pull_attempts: int
    pull_days: int

    def gap_settle(self, period: str) -> int:
        """Seconds after the end of a period from which it is missing."""
        return int(getattr(self, f"gap_settle_seconds_{period}"))

    def slice_seconds(self, period: str) -> int:
        """The longest span one history command asks for."""
        return int(getattr(self, f"slice_seconds_{period}"))


@cache
def _table() -> list[dict[str, Any]]:
    return list(
        yaml.load(files("ingest.rules").joinpath("terms.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    )


@cache
def terms_on(day: date) -> Terms:
    """The terms in force on `day`; raises LookupError where one is not defined.

    Worked example: `terms_on(date(2026, 11, 21)).resends` is 3.
    """
    found = {
        row["name"]: int(row["value"])
        for row in _table()
        if row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"])
    }
    missing = set(Terms.__struct_fields__) - set(found)
    if missing:
        raise LookupError(f"no term in force on {day}: {', '.join(sorted(missing))}")
    return Terms(**found)
