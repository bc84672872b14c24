"""The demonstration's days from now on: every minute the loggers send, every hour the systems post and the
officers release. In between the loggers answer what the host asks.

Promises: goes on where it stopped, also after a pause of hours; what is on the way when the platform is away
is sent again. Leaves the cheats to the past days, and runs until it is stopped.
"""

import time
from collections.abc import Callable

from jianzhen.demo import officers, readings
from jianzhen.demo.fleet import Fleet
from jianzhen.demo.logger import HOURS, MINUTES, reading
from jianzhen.demo.memory import Memory
from jianzhen.demo.run import ITEM
from jianzhen.demo.signals import HOUR, MINUTE
from jianzhen.platform import Platform
from jianzhen.state import Refused

Say = Callable[[str], None]
LONGEST_STEP = 6 * HOUR
PAUSE_SECONDS = 5
JUDGED_SECONDS = 15


def run_live(platform: Platform, memory: Memory, say: Say) -> None:
    """Sends what is due, for ever."""
    with Fleet(platform) as fleet:
        while True:
            until = int(time.time()) // MINUTE * MINUTE
            try:
                while memory.sent_until < until:
                    step(platform, fleet, memory, min(until, memory.sent_until + LONGEST_STEP), say)
            except (Refused, OSError) as error:
                say(f"waiting 等待: {error}")
            time.sleep(PAUSE_SECONDS)


def step(platform: Platform, fleet: Fleet, memory: Memory, until: int, say: Say) -> None:
    """One stretch of time: minutes and hours of the loggers, hours of the systems, releases."""
    begin = memory.sent_until
    frames: dict[str, list[bytes]] = {}
    for site in readings.loggers():
        minutes = range(begin, until, MINUTE)
        frames[site.code] = [reading(site, MINUTES, at, {}, n) for n, at in enumerate(minutes, 1)]
    hours = [at for at in range(begin // HOUR * HOUR, until, HOUR) if begin < at + HOUR <= until]
    for site in readings.loggers():
        frames[site.code] += [reading(site, HOURS, at, {}, 900 + n % 99) for n, at in enumerate(hours)]
    fleet.send(frames)
    if hours:
        readings.post_hours(platform, hours[0], hours[-1] + HOUR, historical=False)
        time.sleep(JUDGED_SECONDS)
        for at in hours:
            officers.release(platform, ITEM, "131000", at)
        say(f"published 已发布: {len(hours)} hours up to {time.strftime('%H:%M', time.localtime(until))}")
    memory.remember(sent_until=until)
