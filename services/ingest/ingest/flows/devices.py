"""What is kept of loggers beside their values: statements, identities, packets of a message.

Promises: written in the transaction of the frame that said it; an address, a certificate or a hardware number
that changed is a finding with before and after. Leaves what a statement is to `rules.device_facts`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import asyncpg
import msgspec
from kit.db import Database
from uuid_utils.compat import uuid7

from ingest.flows.parcels import Finding, Packet, Parcel
from ingest.queries import devices as queries
from ingest.queries import telemetry
from ingest.rules.device_facts import Fact
from ingest.rules.limits import limits_on
from ingest.rules.times import CHINA, moment

# What the connection tells; anything else is the number of an instrument.
PARTS = frozenset({"address", "certificate"})
Identities = dict[str, dict[str, str]]


async def load_identities(database: Database, mns: Sequence[str]) -> Identities:
    """Who these devices were when last heard."""
    async with database.telemetry() as connection:
        return await queries.newest_identities(connection, mns)


def note_identity(
    parcel: Parcel, known: Mapping[str, str], told: Mapping[str, str], keeps: Callable[[str], bool]
) -> dict[str, str]:
    """Let the parcel carry what is new of its device; returns what changed.

    A first value is noted; a changed one is noted and a finding, as far as the flood rule `keeps` its kind.
    """
    changed = {part: value for part, value in told.items() if known.get(part) != value}
    for part, value in changed.items():
        before = known.get(part)
        kind = f"{part}-changed" if part in PARTS else "serial-changed"
        if before is not None and not keeps(kind):
            continue
        parcel.identities.append((part, value))
        if before is not None:
            detail = {"device": parcel.device, "part": part, "before": before, "after": value}
            parcel.findings.append(Finding(kind, parcel.site, parcel.region_path, parcel.uscc, detail))
    return changed


def note_facts(parcel: Parcel, command: str, facts: Sequence[Fact], said_at: int | None) -> None:
    """Let the parcel carry statements of its device."""
    when = moment(said_at) if said_at is not None and said_at >= 0 else None
    parcel.information += [(command, when, fact) for fact in facts]


async def write_device_facts(connection: asyncpg.Connection, parcels: Sequence[Parcel]) -> None:
    """Everything the parcels say of their devices."""
    information = [
        (parcel.id, fact.row, parcel.device, command, fact.subject, fact.code, fact.value, when,
         parcel.received_at)
        for parcel in parcels
        for command, when, fact in parcel.information
    ]  # fmt: skip
    await telemetry.copy_rows(connection, "device_information", queries.INFORMATION, information)
    identities = [
        (parcel.device, part, parcel.id, value, parcel.received_at)
        for parcel in parcels
        for part, value in parcel.identities
    ]
    await telemetry.copy_rows(connection, "device_identities", queries.IDENTITY, identities)
    packets = _merged([(parcel, parcel.packet) for parcel in parcels if parcel.packet is not None])
    if packets:
        await queries.merge_packets(connection, packets)


def _merged(packets: Sequence[tuple[Parcel, Packet]]) -> list[queries.Packets]:
    """One row per message, by key."""
    groups: dict[tuple[str, str, datetime, int], tuple[Parcel, set[int]]] = {}
    for parcel, packet in packets:
        key = (parcel.device or "", packet.command, moment(packet.data_time), packet.pnum)
        groups.setdefault(key, (parcel, set()))[1].add(packet.pno)
    return [
        (*key, sorted(seen), parcel.received_at, parcel.id, parcel.site or "", list(parcel.region_path),
         parcel.uscc)
        for key, (parcel, seen) in sorted(groups.items(), key=lambda item: item[0])
    ]  # fmt: skip


async def give_up_packets(database: Database, now: datetime) -> int:
    """Messages whose packets stopped coming become findings; how many."""
    limits = limits_on(now.astimezone(CHINA).date())
    before = now - timedelta(seconds=limits.packet_timeout_seconds)
    async with database.telemetry() as connection:
        lost = await queries.give_up(connection, before)
        rows = [_missing(row, now) for row in lost]
        await telemetry.copy_rows(connection, "ingest_findings", telemetry.FINDING, rows)
    return len(lost)


def _missing(row: Mapping[str, object], now: datetime) -> tuple[object, ...]:
    seen, pnum, when = row["seen"], row["pnum"], row["data_time"]
    assert isinstance(seen, list) and isinstance(pnum, int) and isinstance(when, datetime)
    missing = [number for number in range(1, pnum + 1) if number not in seen]
    detail = {
        "device": row["mn"],
        "command": row["command"],
        "data_time": when.isoformat(),
        "packets": pnum,
        "missing": missing[:100],
    }
    encoded = msgspec.json.encode(detail).decode()
    place = (row["site"], row["region_path"], row["uscc"])
    return (uuid7(), "packets-missing", *place, row["submission"], now, encoded)
