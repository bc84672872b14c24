"""How every act is judged and recorded: one proposal, one verdict, one step.

Promises: whatever stands against an act is answered at once, each with clause and remedy; an act without a
recorded step does not exist. Leaves what an act changes to `leads` and `proceedings`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from kit.auth import Grant
from kit.problems import Conflict, Fault, Forbidden, Invalid, Problem, trace_id
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from standards.regions import ancestors

from cases import queries
from cases.flows import officers
from cases.flows.asked import Asked
from cases.rules import machine
from cases.rules.machine import Act, Proposal, Step
from cases.rules.refusal import Refusal
from cases.tables import Case, CaseStep, Lead


@dataclass(frozen=True)
class Doer:
    """Who acts, with which permission, and when (UTC)."""

    grant: Grant
    now: datetime

    @property
    def today(self) -> date:
        """The legal day in China."""
        return legal_date(self.now)

    @property
    def depth(self) -> int:
        """How far below the nation the doer's authority lies: province 1, city 2, county 3."""
        region = self.grant.principal.region
        return len(ancestors(region)) if region else 99


def refuse(refusals: Sequence[Refusal]) -> Problem:
    """The problem that answers these refusals: conflict with the state, not this person, or not complete."""
    faults = [Fault(where=r.where, rule=r.rule, what=r.what, mend=r.mend) for r in refusals]
    first = refusals[0]
    if first.where in {"state", "basis", "order"}:
        return Conflict("act-not-possible", first.what, errors=faults)
    if first.where == "actor":
        return Forbidden("separation-of-duties", first.what, errors=faults)
    if first.where == "qualification":
        return Forbidden("officer-not-qualified", first.what, errors=faults)
    if first.where == "authority":
        return Forbidden("authority-not-competent", first.what, errors=faults)
    return Invalid("act-incomplete", "；".join(refusal.what for refusal in refusals), errors=faults)


async def proposal(session: AsyncSession, act: str, asked: Asked, doer: Doer, row: Lead | Case) -> Proposal:
    """The act proposed on a lead or a case, with its history. The region must be within reach."""
    doer.grant.require(region=row.region)
    history = await queries.steps(session, row.lead_id)
    taking_part = [officer.certificate for officer in getattr(asked, "officers", [])]
    checked, unfit = await _unfit(session, act, taking_part, doer)
    return Proposal(
        act=act,
        state=row.state,
        actor=doer.grant.principal.subject,
        reason=getattr(asked, "reason", ""),
        documents=[document.kind for document in getattr(asked, "documents", [])],
        officers=taking_part,
        unfit=unfit,
        officers_checked=checked,
        history=[_done(step) for step in history],
        is_serious=getattr(asked, "is_serious", False),
        is_basis_withdrawn=getattr(row, "is_basis_withdrawn", False),
        authority_depth=doer.depth,
        certificate=doer.grant.principal.certificate,
    )


async def _unfit(
    session: AsyncSession, act: str, taking_part: list[str], doer: Doer
) -> tuple[str | None, list[Refusal]]:
    """Against what the certificates of those who take part, the doer's too, were checked; who is unfit."""
    who, found = doer.grant.principal, machine.act(act, doer.today)
    await officers.keep(session, who, doer.now)
    if found is None:
        return None, []
    part = officers.Part(who, doer.grant.permission, found.role, bool(found.officers), doer.today)
    return await officers.unfit(session, taking_part, part)


def _done(step: CaseStep) -> Step:
    """An entry of the history, with those who took part in it."""
    numbers = tuple(str(officer["certificate"]) for officer in step.officers)
    return Step(step.act, step.actor, step.at, numbers, step.actor_text)


def judge(proposed: Proposal, on: date, further: Iterable[Refusal | None] = ()) -> Act:
    """The act as the law of the day knows it. Raises the problem that answers whatever stands against it."""
    refusals = machine.refusals(proposed, on)
    if not refusals or refusals[0].where != "state":
        refusals = [*refusals, *proposed.unfit, *(refusal for refusal in further if refusal is not None)]
    if refusals:
        raise refuse(refusals)
    act = machine.act(proposed.act, on)
    assert act is not None
    return replace(act, officers_checked=proposed.officers_checked)


def record(
    session: AsyncSession, act: Act, asked: Asked, doer: Doer, row: Lead | Case, case_id: UUID | None
) -> None:
    """Appends the step and moves the row to its new state."""
    asking = asked.model_dump(mode="json", exclude={"reason", "officers", "documents"}, exclude_none=True)
    if act.officers_checked:
        asking["officers_checked"] = act.officers_checked
    session.add(
        CaseStep(
            lead_id=row.lead_id,
            case_id=case_id,
            act=act.act,
            from_state=row.state,
            to_state=act.to,
            actor=doer.grant.principal.subject,
            actor_text=doer.grant.principal.text,
            at=doer.now,
            reason=getattr(asked, "reason", ""),
            basis=act.basis,
            officers=[officer.model_dump() for officer in getattr(asked, "officers", [])],
            documents=[document.model_dump() for document in getattr(asked, "documents", [])],
            details=asking,
            trace_id=trace_id(),
        )
    )
    row.state = act.to


@dataclass(frozen=True)
class Noticed:
    """What a signal did to a lead or a case, for its history. `reason` in Chinese · English."""

    act: str
    from_state: str | None
    to_state: str
    at: datetime
    reason: str
    basis: str = "质控规则包自动判定 · automatic verdict of quality control"
    actor: str = "qc"


def note(session: AsyncSession, lead: Lead, case_id: UUID | None, noticed: Noticed, **details: Any) -> None:
    """Appends what another service noticed to the history."""
    session.add(
        CaseStep(
            lead_id=lead.lead_id,
            case_id=case_id,
            act=noticed.act,
            from_state=noticed.from_state,
            to_state=noticed.to_state,
            actor=noticed.actor,
            actor_text=noticed.actor,
            at=noticed.at,
            reason=noticed.reason,
            basis=noticed.basis,
            officers=[],
            documents=[],
            details=details,
            trace_id=trace_id() or next(iter(lead.traces), None),
        )
    )


def carried(traces: Iterable[str]) -> list[str]:
    """The trace ids an event of this act is found under: those it rests on, and this request's own."""
    current = trace_id()
    return list(dict.fromkeys([*traces, *([current] if current else [])]))


def to_ms(at: datetime) -> int:
    """An instant in milliseconds since 1970."""
    return int(at.timestamp() * 1000)
