"""The HTTP door of `ingest`: send, look up what was received, register, read values.

Promises: every list is paged; bodies of observations are read from raw bytes. Leaves who may do what to the
policy.
"""

from fastapi import APIRouter

from ingest.api import observations, reading, refusals, registry, sta, submissions, uploads, values

router = APIRouter()
for part in (observations, uploads, submissions, refusals, registry, values, reading, sta):
    router.include_router(part.router)
