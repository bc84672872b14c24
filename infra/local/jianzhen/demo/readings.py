"""What the demonstration's instruments send: past days over HTTP, minutes and hours through loggers.

Promises: everything returned was acknowledged; a repeated run sends the same values, so nothing doubles.
Leaves to `signals` the values and to `city` who cheats.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from jianzhen.demo.city import Site, Window, sites
from jianzhen.demo.logger import HOURS, MINUTES, Logger, reading
from jianzhen.demo.officers import ask
from jianzhen.demo.signals import HOUR, MINUTE, hour_value, hours_between, minutes
from jianzhen.platform import Platform

SYSTEM = "sys-ee-mon-131000"
BATCH = 1000
HELD_MINUTES = 30, 45
COLUMNS = ["site", "factor", "statistic", "basis", "period", "time", "value"]
Say = Callable[[str], None]


def rows_of(site: Site, start: int, end: int) -> Iterable[list[Any]]:
    """The hours of a site as rows of the columns form."""
    for hour in hours_between(start, end):
        at = datetime.fromtimestamp(hour, UTC).isoformat()
        for factor in site.factors:
            value = hour_value(site.code, site.region, factor, hour)
            yield [site.code, factor.code, "avg", "raw", "hour", at, value]


def post_hours(platform: Platform, start: int, end: int, *, historical: bool) -> int:
    """A department's system posts the hours of its stations; returns how many were accepted or known."""
    rows = [row for site in sites() if site.door == "system" for row in rows_of(site, start, end)]
    kept = 0
    for at in range(0, len(rows), BATCH):
        body = {
            "source": SYSTEM,
            "historical": historical,
            "columns": COLUMNS,
            "data": rows[at : at + BATCH],
        }
        answer = ask(platform, SYSTEM, "POST", "/api/ingest/observations", body)
        kept += answer["accepted"] + answer["repeated"]
    return kept


def frames_of(
    site: Site, start: int, end: int, *, cheats: Iterable[Window] = (), withheld: Window | None = None
) -> tuple[list[bytes], list[bytes]]:
    """Minute and hour frames of a logger, and the frames it could not send (`withheld`).

    A cheat shows its frozen values in the hours only. Where a line is down the minutes :30 to :44 and every
    fifth hour are missing; with them the hours are right and moving, without them they look frozen against
    their own minutes.
    """
    sent: list[bytes] = []
    late: list[bytes] = []
    number = 0
    for hour in hours_between(start, end):
        is_down = withheld is not None and withheld.covers(site.code, hour)
        is_dark = withheld is not None and is_down and (hour - withheld.start) // HOUR % 5 == 4
        truth = withheld.frozen if withheld and is_down and not is_dark else {}
        unseen = _unseen(site, hour, truth) if truth else {}
        for minute in range(60):
            number += 1
            frame = reading(site, MINUTES, hour + minute * MINUTE, unseen.get(minute, {}), number)
            (late if is_dark or minute in unseen else sent).append(frame)
        shown = next((one.frozen for one in cheats if one.covers(site.code, hour)), {})
        number += 1
        (late if is_dark else sent).append(reading(site, HOURS, hour, shown or truth, number))
    return sent, late


def _unseen(site: Site, hour: int, means: dict[str, float]) -> dict[int, dict[str, float]]:
    """The withheld minutes, by minute and factor, such that the hour's mean is what `means` says."""
    found: dict[int, dict[str, float]] = {minute: {} for minute in range(*HELD_MINUTES)}
    for factor in site.factors:
        if factor.code not in means:
            continue
        values = minutes(site.code, site.region, factor, hour)
        seen = sum(values) - sum(values[slice(*HELD_MINUTES)])
        missing = (60 * means[factor.code] - seen) / len(found)
        for minute in found:
            found[minute][factor.code] = round(missing, factor.decimals)
    return found


def hour_frames(site: Site, start: int, end: int) -> list[bytes]:
    """The hour frames alone."""
    return [reading(site, HOURS, hour, {}, n) for n, hour in enumerate(hours_between(start, end))]


def send(platform: Platform, frames: dict[str, list[bytes]], say: Say) -> int:
    """Every logger sends at once, each over its own connection; returns the acknowledged frames."""

    async def all_loggers() -> list[int]:
        return await asyncio.gather(*(Logger(*platform.hj212).send(own) for own in frames.values()))

    sent = sum(asyncio.run(all_loggers()))
    say(f"loggers: {sent} frames acknowledged")
    return sent


def loggers() -> list[Site]:
    return [site for site in sites() if site.door == "logger"]


def last_full_hour(now: int) -> int:
    return now // HOUR * HOUR
