"""One transaction for everything that was received together.

Promises: a parcel is committed whole or not at all; a month's partition exists before its values come; the
newest value of each series is remembered for `jobs`. Leaves the order of writes to `writing`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import numpy as np
from contracts.ingest import Mode
from kit.db import Database
from numpy.typing import NDArray

from ingest.flows.parcels import Parcel, Stored
from ingest.flows.recorded import MODES, Values
from ingest.flows.writing import foresee, is_one_statement, write
from ingest.queries import telemetry
from ingest.rules.judge import Judged
from ingest.rules.registry import Channel
from ingest.rules.targets import Facts, channel_facts
from ingest.rules.times import moment

Also = Callable[[asyncpg.Connection, list[Stored]], Awaitable[None]]
NOTHING = np.array([], dtype=np.int64)
NO_VALUES = Values([], channel_facts([]), NOTHING, NOTHING, *[NOTHING] * 6)  # type: ignore[arg-type]


class Newest(msgspec.Struct, frozen=True):
    """The last value of each series of one transaction, as columns; `start` in microseconds since 1970."""

    series: NDArray[np.int64]
    start: NDArray[np.int64]
    value: NDArray[np.float64]
    decimals: NDArray[np.int16]
    flag: NDArray[np.bytes_]


class Store:
    """Writes parcels. Remembers which months have a partition, and latest values still to be noted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._months: set[int] = set()
        self._making = asyncio.Lock()
        self.newest: list[Newest] = []

    async def accept(
        self,
        parcels: Sequence[Parcel],
        also: Also | None = None,
        values: Values | None = None,
    ) -> list[Stored]:
        """Commit the parcels; `also` runs in the same transaction. On Unavailable nothing happened.

        `values` are theirs if they were read as one, else what each parcel has `judged`.
        """
        values = _gather(parcels) if values is None else in_order(values)
        await self._ensure_months(values)
        try:
            stored = await self._commit(parcels, values, also, is_fresh=True)
        except asyncpg.UniqueViolationError:
            stored = await self._commit(parcels, values, also, is_fresh=False)
        except asyncpg.CheckViolationError:
            # The owner dropped a sealed month meanwhile, and here is more of it.
            self._months.clear()
            await self._ensure_months(values)
            stored = await self._commit(parcels, values, also, is_fresh=False)
        if len(values.at):
            self.newest.append(_newest(values))
        return stored

    async def foresee(self, parcels: Sequence[Parcel]) -> list[Stored]:
        """What `accept` would answer now; nothing is written."""
        async with self._database.telemetry() as connection:
            return await foresee(connection, parcels, _gather(parcels))

    async def _commit(
        self, parcels: Sequence[Parcel], values: Values, also: Also | None, *, is_fresh: bool
    ) -> list[Stored]:
        """One transaction. `is_fresh` hopes that no value is recorded yet, which saves half the work."""
        is_one = is_fresh and also is None and is_one_statement(parcels, values)
        async with self._database.telemetry(is_one=is_one) as connection:
            stored = await write(connection, parcels, values, is_fresh=is_fresh)
            if also is not None:
                await also(connection, stored)
        return stored

    async def _ensure_months(self, values: Values) -> None:
        if not len(values.start):
            return
        months = np.unique(values.start.astype("datetime64[us]").astype("datetime64[M]"))
        for month in months:
            number = int(month.astype(np.int64))
            if number not in self._months:
                await self._ensure_month(number, moment(int(month.astype("datetime64[us]").astype(np.int64))))

    async def _ensure_month(self, number: int, first: datetime) -> None:
        """All begin a month at once: one asks, the others wait here and not with a connection each."""
        async with self._making:
            if number not in self._months:
                async with self._database.telemetry() as connection:
                    await telemetry.ensure_month(connection, first)
                self._months.add(number)


def _gather(parcels: Sequence[Parcel]) -> Values:
    """All values of all parcels by (lane, series, ts), the earlier parcel and row first.

    The same order for everybody: two writers of the same values wait for each other, and never in a circle.
    """
    only = parcels[0].judged if len(parcels) == 1 else None
    if only is not None and only.facts is not None and only.facts.is_distinct and len(only.row):
        return in_order(_from_one(only, only.facts, parcels[0].declared))
    channels: dict[int, int] = {}
    known: list[Channel] = []
    columns: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("at", "start", "value", "decimals", "flag", "mode", "parcel", "row")
    }
    for number, parcel in enumerate(parcels):
        judged = parcel.judged
        if judged is None or not len(judged.row):
            continue
        places = []
        for channel in judged.channels:
            if channel.ref.id not in channels:
                channels[channel.ref.id] = len(known)
                known.append(channel)
            places.append(channels[channel.ref.id])
        columns["at"].append(np.array(places, dtype=np.int64)[judged.at])
        columns["mode"].append(_mode(judged, parcel.declared))
        columns["parcel"].append(np.full(len(judged.row), number, dtype=np.int32))
        for name in ("start", "value", "decimals", "flag", "row"):
            columns[name].append(getattr(judged, name))
    if not known:
        return NO_VALUES
    return in_order(
        Values(known, channel_facts(known), *(np.concatenate(parts) for parts in columns.values()))
    )


def _from_one(judged: Judged, facts: Facts, declared: Mode | None) -> Values:
    """One parcel that names no series twice: its own columns are those of the transaction."""
    parcel = np.zeros(len(judged.row), dtype=np.int32)
    first = (judged.at.astype(np.int64), judged.start, judged.value, judged.decimals, judged.flag)
    return Values(judged.channels, facts, *first, _mode(judged, declared), parcel, judged.row)


def _mode(judged: Judged, declared: Mode | None) -> NDArray[np.int16]:
    if declared is None:
        return judged.is_late.astype(np.int16)
    return np.full(len(judged.row), MODES.index(declared), dtype=np.int16)


def in_order(values: Values) -> Values:
    """The same values by (lane, series, ts), the earlier parcel and row first."""
    if not len(values.at):
        return NO_VALUES
    rank = values.facts.rank[values.at]
    order = np.argsort(rank)
    ordered = rank[order]
    if (ordered[1:] == ordered[:-1]).any():
        # The same series more than once; else this order is the whole one, at a fraction of the cost.
        order = np.lexsort((values.row, values.parcel, values.start, rank))
    return values.take(order)


def _newest(values: Values) -> Newest:
    """Rows are sorted by series and time: the last of each series."""
    last = values.take(np.append(values.at[1:] != values.at[:-1], True))
    return Newest(values.facts.ids[last.at], last.start, last.value, last.decimals, last.flag)
