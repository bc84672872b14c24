"""干预留痕: an intervention is recorded once, and nobody reads one without leaving a legal ground.

Promises: what was recorded is never changed; who recorded it is kept apart; a read is on record, in a
transaction of its own, before its answer is given. Leaves who may read to the policy and to row security.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import policy
from kit.auth import Grant
from kit.problems import Fault, Invalid
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions
from uuid_utils.compat import uuid7

from cases import queries
from cases.flows.acts import Doer
from cases.flows.asked import RecordIntervention
from cases.tables import Intervention, InterventionRead, Recorder

DEPARTMENTS = policy.load().departments


async def record(session: AsyncSession, asked: RecordIntervention, doer: Doer) -> Intervention:
    """One intervention, owned by the recorder's department or organisation. Raises Invalid, Forbidden."""
    _check_places(asked)
    who = doer.grant.principal
    doer.grant.require(region=asked.region, owner_dept=who.dept, owner_uscc=who.uscc)
    if asked.lead_id is not None:
        await queries.lead(session, asked.lead_id)
    row = Intervention(
        intervention_id=uuid7(),
        **asked.model_dump(exclude={"attachments"}),
        attachments=[one.model_dump() for one in asked.attachments],
        owner_dept=who.dept,
        owner_uscc=who.uscc,
        recorded_at=doer.now,
    )
    session.add(row)
    await session.flush()
    session.add(
        Recorder(intervention_id=row.intervention_id, subject=who.subject, name=who.name, principal=who.text)
    )
    return row


def is_about(grant: Grant, row: Intervention) -> bool:
    """Whether the reader sits in the department that intervened: it must not even learn of the record."""
    who = grant.principal
    return row.intervener == f"{who.dept}@{who.region}"


async def note_reads(
    session: AsyncSession,
    ids: Iterable[UUID],
    grant: Grant,
    ground: str,
    now: datetime,
    *,
    is_of_recorder: bool = False,
) -> None:
    """Puts on record who reads these, and on which legal ground."""
    who = grant.principal
    session.add_all(
        InterventionRead(
            intervention_id=one,
            subject=who.subject,
            principal=who.text,
            ground=ground,
            is_of_recorder=is_of_recorder,
            at=now,
        )
        for one in ids
    )
    await session.flush()


def _check_places(asked: RecordIntervention) -> None:
    faults = []
    for where, told in (("intervener", asked.intervener), ("addressed_to", asked.addressed_to)):
        dept, _, region = (told or "").partition("@")
        if told is not None and (dept not in DEPARTMENTS or regions.get(region) is None):
            faults.append(_fault(where, told))
    if regions.get(asked.region) is None:
        faults.append(_fault("region", asked.region))
    if faults:
        raise Invalid("intervention-incomplete", "；".join(fault["what"] for fault in faults), errors=faults)


def _fault(where: str, told: str) -> Fault:
    return Fault(
        where=where,
        rule="dept@region",
        what=f"部门或区划代码未知 {told} · unknown department or region",
        mend="如 gov@131000 · a department of the policy and a division code",
    )
