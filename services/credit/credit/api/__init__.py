"""The HTTP doors of `credit`: listings and the procurement check for everybody, bans for those who keep them.

Promises: no number of a natural person appears. Leaves judging to the flows.
"""

from fastapi import APIRouter

from credit.api import bans, listings

router = APIRouter()
router.include_router(listings.router)
router.include_router(bans.router)
