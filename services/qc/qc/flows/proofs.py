"""Self-proof 自我举证: flag → request → the unit's evidence within a deadline → decision; overdue → finding.

Promises: every move is a row and an event; evidence that comes late is kept and marked late; who asked does
not decide. The unit learns the period and the question, never the suspicion. Leaves what a decision means for
a case to `cases`, for evidence to `qc.rules.custody.eligibility`.
"""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from contracts.qc import SelfProofMoved
from kit.outbox import put
from kit.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from standards import deadlines
from uuid_utils.compat import uuid7

from qc.flows.custody.asked import DecideProof, GiveEvidence, RequestProof
from qc.flows.custody.who import Doer, milliseconds
from qc.queries import proofs as stored
from qc.queries import reading
from qc.tables import Suspicion
from qc.tables.proofs import SelfProof, SelfProofEvidence, SelfProofStep

Step = Literal["requested", "answered", "overdue", "accepted", "rejected"]
SAYS: dict[Step, tuple[str, str]] = {
    "requested": ("要求排污单位自我举证", "the unit is asked for proof"),
    "answered": ("排污单位已提交举证材料", "the unit gave evidence"),
    "overdue": ("排污单位逾期未举证", "the unit gave no evidence in time"),
    "accepted": ("举证材料予以采信", "the evidence is accepted"),
    "rejected": ("举证材料不予采信", "the evidence is rejected"),
}


@dataclass(frozen=True)
class Move:
    """One step of a proof: what, who, why, with what."""

    step: Step
    actor: str
    actor_text: str
    reason: str
    detail: dict[str, Any] = field(default_factory=dict)


async def request_proof(session: AsyncSession, asked: RequestProof, doer: Doer) -> dict[str, Any]:
    """Ask the unit of a series for proof of [from, to). Raises NotFound, Invalid."""
    ref = await reading.series_by(session, str(asked.series))
    if ref is None:
        raise NotFound("series-unknown", f"No value of series {asked.series} is known here 数据序列未知")
    doer.grant.require(region=ref.region)
    if ref.uscc is None:
        raise Invalid("no-unit", "该点位没有排污单位 · the site belongs to no unit that could prove anything")
    if not asked.from_time < asked.to_time <= doer.now:
        fault = Fault(
            where="from_time",
            rule="from < to <= now",
            what=asked.from_time.isoformat(),
            mend="过去的时段 · a past period",
        )
        raise Invalid("window-empty", "时段有误 · the period is empty or not over", errors=[fault])
    traces = await _traces(session, asked, ref.site)
    due = deadlines.due("self_proof", doer.now)
    row = SelfProof(
        proof_id=uuid7(),
        site=ref.site,
        region=ref.region,
        uscc=ref.uscc,
        series_id=ref.id,
        from_at=asked.from_time,
        to_at=asked.to_time,
        suspicion_id=asked.suspicion_id,
        question_zh=asked.question_zh,
        question_en=asked.question_en,
        requested_by=doer.subject,
        requested_at=doer.now,
        due_on=due.date,
        due_at=due.at,
        is_due_provisional=due.provisional or not due.rule.confirmed,
        source=due.rule.source,
        state="requested",
        is_overdue=False,
        traces=traces,
    )
    session.add(row)
    await session.flush()
    await _move(session, row, Move("requested", doer.subject, doer.text, asked.question_zh), doer.now)
    return await proof_detail(session, row, doer)


async def give_evidence(
    session: AsyncSession, proof_id: UUID, asked: GiveEvidence, doer: Doer
) -> dict[str, Any]:
    """The unit's documents. Raises Conflict once the proof is decided, Invalid for data from the future."""
    row = await stored.proof(session, proof_id, is_locked=True)
    doer.grant.require(region=row.region, owner_uscc=row.uscc)
    if row.state not in stored.OPEN:
        raise Conflict("already-decided", "该举证已有结论 · the proof is decided")
    faults = [
        Fault(
            where=f"documents[{at}].made_at", rule="<= now", what=one.made_at.isoformat(), mend="实际形成时间"
        )
        for at, one in enumerate(asked.documents)
        if one.made_at > doer.now
    ]
    if faults:
        raise Invalid("made-in-the-future", "材料形成时间晚于当前 · made after now", errors=faults)
    is_late = doer.now > row.due_at
    session.add_all(
        SelfProofEvidence(
            evidence_id=uuid7(),
            proof_id=proof_id,
            **one.model_dump(),
            given_at=doer.now,
            given_by=doer.subject,
            is_late=is_late,
        )
        for one in asked.documents
    )
    row.state = "answered"
    await session.flush()
    detail = {"documents": len(asked.documents), "is_late": is_late}
    await _move(session, row, Move("answered", doer.subject, doer.text, asked.statement, detail), doer.now)
    return await proof_detail(session, row, doer)


