"""The clock door of `credit`: listings end when their last day is over.

Promises: a missed run changes nothing, because the procurement answer judges the day itself.
"""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from credit import flows


async def expire_listings(app: FastAPI) -> None:
    """Ends what is over, a batch per transaction."""
    looked_at = 200
    while looked_at == 200:
        async with app.state.database.writer() as session:
            looked_at = await flows.expire_listings(session, datetime.now(UTC), limit=200)


JOBS = [Job("expire-listings", 600, expire_listings)]
