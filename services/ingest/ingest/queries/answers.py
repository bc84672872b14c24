"""Answers remembered for Idempotency-Keys, and the platforms a submission passed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

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


async def remember_hops(connection: asyncpg.Connection, submission: UUID, path: Sequence[str]) -> None:
    """Keep which platforms the submission passed, in order."""
    await connection.execute(
        "INSERT INTO submission_hops (submission, path) VALUES ($1, $2)", submission, list(path)
    )
