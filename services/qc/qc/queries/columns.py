"""Stretches of series as columns: values with verdicts, and how many minutes of an hour are good.

Promises: one statement for a whole stretch, by index, no Python object per value. Leaves what the columns
mean to `qc.rules`.
"""

from collections.abc import Sequence

import asyncpg
import numpy as np

from qc.queries.binary import EPOCH_2000_MS, array, read
from qc.queries.windows import AT, FLAG
from qc.rules.outcome import Ints
from qc.rules.validity.rows import Rows

COLUMNS = (("place", "i8"), ("ts", "i8"), ("value", "f8"), ("flag", "i4"), ("code", "i2"))


async def stretches(
    connection: asyncpg.Connection, ids: Sequence[int], start_ms: int, end_ms: int
) -> dict[int, Rows]:
    """The rows of each series in [start, end), by its number; a series without rows has an empty stretch."""
    if not ids:
        return {}
    wanted = np.array(sorted(set(ids)), dtype=np.int64)
    rows = await read(
        connection,
        f"SELECT k.series_id, k.ts, coalesce(k.value, 'NaN'), {FLAG}, k.code FROM known_values k "  # noqa: S608 - integers only
        f"WHERE k.series_id = ANY({array(wanted)}) AND k.ts >= {AT.format(start_ms)} "
        f"AND k.ts < {AT.format(end_ms)} ORDER BY 1, 2",
        COLUMNS,
    )
    place = rows["place"].astype(np.int64)
    found = {}
    for id in wanted.tolist():
        own = rows[place == id]
        found[id] = Rows(
            own["ts"].astype(np.int64) // 1000 + EPOCH_2000_MS,
            own["value"].astype(np.float64),
            own["flag"].astype(np.int64),
            own["code"].astype(np.int64),
        )
    return found


async def good_minutes(
    connection: asyncpg.Connection, id: int, start_ms: int, end_ms: int
) -> tuple[Ints, Ints]:
    """The hours in [start, end) of which minutes are known (UTC milliseconds), and how many of them are
    good.
    """
    rows = await read(
        connection,
        "SELECT date_trunc('hour', k.ts), count(*) FILTER (WHERE k.code < 4 AND k.value IS NOT NULL) "  # noqa: S608 - integers only
        f"FROM known_values k WHERE k.series_id = {int(id)} AND k.ts >= {AT.format(start_ms)} "
        f"AND k.ts < {AT.format(end_ms)} GROUP BY 1 ORDER BY 1",
        (("hour", "i8"), ("count", "i8")),
    )
    return rows["hour"].astype(np.int64) // 1000 + EPOCH_2000_MS, rows["count"].astype(np.int64)


async def known_span(connection: asyncpg.Connection, id: int) -> tuple[int, int] | None:
    """The instants of the first and the last row of a series (UTC milliseconds), None if it has none."""
    row = await connection.fetchrow("SELECT min(ts) a, max(ts) b FROM known_values WHERE series_id = $1", id)
    if row is None or row["a"] is None:
        return None
    return round(row["a"].timestamp() * 1000), round(row["b"].timestamp() * 1000)
