"""What `ingest` does on a clock: latest values, registry freshness, flood counts, plans, watches.

Promises: each job can fail and run again without harm.
"""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from ingest.flows import behind, plans, upkeep


async def note_latest(app: FastAPI) -> None:
    """Coalesce the newest value of each series that got one since."""
    await behind.note_latest(app.state.database, app.state.store)


async def refresh_registry(app: FastAPI) -> None:
    """Pick up changes that other instances made."""
    await app.state.catalog.refresh()


async def note_floods(app: FastAPI) -> None:
    """Write down what the flood rule only counted."""
    await behind.note_floods(app.state.database, app.state.flood)


async def judge_plans(app: FastAPI) -> None:
    """Runs of monitoring plans that are due: done, late or missing."""
    await plans.judge_plans(app.state.database, datetime.now(UTC))


async def watch_registry(app: FastAPI) -> None:
    """Cameras, report-up clocks, stations that differ from the register."""
    await upkeep.watch(app.state.database, datetime.now(UTC))


JOBS = (
    Job("note-latest", 1, note_latest),
    Job("refresh-registry", 2, refresh_registry),
    Job("note-floods", 5, note_floods),
    Job("judge-plans", 60, judge_plans),
    Job("watch-registry", 60, watch_registry),
)
