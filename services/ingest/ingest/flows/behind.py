"""Work that trails the commits: latest values and flood counts.

Promises: nothing here is evidence; what a crash loses is made again from the observations (`remake_latest`)
or begins a new count.
"""

import gc

import numpy as np
from kit.db import Database

from ingest.flows.store import Newest, Store
from ingest.queries import trailing
from ingest.queries.telemetry import Columns
from ingest.rules.flood import FloodGate

# A store that stays away must not let this grow; what is dropped is made again at the next start.
_MOST_NOTED = 10_000


async def note_latest(database: Database, store: Store) -> None:
    """Write the newest values noted since; after a failure they are tried again."""
    noted, store.newest = store.newest, []
    if not noted:
        return
    try:
        async with database.telemetry() as connection:
            await trailing.upsert_latest(connection, _newest(noted))
    except BaseException:
        store.newest = noted[-_MOST_NOTED:] + store.newest
        raise


def _newest(noted: list[Newest]) -> Columns:
    """The newest of each series over many transactions, sorted by series."""
    series, start, value, decimals, flag = (
        np.concatenate([getattr(one, name) for one in noted]) for name in Newest.__struct_fields__
    )
    order = np.lexsort((start, series))
    last = order[np.append(series[order][1:] != series[order][:-1], True)]
    return {
        "series_id": series[last],
        "ts": start[last],
        "value": value[last],
        "decimals": decimals[last],
        "flag": flag[last],
    }


async def remake_latest(database: Database, series: list[int]) -> None:
    """At start: what was committed and not noted before a crash."""
    async with database.telemetry() as connection:
        await trailing.remake_latest(connection, series)


async def note_floods(database: Database, flood: FloodGate) -> None:
    """Write down the counts that changed, as differences, so that several instances add up."""
    changed = [(sender, rule, count, count.kept, count.counted) for sender, rule, count in flood.unnoted()]
    if not changed:
        return
    async with database.telemetry() as connection:
        rows = [
            (sender, flood.day, rule, kept - count.noted[0], counted - count.noted[1])
            for sender, rule, count, kept, counted in changed
        ]
        await trailing.add_floods(connection, sorted(rows))
    for _, _, count, kept, counted in changed:
        count.noted = (kept, counted)


def calm_collector() -> None:
    """Once, when everything that lives as long as the process is there: the collector need not walk it again.

    A batch makes thousands of cells and no cycles; looking through them after every 700 took a third of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
