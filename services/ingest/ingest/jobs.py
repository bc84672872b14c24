"""What `ingest` does on a clock: latest values, registry freshness, flood counts, messages given up, files
that arrived, who was heard, what is missing, links upward, plans, the register's own dates.

Promises: each job can fail and run again without harm.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from kit.app import Job

from ingest.flows import behind, checks, devices, escalating, gaps, plans, unpacking, upkeep, watch
from ingest.flows.uplinks import reconciling
from ingest.flows.uplinks.sending import Uplinks, limits_now
from ingest.rules.uplinks.reach import reach_of

log = structlog.get_logger()


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


async def unpack_uploads(app: FastAPI) -> None:
    """Read the files that are whole, one after the other."""
    state = app.state
    unpacker = unpacking.Unpacker(
        state.database, state.objects, state.catalog, state.store, state.settings.upload_lease_seconds
    )
    while await unpacker.work(unpacking.grant_today(state.policy, state.within)):
        continue


async def sweep_uploads(app: FastAPI) -> None:
    """Drop what nobody needs any more of files sent in parts."""
    if app.state.settings.objects:
        await unpacking.sweep(app.state.database, app.state.objects, datetime.now(UTC))


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


async def say_checks(app: FastAPI) -> None:
    """Say what came of remote checks that were ordered."""
    await checks.say_ended(app.state.database)


async def start_uplinks(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Before the first tick; returns how to stop."""
    settings = app.state.settings
    inside = [settings.nats_url, settings.jwks_url, settings.token_url, *settings.peers.values()]
    inside += [settings.writer_url.get_secret_value(), settings.reader_url.get_secret_value()]
    own = [host for url in inside if (host := urlsplit(url).hostname)]
    reach = reach_of(settings.uplink_allows, own)
    app.state.uplinks = Uplinks(app.state.database, settings.platform, reach, forwards=settings.forwards)
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
            try:
                for day in await reconciling.days_due(database, name, datetime.now(UTC), limits):
                    await reconciling.reconcile(
                        database, name, day, sender.delivery, datetime.now(UTC), limits
                    )
            except Exception as error:
                # One link must not cost the others their comparison.
                log.exception("uplink.reconcile_failed", link=name, exc_info=error)
    await reconciling.prune(database, datetime.now(UTC), limits)


async def judge_plans(app: FastAPI) -> None:
    """Runs of monitoring plans that are due: done, late or missing."""
    await plans.judge_plans(app.state.database, datetime.now(UTC))


async def watch_registry(app: FastAPI) -> None:
    """Cameras, report-up clocks, stations that differ from the register."""
    now = datetime.now(UTC)
    await upkeep.watch(app.state.database, now)
    await escalating.escalate(app.state.database, now)


JOBS = (
    Job("note-latest", 1, note_latest),
    Job("refresh-registry", 2, refresh_registry),
    Job("note-floods", 5, note_floods),
    Job("give-up-packets", 15, give_up_packets),
    # Two, so that a small file need not wait for a large one.
    Job("unpack-uploads-1", 1, unpack_uploads),
    Job("unpack-uploads-2", 1, unpack_uploads),
    Job("sweep-uploads", 3600, sweep_uploads),
    Job("note-contacts", 5, note_contacts),
    Job("watch-devices", 15, watch_devices),
    Job("find-gaps", 30, find_gaps),
    Job("pull-gaps", 10, pull_gaps),
    Job("say-checks", 2, say_checks),
    Job("tend-uplinks", 1, tend_uplinks),
    Job("feed-uplinks", 0.5, feed_uplinks),
    Job("measure-uplinks", 5, measure_uplinks),
    Job("reconcile-uplinks", 300, reconcile_uplinks),
    Job("judge-plans", 60, judge_plans),
    Job("watch-registry", 60, watch_registry),
)
