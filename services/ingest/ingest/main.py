"""The service `ingest`: wiring of the HTTP door, the TCP receiver, the consumer, the jobs."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import CODES, is_within

from ingest.api import ASKS, router
from ingest.consumers import CONSUMERS
from ingest.flows.behind import calm_collector, remake_latest
from ingest.flows.catalog import Catalog
from ingest.flows.store import Store
from ingest.flows.submit import Desk
from ingest.jobs import JOBS, start_uplinks
from ingest.queries.objects import Objects
from ingest.receiver import make_receiver
from ingest.rules.flood import FloodGate
from ingest.settings import Settings


async def start(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Load the registry, then listen for frames; returns how to stop."""
    state = app.state
    state.flood = FloodGate()
    state.catalog = Catalog(state.database)
    state.store = Store(state.database)
    state.desk = Desk(state.database, state.catalog, state.store, state.settings.platform)
    state.objects = Objects(state.settings.objects)
    registry = await state.catalog.refresh()
    await remake_latest(state.database, list(registry.by_id))
    state.receiver = receiver = make_receiver(state)
    await receiver.start()
    calm_collector()
    return receiver.stop


def build(settings: Settings) -> FastAPI:
    """The application, ready to be served or tested."""
    title, starts = "Jianzhen ingest 鉴真·数据接收", [start, *ASKS, start_uplinks]
    parts = Parts("ingest", title, is_within, [router], CONSUMERS, JOBS, on_start=starts, regions=CODES)
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
