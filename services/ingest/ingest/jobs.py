"""What `ingest` does on a clock: latest values, registry freshness, flood counts.

Promises: each job can fail and run again without harm.
"""

from fastapi import FastAPI
from kit.app import Job

from ingest.flows import behind


async def note_latest(app: FastAPI) -> None:
    """Coalesce the newest value of each series that got one since."""
    await behind.note_latest(app.state.database, app.state.store)


async def refresh_registry(app: FastAPI) -> None:
    """Pick up changes that other instances made."""
    await app.state.catalog.refresh()


async def note_floods(app: FastAPI) -> None:
    """Write down what the flood rule only counted."""
    await behind.note_floods(app.state.database, app.state.flood)


JOBS = (
    Job("note-latest", 1, note_latest),
    Job("refresh-registry", 2, refresh_registry),
    Job("note-floods", 5, note_floods),
)
