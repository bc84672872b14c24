"""A device's password while it changes: old and new, until it is known which it uses. Its keys, too."""

from uuid import UUID

import asyncpg

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ingest.registry'), 0)"
_SAID = (
    "INSERT INTO registry_changes (kind, code, changed_at, changed_by, before, after) "
    "VALUES ('device_passwords', $1, now(), $2, NULL, jsonb_build_object('password', $3::text))"
)


async def _say(connection: asyncpg.Connection, mn: str, command: UUID, what: str) -> None:
    """Instances load the register again when its number grows."""
    await connection.execute(_SAID, mn, f"command {command}", what)


async def expect(connection: asyncpg.Connection, mn: str, command: UUID, sha256: bytes) -> None:
    """From now on the device may use either."""
    await connection.execute(_LOCK)
    await connection.execute(
        "INSERT INTO pending_passwords (mn, command, password_sha256, is_overdue) VALUES ($1, $2, $3, false) "
        "ON CONFLICT (mn) DO UPDATE SET command = $2, password_sha256 = $3, is_overdue = false",
        mn,
        command,
        sha256,
    )
    await _say(connection, mn, command, "expected")


async def add_key(connection: asyncpg.Connection, mn: str, command: UUID, key: bytes) -> None:
    """From now on the device may encrypt with it; older keys go on opening what they closed."""
    await connection.execute(_LOCK)
    known = await connection.fetchval(
        "SELECT key FROM device_keys WHERE mn = $1 ORDER BY since DESC LIMIT 1", mn
    )
    if known != key:
        await connection.execute("INSERT INTO device_keys (mn, since, key) VALUES ($1, now(), $2)", mn, key)
        await _say(connection, mn, command, "key told")


async def confirm(connection: asyncpg.Connection, mn: str) -> UUID | None:
    """The device uses the new one. The command that told it so; None if nothing was pending."""
    await connection.execute(_LOCK)
    row = await connection.fetchrow(
        "DELETE FROM pending_passwords WHERE mn = $1 RETURNING command, password_sha256", mn
    )
    if row is None:
        return None
    await connection.execute("UPDATE devices SET password_sha256 = $2 WHERE mn = $1", mn, row[1])
    await _say(connection, mn, row[0], "changed")
    return UUID(str(row[0]))


async def drop(connection: asyncpg.Connection, mn: str) -> UUID | None:
    """The device kept the old one."""
    await connection.execute(_LOCK)
    command = await connection.fetchval("DELETE FROM pending_passwords WHERE mn = $1 RETURNING command", mn)
    if command is None:
        return None
    await _say(connection, mn, command, "kept")
    return UUID(str(command))


async def leave_open(connection: asyncpg.Connection, mn: str) -> None:
    """The command ended without an answer: what the device uses next decides."""
    await connection.execute(_LOCK)
    command = await connection.fetchval(
        "UPDATE pending_passwords SET is_overdue = true WHERE mn = $1 RETURNING command", mn
    )
    if command is not None:
        await _say(connection, mn, command, "unknown")
