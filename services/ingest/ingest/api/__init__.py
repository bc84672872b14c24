"""The HTTP door of `ingest`: send, look up what was received, register, read values.

Promises: every list is paged; bodies of observations are read from raw bytes. Leaves who may do what to the
policy.
"""

from fastapi import APIRouter

from ingest.api import (
    cameras,
    dictionary,
    observations,
    overview,
    reading,
    records,
    registry,
    submissions,
    tables,
)

router = APIRouter()
for part in (
    observations,
    submissions,
    registry,
    tables,
    records,
    overview,
    cameras,
    dictionary,
    reading,
):
    router.include_router(part.router)
