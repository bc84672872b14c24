"""What loggers say of themselves, their identities, and the packets of their messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

INFORMATION = (
    "submission", "row_no", "mn", "command", "subject", "code", "value", "said_at", "received_at",
)  # fmt: skip
IDENTITY = ("mn", "part", "submission", "value", "since")
NEWEST = """
SELECT DISTINCT ON (mn, part) mn, part, value FROM device_identities WHERE mn = ANY ($1)
ORDER BY mn, part, submission DESC
"""
# (mn, command, data_time, pnum, seen, received_at, submission, site, region_path, uscc)
Packets = tuple[str, str, datetime, int, list[int], datetime, UUID, str, list[str], str | None]
# A message that was given up and comes complete after all is complete; its finding stays.
MERGE = """
INSERT INTO packet_groups AS known
    (mn, command, data_time, pnum, seen, state, first_at, last_at, submission, site, region_path, uscc)
VALUES ($1, $2, $3, $4, $5,
        CASE WHEN cardinality($5::smallint[]) = $4::smallint THEN 'complete' ELSE 'open' END,
        $6, $6, $7, $8, $9, $10)
ON CONFLICT (mn, command, data_time, pnum) DO UPDATE SET
    seen = ARRAY(SELECT DISTINCT unnest(known.seen || excluded.seen) ORDER BY 1),
    last_at = greatest(known.last_at, excluded.last_at),
    state = CASE WHEN (SELECT count(DISTINCT n) FROM unnest(known.seen || excluded.seen) AS n) = known.pnum
        THEN 'complete' ELSE known.state END
"""
GIVE_UP = """
UPDATE packet_groups SET state = 'incomplete' WHERE (mn, command, data_time, pnum) IN (
    SELECT mn, command, data_time, pnum FROM packet_groups WHERE state = 'open' AND last_at < $1
    ORDER BY last_at LIMIT 1000 FOR UPDATE SKIP LOCKED
) RETURNING mn, command, data_time, pnum, seen, submission, site, region_path, uscc
"""


async def newest_identities(connection: asyncpg.Connection, mns: Sequence[str]) -> dict[str, dict[str, str]]:
    """The last value of each part, by MN."""
    found: dict[str, dict[str, str]] = {mn: {} for mn in mns}
    for row in await connection.fetch(NEWEST, mns):
        found[row["mn"]][row["part"]] = row["value"]
    return found


async def merge_packets(connection: asyncpg.Connection, rows: Sequence[Packets]) -> None:
    """Note packets that came. Rows sorted by key, so that writers queue in one order."""
    await connection.executemany(MERGE, rows)


async def give_up(connection: asyncpg.Connection, before: datetime) -> list[dict[str, Any]]:
    """Close open messages of which nothing came since `before`; at most a thousand at a time."""
    return [dict(row) for row in await connection.fetch(GIVE_UP, before)]
