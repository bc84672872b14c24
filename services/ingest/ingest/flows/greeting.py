"""What a device is told without being asked by a person: its clock, and the settings of first contact.

Promises: a greeting happens once in a period (dated), however often the device reconnects; what a broken
connection left over is sent on the next one. Leaves whether at all to the device's manners.
"""

from collections.abc import Iterator
from datetime import datetime

import asyncpg

from ingest.flows.commands import Wanted, make, terms_now
from ingest.queries import watch
from ingest.rules.commands import catalogue
from ingest.rules.registry import NO_MANNERS, Manners, Registry
from ingest.rules.terms import Terms

PLATFORM = "platform ingest"


def first_contact(manners: Manners, terms: Terms) -> Iterator[tuple[str, dict[str, str]]]:
    """The sequence of HJ 212-2017 §6.7; what the device's manners leave open is not touched."""
    yield "set-time", {}
    resends = terms.resends if manners.resends is None else manners.resends
    seconds = manners.answer_seconds or terms.answer_seconds
    yield "set-timeouts", {"OverTime": str(seconds), "ReCount": str(max(1, resends))}
    if manners.realtime_interval is not None:
        yield "set-interval", {"RtdInterval": str(manners.realtime_interval)}
    if manners.minute_interval is not None:
        yield "set-minutes", {"MinInterval": str(manners.minute_interval)}
    if manners.streams_realtime is not None:
        yield ("start-realtime" if manners.streams_realtime else "stop-realtime"), {}
    if manners.streams_status is not None:
        yield ("start-status" if manners.streams_status else "stop-status"), {}


async def greet(
    connection: asyncpg.Connection, registry: Registry, mn: str, contact: tuple[datetime, str]
) -> bool:
    """Ask for the sequence, unless the device was greeted within the period."""
    terms, manners = terms_now(), registry.manners.get(mn, NO_MANNERS)
    if not await watch.is_to_greet(connection, mn, contact, terms.greeting_period_seconds):
        return False
    for name, parameters in first_contact(manners, terms):
        wanted = Wanted(catalogue()[name], parameters, "首次联机 first contact", PLATFORM, "greeting")
        await make(connection, registry, registry.devices[mn], wanted)
    return True


async def set_clock(connection: asyncpg.Connection, registry: Registry, mn: str) -> None:
    """The device asked for the time (1013): 1012, unless one is on its way."""
    if await watch.has_open(connection, mn, "set-time"):
        return
    wanted = Wanted(catalogue()["set-time"], {}, "设备请求校时 the device asked", PLATFORM, "calibration")
    await make(connection, registry, registry.devices[mn], wanted)
