"""The series this service knows, read by site, and what of it is remembered between batches.

Promises: memory is only trusted where its number equals the row's, so another instance, a rollback or a
changed register cannot mislead. Leaves the register itself to `ingest`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import msgspec
from contracts.ingest import SeriesRef

from qc.rules.frame import Roster, roster_of
from qc.rules.pack import RulePack

ROSTERS = 512
SHARED = -1

# Three questions, one round trip: each costs more than its rows.
KNOWN = """
    SELECT series_id, known_no, NULL::smallint AS pack_no FROM known_series WHERE site = ANY($1)
    UNION ALL SELECT NULL, NULL, pack_no FROM rule_packs WHERE version = $2
    UNION ALL SELECT NULL, NULL, -1 WHERE EXISTS (SELECT FROM point_sites WHERE site = ANY($1))
"""
UPSERT = """
    INSERT INTO known_series (series_id, site, region, uscc, period, descriptor, live_since) SELECT * FROM
    unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::timestamptz[]) ON
    CONFLICT (series_id) DO UPDATE SET site = excluded.site, region = excluded.region, uscc = excluded.uscc,
    period = excluded.period, descriptor = excluded.descriptor, known_no = DEFAULT, live_since =
    coalesce(known_series.live_since, excluded.live_since) RETURNING series_id, known_no, live_since IS NOT
    NULL AS is_live
"""


@dataclass(slots=True)
class Remembered:
    """One series as last read. `known_no` is the number its row had then."""

    known_no: int
    ref: SeriesRef
    is_live: bool


@dataclass(slots=True)
class Directory:
    """The memory of one process: series id → what was last read of it, and the rosters made of it.

    A roster is remembered under the numbers of its series' rows, so it can never be an old one. `shared` are
    sites of which the last batch found that they, or one beside them, share their point with other sites.
    """

    series: dict[int, Remembered] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    rosters: dict[tuple[str, tuple[int, ...]], Roster] = field(default_factory=dict)


async def know(
    connection: asyncpg.Connection,
    directory: Directory,
    told: Iterable[SeriesRef],
    live: frozenset[int],
    now: datetime,
    version: str,
) -> tuple[list[int], int | None]:
    """Keep what the event says of its series; the ids of all series of their sites, ascending, and the number
    of the rule pack of this `version`, if it is kept here already.

    `live` are the ids of series that have just sent a live value: from now on their silence is noticed.
    """
    refs = {ref.id: ref for ref in told}
    sites = sorted({ref.site for ref in refs.values()})
    rows = await connection.fetch(KNOWN, sites, version)
    is_shared = any(row[0] is None and row[2] == SHARED for row in rows)
    directory.shared = directory.shared.union(sites) if is_shared else directory.shared.difference(sites)
    current = {row[0]: row[1] for row in rows if row[0] is not None}
    pack_no = next((row[2] for row in rows if row[0] is None and row[2] != SHARED), None)
    stale = [
        id for id, number in current.items()
        if id not in directory.series or directory.series[id].known_no != number
    ]  # fmt: skip
    if stale:
        await _read(connection, directory, stale)
    changed = [ref for ref in refs.values() if _is_news(directory, current, ref, live)]
    if changed:
        await _keep(connection, directory, changed, live, now)
    return sorted(current.keys() | refs.keys()), pack_no


def roster(directory: Directory, ids: list[int], pack: RulePack) -> Roster:
    """The roster of these known series."""
    key = (pack.version, tuple([directory.series[id].known_no for id in ids]))
    made = directory.rosters.get(key)
    if made is None:
        if len(directory.rosters) >= ROSTERS:
            directory.rosters.clear()
        made = directory.rosters[key] = roster_of([directory.series[id].ref for id in ids], pack)
    return made


def _is_news(directory: Directory, current: dict[int, int], ref: SeriesRef, live: frozenset[int]) -> bool:
    if ref.id not in current:
        return True
    known = directory.series[ref.id]
    return (known.ref is not ref and known.ref != ref) or (ref.id in live and not known.is_live)


async def _read(connection: asyncpg.Connection, directory: Directory, ids: list[int]) -> None:
    for row in await connection.fetch(
        "SELECT series_id, known_no, descriptor::text, live_since IS NOT NULL AS is_live "
        "FROM known_series WHERE series_id = ANY($1)",
        ids,
    ):
        ref = msgspec.json.decode(row["descriptor"], type=SeriesRef)
        directory.series[ref.id] = Remembered(row["known_no"], ref, row["is_live"])


async def _keep(
    connection: asyncpg.Connection,
    directory: Directory,
    refs: list[SeriesRef],
    live: frozenset[int],
    now: datetime,
) -> None:
    by_id = {ref.id: ref for ref in refs}
    for row in await connection.fetch(
        UPSERT,
        list(by_id),
        [ref.site for ref in refs],
        [ref.region for ref in refs],
        [ref.uscc for ref in refs],
        [ref.period for ref in refs],
        [msgspec.json.encode(ref).decode() for ref in refs],
        [now if ref.id in live else None for ref in refs],
    ):
        directory.series[row["series_id"]] = Remembered(
            row["known_no"], by_id[row["series_id"]], row["is_live"]
        )
