"""Answers remembered for Idempotency-Keys."""

from datetime import datetime

import asyncpg


async def find(connection: asyncpg.Connection, sender: str, key: str) -> tuple[bytes, bytes] | None:
    """(sha256 of the body, answer) of this sender's key."""
    row = await connection.fetchrow(
        "SELECT sha256, answer FROM idempotent_answers WHERE sender = $1 AND key = $2", sender, key
    )
    return (row[0], row[1]) if row else None


async def remember(
    connection: asyncpg.Connection, sender: str, key: str, sha256: bytes, answer: bytes, now: datetime
) -> bool:
    """Keep an answer; False if the key is taken (waits for a transaction that is about to take it)."""
    done: str = await connection.execute(
        "INSERT INTO idempotent_answers (sender, key, sha256, answer, answered_at) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        sender,
        key,
        sha256,
        answer,
        now,
    )
    return done.endswith(" 1")
