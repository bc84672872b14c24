"""The clock door of `evidence`: the checkpoint follows what is sequenced.

Promises: a failed run begins at the comparison of files and database again; nothing is lost by it.
"""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from evidence.flows.resuming import AT_ONCE


async def integrate(app: FastAPI) -> None:
    """Until nothing is left."""
    while await app.state.log.step(datetime.now(UTC)) == AT_ONCE:
        pass


def jobs(seconds: float) -> list[Job]:
    """One checkpoint in that many seconds at most."""
    return [Job("integrate", seconds, integrate)]
