"""PostgreSQL's binary COPY as numpy columns, both ways: no Python object per value.

Promises: fixed-width, non-null columns only when reading; when writing, one group of rows per shape. Leaves
SQL to its neighbours; works inside the transaction of the given session.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# Binary timestamptz counts microseconds since 2000-01-01 UTC.
EPOCH_2000_MS = 946_684_800_000


async def driver(session: AsyncSession) -> asyncpg.Connection:
    """The driver's connection of the session, inside its transaction."""
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert connection is not None
    if not connection.is_in_transaction():
        # SQLAlchemy begins with its first statement; what goes past it before would commit at once.
        await session.execute(text("SELECT 1"))
    return connection


def stamps(ts_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """UTC milliseconds → binary timestamptz."""
    return (ts_ms - EPOCH_2000_MS) * 1000


def array(numbers: NDArray[np.int64]) -> str:
    """A bigint[] literal; integers only, so there is nothing to quote."""
    return "'{" + ",".join(map(str, numbers.tolist())) + "}'::bigint[]"


async def read(
    connection: asyncpg.Connection, query: str, columns: Sequence[tuple[str, str]]
) -> NDArray[Any]:
    """Run a query of fixed-width, non-null columns. `columns` are (name, numpy type), e.g. ("ts", "i8")."""
    parts: list[bytes] = []

    async def collect(data: bytes) -> None:
        parts.append(data)

    await connection.copy_from_query(query, output=collect, format="binary")
    raw = b"".join(parts)
    layout: list[tuple[str, str]] = [("_n", ">i2")]
    for name, kind in columns:
        layout += [(f"_{name}", ">i4"), (name, f">{kind}")]
    return np.frombuffer(raw[len(HEADER) : -len(TRAILER)], dtype=np.dtype(layout))


def pack(columns: Sequence[NDArray[Any] | bytes | None]) -> bytes:
    """Rows of COPY. A column is an array (one value per row), bytes (the same for every row), or None (NULL).

    Worked example: pack([array([7], ">i8"), None]) → one row of two fields, 7 and NULL.
    """
    count = next(len(column) for column in columns if isinstance(column, np.ndarray))
    layout: list[tuple[str, Any]] = [("n", ">i2")]
    for place, column in enumerate(columns):
        layout.append((f"l{place}", ">i4"))
        if isinstance(column, np.ndarray):
            layout.append((f"v{place}", column.dtype.newbyteorder(">")))
        elif column:
            layout.append((f"v{place}", f"V{len(column)}"))
    rows = np.zeros(count, dtype=np.dtype(layout))
    rows["n"] = len(columns)
    for place, column in enumerate(columns):
        if isinstance(column, np.ndarray):
            rows[f"l{place}"] = column.dtype.itemsize
            rows[f"v{place}"] = column
        elif column is None:
            rows[f"l{place}"] = -1
        else:
            rows[f"l{place}"] = len(column)
            if column:
                rows[f"v{place}"] = np.void(column)
    return rows.tobytes()


async def write(
    connection: asyncpg.Connection, table: str, columns: Sequence[str], groups: Sequence[bytes]
) -> None:
    """COPY packed groups of rows into a table."""

    async def source() -> AsyncIterator[bytes]:
        yield HEADER
        for group in groups:
            yield group
        yield TRAILER

    await connection.copy_to_table(table, source=source(), columns=list(columns), format="binary")
