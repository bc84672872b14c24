"""The service `evidence`: the log of all that was received and decided. Wiring only."""

import asyncio
import os
import sys

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import is_within

from evidence import consumers
from evidence.api import router
from evidence.jobs import jobs, open_log, rebuild_by_hand
from evidence.settings import Settings


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
    """Runs the service; `--rebuild` compares files with database instead, `--mend` writes them anew."""
    settings = load(Settings)
    if "--rebuild" in sys.argv[1:]:
        code = asyncio.run(rebuild_by_hand(settings, mends="--mend" in sys.argv[1:]))
        sys.stdout.flush()
        sys.stderr.flush()
        # The object store's own threads may still wake; one that does while the interpreter ends aborts it.
        os._exit(code)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
