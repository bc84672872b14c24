"""What `publish` does on a clock. Each run is one transaction of its own flow."""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from publish.flows import automation


async def follow_touched(app: FastAPI) -> None:
    """Until nothing is left: releases follow the hours whose figures changed."""
    while True:
        async with app.state.database.writer() as session:
            if not await automation.follow_touched(session, now=datetime.now(UTC)):
                return


async def draft_due(app: FastAPI) -> None:
    """Drafts what the catalogue says is due."""
    async with app.state.database.writer() as session:
        await automation.draft_due(session, now=datetime.now(UTC))


JOBS = (Job("follow-touched", 1.0, follow_touched), Job("draft-due", 10.0, draft_due))
