"""What `ingest` does on a clock: latest values, registry freshness, flood counts, messages given up,
who was heard, what is missing.

Promises: each job can fail and run again without harm.
"""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from ingest.flows import behind, devices, gaps, watch


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


async def note_contacts(app: FastAPI) -> None:
    """Write down which devices were heard."""
    await watch.note_contacts(app.state.database, app.state.conversation.roster)


async def watch_devices(app: FastAPI) -> None:
    """Say which devices fell silent or came back, and whose clock runs wrong."""
    await app.state.watch.look(app.state.database, app.state.catalog.current)


async def find_gaps(app: FastAPI) -> None:
    """Look through the periods that have ended for missing values."""
    await gaps.find(app.state.database, app.state.catalog.current, app.state.senders)


async def pull_gaps(app: FastAPI) -> None:
    """Ask devices for what is missing; see what has come."""
    if await gaps.pull(app.state.database, app.state.catalog.current):
        app.state.conversation.wake()


JOBS = (
    Job("note-latest", 1, note_latest),
    Job("refresh-registry", 2, refresh_registry),
    Job("note-floods", 5, note_floods),
    Job("give-up-packets", 15, give_up_packets),
    Job("note-contacts", 5, note_contacts),
    Job("watch-devices", 15, watch_devices),
    Job("find-gaps", 30, find_gaps),
    Job("pull-gaps", 10, pull_gaps),
)
