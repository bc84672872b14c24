"""The HTTP door of `ingest`: send, look up what was received, register, read values.

Promises: every list is paged; bodies of observations are read from raw bytes. Leaves who may do what to the
policy.
"""

from fastapi import APIRouter

from ingest.api import holdings, links, observations, reading, registry, submissions

router = APIRouter()
for part in (observations, submissions, registry, reading, holdings, links):
    router.include_router(part.router)
