"""What is known inside the windows that new values reopen.

Promises: one statement per kind of fact for a whole batch, by index. Leaves what the facts mean to
`qc.rules`.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from qc.queries.binary import EPOCH_2000_MS, array, read
from qc.rules.frame import HOUR_MS, LARGEST, TS_BITS, Columns, HourSums, Roster, find, keys_of
from qc.rules.outcome import Ints, distinct
from qc.rules.windows import Windows

KNOWN = (
    ("series", "i8"),
    ("ts", "i8"),
    ("value", "f8"),
    ("flag", "i4"),
    ("decimals", "i2"),
    ("code", "i2"),
    ("tests", "i8"),
    ("revision", "i4"),
)
SUMS = tuple((name, "i8") for name in ("series", "hour", "count", "micro", "low", "high"))
FLAG = "CASE length(k.flag) WHEN 0 THEN 0 WHEN 1 THEN ascii(k.flag) ELSE -1 END"
AT = "timestamptz 'epoch' + {} * interval '1 millisecond'"


@dataclass(frozen=True, slots=True)
class Known:
    """Rows already stored, sorted by (series, ts), with the verdict they have now."""

    columns: Columns
    decimals: Ints
    code: Ints
    tests: Ints
    revision: Ints


async def load_known(
    connection: asyncpg.Connection, roster: Roster, windows: Windows
) -> tuple[Known, "Facts"]:
    """The rows inside the windows, and the facts about instants between their ends, in one round trip.

    `columns.series` are places in the roster, `revisions` still zero (see `with_revisions`).
    """
    rows = await read(connection, _known_query(roster, windows) + _facts_query(roster, windows), KNOWN)
    # A fact names the series itself, and in `code` what it is: facts are few, so they share the columns.
    is_fact = rows["code"] < 0
    facts = _facts(rows[is_fact], roster) if is_fact.any() else NO_FACTS
    rows = rows[~is_fact]
    ts = rows["ts"].astype(np.int64) // 1000 + EPOCH_2000_MS
    series = rows["series"].astype(np.int64)
    order = np.argsort(keys_of(series, ts))
    column = {
        name: rows[name].astype(np.int64)[order] for name in ("flag", "decimals", "code", "tests", "revision")
    }
    columns = Columns(
        series[order],
        ts[order],
        rows["value"].astype(np.float64)[order],
        column["flag"],
        np.zeros(len(order), dtype=np.int64),
    )
    known = Known(columns, column["decimals"], column["code"], column["tests"], column["revision"])
    return known, facts


def _known_query(roster: Roster, windows: Windows) -> str:
    return (
        f"SELECT w.place, k.ts, coalesce(k.value, 'NaN'), {FLAG}, "  # noqa: S608 - integers only
        "k.decimals, k.code, k.tests, k.revision "
        f"FROM unnest({array(windows.series)}, {array(roster.ids[windows.series])}, "
        f"{array(windows.start)}, {array(windows.end)}) w (place, id, a, b), LATERAL "
        "(SELECT * FROM known_values v WHERE v.series_id = w.id "
        f"AND v.ts >= {AT.format('w.a')} AND v.ts <= {AT.format('w.b')} OFFSET 0) k"
    )


async def known_hours(connection: asyncpg.Connection, roster: Roster, keys: Ints) -> Ints:
    """Those of the keys (see `hours_of`) for which a value is stored."""
    if not len(keys):
        return keys
    series, ts = keys >> TS_BITS, keys & ((1 << TS_BITS) - 1)
    rows = await read(
        connection,
        f"SELECT w.key FROM unnest({array(keys)}, {array(roster.ids[series])}, {array(ts)}) w (key, id, ms) "  # noqa: S608 - integers only
        f"JOIN known_values v ON v.series_id = w.id AND v.ts = {AT.format('w.ms')}",
        (("key", "i8"),),
    )
    return rows["key"].astype(np.int64)


async def load_minute_sums(
    connection: asyncpg.Connection, roster: Roster, windows: Windows, reach_ms: int
) -> HourSums:
    """Valid minutes already stored, per hour, for hour series that have minutes.

    Wanted are the hours whose verdict may change and those up to `reach_ms` beside them.
    """
    minutes = roster.minutes_of[windows.series]
    wanted = np.flatnonzero(minutes >= 0)
    if not len(wanted):
        nothing = np.zeros(0, dtype=np.int64)
        return HourSums(nothing, nothing, nothing, nothing, nothing, nothing)
    rows = await read(
        connection,
        "SELECT w.place, date_trunc('hour', k.ts) AS hour, count(*), "  # noqa: S608 - integers only
        "sum(k.micro)::bigint, min(k.micro), max(k.micro) "
        f"FROM unnest({array(minutes[wanted])}, {array(roster.ids[minutes[wanted]])}, "
        f"{array(windows.judged_from[wanted] - reach_ms)}, "
        f"{array(windows.judged_to[wanted] + reach_ms + HOUR_MS)}) w (place, id, a, b), "
        "LATERAL "
        "(SELECT v.ts, round(v.value * 1e6)::bigint AS micro FROM known_values v "
        f"WHERE v.series_id = w.id AND v.code < 4 AND abs(v.value) < {LARGEST} "
        f"AND v.ts >= {AT.format('w.a')} AND v.ts < {AT.format('w.b')} OFFSET 0) k GROUP BY 1, 2",
        SUMS,
    )
    series = rows["series"].astype(np.int64)
    hour = rows["hour"].astype(np.int64) // 1000 + EPOCH_2000_MS
    order = np.argsort(keys_of(series, hour))
    return HourSums(
        series[order],
        hour[order],
        *(rows[name].astype(np.int64)[order] for name in ("count", "micro", "low", "high")),
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What else is known of instants, by key: how many revisions, and periods noticed as overdue."""

    revised: Ints
    revisions: Ints
    overdue: Ints


_NOTHING = np.zeros(0, dtype=np.int64)
NO_FACTS = Facts(_NOTHING, _NOTHING, _NOTHING)
REVISED, OVERDUE = -1, -2


def _facts_query(roster: Roster, windows: Windows) -> str:
    """The facts between the first and the last instant of the windows (nearly always none)."""
    if not len(windows.series):
        return ""
    where = (
        f"series_id = ANY({array(distinct(roster.ids[windows.series]))}) "
        f"AND ts >= {AT.format(int(windows.start.min()))} AND ts <= {AT.format(int(windows.end.max()))}"
    )
    row = "SELECT series_id, ts, 0::float8, 0, 0::smallint, ({})::smallint, {}, 0 FROM"
    return (
        f" UNION ALL {row.format(REVISED, 'count(*)')} known_revisions WHERE {where} GROUP BY 1, 2"
        f" UNION ALL {row.format(OVERDUE, '0::bigint')} overdue_periods WHERE {where} AND arrived_at IS NULL"
    )


def _facts(rows: NDArray[Any], roster: Roster) -> Facts:
    ts = rows["ts"].astype(np.int64) // 1000 + EPOCH_2000_MS
    keys = keys_of(np.searchsorted(roster.ids, rows["series"].astype(np.int64)), ts)
    is_revised = rows["code"] == REVISED
    return Facts(keys[is_revised], rows["tests"].astype(np.int64)[is_revised], keys[~is_revised])


def with_revisions(columns: Columns, facts: Facts) -> Columns:
    """The same rows, each with the number of its revisions."""
    revisions = np.zeros(len(columns), dtype=np.int64)
    if len(facts.revised):
        places, found = find(columns.keys, facts.revised)
        revisions[places[found]] = facts.revisions[found]
    return Columns(columns.series, columns.ts, columns.value, columns.flag, revisions)
