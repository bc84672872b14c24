"""Work that trails the commits: latest values and flood counts.

Promises: nothing here is evidence; what a crash loses is made again from the observations (`remake_latest`)
or begins a new count.
"""

from kit.db import Database

from ingest.flows.store import Newest, Store
from ingest.queries import trailing
from ingest.rules.flood import FloodGate
from ingest.rules.times import moment


async def note_latest(database: Database, store: Store) -> None:
    """Write the newest values noted since; on failure they are noted again, unless something newer came."""
    newest, store.newest = store.newest, {}
    if not newest:
        return
    try:
        async with database.telemetry() as connection:
            rows = [(series, moment(new.start), *_cells(new)) for series, new in sorted(newest.items())]
            await trailing.upsert_latest(connection, rows)
    except Exception:
        for series, new in newest.items():
            known = store.newest.get(series)
            if known is None or known.start < new.start:
                store.newest[series] = new
        raise


def _cells(new: Newest) -> tuple[float | None, int, str]:
    return new.value, new.decimals, new.flag


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
