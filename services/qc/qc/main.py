"""The service `qc`: judges every value. Wiring only."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import is_within

from qc.api import router
from qc.consumers import CONSUMERS
from qc.jobs import missing_values, utc_now
from qc.settings import Settings


def build(settings: Settings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application with its doors; `clock` tells its jobs the time."""
    parts = Parts(
        name="qc",
        title="Jianzhen qc 质量控制",
        within=is_within,
        routers=[router],
        consumers=CONSUMERS,
        jobs=[missing_values(clock)],
    )
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
