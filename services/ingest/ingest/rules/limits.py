"""The dated limits of acceptance, as they stand on a day.

Promises: pure; the packaged table is read once. Leaves applying them to the other rules.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml


class Limits(msgspec.Struct, frozen=True):
    """What is accepted on a given day; seconds unless the name says otherwise."""

    future_tolerance_seconds: int
    earliest_year: int
    late_after_seconds_rtd: int
    late_after_seconds_min: int
    late_after_seconds_hour: int
    late_after_seconds_day: int
    kept_refusals_per_day: int
    rows_per_batch: int
    body_bytes: int
    decoded_bytes: int
    json_parts: int
    bundle_submissions: int
    bundle_bytes: int
    bundle_values: int
    value_magnitude: int
    packet_timeout_seconds: int
    packets_at_most: int
    address_changes_per_day: int
    table_columns: int
    table_line_bytes: int
    shared_text_bytes: int
    upload_bytes: int
    upload_unpacked_bytes: int
    uploads_open: int
    upload_days: int
    upload_tries: int

    def late_after(self, period: str) -> int:
        """Seconds after the end of a period from which its value counts as late."""
        return int(getattr(self, f"late_after_seconds_{period}"))


@cache
def _table() -> list[dict[str, Any]]:
    return list(
        yaml.load(files("ingest.rules").joinpath("limits.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    )


@cache
def limits_on(day: date) -> Limits:
    """The limits in force on `day`; raises LookupError where one is not defined.

    Worked example: `limits_on(date(2026, 11, 21)).future_tolerance_seconds` is 300.
    """
    found: dict[str, int] = {}
    for row in _table():
        if row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"]):
            found[row["name"]] = int(row["value"])
    missing = set(Limits.__struct_fields__) - set(found)
    if missing:
        raise LookupError(f"no limit in force on {day}: {', '.join(sorted(missing))}")
    return Limits(**found)
