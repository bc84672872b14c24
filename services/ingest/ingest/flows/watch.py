"""Liveness of devices: when each was heard, which are silent, whose clock runs wrong.

Promises: a silence is said once and its end once, by one instance; what the platform itself missed (a start,
a store that was away, a jump of the clock) is nobody's silence; a wrong clock is one finding a day. Trails
the commits by seconds. Leaves missing values to `gaps`.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
from contracts.ingest import DeviceResumed, DeviceSilenced
from kit import outbox
from kit.db import Database
from uuid_utils.compat import uuid7

from ingest.flows.commands import terms_now
from ingest.flows.roster import Roster
from ingest.queries import commands, watch
from ingest.rules.registry import NO_MANNERS, Device, Registry
from ingest.rules.terms import Terms
from ingest.rules.times import CHINA
from ingest.rules.watching import clock_error, habit_of, interval_of, silent_after

_JUMP_SECONDS = 5.0
_PAUSE_SECONDS = 120.0


async def note_contacts(database: Database, roster: Roster) -> None:
    """Write down who was heard since the last time; after a failure they are tried again."""
    fresh, roster.fresh = sorted(roster.fresh), set()
    if not fresh:
        return
    terms = terms_now()
    rows = []
    for mn in fresh:
        known = roster.known[mn]
        habit = habit_of(known.intervals, terms.silence_factor)
        drift = clock_error(known.drifts, terms.drift_frames, terms.drift_limit_seconds)
        rows.append((mn, known.heard_at, known.address, known.certificate, habit, drift))
    try:
        async with database.telemetry() as connection:
            await watch.note(connection, [list(column) for column in zip(*rows, strict=True)])
    except BaseException:
        roster.fresh.update(fresh)
        raise


class Watch:
    """One per process; `look` runs on a clock. `monotonic` is a parameter for tests of clock jumps."""

    def __init__(self) -> None:
        self._grace_from: datetime | None = None
        self._looked_at: tuple[datetime, float] | None = None
        self._intervals: tuple[int, dict[str, int]] = (-1, {})

    async def look(self, database: Database, registry: Registry) -> None:
        """Judge every device that gives reason to."""
        terms = terms_now()
        async with database.telemetry() as connection:
            if not await watch.is_mine(connection, "ingest.watch"):
                return
            now = await commands.now(connection)
            grace = self._grace(now, time.monotonic())
            registered = self._registered(registry)
            suspects = (terms.silence_floor_seconds, terms.drift_limit_seconds)
            for row in await watch.suspects(connection, *suspects):
                device = registry.devices.get(row["mn"])
                if device is not None:
                    judge = _Judge(connection, registry, device, row, now)
                    await judge.silence(grace, registered.get(device.mn), terms)
                    await judge.clock(terms)

    def _grace(self, now: datetime, monotonic: float) -> datetime:
        """From when on silence counts: as long as we listen without a break, by a clock without a jump."""
        before, self._looked_at = self._looked_at, (now, monotonic)
        if before is not None:
            went, really = (now - before[0]).total_seconds(), monotonic - before[1]
            if abs(went - really) <= _JUMP_SECONDS and really <= _PAUSE_SECONDS and self._grace_from:
                return self._grace_from
        self._grace_from = now
        return now

    def _registered(self, registry: Registry) -> Mapping[str, int]:
        """The shortest period a device is registered to send, s."""
        if self._intervals[0] != registry.version:
            by_source: dict[tuple[str, str], int] = {}
            for channel in registry.by_id.values():
                key, seconds = (channel.ref.site, channel.ref.source), channel.period_seconds
                if seconds:
                    by_source[key] = min(by_source.get(key, seconds), seconds)
            found = {
                one.mn: by_source[one.site, one.source]
                for one in registry.devices.values()
                if (one.site, one.source) in by_source
            }
            self._intervals = (registry.version, found)
        return self._intervals[1]


class _Judge:
    """One device at one moment."""

    def __init__(
        self, connection: asyncpg.Connection, registry: Registry, device: Device, row: Any, now: datetime
    ) -> None:
        self._connection, self._device, self._row, self._now = connection, device, row, now
        self._site = registry.sites[device.site]
        self._manners = registry.manners.get(device.mn, NO_MANNERS)

    async def silence(self, grace: datetime, registered: int | None, terms: Terms) -> None:
        row, mn = self._row, self._device.mn
        if row["silent_since"] is not None and row["heard_at"] > row["silent_since"]:
            await watch.silence(self._connection, mn, None)
            await self._say_resumed()
            return
        agreed = self._manners.frame_interval or self._manners.realtime_interval
        interval = interval_of(agreed, registered, row["observed_interval"])
        if interval is None:
            return
        limit = silent_after(interval, terms.silence_factor, terms.silence_floor_seconds)
        if (self._now - max(row["heard_at"], grace)).total_seconds() <= limit:
            return
        if row["silent_since"] is None:
            await watch.silence(self._connection, mn, row["heard_at"])
            await self._say_silenced(interval, is_alarm=False)
        elif self._is_long(terms):
            await watch.alarm(self._connection, mn)
            await self._say_silenced(interval, is_alarm=True)
            await self._find("device-silent", {"since": row["silent_since"].isoformat()})

    def _is_long(self, terms: Terms) -> bool:
        since, limit = self._row["silent_since"], timedelta(seconds=terms.silence_alarm_seconds)
        return since is not None and self._row["alarmed_at"] is None and self._now - since > limit

    async def clock(self, terms: Terms) -> None:
        row, today = self._row, self._now.astimezone(CHINA).date()
        drift = row["drift_seconds"]
        if drift is not None and abs(drift) > terms.drift_limit_seconds and row["drift_found_on"] != today:
            await watch.drifted(self._connection, self._device.mn, today)
            detail = {"seconds": round(drift, 1), "limit": terms.drift_limit_seconds}
            await self._find("clock-drift", detail)

    async def _find(self, kind: str, detail: dict[str, Any]) -> None:
        site = self._site
        text = msgspec.json.encode({"device": self._device.mn, **detail}).decode()
        await watch.find(
            self._connection, (uuid7(), kind, site.code, list(site.region_path), site.uscc, text)
        )

    async def _say_silenced(self, interval: float, *, is_alarm: bool) -> None:
        year = self._now.astimezone(CHINA).year
        event = DeviceSilenced(
            mn=self._device.mn,
            site=self._site.code,
            site_kind=self._site.kind,  # type: ignore[arg-type]
            region=self._site.region,
            uscc=self._site.uscc,
            heard_at_ms=_ms(self._row["heard_at"]),
            interval_seconds=interval,
            noticed_at_ms=_ms(self._now),
            is_alarm=is_alarm,
            is_key_unit=await watch.is_key_unit(self._connection, self._site.uscc, year),
        )
        await outbox.put(self._connection, event, key=self._site.code)

    async def _say_resumed(self) -> None:
        event = DeviceResumed(
            mn=self._device.mn,
            site=self._site.code,
            region=self._site.region,
            uscc=self._site.uscc,
            silent_since_ms=_ms(self._row["silent_since"]),
            heard_at_ms=_ms(self._row["heard_at"]),
        )
        await outbox.put(self._connection, event, key=self._site.code)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
