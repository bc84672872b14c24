"""One submission with its raw bytes, what is said of it and, if they are few, its values: in one statement.

Promises: the same rows as COPY writes for many submissions. Every statement is a round trip, and on a busy
machine waiting for those is nearly all that a small batch costs. Leaves order and duplicates to `flows`.
"""

from collections.abc import Iterable
from typing import Any

import asyncpg
import numpy as np
from kit import outbox

from ingest.queries.binary import COLUMNS
from ingest.queries.telemetry import SUBMISSION, Columns
from ingest.rules.times import moment

# Beyond these COPY is cheaper than arrays.
FEW = 64
# $1 … $7 are the outbox's.
_ID = 8
_RAW = _ID + len(SUBMISSION)
_ARRAYS = ("bigint", "timestamptz", "float8", "smallint", "text", "smallint", "integer")
_GIVEN = tuple(name for name in COLUMNS if name != "submission")
KEPT = f"""
kept AS (
    INSERT INTO submissions ({", ".join(SUBMISSION)})
    VALUES ({", ".join(f"${number}" for number in range(_ID, _RAW))})
), bytes AS (
    INSERT INTO raw_bytes (submission, encoding, data) VALUES (${_ID}, ${_RAW}, ${_RAW + 1})
)
"""  # noqa: S608
KEPT_WITH_VALUES = f"""{KEPT.rstrip()}, first AS (
    INSERT INTO observations (submission, {", ".join(_GIVEN)})
    SELECT ${_ID}::uuid, {", ".join(_GIVEN)}
    FROM unnest({", ".join(f"${_RAW + 2 + at}::{kind}[]" for at, kind in enumerate(_ARRAYS))})
        AS r ({", ".join(_GIVEN)})
)
"""  # noqa: S608


async def keep_one(
    connection: asyncpg.Connection,
    said: Iterable[outbox.Said],
    submission: tuple[Any, ...],
    raw: tuple[Any, ...],
    values: Columns | None = None,
) -> None:
    """Write it all. Raises asyncpg.UniqueViolationError if any of the `values` is already recorded.

    `submission` and `raw` are as for `telemetry.keep_submissions`.
    """
    cells = list(submission)
    cells[SUBMISSION.index("received_at")] = moment(cells[SUBMISSION.index("received_at")])
    if values is None:
        await outbox.put_many(connection, said, KEPT, *cells, *raw[1:])
    else:
        await outbox.put_many(connection, said, KEPT_WITH_VALUES, *cells, *raw[1:], *_lists(values))


def _lists(values: Columns) -> list[list[Any]]:
    lists: dict[str, list[Any]] = {name: values[name].tolist() for name in _GIVEN}
    if np.isnan(values["value"]).any():
        lists["value"] = [None if number != number else number for number in lists["value"]]
    lists["ts"] = [moment(at) for at in lists["ts"]]
    lists["flag"] = [flag.decode() for flag in lists["flag"]]
    return list(lists.values())
