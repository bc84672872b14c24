"""What the demonstration's instruments measure: smooth, noisy, with a day and a memory. Pure and repeatable.

Promises: the same site and minute give the same value on every run, and an hour is the rounded mean of its
60 minutes, so that a recomputation agrees unless somebody cheats.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

MINUTE, HOUR = 60, 3600
# PM2.5 is a part of PM10: sharing what is slow, with their levels 1.9 apart, keeps it the smaller one.
OF_ONE_KIND = {"a34004": "particles", "a34002": "particles"}
KNOT_HOURS = 5


@dataclass(frozen=True)
class Factor:
    """One channel: `level` and detection limit in `unit`; `swing` is the relative size of the day's wave."""

    code: str
    unit: str
    decimals: int
    level: float
    swing: float
    low: float
    high: float
    detection: float | None = None
    permit: float | None = None


def noise(*parts: object) -> float:
    """A number in [-1, 1) that depends on `parts` alone."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**47 - 1


def weather(place: str, hours: float) -> float:
    """Slow change shared by all factors of a place: a smooth curve through random knots five hours apart."""
    knot = math.floor(hours / KNOT_HOURS)
    share = hours / KNOT_HOURS - knot
    ease = share * share * (3 - 2 * share)
    return noise("weather", place, knot) * (1 - ease) + noise("weather", place, knot + 1) * ease


def minute_value(site: str, region: str, factor: Factor, at: int) -> float:
    """The minute mean of `factor` at epoch second `at`, rounded to the factor's decimals.

    Stations of one region share most of the weather, so neighbours look alike.
    """
    hours = at / HOUR
    day = math.sin((hours + 8 - 9) / 24 * 2 * math.pi)
    kind = OF_ONE_KIND.get(factor.code, factor.code)
    slow = 0.8 * weather(region, hours) + 0.4 * weather(f"{site}/{kind}", hours * 1.7)
    fast = noise(site, factor.code, at)
    value = factor.level * math.exp(factor.swing * (0.5 * day + 1.1 * slow + 0.25 * fast))
    return round(min(max(value, factor.low), factor.high), factor.decimals)


def minutes(site: str, region: str, factor: Factor, hour: int) -> list[float]:
    """The 60 minute means of the hour that starts at epoch second `hour`."""
    return [minute_value(site, region, factor, hour + n * MINUTE) for n in range(60)]


def hour_value(site: str, region: str, factor: Factor, hour: int) -> float:
    """The hour mean a truthful logger reports."""
    return round(sum(minutes(site, region, factor, hour)) / 60, factor.decimals)


def hours_between(start: int, end: int) -> Iterator[int]:
    """The starts of the full hours in [start, end), as epoch seconds."""
    first = -(-start // HOUR) * HOUR
    yield from range(first, end - HOUR + 1, HOUR)
