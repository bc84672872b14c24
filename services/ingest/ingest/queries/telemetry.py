"""Writing what was received, on the driver's own connection inside one transaction."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from ingest.queries.binary import COLUMNS, pack

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
KEEP_ONE = f"""
WITH kept AS (
    INSERT INTO submissions ({", ".join(SUBMISSION)})
    VALUES ({", ".join(f"${at}" for at in range(1, len(SUBMISSION) + 1))})
)
INSERT INTO raw_bytes (submission, encoding, data) VALUES ($1, ${len(SUBMISSION) + 1}, ${len(SUBMISSION) + 2})
"""  # noqa: S608
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


async def insert_new_observations(connection: asyncpg.Connection, columns: Columns) -> None:
    """The slow way: rows whose (series, ts) is taken are left out. Rows are inserted in the order given."""
    await connection.execute(INCOMING)
    await connection.copy_to_table(
        "incoming", source=_once(pack(columns)), columns=list(COLUMNS), format="binary"
    )
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
    """Submissions and their raw bytes: one statement for one, COPY for many."""
    if len(submissions) == 1:
        await connection.execute(KEEP_ONE, *submissions[0], *raw[0][1:])
    else:
        await copy_rows(connection, "submissions", SUBMISSION, submissions)
        await copy_rows(connection, "raw_bytes", ("submission", "encoding", "data"), raw)


async def copy_rows(
    connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """COPY of a few rows; nothing is sent for none."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=list(columns))
