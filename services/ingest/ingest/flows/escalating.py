"""Steps that time takes: what was not acknowledged or not reported back in time goes one level up.

Promises: each clock that runs out escalates a record once, with a finding that the region and those above it
see; the step stands in the history of the record. Leaves the clocks to `upkeep`.
"""

from datetime import datetime

from kit.db import Database
from sqlalchemy import select

from ingest.flows.change import Change
from ingest.flows.proceedings import move
from ingest.flows.upkeep import overdue
from ingest.rules.kinds import Kind, kinds
from ingest.tables import RegistryRecord


async def escalate(database: Database, now: datetime) -> None:
    """Take the steps that are due by `now`."""
    for kind in kinds().values():
        if any(step.late for step in kind.steps.values()):
            async with database.writer() as session, Change(session, "ingest watch", now) as change:
                await _escalate(change, kind)


async def _escalate(change: Change, kind: Kind) -> None:
    wanted = select(RegistryRecord).where(RegistryRecord.kind == kind.name)
    # Whose step is being taken at this moment is looked at next time: else that step would be written over.
    wanted = wanted.with_for_update(skip_locked=True)
    for row in (await change.session.scalars(wanted)).all():
        fields = await overdue(change, kind, row)
        for step in kind.steps.values():
            if row.state in step.came and not set(fields).isdisjoint(step.late):
                await move(change, row, step, {})
