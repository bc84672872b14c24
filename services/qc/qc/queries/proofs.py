"""Rows of self-proof.

Promises: bounded by `limit`, by index. Leaves permission to the routes.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.problems import NotFound
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables.proofs import SelfProof, SelfProofEvidence, SelfProofStep

OPEN = ("requested", "answered")


async def proof(session: AsyncSession, proof_id: UUID, *, is_locked: bool = False) -> SelfProof:
    """One request. Raises NotFound."""
    found = await session.get(SelfProof, proof_id, with_for_update=is_locked or None)
    if found is None:
        raise NotFound("self-proof-unknown", f"There is no self-proof {proof_id} 自我举证不存在")
    return found


async def proofs(
    session: AsyncSession,
    reach: ColumnElement[bool],
    state: str | None,
    cursor: UUID | None,
    limit: int,
) -> Sequence[SelfProof]:
    """Requests within reach, newest first."""
    query = select(SelfProof).where(reach).order_by(SelfProof.proof_id.desc()).limit(limit)
    if state is not None:
        query = query.where(SelfProof.state == state)
    if cursor is not None:
        query = query.where(SelfProof.proof_id < cursor)
    return (await session.execute(query)).scalars().all()


async def evidence_of(session: AsyncSession, proof_id: UUID) -> Sequence[SelfProofEvidence]:
    """What the unit gave, oldest first."""
    query = select(SelfProofEvidence).where(SelfProofEvidence.proof_id == proof_id)
    return (await session.execute(query.order_by(SelfProofEvidence.evidence_id))).scalars().all()


async def steps_of(session: AsyncSession, proof_id: UUID) -> Sequence[SelfProofStep]:
    """What happened, oldest first."""
    query = select(SelfProofStep).where(SelfProofStep.proof_id == proof_id)
    return (await session.execute(query.order_by(SelfProofStep.step_id))).scalars().all()


async def overdue(session: AsyncSession, now: datetime, limit: int) -> Sequence[SelfProof]:
    """Requests without an answer past their deadline, not yet said to be overdue."""
    query = select(SelfProof).where(
        SelfProof.state == "requested", SelfProof.due_at < now, SelfProof.is_overdue.is_(False)
    )
    query = query.order_by(SelfProof.due_at).limit(limit).with_for_update(skip_locked=True)
    return (await session.execute(query)).scalars().all()


async def rejected(
    session: AsyncSession, series: Sequence[int], start: datetime, end: datetime
) -> Sequence[SelfProof]:
    """Rejected proofs of these series that touch [start, end)."""
    query = select(SelfProof).where(
        SelfProof.series_id.in_(series),
        SelfProof.state == "rejected",
        SelfProof.from_at < end,
        SelfProof.to_at > start,
    )
    return (await session.execute(query)).scalars().all()
