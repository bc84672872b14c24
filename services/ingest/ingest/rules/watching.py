"""Is a device silent, does its clock run wrong, which of its periods are missing: pure judgements.

Promises: an outage is no interval, a resend is no wrong clock, a series that did not run misses nothing.
Leaves `now`, the values and the terms to its callers.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from ingest.rules.times import PERIOD_SECONDS, micros, parse_time

_LEAST_INTERVALS = 4
QN_DIGITS = 17


def drift_of(qn: str | None, received_at: datetime) -> float | None:
    """Seconds by which the device's clock is ahead, as one frame shows it; None without a readable QN.

    Worked example: QN 20261121080000500 received at 08:00:03.500 (+08:00) gives -3.0.
    """
    at = parse_time(qn) if qn is not None and len(qn) == QN_DIGITS and qn.isdigit() else None
    return None if at is None else (at - micros(received_at)) / 1e6


def clock_error(drifts: Sequence[float], frames: int, limit: float) -> float | None:
    """The best estimate of several: travel only makes a QN older, so the largest; None if too few.

    Where they differ by more than `limit` a backlog is being sent, and nothing can be said of the clock.
    Worked example: of -30.2, -0.4, -95.0 with limit 120 the device's clock is -0.4 s wrong.
    """
    is_known = len(drifts) >= frames and max(drifts) - min(drifts) <= limit
    return max(drifts) if is_known else None


def habit_of(observed: Sequence[float], factor: int) -> float | None:
    """The longest usual interval between frames, s; None while too few are known.

    An interval of more than `factor` times the middle one was an outage and no habit. Worked example: of
    60, 61, 59, 60, 4000 with factor 3 it is 61.
    """
    if len(observed) < _LEAST_INTERVALS:
        return None
    middle = sorted(observed)[len(observed) // 2]
    return max((one for one in observed if one <= middle * factor), default=middle)


def interval_of(agreed: int | None, registered: int | None, habit: float | None) -> float | None:
    """Seconds within which a frame is due: as agreed, else the longer of register and habit."""
    if agreed is not None:
        return float(agreed)
    known = [float(one) for one in (registered, habit) if one is not None]
    return max(known) if known else None


def silent_after(interval: float, factor: int, floor: int) -> float:
    """Seconds without a frame that are silence."""
    return max(interval * factor, float(floor))


def starts(first: datetime, stop: datetime, seconds: int) -> list[datetime]:
    """The starts of the periods in [first, stop); `first` is one."""
    count = max(0, -(-(stop - first) // timedelta(seconds=seconds)))
    return [first + timedelta(seconds=seconds * at) for at in range(count)]


def floor_period(moment: datetime, period: str) -> datetime:
    """The start of the period (min, hour, day in +08:00) that `moment` lies in."""
    size = PERIOD_SECONDS[period]
    past = (micros(moment) // 1_000_000 + 8 * 3600) % size
    return moment.replace(microsecond=0) - timedelta(seconds=past)


def missing(
    wanted: Mapping[int, int], recorded: Iterable[tuple[int, datetime]], first: datetime, stop: datetime
) -> dict[datetime, list[int]]:
    """By start, the series without a record; `wanted` are the running series with their period in seconds.

    A series whose period is longer than a minute is due at its own starts only, counted from the hour.
    """
    seen = set(recorded)
    found: dict[datetime, list[int]] = {}
    for series, seconds in wanted.items():
        offset = (micros(first) // 1_000_000 + 8 * 3600) % seconds
        begin = first + timedelta(seconds=(seconds - offset) % seconds)
        for start in starts(begin, stop, seconds):
            if (series, start) not in seen:
                found.setdefault(start, []).append(series)
    return found


def runs(
    missed: Mapping[datetime, Sequence[int]], seconds: int
) -> list[tuple[datetime, datetime, list[int]]]:
    """Missing periods that follow one another are one gap: (start, stop, series)."""
    found: list[tuple[datetime, datetime, list[int]]] = []
    step = timedelta(seconds=seconds)
    for start in sorted(missed):
        series = sorted(missed[start])
        if found and found[-1][1] == start:
            begin, _, known = found[-1]
            found[-1] = (begin, start + step, sorted({*known, *series}))
        else:
            found.append((start, start + step, series))
    return found


def pause(attempts: int, first: int) -> int:
    """Seconds before the next try: doubled each time. After 3 tries 300 s have become 1200."""
    return int(first * 2 ** max(0, attempts - 1))
