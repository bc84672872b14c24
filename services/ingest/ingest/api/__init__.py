"""The HTTP door of `ingest`: send, look up what was received, register, read values.

Promises: every list is paged; bodies of observations are read from raw bytes. Leaves who may do what to the
policy.
"""

from fastapi import APIRouter

from ingest.api import bundles, observations, reading, receipts, registry, submissions
from ingest.api.bundles import know_neighbours
from ingest.api.receipts import ask_evidence

__all__ = ["ASKS", "router"]
# What is made at the start, so that routes can ask other services.
ASKS = (ask_evidence, know_neighbours)
router = APIRouter()
for part in (observations, submissions, receipts, bundles, registry, reading):
    router.include_router(part.router)
