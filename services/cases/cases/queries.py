"""Reads of `cases` longer than a line.

Promises: lists are newest first and paged by id (uuid v7 sorts by time); a lock is taken only where a flow
asks for it. Leaves who may see a row to the clause handed in.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from uuid import UUID

from kit.problems import NotFound
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from standards.regions import is_within
from standards.tables import rows

from cases.tables import (
    Case,
    CaseStep,
    Intervention,
    InterventionRead,
    Lead,
    Recorder,
    Reporter,
    SealedDecision,
    Signal,
    TeamMember,
)

# Falsification confirmed, and neither the case nor its basis taken back.
IS_CONFIRMED = (
    Case.confirmed_at.is_not(None) & Case.annulled_at.is_(None) & Case.is_basis_withdrawn.is_(False)
)


async def lead(session: AsyncSession, lead_id: UUID, *, is_locked: bool = False) -> Lead:
    """One lead. Raises NotFound."""
    found = await session.get(Lead, lead_id, with_for_update=is_locked or None, populate_existing=is_locked)
    if found is None:
        raise NotFound("no-such-lead", f"There is no lead {lead_id} 没有该线索")
    return found


async def case(session: AsyncSession, case_id: UUID, *, is_locked: bool = False) -> Case:
    """One case. Raises NotFound."""
    found = await session.get(Case, case_id, with_for_update=is_locked or None, populate_existing=is_locked)
    if found is None:
        raise NotFound("no-such-case", f"There is no case {case_id} 没有该案件")
    return found


async def confirmed(session: AsyncSession, case_id: UUID) -> Case:
    """One case that is confirmed and not annulled. Raises NotFound, also for every other case."""
    found: Case | None = await session.scalar(select(Case).where(Case.case_id == case_id, IS_CONFIRMED))
    if found is None:
        raise NotFound("no-such-case", f"There is no confirmed case {case_id} 没有该已认定案件")
    return found


async def sealed(session: AsyncSession, case_id: UUID) -> Sequence[SealedDecision]:
    """What was decided in a case, as it was said, oldest first."""
    query = select(SealedDecision).where(SealedDecision.case_id == case_id).order_by(SealedDecision.sealed_at)
    return (await session.scalars(query)).all()


async def lock_origin(session: AsyncSession, origin: str, region: str, origin_id: str) -> None:
    """One at a time opens a lead with this number: who comes second finds the lead of the first."""
    number = func.hashtextextended(f"{origin}\n{region}\n{origin_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(number)))


async def lead_by_origin(session: AsyncSession, origin: str, region: str, origin_id: str) -> Lead | None:
    """The lead with this number at its origin, locked."""
    return await session.scalar(
        select(Lead)
        .where(Lead.origin == origin, Lead.region == region, Lead.origin_id == origin_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def case_of(session: AsyncSession, lead_id: UUID, *, is_locked: bool = False) -> Case | None:
    """The case filed from a lead, if any."""
    query = select(Case).where(Case.lead_id == lead_id)
    if is_locked:
        query = query.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(query)


async def steps(session: AsyncSession, lead_id: UUID) -> Sequence[CaseStep]:
    """The history of a lead and its case, oldest first."""
    found = await session.scalars(
        select(CaseStep).where(CaseStep.lead_id == lead_id).order_by(CaseStep.step_id)
    )
    return found.all()


async def leads(
    session: AsyncSession,
    visible: ColumnElement[bool],
    wanted: dict[str, str],
    before: UUID | None,
    limit: int,
) -> Sequence[Lead]:
    """Up to `limit` visible leads older than `before`, newest first. `wanted` are equalities by column."""
    query = select(Lead).where(visible).order_by(Lead.lead_id.desc()).limit(limit)
    query = query.where(*(getattr(Lead, name) == value for name, value in wanted.items()))
    return (await session.scalars(query if before is None else query.where(Lead.lead_id < before))).all()


async def cases(
    session: AsyncSession,
    visible: ColumnElement[bool],
    wanted: dict[str, str],
    before: UUID | None,
    limit: int,
) -> Sequence[Case]:
    """Up to `limit` visible cases older than `before`, newest first. `wanted` are equalities by column."""
    query = select(Case).where(visible).order_by(Case.case_id.desc()).limit(limit)
    query = query.where(*(getattr(Case, name) == value for name, value in wanted.items()))
    return (await session.scalars(query if before is None else query.where(Case.case_id < before))).all()


async def case_ids(session: AsyncSession, lead_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """lead id → case id, for the leads that were filed."""
    found = await session.execute(select(Case.lead_id, Case.case_id).where(Case.lead_id.in_(list(lead_ids))))
    return {lead_id: case_id for lead_id, case_id in found}


@cache
def below(region: str) -> frozenset[str]:
    """The region's own code and those of every region below it."""
    return frozenset(row["code"] for row in rows("regions") if is_within(row["code"], region))


