"""One city for the end-to-end tests: registered once, its loggers have sent, one of them cheats."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from jianzhen.demo import city, officers, readings
from jianzhen.demo.registration import register
from jianzhen.demo.signals import HOUR
from jianzhen.platform import Platform

HOURS = 30


@dataclass(frozen=True)
class City:
    """What was sent: `cheat` froze its hours, `late` could not send some minutes (`held` has them)."""

    platform: Platform
    now: int
    cheat: city.Window
    late: city.Window
    held: list[bytes]

    @property
    def end(self) -> int:
        return readings.last_full_hour(self.now)

    def ask(self, who: str | None, path: str) -> Any:
        return officers.ask(self.platform, who, "GET", path)


@pytest.fixture(scope="session")
def sent_city(platform: Any) -> Iterator[City]:
    """Registers the demonstration city and lets its air stations and department system send."""
    client: Platform = platform.client
    now = int(time.time())
    end = readings.last_full_hour(now)
    assert register(client) > 30
    cheat, late = city.frauds(1, now)[0], city.late_window(now)
    frames: dict[str, list[bytes]] = {}
    held: list[bytes] = []
    for code in (cheat.site, late.site):
        site = city.site(code)
        sent, kept_back = readings.frames_of(site, end - HOURS * HOUR, end, cheats=[cheat], withheld=late)
        frames[code] = sent
        held += kept_back
    readings.post_hours(client, end - HOURS * HOUR, end, historical=True)
    assert readings.send(client, frames, lambda _: None) == sum(len(own) for own in frames.values())
    assert len(held) > 200
    yield City(client, now, cheat, late, held)
