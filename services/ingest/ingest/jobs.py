"""What `ingest` does on a clock: latest values, registry freshness, flood counts, links upward.

Promises: each job can fail and run again without harm.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from ingest.flows import behind
from ingest.flows.uplinks import reconciling
from ingest.flows.uplinks.sending import Uplinks, limits_now


async def note_latest(app: FastAPI) -> None:
    """Coalesce the newest value of each series that got one since."""
    await behind.note_latest(app.state.database, app.state.store)


async def refresh_registry(app: FastAPI) -> None:
    """Pick up changes that other instances made."""
    await app.state.catalog.refresh()


async def note_floods(app: FastAPI) -> None:
    """Write down what the flood rule only counted."""
    await behind.note_floods(app.state.database, app.state.flood)


async def start_uplinks(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Before the first tick; returns how to stop."""
    settings = app.state.settings
    app.state.uplinks = Uplinks(app.state.database, settings.platform, forwards=settings.forwards)
    stop: Callable[[], Awaitable[None]] = app.state.uplinks.stop
    return stop


async def tend_uplinks(app: FastAPI) -> None:
    """Senders as the links are registered now."""
    uplinks: Uplinks = app.state.uplinks
    await uplinks.tend()


async def measure_uplinks(app: FastAPI) -> None:
    """How deep the queues are, as metrics."""
    uplinks: Uplinks = app.state.uplinks
    await uplinks.measure()


async def feed_uplinks(app: FastAPI) -> None:
    """Queue for the links what was committed since."""
    uplinks: Uplinks = app.state.uplinks
    await uplinks.feed()


async def reconcile_uplinks(app: FastAPI) -> None:
    """Compare the days that are over, link by link, where this process sends."""
    uplinks: Uplinks = app.state.uplinks
    database, limits = app.state.database, limits_now()
    for name, sender in list(uplinks.senders.items()):
        if sender.holds:
            for day in await reconciling.days_due(database, name, datetime.now(UTC), limits):
                await reconciling.reconcile(database, name, day, sender.delivery, datetime.now(UTC), limits)
    await reconciling.prune(database, datetime.now(UTC), limits)


JOBS = (
    Job("note-latest", 1, note_latest),
    Job("refresh-registry", 2, refresh_registry),
    Job("note-floods", 5, note_floods),
    Job("tend-uplinks", 1, tend_uplinks),
    Job("feed-uplinks", 0.5, feed_uplinks),
    Job("measure-uplinks", 5, measure_uplinks),
    Job("reconcile-uplinks", 300, reconcile_uplinks),
)
