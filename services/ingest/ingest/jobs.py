"""What `ingest` does on a clock: latest values, registry freshness, flood counts, messages given up.

Promises: each job can fail and run again without harm.
"""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from ingest.flows import behind, devices


async def note_latest(app: FastAPI) -> None:
    """Coalesce the newest value of each series that got one since."""
    await behind.note_latest(app.state.database, app.state.store)


async def refresh_registry(app: FastAPI) -> None:
    """Pick up changes that other instances made."""
    await app.state.catalog.refresh()


async def note_floods(app: FastAPI) -> None:
    """Write down what the flood rule only counted."""
    await behind.note_floods(app.state.database, app.state.flood)


async def give_up_packets(app: FastAPI) -> None:
    """Messages of several packets of which no more came in time."""
    await devices.give_up_packets(app.state.database, datetime.now(UTC))


JOBS = (
    Job("note-latest", 1, note_latest),
    Job("refresh-registry", 2, refresh_registry),
    Job("note-floods", 5, note_floods),
    Job("give-up-packets", 15, give_up_packets),
)
