"""What `publish` does on a clock. Each run is one transaction of its own flow."""

from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from publish.flows import automation, evidence


async def follow_touched(app: FastAPI) -> None:
    """Until nothing is left: releases follow the hours whose figures changed; without a quorum they wait."""
    while True:
        async with app.state.database.writer() as session:
            if app.state.settings.halts_without_quorum and await evidence.is_halted(session):
                return
            if not await automation.follow_touched(session, now=datetime.now(UTC)):
                return


async def draft_due(app: FastAPI) -> None:
    """Drafts what the catalogue says is due."""
    async with app.state.database.writer() as session:
        await automation.draft_due(session, now=datetime.now(UTC))


JOBS = (Job("follow-touched", 1.0, follow_touched), Job("draft-due", 10.0, draft_due))
