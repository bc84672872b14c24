"""Missing periods: found behind the watermark of each device, pulled back by history commands, given up late.

Promises: a gap is said once however long it grows, and its filling once; only series that ran are missed, and
declared historical data make nothing run; a device is asked for bounded slices with growing pauses; each step
is one transaction, so that a restart goes on where it was. Leaves sending to `conversation`.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
from contracts.ingest import GapFilled, GapNoticed
from kit import outbox
from kit.db import Database
from uuid_utils.compat import uuid7

from ingest.flows.commands import Wanted, make, terms_now
from ingest.flows.greeting import PLATFORM
from ingest.queries import commands, gaps, watch
from ingest.rules.commands import catalogue
from ingest.rules.registry import NO_MANNERS, Device, Registry
from ingest.rules.terms import Terms
from ingest.rules.times import CHINA, PERIOD_SECONDS
from ingest.rules.watching import floor_period, missing, pause, runs

_RECALL = {"min": "recall-minutes", "hour": "recall-hours", "day": "recall-days"}
_LEAST_STEP = {"min": timedelta(minutes=10), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_LONGEST_STEP = {"min": timedelta(days=1), "hour": timedelta(days=7), "day": timedelta(days=31)}
_MOST_LOOKED = 500
_WATCH_ONLY_SECONDS = 600.0
Series = Mapping[int, int]


def devices_by_period(registry: Registry) -> Iterator[tuple[Device, str, Series]]:
    """Every device with the series (and their period, s) that it sends, period by period."""
    by_source: dict[tuple[str, str, str], dict[int, int]] = {}
    for channel in registry.by_id.values():
        ref = channel.ref
        if ref.period in _RECALL:
            by_source.setdefault((ref.site, ref.source, ref.period), {})[ref.id] = channel.period_seconds
    for device in registry.devices.values():
        for period in _RECALL:
            series = by_source.get((device.site, device.source, period))
            if series:
                yield device, period, series


class Senders:
    """What `devices_by_period` gives, remembered for one version of the registry: it may be long."""

    def __init__(self) -> None:
        self._version, self._known = -2, list[tuple[Device, str, Series]]()

    def of(self, registry: Registry) -> list[tuple[Device, str, Series]]:
        if registry.version != self._version:
            self._version, self._known = registry.version, list(devices_by_period(registry))
        return self._known


async def find(database: Database, registry: Registry, senders: Senders) -> int:
    """Look through what has ended since the last time; returns how many device periods that were."""
    looked, terms = 0, terms_now()
    async with database.telemetry() as connection:
        if not await watch.is_mine(connection, "ingest.gaps"):
            return 0
        known, now = await gaps.marks(connection), await commands.now(connection)
        for number, (device, period, series) in enumerate(senders.of(registry)):
            if number % _MOST_LOOKED == 0:
                # Others have their turn.
                await asyncio.sleep(0)
            stop = floor_period(now - timedelta(seconds=terms.gap_settle(period)), period)
            mark = known.get((device.mn, period))
            if mark is None:
                await gaps.mark(connection, device.mn, period, stop)
            elif stop - mark >= _LEAST_STEP[period]:
                stop = min(stop, mark + _LONGEST_STEP[period])
                await _look(connection, registry, device, period, series, (mark, stop, terms))
                await gaps.mark(connection, device.mn, period, stop)
                looked += 1
            if looked >= _MOST_LOOKED:
                break
    return looked


async def _look(
    connection: asyncpg.Connection,
    registry: Registry,
    device: Device,
    period: str,
    series: Series,
    span: tuple[datetime, datetime, Terms],
) -> None:
    mark, stop, terms = span
    running = await gaps.running(connection, list(series), mark - timedelta(days=terms.running_days), mark)
    wanted = {number: series[number] for number in running}
    if not wanted:
        return
    recorded = await gaps.recorded(connection, list(wanted), mark, stop)
    missed = missing(wanted, recorded, mark, stop)
    site = registry.sites[device.site]
    for start, end, numbers in runs(missed, min(wanted.values())):
        count = sum(len(missed[at]) for at in missed if start <= at < end)
        if await gaps.extend(connection, device.mn, period, start, end, count, numbers):
            continue
        gap = uuid7()
        place = (site.code, site.region, list(site.region_path), site.dept, site.uscc)
        if await gaps.add(connection, (gap, device.mn, period, start, end, *place, numbers, count)):
            event = GapNoticed(
                gap=str(gap),
                mn=device.mn,
                site=site.code,
                region=site.region,
                uscc=site.uscc,
                period=period,  # type: ignore[arg-type]
                from_ms=_ms(start),
                to_ms=_ms(end),
                series=numbers,
                missing=count,
            )
            await outbox.put(connection, event, key=site.code)


async def pull(database: Database, registry: Registry) -> bool:
    """See to the open gaps whose time has come; whether a command was made."""
    terms = terms_now()
    made = False
    async with database.telemetry() as connection:
        for row in await gaps.due(connection, terms.pull_days):
            made |= await _see_to(connection, registry, row, terms)
    return made


async def _see_to(connection: asyncpg.Connection, registry: Registry, row: Any, terms: Terms) -> bool:
    """Filled, lost, asked for once more, or left for later; whether a command was made."""
    missed = await _still_missing(connection, registry, row)
    count = sum(len(numbers) for numbers in missed.values())
    if not missed:
        await _close(connection, row, "filled", 0)
        return False
    if row["is_asked"]:
        await gaps.later(connection, row["id"], count, row["attempts"], float(terms.pull_pause_seconds))
        return False
    attempts = 0 if count < row["missing"] else row["attempts"]
    if row["is_old"] or attempts >= terms.pull_attempts:
        await _close(connection, row, "lost", count)
        return False
    device = registry.devices.get(row["mn"])
    manners = registry.manners.get(row["mn"], NO_MANNERS)
    if device is None or not (manners.accepts_commands and manners.pulls_back):
        await gaps.later(connection, row["id"], count, attempts, _WATCH_ONLY_SECONDS)
        return False
    first, last = min(missed), max(missed)
    end = min(last, first + timedelta(seconds=terms.slice_seconds(row["period"])))
    given = {"BeginTime": _digits(first), "EndTime": _digits(end)}
    reason = f"缺数补传 missing {row['period']} data"
    command = catalogue()[_RECALL[row["period"]]]
    await make(connection, registry, device, Wanted(command, given, reason, PLATFORM, "pull-back", row["id"]))
    seconds = float(pause(attempts + 1, terms.pull_pause_seconds))
    await gaps.later(connection, row["id"], count, attempts + 1, seconds)
    return True


async def _still_missing(
    connection: asyncpg.Connection, registry: Registry, row: Any
) -> dict[datetime, list[int]]:
    # A series that this registry does not hold has not come either: the device's period stands in.
    usual, known = PERIOD_SECONDS[row["period"]], registry.by_id
    wanted = {number: known[number].period_seconds if number in known else usual for number in row["series"]}
    recorded = await gaps.recorded(connection, list(wanted), row["start"], row["stop"])
    return missing(wanted, recorded, row["start"], row["stop"])


async def _close(connection: asyncpg.Connection, row: Any, state: str, count: int) -> None:
    await gaps.close(connection, row["id"], state, count)
    if state == "filled":
        event = GapFilled(
            gap=str(row["id"]),
            mn=row["mn"],
            site=row["site"],
            region=row["region"],
            uscc=row["uscc"],
            period=row["period"],
            from_ms=_ms(row["start"]),
            to_ms=_ms(row["stop"]),
            filled_at_ms=_ms(await commands.now(connection)),
        )
        await outbox.put(connection, event, key=row["site"])
        return
    detail = {
        "device": row["mn"],
        "period": row["period"],
        "from": row["start"].isoformat(),
        "to": row["stop"].isoformat(),
        "missing": count,
        "tries": row["attempts"],
    }
    text = msgspec.json.encode(detail).decode()
    cells = (uuid7(), "gap-lost", row["site"], row["region_path"], row["uscc"], text)
    await watch.find(connection, cells)


def _digits(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y%m%d%H%M%S}"


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
