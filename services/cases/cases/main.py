"""The service `cases`: carries a suspicion to its legal end. Wiring only."""

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import CODES, is_within

from cases import consumers
from cases.api import router
from cases.api.evidence import know_neighbours
from cases.settings import Settings


def build(settings: Settings) -> FastAPI:
    """The application with its doors."""
    parts = Parts(
        name="cases",
        title="Jianzhen cases 案件",
        within=is_within,
        regions=CODES,
        routers=[router],
        consumers=consumers.CONSUMERS,
        on_start=[know_neighbours],
    )
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
