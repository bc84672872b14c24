"""The service `credit`: who is listed, since when, on what basis, until when. Wiring only."""

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import CODES, is_within

from credit import consumers, jobs
from credit.api import router
from credit.settings import Settings


def build(settings: Settings) -> FastAPI:
    """The application with its doors."""
    parts = Parts(
        name="credit",
        title="Jianzhen credit 信用",
        within=is_within,
        regions=CODES,
        routers=[router],
        consumers=consumers.CONSUMERS,
        jobs=jobs.JOBS,
    )
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