async def decide_proof(
    session: AsyncSession, proof_id: UUID, asked: DecideProof, doer: Doer
) -> dict[str, Any]:
    """Accepted or rejected, by another person than who asked, once answered or overdue. Raises Conflict."""
    row = await stored.proof(session, proof_id, is_locked=True)
    doer.grant.require(region=row.region)
    if row.state not in stored.OPEN:
        raise Conflict("already-decided", "该举证已有结论 · the proof is decided")
    if row.requested_by == doer.subject:
        what = "提出要求的人不得作出结论 · who asked does not decide"
        fault = Fault(
            where="outcome", rule="separation of duties", what=what, mend="由他人决定 · another person"
        )
        raise Forbidden("who-asked-decides", what, errors=[fault])
    if row.state == "requested" and doer.now <= row.due_at:
        raise Conflict(
            "deadline-running", f"举证期限未满：{row.due_on} · the unit still has until {row.due_on}"
        )
    if asked.outcome == "accepted" and row.state == "requested":
        raise Conflict("no-evidence", "没有举证材料 · there is no evidence to accept")
    row.state = asked.outcome
    await session.flush()
    await _move(session, row, Move(asked.outcome, doer.subject, doer.text, asked.reason), doer.now)
    return await proof_detail(session, row, doer)


async def notice_overdue_proofs(session: AsyncSession, now: Any, limit: int = 200) -> int:
    """Says once of every unanswered request past its deadline that it is overdue; answers how many."""
    found = await stored.overdue(session, now, limit)
    for row in found:
        row.is_overdue = True
        await session.flush()
        reason = f"{SAYS['overdue'][0]} · {SAYS['overdue'][1]}: {row.due_on}"
        await _move(session, row, Move("overdue", "clock", "qc", reason), now)
    return len(found)


async def proof_detail(session: AsyncSession, row: SelfProof, doer: Doer) -> dict[str, Any]:
    """A proof with its evidence and history, as the caller may see it."""
    given = await stored.evidence_of(session, row.proof_id)
    steps = await stored.steps_of(session, row.proof_id)
    return proof_view(row, doer) | {
        "evidence": [
            {"id": str(one.evidence_id), "kind": one.kind, "title": one.title, "sha256": one.sha256}
            | {"object": one.object, "made_at": one.made_at.isoformat(), "given_at": one.given_at.isoformat()}
            | {"is_late": one.is_late}
            for one in given
        ],
        "steps": [
            {"step": one.step, "zh": SAYS[one.step][0], "en": SAYS[one.step][1], "at": one.at.isoformat()}  # type: ignore[index]
            | {"by": one.actor_text, "reason": one.reason, "detail": one.detail}
            for one in steps
        ],
    }


def proof_view(row: SelfProof, doer: Doer) -> dict[str, Any]:
    """A proof as lists show it. The suspicion is named to supervisors only (处罚法 Art. 50)."""
    shown = {
        "id": str(row.proof_id),
        "site": row.site,
        "region": row.region,
        "series": row.series_id,
        "from": row.from_at.isoformat(),
        "to": row.to_at.isoformat(),
        "question_zh": row.question_zh,
        "question_en": row.question_en,
        "requested_at": row.requested_at.isoformat(),
        "due_on": row.due_on.isoformat(),
        "due_at": row.due_at.isoformat(),
        "is_due_provisional": row.is_due_provisional,
        "source": row.source,
        "state": row.state,
        "is_overdue": row.is_overdue,
    }
    is_supervisor = "region" in doer.grant.decision.scopes
    return shown | (
        {"suspicion": str(row.suspicion_id) if row.suspicion_id else None} if is_supervisor else {}
    )


async def _traces(session: AsyncSession, asked: RequestProof, site: str) -> list[str]:
    if asked.suspicion_id is None:
        return []
    suspicion = await session.get(Suspicion, asked.suspicion_id)
    if suspicion is None or suspicion.site != site:
        raise NotFound("suspicion-unknown", f"There is no suspicion {asked.suspicion_id} here 嫌疑不存在")
    return list(suspicion.traces)


async def _move(session: AsyncSession, row: SelfProof, move: Move, now: Any) -> None:
    session.add(
        SelfProofStep(
            proof_id=row.proof_id,
            step=move.step,
            actor=move.actor,
            actor_text=move.actor_text,
            at=now,
            reason=move.reason,
            detail=move.detail,
        )
    )
    await session.flush()
    zh, en = SAYS[move.step]
    event = SelfProofMoved(
        proof_id=str(row.proof_id),
        suspicion_id=str(row.suspicion_id) if row.suspicion_id else None,
        step=move.step,
        site=row.site,
        region=row.region,
        uscc=row.uscc,
        series_id=row.series_id,
        from_ms=milliseconds(row.from_at),
        to_ms=milliseconds(row.to_at),
        due_at_ms=milliseconds(row.due_at),
        message_zh=zh,
        message_en=en,
        reason=move.reason,
        source_clause=row.source,
        moved_at_ms=milliseconds(now),
    )
    await put(session, event, key=row.site, traces=row.traces or None)
