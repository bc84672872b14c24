"""Writing what was received, on the driver's own connection inside one transaction."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from ingest.queries.binary import COLUMNS, pack, pack_raw, pack_submissions

Columns = dict[str, NDArray[np.generic]]
# value, flag, submission and row of a recorded observation
First = tuple[float | None, str, UUID, int]
INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    series_id bigint, ts timestamptz, value float8, decimals smallint, flag text, mode smallint,
    submission uuid, row_no integer
) ON COMMIT DELETE ROWS
"""
FROM_INCOMING = f"""
INSERT INTO observations ({", ".join(COLUMNS)})
SELECT {", ".join(COLUMNS)} FROM pg_temp.incoming ON CONFLICT DO NOTHING
"""  # noqa: S608
SUBMISSION = (
    "id", "channel", "principal", "dept", "region", "region_path", "uscc", "source", "device", "address",
    "mode", "received_at", "sha256", "size", "content_encoding", "idempotency_key", "outcome", "notes",
    "accepted", "repeated", "revised", "refused", "trace_id", "nonce",
)  # fmt: skip
REFUSED = ("submission", "row_no", "field", "rule", "found", "site")
REVISION = ("submission", "row_no", "series_id", "ts", "first_value", "later_value", "decimals", "flag")
FINDING = ("id", "kind", "site", "region_path", "uscc", "submission", "found_at", "detail")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    # An async generator: from a file object the driver reads in a thread pool, at twice the cost.
    yield data


async def copy_observations(connection: asyncpg.Connection, columns: Columns) -> None:
    """Plain COPY. Raises asyncpg.UniqueViolationError if any value is already recorded."""
    await connection.copy_to_table(
        "observations", source=_once(pack(columns)), columns=list(COLUMNS), format="binary"
    )


async def copy_incoming(connection: asyncpg.Connection, columns: Columns) -> None:
    """Into this transaction's temporary table; columns that are not given are nothing."""
    size = len(columns["series_id"])
    nothing: Columns = {
        "mode": np.zeros(size, np.int16),
        "submission": np.zeros(size, "V16"),
        "row_no": np.zeros(size, np.int32),
    }
    await connection.execute(INCOMING)
    await connection.copy_to_table(
        "incoming", source=_once(pack(nothing | columns)), columns=list(COLUMNS), format="binary"
    )


async def insert_new_observations(connection: asyncpg.Connection, columns: Columns) -> None:
    """The slow way: rows whose (series, ts) is taken are left out. Rows are inserted in the order given."""
    await copy_incoming(connection, columns)
    await connection.execute(FROM_INCOMING)
    await connection.execute("DELETE FROM pg_temp.incoming")


async def first_values(
    connection: asyncpg.Connection, ids: Sequence[int], instants: Sequence[datetime]
) -> dict[tuple[int, datetime], First]:
    """(value, flag, submission, row) recorded for each (series, instant)."""
    found = await connection.fetch("SELECT * FROM first_values($1, $2)", ids, instants)
    return {(row[0], row[1]): (row[2], row[3], row[4], row[5]) for row in found}


async def ensure_month(connection: asyncpg.Connection, month: datetime) -> None:
    """Make the partition for the month of this instant, if there is none."""
    await connection.execute("SELECT ensure_month($1)", month)


async def keep_submissions(
    connection: asyncpg.Connection, submissions: Sequence[tuple[Any, ...]], raw: Sequence[tuple[Any, ...]]
) -> None:
    """Submissions (`received_at` in microseconds since 1970) and their raw bytes."""
    for table, columns, data in (
        ("submissions", SUBMISSION, pack_submissions(submissions)),
        ("raw_bytes", ("submission", "encoding", "data"), pack_raw(raw)),
    ):
        await connection.copy_to_table(table, source=_once(data), columns=list(columns), format="binary")


async def copy_rows(
    connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """COPY of a few rows; nothing is sent for none."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=list(columns))
