"""The service `ingest`: wiring of the HTTP door, the TCP receiver, the jobs."""

from collections.abc import Awaitable, Callable
from dataclasses import fields

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import is_within

from ingest.api import router
from ingest.flows.behind import calm_collector, remake_latest
from ingest.flows.catalog import Catalog
from ingest.flows.frames import Reception
from ingest.flows.store import Store
from ingest.flows.submit import Desk
from ingest.jobs import JOBS
from ingest.queries.objects import Objects
from ingest.receiver import Door, Receiver
from ingest.rules.flood import FloodGate
from ingest.settings import Settings


async def start(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Load the registry, then listen for frames; returns how to stop."""
    state = app.state
    state.flood = FloodGate()
    state.catalog = Catalog(state.database)
    state.store = Store(state.database)
    state.desk = Desk(state.database, state.catalog, state.store)
    state.objects = Objects(state.settings.objects)
    registry = await state.catalog.refresh()
    await remake_latest(state.database, list(registry.by_id))
    reception = Reception(state.catalog, state.store, state.flood)
    state.receiver = receiver = Receiver(_door(state.settings), reception)
    await receiver.start()
    calm_collector()
    return receiver.stop


def _door(settings: Settings) -> Door:
    return Door(**{each.name: getattr(settings, f"receiver_{each.name}") for each in fields(Door)})


def build(settings: Settings) -> FastAPI:
    """The application, ready to be served or tested."""
    title = "Jianzhen ingest 鉴真·数据接收"
    parts = Parts("ingest", title, is_within, routers=[router], jobs=JOBS, on_start=[start])
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
