"""The whole path under rising load: how far qc falls behind, how late an alarm is, where the knee lies.

Promises: the load is open (sent by the clock, not by the answers), hours of 1,000 series one after the other,
the heaviest kind for qc; beside it live minutes outside their range, each of which must raise an alarm. The
delay of an alarm is from sending its value to its `qc.alarm_raised` at a subscriber of the bus.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import msgspec
from contracts.qc import AlarmRaised
from jianzhen.streams import connected
from load import BATCH, COLUMNS, SOURCE, Load, percentiles, probes
from stage import Stage, Watch, per_thousand, standing

PROBES_A_SECOND = 5
OUT_OF_RANGE = 2500.0
STEPS = (5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 40_000, 50_000)


@dataclass
class Step:
    """One load: what was offered and carried, and what it did to qc. Rates in observations a second."""

    wanted: float
    sent: float = 0.0
    judged: float = 0.0
    lag_growth: float = 0.0
    alarms: int = 0
    unheard: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def is_sustained(self) -> bool:
        """qc keeps up, the sender is not held back, and alarms come within a second."""
        keeps_up = self.judged >= 0.97 * self.sent and self.sent >= 0.97 * self.wanted
        return keeps_up and self.p99_ms <= 1000 and not self.unheard


class Alarms:
    """Sends live values outside their range and hears the alarms they raise."""

    def __init__(self, stage: Stage, load: Load) -> None:
        self._stage, self._load = stage, load
        self._left = iter([(minute, key) for minute in range(1, 600, 3) for key in probes()])
        self._sent: dict[tuple[str, str, str, int], float] = {}
        self._heard: dict[tuple[str, str, str, int], float] = {}
        self._minute = int(time.time()) // 60 * 60

    async def listen(self) -> None:
        self._bus = await connected(*self._stage.bus())
        await self._bus.subscribe("qc.alarm_raised.v1.*", cb=self._on)
        await self._bus.flush()

    async def _on(self, message: Any) -> None:
        now = time.perf_counter()
        event = msgspec.json.decode(message.data, type=AlarmRaised)
        ref = event.series
        self._heard.setdefault((ref.site, ref.factor, ref.statistic, event.from_ms), now)

    async def send(self, seconds: float) -> None:
        """One value after the other, evenly."""
        parts = urlsplit(self._load.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        begun = time.perf_counter()
        for number in range(int(seconds * PROBES_A_SECOND)):
            await asyncio.sleep(max(0.0, begun + number / PROBES_A_SECOND - time.perf_counter()))
            back, (place, factor, stat, period) = next(self._left)
            at = self._minute - back * 60
            stamp = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(at))
            data = [[place, factor, stat, "raw", period, stamp, OUT_OF_RANGE]]
            body = json.dumps({"source": SOURCE, "columns": COLUMNS, "data": data}).encode()
            self._sent[(place, factor, stat, at * 1000)] = time.perf_counter()
            assert await self._load.exchange(reader, writer, self._load.post(body))
        writer.close()

    async def delays(self, patience: float) -> tuple[list[float], int]:
        """Of all alarms since the last call, and how many did not come; waits so long for those."""
        until = time.perf_counter() + patience
        while len(self._heard.keys() & self._sent.keys()) < len(self._sent) and time.perf_counter() < until:
            await asyncio.sleep(0.05)
        found = [self._heard[key] - at for key, at in self._sent.items() if key in self._heard]
        missing = len(self._sent) - len(found)
        self._sent.clear()
        self._heard.clear()
        return found, missing

    async def close(self) -> None:
        await self._bus.close()


async def step(
    stage: Stage, watch: Watch, load: Load, alarms: Alarms, rate: float, seconds: float, patience: float = 5
) -> Step:
    """One step of the load; waits afterwards until qc has caught up."""
    made = Step(rate)
    load.token = stage.token(SOURCE)
    before, cpu, begun = await watch.now(), stage.cpu(), time.perf_counter()
    sent, _ = await asyncio.gather(load.run(8, seconds, rate), alarms.send(seconds))
    after, spent = await watch.now(), time.perf_counter() - begun
    found, made.unheard = await alarms.delays(patience)
    made.alarms = len(found) + made.unheard
    made.p50_ms, made.p99_ms = percentiles(found).values()
    made.sent = sent["rate"]
    said = after.said + after.unnumbered - before.said - before.unnumbered
    # Messages carry what a transaction had for a lane: about equally much each.
    each = sent["batches"] * BATCH / max(1, said)
    made.judged = (after.heard - before.heard) * each / spent
    made.lag_growth = (after.lag - before.lag) * each / spent
    await watch.caught_up(300)
    made.cpu = per_thousand(cpu, stage.cpu(), sent["batches"] * BATCH)
    return made


async def knee(
    stage: Stage, load: Load, seconds: float, rated: float, rated_seconds: float
) -> tuple[list[Step], Step]:
    """The steps up to the first two that are not sustained, then the rated load for longer."""
    alarms, steps = Alarms(stage, load), list[Step]()
    await alarms.listen()
    async with standing(stage) as watch:
        await load.run(4, 2, 2_000)
        await watch.caught_up(120)
        for rate in STEPS:
            steps.append(await step(stage, watch, load, alarms, rate, seconds))
            if any(not a.is_sustained and not b.is_sustained for a, b in pairwise(steps)):
                break
        at_rated = await step(stage, watch, load, alarms, rated, rated_seconds, patience=30)
    await alarms.close()
    return steps, at_rated


async def cost(stage: Stage, load: Load, batches: int, rate: float) -> dict[str, float]:
    """Processor milliseconds per 1,000 observations of each program, for a fixed number of batches.

    They are offered at `rate`, and counted until qc has judged the last: so the figure is of the work done,
    whether or not the machine is busy with other things.
    """
    async with standing(stage) as watch:
        await load.run(4, 2, 2_000)
        await watch.caught_up(120)
        before = stage.cpu()
        sent = await load.run(8, batches * BATCH / rate, rate)
        await watch.caught_up(600)
        return per_thousand(before, stage.cpu(), sent["batches"] * BATCH)
