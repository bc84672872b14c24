"""The service `evidence`: the log of all that was received and decided. Wiring only."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import is_within

from evidence import consumers
from evidence.api import router
from evidence.flows.identity import Identity
from evidence.flows.integrating import Log, Turn
from evidence.flows.objects import Objects
from evidence.flows.witnessing import Witnesses
from evidence.jobs import jobs
from evidence.settings import Settings


async def open_log(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Compares files and database before anything is heard; returns how to stop."""
    settings: Settings = app.state.settings
    keys = settings.witness_keys
    urls = dict(zip(keys, (witness.url for witness in settings.witnesses), strict=True))
    seconds, pause = settings.witness_seconds, settings.witness_pause_seconds
    witnesses = Witnesses(keys, urls, settings.needed, seconds, pause)
    identity = Identity.of(settings.origin, settings.region, settings.seed)
    turn = Turn(settings.writer_url.get_secret_value())
    app.state.log = log = Log(app.state.database, Objects(settings.store), identity, witnesses, turn)
    await log.open(datetime.now(UTC))
    return log.close


def build(settings: Settings) -> FastAPI:
    """The application with its doors."""
    parts = Parts(
        name="evidence",
        title="Jianzhen evidence 存证日志",
        within=is_within,
        routers=[router],
        consumers=consumers.CONSUMERS,
        jobs=jobs(settings.checkpoint_seconds),
        before_bus=[open_log],
    )
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
