"""Contacts of devices in PostgreSQL: written behind by every instance, judged by one at a time."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg

Row = Any
NOTE = """
INSERT INTO device_contacts (mn, heard_at, address, certificate, observed_interval, drift_seconds)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::float8[], $6::float8[])
ON CONFLICT (mn) DO UPDATE SET heard_at = greatest(device_contacts.heard_at, excluded.heard_at),
    address = excluded.address, certificate = excluded.certificate,
    observed_interval = coalesce(excluded.observed_interval, device_contacts.observed_interval),
    drift_seconds = coalesce(excluded.drift_seconds, device_contacts.drift_seconds)
"""
GREET = """
INSERT INTO device_contacts (mn, heard_at, address, greeted_at) VALUES ($1, $2, $3, now())
ON CONFLICT (mn) DO UPDATE SET greeted_at = now()
WHERE device_contacts.greeted_at IS NULL
   OR device_contacts.greeted_at < now() - make_interval(secs => $4)
RETURNING true
"""
SUSPECTS = """
SELECT * FROM device_contacts WHERE heard_at < now() - make_interval(secs => $1) OR silent_since IS NOT NULL
    OR abs(drift_seconds) > $2
"""
FINDING = (
    "INSERT INTO ingest_findings (id, kind, site, region_path, uscc, submission, found_at, detail) "
    "VALUES ($1, $2, $3, $4, $5, NULL, now(), $6)"
)


async def note(connection: asyncpg.Connection, columns: Sequence[Sequence[object]]) -> None:
    """mn, heard_at, address, certificate, observed interval, drift, as columns sorted by mn."""
    await connection.execute(NOTE, *columns)


async def suspects(connection: asyncpg.Connection, seconds: int, drift: int) -> list[Row]:
    """Those not heard for `seconds`, those who were silent, those whose clock is `drift` seconds wrong."""
    return list(await connection.fetch(SUSPECTS, float(seconds), float(drift)))


async def is_mine(connection: asyncpg.Connection, what: str) -> bool:
    """Whether this transaction is the one that does this work now."""
    found: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock(hashtext($1), 0)", what)
    return found


async def is_to_greet(
    connection: asyncpg.Connection, mn: str, contact: tuple[datetime, str], period_seconds: int
) -> bool:
    """True once in a period: whoever is told so has the greeting to do."""
    return bool(await connection.fetchval(GREET, mn, *contact, float(period_seconds)))


async def has_open(connection: asyncpg.Connection, mn: str, name: str) -> bool:
    """Whether such a command waits or is under way."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM commands WHERE mn = $1 AND name = $2 "
        "AND state IN ('requested', 'sent', 'accepted', 'executing'))",
        mn,
        name,
    )
    return found


async def silence(connection: asyncpg.Connection, mn: str, since: datetime | None) -> None:
    """The device fell silent then, or (None) was heard again."""
    await connection.execute(
        "UPDATE device_contacts SET silent_since = $2, alarmed_at = NULL WHERE mn = $1", mn, since
    )


async def alarm(connection: asyncpg.Connection, mn: str) -> None:
    await connection.execute("UPDATE device_contacts SET alarmed_at = now() WHERE mn = $1", mn)


async def drifted(connection: asyncpg.Connection, mn: str, day: date) -> None:
    """The wrong clock was found on that day; once a day is enough."""
    await connection.execute("UPDATE device_contacts SET drift_found_on = $2 WHERE mn = $1", mn, day)


async def find(connection: asyncpg.Connection, cells: Sequence[object]) -> None:
    """A finding without a submission: id, kind, site, region path, uscc, detail as JSON."""
    await connection.execute(FINDING, *cells)


async def is_key_unit(connection: asyncpg.Connection, uscc: str | None, year: int) -> bool:
    """Whether the list of that year names the unit, in any category that it has not left."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM registry_records WHERE kind = 'key-units' AND uscc = $1 "
        "AND (body ->> 'year')::int = $2 AND body ->> 'left_for' IS NULL)",
        uscc,
        year,
    )
    return found
