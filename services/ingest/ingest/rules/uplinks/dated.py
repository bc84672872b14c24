"""The dated limits of forwarding, and the pause after a failure.

Promises: pure; the packaged table is read once. Leaves waiting to `flows.uplinks`.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml


class Forwarding(msgspec.Struct, frozen=True):
    """What holds for forwarding on a given day; seconds unless the name says otherwise."""

    answer_seconds: int
    resends: int
    first_pause_seconds: int
    most_pause_seconds: int
    jitter_percent: int
    tries_of_one: int
    values_per_parcel: int
    text_bytes: int
    most_hops: int
    grace_seconds: int
    round_seconds: int
    rounds: int
    kept_days: int


@cache
def _table() -> list[dict[str, Any]]:
    return list(
        yaml.load(files("ingest.rules").joinpath("uplinks.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    )


@cache
def forwarding_on(day: date) -> Forwarding:
    """The limits in force on `day`; raises LookupError where one is not defined.

    Worked example: `forwarding_on(date(2026, 11, 21)).resends` is 3.
    """
    found: dict[str, int] = {}
    for row in _table():
        if row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"]):
            found[row["name"]] = int(row["value"])
    missing = set(Forwarding.__struct_fields__) - set(found)
    if missing:
        raise LookupError(f"no limit in force on {day}: {', '.join(sorted(missing))}")
    return Forwarding(**found)


def pause_after(failures: int, chance: float, limits: Forwarding) -> float:
    """Seconds to wait after so many failures in a row; `chance` in [0, 1) spreads many senders.

    Worked example: with 1 s, doubled, at most 300 s and 25 % jitter, five failures wait 16 … 20 s.
    """
    most = limits.most_pause_seconds
    grown = min(most, limits.first_pause_seconds * 2 ** min(max(failures, 1) - 1, 30))
    return min(float(most), float(grown) * (1 + chance * limits.jitter_percent / 100))
