"""The scene of day closes: a small network of stations whose hours share their weather, and one who
copies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from contracts.ingest import SeriesRef
from falsify_network_scene import slow
from qc.flows.closing import Closer
from qc.flows.setting import closing_pack
from qc.rules.closing.asked import Answer, Asked, answered
from qc.rules.offline import judge as offline
from qc.rules.offline.panels import Raised
from qc.rules.offline.profile import load_profile
from qc.rules.offline.readings import Member, Readings
from qc_scene import HOUR, Lane, ref

# A local midnight: 2026-09-10 00:00 +08:00.
OPEN = int(datetime(2026, 9, 9, 16, tzinfo=UTC).timestamp() * 1000)
DAY = 24 * HOUR
LEVELS = (("a34004", 60.0), ("a21004", 45.0))
Value = tuple[SeriesRef, int, float | None]


@dataclass
class City:
    """Series (by site and number) and their hours [S, N], NaN where nobody reported."""

    refs: list[SeriesRef]
    value: np.ndarray

    def rows(self, days: range | None = None) -> list[Value]:
        """Every reported hour of these days (all of them), series by series."""
        wanted = range(self.value.shape[1]) if days is None else range(days.start * 24, days.stop * 24)
        return [
            (one, OPEN + hour * HOUR, float(self.value[place, hour]))
            for place, one in enumerate(self.refs)
            for hour in wanted
            if np.isfinite(self.value[place, hour])
        ]


def city(days: int = 45, stations: int = 3, seed: int = 1) -> City:
    """Honest hours: weather that all share, each site's own, a daily cycle, whole µg/m³."""
    random = np.random.default_rng(seed)
    n = days * 24
    weather, traffic = slow(n, random, 0.97, 0.18), 0.3 * np.cos(2 * np.pi * (np.arange(n) % 24 - 20) / 24)
    refs, rows = [], []
    for station in range(stations):
        own = slow(n, random, 0.9, 0.04)
        for factor, level in LEVELS:
            signal = weather + traffic + own + slow(n, random, 0.8, 0.05) + random.normal(0, 0.04, n)
            rows.append(np.round(level * (1 + 0.05 * station) * np.exp(signal) + 5))
            refs.append(ref(len(refs) + 1, factor, site=f"131000-A{station:02}"))
    return City(refs, np.array(rows))


def copied(scene: City, row: int = 0, day: int = 30, original: int = 21) -> City:
    """One day of a series is an older day of it, hour by hour."""
    scene.value[row, day * 24 : day * 24 + 24] = scene.value[row, original * 24 : original * 24 + 24]
    return scene


def frozen(scene: City, rows: Iterable[int] = (3,), hour: int = 600, hours: int = 36) -> City:
    """Series stand still for some hours."""
    for row in rows:
        scene.value[row, hour : hour + hours] = scene.value[row, hour]
    return scene


async def here(asked: Asked) -> Answer:
    """The tests in this process: the very function that runs apart."""
    return answered(asked, closing_pack().tests)


def closer(lane: Lane, judge=here) -> Closer:
    return Closer(lane.database, lane.setting, closing_pack(), judge)


def after(lane: Lane, day: int, hours: float = 4) -> None:
    """It is some hours after the end of the scene's day `day`."""
    lane.clock.now = datetime.fromtimestamp(OPEN / 1000, UTC) + timedelta(days=day + 1, hours=hours)


async def close(lane: Lane, day: int) -> int:
    after(lane, day)
    return await closer(lane).run()


async def send(lane: Lane, rows: Sequence[Value], mode: str = "historical", size: int = 4000) -> None:
    for start in range(0, len(rows), size):
        await lane.send(rows[start : start + size], mode=mode)


def judged_offline(scene: City) -> list[Raised]:
    """What `jianzhen qc run` says of a file of the same values."""
    members = [Member(one.site, one.factor, one.factor, True, one.unit) for one in scene.refs]
    places, hours = np.nonzero(np.isfinite(scene.value))
    nothing = np.zeros(len(places), dtype=np.int64)
    readings = Readings(
        places, OPEN + hours * HOUR, scene.value[places, hours], np.full(len(places), ord("N")), nothing
    )
    return offline.judge(
        readings, members, load_profile("ambient-air"), frozenset(), lambda *_: None
    ).seen.raised
