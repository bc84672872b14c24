"""`python -m publish.main`: one agreed figure to the public."""

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import CODES, is_within

from publish.api import ROUTERS
from publish.consumers import CONSUMERS
from publish.jobs import JOBS
from publish.settings import Settings


def application(settings: Settings) -> FastAPI:
    """The service, wired."""
    parts = Parts(
        name="publish",
        title="Jianzhen publish 信息发布",
        within=is_within,
        regions=CODES,
        routers=ROUTERS,
        consumers=CONSUMERS,
        jobs=JOBS,
    )
    return create_app(settings, parts)


def main() -> None:
    """Runs the service; with `--check` only validates the settings."""
    settings = load(Settings)
    serve(application(settings), settings)


if __name__ == "__main__":
    main()
