"""What the gateway does on a clock: follows revocations and grants, seals what was left, counts usage."""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job
from kit.revocation import FOLLOW_SECONDS

from gateway.flows import crossing
from gateway.flows.revoking import follow
from gateway.flows.sealing import ORPHAN_AGE, seal_orphans
from gateway.flows.usage import COUNT_SECONDS, count_days


async def seal_what_was_left(app: FastAPI) -> None:
    """Chains of processes that died are sealed by whoever runs."""
    await seal_orphans(app.state.database, app.state.ledger.chain.id, datetime.now(UTC))


async def follow_grants(app: FastAPI) -> None:
    """What replicas of this process gave or ended."""
    await crossing.follow(app, datetime.now(UTC))


JOBS = [
    Job("grants", FOLLOW_SECONDS, follow_grants),
    Job("revocations", FOLLOW_SECONDS, follow),
    Job("orphans", ORPHAN_AGE.total_seconds(), seal_what_was_left),
    Job("usage", COUNT_SECONDS, count_days),
]