async def alarms_beside(session: AsyncSession, lead: Lead) -> Sequence[Signal]:
    """The standing alarms of a lead's site and region that overlap its window; at most 200, newest first."""
    query = select(Signal).where(
        Signal.kind == "alarm",
        Signal.site == lead.site,
        Signal.region.in_(below(lead.region)),
        Signal.raised_at_ms.is_not(None),
        Signal.withdrawn_at_ms.is_(None) | (Signal.withdrawn_at_ms < Signal.raised_at_ms),
    )
    if lead.from_at is not None and lead.to_at is not None:
        query = query.where(Signal.from_at < lead.to_at, Signal.to_at > lead.from_at)
    return (await session.scalars(query.order_by(Signal.from_at.desc()).limit(200))).all()


async def alarmed_series(session: AsyncSession, site: str, region: str) -> set[int]:
    """The series of a site in a region that ever alarmed: what may be named beside the lead's own."""
    query = select(Signal.series_id).where(Signal.site == site, Signal.region.in_(below(region)))
    found = await session.scalars(query.where(Signal.series_id.is_not(None)).distinct())
    return {series_id for series_id in found if series_id is not None}


async def locked_signal(session: AsyncSession, signal_id: str, kind: str, site: str, region: str) -> Signal:
    """The row of a signal, made if absent, locked: whichever of raising and withdrawal comes second waits."""
    values = {"signal_id": signal_id, "kind": kind, "site": site, "region": region}
    await session.execute(insert(Signal).values(values).on_conflict_do_nothing())
    found = await session.get(Signal, signal_id, with_for_update=True, populate_existing=True)
    assert found is not None
    return found


async def signals_merged_into(session: AsyncSession, signal_id: str) -> list[Signal]:
    """The signals that stand under this one's number."""
    return list(await session.scalars(select(Signal).where(Signal.merged_into == signal_id)))


async def intervention(session: AsyncSession, intervention_id: UUID) -> Intervention | None:
    """One intervention, None when it is not there or beyond reach."""
    return await session.get(Intervention, intervention_id)


async def interventions(
    session: AsyncSession, visible: ColumnElement[bool], before: UUID | None, limit: int
) -> Sequence[Intervention]:
    """Up to `limit` visible interventions older than `before`, newest first."""
    of = Intervention
    query = select(of).where(visible).order_by(of.intervention_id.desc()).limit(limit)
    return (
        await session.scalars(query if before is None else query.where(of.intervention_id < before))
    ).all()


async def recorder(session: AsyncSession, intervention_id: UUID) -> Recorder | None:
    """Who recorded an intervention; row security shows it to one right alone."""
    return await session.get(Recorder, intervention_id)


async def intervention_reads(session: AsyncSession, intervention_id: UUID) -> Sequence[InterventionRead]:
    """Who read an intervention, oldest first."""
    of = InterventionRead
    query = select(of).where(of.intervention_id == intervention_id).order_by(of.read_id)
    return (await session.scalars(query)).all()


async def reporter(session: AsyncSession, lead_id: UUID) -> Reporter | None:
    """Who reported a lead; row security shows it to one right alone."""
    return await session.get(Reporter, lead_id)


def of_team(subject: str) -> ColumnElement[bool]:
    """The memberships of a person that hold now, by the clock of the database."""
    of = TeamMember
    now = func.now()
    return (of.subject == subject) & of.ended_at.is_(None) & (of.from_at <= now) & (now < of.until_at)


def case_of_team(subject: str) -> ColumnElement[bool]:
    """The cases whose team the person is on now."""
    return Case.case_id.in_(select(TeamMember.case_id).where(of_team(subject)))


async def is_on_team(session: AsyncSession, subject: str, case_id: UUID) -> bool:
    """Whether a person is on the team of a case now."""
    query = select(TeamMember.member_id).where(of_team(subject), TeamMember.case_id == case_id).limit(1)
    return await session.scalar(query) is not None


async def team(session: AsyncSession, case_id: UUID) -> Sequence[TeamMember]:
    """Everybody who is or was on the team of a case, newest first."""
    of = TeamMember
    return (
        await session.scalars(select(of).where(of.case_id == case_id).order_by(of.member_id.desc()))
    ).all()


async def member(session: AsyncSession, case_id: UUID, member_id: UUID) -> TeamMember:
    """One membership, locked. Raises NotFound."""
    found = await session.get(TeamMember, member_id, with_for_update=True)
    if found is None or found.case_id != case_id:
        raise NotFound("no-such-member", f"There is no member {member_id} of this team 没有该成员")
    return found
