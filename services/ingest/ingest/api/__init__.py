"""The HTTP door of `ingest`: send, look up what was received, register, read values.

Promises: every list is paged; bodies of observations are read from raw bytes. Leaves who may do what to the
policy.
"""

from fastapi import APIRouter

from ingest.api import (
    bundles,
    cameras,
    commands,
    devices,
    dictionary,
    holdings,
    links,
    observations,
    overview,
    reading,
    receipts,
    records,
    refusals,
    registry,
    sta,
    submissions,
    tables,
    uploads,
    values,
)
from ingest.api.bundles import know_neighbours
from ingest.api.receipts import ask_evidence

__all__ = ["ASKS", "router"]
# What is made at the start, so that routes can ask other services.
ASKS = (ask_evidence, know_neighbours)
router = APIRouter()
for part in (
    observations,
    uploads,
    submissions,
    receipts,
    bundles,
    refusals,
    registry,
    devices,
    commands,
    values,
    reading,
    sta,
    cameras,
    dictionary,
    holdings,
    links,
    overview,
    records,
    tables,
):
    # As they are: an included route is looked for through its router at every request.
    router.routes.extend(part.router.routes)
