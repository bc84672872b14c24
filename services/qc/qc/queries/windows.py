"""What is known inside the windows that new values reopen.

Promises: one statement per kind of fact for a whole batch, by index. Leaves what the facts mean to
`qc.rules`.
"""

from dataclasses import dataclass

import asyncpg
import numpy as np

from qc.queries.binary import EPOCH_2000_MS, array, read
from qc.rules.frame import HOUR_MS, Columns, HourSums, Roster, keys_of
from qc.rules.outcome import Ints
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


async def load_known(connection: asyncpg.Connection, roster: Roster, windows: Windows) -> Known:
    """The rows inside the windows; `columns.series` are places in the roster, `revisions` still zero."""
    rows = await read(
        connection,
        f"SELECT w.place, k.ts, coalesce(k.value, 'NaN'), {FLAG}, "  # noqa: S608 - integers only
        "k.decimals, k.code, k.tests, k.revision "
        f"FROM unnest({array(windows.series)}, {array(roster.ids[windows.series])}, "
        f"{array(windows.start)}, {array(windows.end)}) w (place, id, a, b), LATERAL "
        "(SELECT * FROM known_values v WHERE v.series_id = w.id "
        f"AND v.ts >= {AT.format('w.a')} AND v.ts <= {AT.format('w.b')} OFFSET 0) k",
        KNOWN,
    )
    ts = rows["ts"].astype(np.int64) // 1000 + EPOCH_2000_MS
    series = rows["series"].astype(np.int64)
    order = np.argsort(keys_of(series, ts))
    column = {
        name: rows[name].astype(np.int64)[order] for name in ("flag", "decimals", "code", "tests", "revision")
    }
    return Known(
        Columns(
            series[order],
            ts[order],
            rows["value"].astype(np.float64)[order],
            column["flag"],
            np.zeros(len(order), dtype=np.int64),
        ),
        column["decimals"],
        column["code"],
        column["tests"],
        column["revision"],
    )


async def load_minute_sums(connection: asyncpg.Connection, roster: Roster, windows: Windows) -> HourSums:
    """Valid minutes already stored, per hour, for the windows of hour series that have minutes."""
    minutes = roster.minutes_of[windows.series]
    wanted = np.flatnonzero(minutes >= 0)
    if not len(wanted):
        nothing = np.zeros(0, dtype=np.int64)
        return HourSums(nothing, nothing, nothing, nothing)
    rows = await read(
        connection,
        "SELECT w.place, date_trunc('hour', k.ts) AS hour, count(*), "  # noqa: S608 - integers only
        "sum(round(k.value * 1e6)::bigint)::bigint "
        f"FROM unnest({array(minutes[wanted])}, {array(roster.ids[minutes[wanted]])}, "
        f"{array(windows.start[wanted])}, {array(windows.end[wanted] + HOUR_MS)}) w (place, id, a, b), "
        "LATERAL "
        "(SELECT v.ts, v.value FROM known_values v WHERE v.series_id = w.id AND v.code < 4 "
        f"AND v.ts >= {AT.format('w.a')} AND v.ts < {AT.format('w.b')} OFFSET 0) k GROUP BY 1, 2",
        (("series", "i8"), ("hour", "i8"), ("count", "i8"), ("micro", "i8")),
    )
    series = rows["series"].astype(np.int64)
    hour = rows["hour"].astype(np.int64) // 1000 + EPOCH_2000_MS
    order = np.argsort(keys_of(series, hour))
    return HourSums(
        series[order],
        hour[order],
        rows["count"].astype(np.int64)[order],
        rows["micro"].astype(np.int64)[order],
    )


async def load_revisions(connection: asyncpg.Connection, roster: Roster, columns: Columns) -> Ints:
    """How many different values came later, per row of `columns` (nearly always none)."""
    found = np.zeros(len(columns), dtype=np.int64)
    if not len(columns):
        return found
    rows = await read(
        connection,
        "SELECT series_id, ts, count(*) FROM known_revisions "  # noqa: S608 - integers only
        f"WHERE series_id = ANY({array(np.unique(roster.ids[columns.series]))}) "
        f"AND ts >= {AT.format(int(columns.ts.min()))} AND ts <= {AT.format(int(columns.ts.max()))} "
        "GROUP BY 1, 2",
        (("id", "i8"), ("ts", "i8"), ("count", "i8")),
    )
    places = {int(id): place for place, id in enumerate(roster.ids)} if len(rows) else {}
    for id, ts, count in zip(rows["id"], rows["ts"], rows["count"], strict=True):
        at = (columns.series == places[int(id)]) & (columns.ts == int(ts) // 1000 + EPOCH_2000_MS)
        found[at] = count
    return found
