"""The 8-hour means of ozone and their daily maximum (MDA8).

Promises: windows end at 8:00 … 24:00 of the legal day; too few of them still count above the limit.
Leaves the numbers required to the packaged clauses.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.outcome import Flags, Floats, Ints

WINDOW, FIRST_END = 8, 8
PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Maxima:
    """Per day: the maximum 8-hour mean (NaN where not valid), the number of valid means, validity, and
    whether it is valid only because it exceeds the limit.
    """

    value: Floats
    count: Ints
    is_valid: Flags
    is_by_excess: Flags


def eight_hour_means(hours: Floats, at_least: int) -> Floats:
    """Means of the 8 hours that end with each of N consecutive hours; NaN where fewer than `at_least` are
    valid.

    Source: GB 3095 table 4. `hours` NaN where not valid. Worked example: six hours of 100 and two missing →
    100.
    """
    padded = np.concatenate([np.full(WINDOW - 1, np.nan), hours])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)
    count = np.isfinite(windows).sum(axis=1)
    total = np.where(np.isfinite(windows), windows, 0.0).sum(axis=1)
    found: Floats = np.where(count >= at_least, total / np.maximum(count, 1), np.nan)
    return found


def daily_maxima(hours: Floats, limit: float, hours_needed: int, means_needed: int) -> Maxima:
    """MDA8 of D days of 24 hours [D, 24], all of one zone's `limit` (µg/m³). ValueError unless 24 hours a
    day.

    Source: HJ 663-2013. Windows lie inside their day. Worked example: 16 hours of 0, then 8 of 80 → 80.
    """
    if hours.ndim != 2 or hours.shape[1] != PER_DAY:
        raise ValueError(f"days of {PER_DAY} hours are needed, not {hours.shape}")
    windows = np.lib.stride_tricks.sliding_window_view(hours, WINDOW, axis=1)
    have = np.isfinite(windows).sum(axis=2)
    total = np.where(np.isfinite(windows), windows, 0.0).sum(axis=2)
    means = np.where(have >= hours_needed, total / np.maximum(have, 1), -np.inf)
    count = np.isfinite(means).sum(axis=1)
    highest = means.max(axis=1)
    is_complete = count >= means_needed
    is_by_excess = ~is_complete & (highest > limit)
    is_valid = is_complete | is_by_excess
    return Maxima(np.where(is_valid, highest, np.nan), count, is_valid, is_by_excess)
