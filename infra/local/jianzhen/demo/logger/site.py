"""The data logger of a demonstration site: its frames, and its past as it would recall them.

Leaves what is measured to `signals`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from ingest.rules.hj212_build import data_frame

from jianzhen.demo.city import Site
from jianzhen.demo.logger.machine import BEIJING, Machine, Readings, utc_of
from jianzhen.demo.signals import HOUR, MINUTE, hour_value, minute_value

MINUTES, HOURS = "2051", "2061"
PASSWORD = "123456"  # noqa: S105 - the demonstration loggers' own, registered with the device


def device_time(at: int) -> str:
    """Epoch seconds as a logger writes them: fixed +08:00, fourteen digits."""
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def readings_at(site: Site, command: str, at: int, shown: Mapping[str, float]) -> Readings:
    """One minute (2051) or hour (2061); `shown` replaces the truth for the factors it names."""
    truth = minute_value if command == MINUTES else hour_value
    readings = []
    for factor in site.factors:
        value = shown.get(factor.code, truth(site.code, site.region, factor, at))
        readings.append((factor.code, {"Avg": f"{value:.{factor.decimals}f}", "Flag": "N"}))
    return readings


def reading(site: Site, command: str, at: int, shown: dict[str, float], number: int) -> bytes:
    """One frame. `number` makes the QN unique: the thousandth of the second in which the frame was made."""
    length = MINUTE if command == MINUTES else HOUR
    device: dict[str, str | int] = {"ST": site.st, "PW": PASSWORD, "MN": str(site.mn), "Flag": 5}
    qn = f"{device_time(at + length)}{number % 1000:03d}"
    return data_frame(device, int(command), device_time(at), readings_at(site, command, at, shown), qn=qn)


def machine_of(site: Site) -> Machine:
    """The logger of a site, which recalls what it measured (minutes and hours)."""

    def past(command: str, start: str) -> Readings | None:
        if command not in (MINUTES, HOURS):
            return None
        return readings_at(site, command, utc_of(start), {})

    return Machine(str(site.mn), PASSWORD, site.st, past=past)
