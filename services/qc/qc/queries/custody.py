"""Rows of custody: steps of a sample, persons, results, signatures, reports, bans and listings as told.

Promises: bounded by `limit`, by index; a sample is locked before it is written. Leaves judging to the rules.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from kit.problems import NotFound
from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.rules.custody.signing import Ban, Certificate, Person
from qc.rules.custody.steps import Step
from qc.tables.custody import (
    LabPerson,
    LabStep,
    ManualReport,
    ManualResult,
    PersonDeparture,
    ReportedResult,
    Signature,
)
from qc.tables.registers import RegisterRecord
from qc.tables.told import KnownBan, KnownListing

PER_SAMPLE = 2000


async def lock(session: AsyncSession, *what: str) -> None:
    """Nobody else writes this thing until the transaction ends."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:w, 5))"), {"w": "|".join(what)}
    )


async def steps_of(session: AsyncSession, institution: str, sample: str) -> Sequence[LabStep]:
    """All tellings of a sample's steps, by number and revision."""
    query = (
        select(LabStep)
        .where(LabStep.institution == institution, LabStep.sample == sample)
        .order_by(LabStep.number, LabStep.revision)
        .limit(PER_SAMPLE)
    )
    return (await session.execute(query)).scalars().all()


async def steps(
    session: AsyncSession, reach: ColumnElement[bool], sample: str | None, cursor: int | None, limit: int
) -> Sequence[LabStep]:
    """Steps within reach in the order in which they were received."""
    query = select(LabStep).where(reach).order_by(LabStep.step_id).limit(limit)
    if sample is not None:
        query = query.where(LabStep.sample == sample)
    if cursor is not None:
        query = query.where(LabStep.step_id > cursor)
    return (await session.execute(query)).scalars().all()


def step(row: LabStep) -> Step:
    """A step as the rules see it: which elements of the record it has."""
    has = {
        "person": row.persons,
        "instrument": row.instruments,
        "material": row.materials,
        "method": row.method,
        "environment": row.environment,
        "measurement": row.measurement or row.raw_sha256,
    }
    return Step(
        row.number,
        row.revision,
        row.stage,
        row.happened_at,
        row.received_at,
        tuple(row.persons),
        frozenset(name for name, told in has.items() if told),
    )


async def people_of(session: AsyncSession, institution: str, on: date) -> dict[str, Person]:
    """The persons of an institution by number, each with the posts held on a day."""
    query = (
        select(LabPerson)
        .where(LabPerson.institution == institution, LabPerson.since <= on)
        .order_by(LabPerson.since, LabPerson.entry_id)
    )
    left = await _departures(session, institution)
    return {
        row.number: Person(
            row.number, row.name, row.subject, tuple(row.posts), row.since, left.get(row.number)
        )
        for row in (await session.execute(query)).scalars()
    }


async def heads_of(session: AsyncSession, institution: str, on: date) -> list[Person]:
    """Who heads the institution on a day, the last to take office first."""
    found = [one for one in (await people_of(session, institution, on)).values() if one.holds("head", on)]
    return sorted(found, key=lambda person: (person.since, person.number), reverse=True)


async def _departures(session: AsyncSession, institution: str) -> Mapping[str, date]:
    query = select(PersonDeparture).where(PersonDeparture.institution == institution)
    return {row.number: row.left_on for row in (await session.execute(query)).scalars()}


async def people(
    session: AsyncSession, reach: ColumnElement[bool], cursor: UUID | None, limit: int
) -> list[tuple[LabPerson, date | None]]:
    """Entries of persons within reach, newest first, with the day of leaving."""
    left = PersonDeparture
    on = (left.institution == LabPerson.institution) & (left.number == LabPerson.number)
    query = select(LabPerson, left.left_on).outerjoin(left, on).where(reach)
    if cursor is not None:
        query = query.where(LabPerson.entry_id < cursor)
    found = await session.execute(query.order_by(LabPerson.entry_id.desc()).limit(limit))
    return [(row[0], row[1]) for row in found]


async def bans_of(session: AsyncSession, person: str | None, uscc: str | None) -> list[Ban]:
    """What `credit` told against a person, and against the institution. A lifted or ended one is left out."""
    found: list[Ban] = []
    bans = select(KnownBan).where(KnownBan.person == person, KnownBan.lifted_at_ms.is_(None))
    for ban in (await session.execute(bans)).scalars() if person is not None else ():
        if ban.valid_from is not None:
            found.append(
                Ban(ban.valid_from, ban.valid_to, ban.decision_no or ban.ban_id, ban.legal_basis or "")
            )
    listings = select(KnownListing).where(KnownListing.uscc == uscc, KnownListing.ended_at_ms.is_(None))
    for one in (await session.execute(listings)).scalars() if uscc is not None else ():
        if one.valid_from is not None:
            found.append(
                Ban(one.valid_from, one.valid_to, one.decision_no or one.listing_id, one.legal_basis or "")
            )
    return found


async def result(session: AsyncSession, result_id: UUID) -> ManualResult:
    """One result. Raises NotFound."""
    found = await session.get(ManualResult, result_id)
    if found is None:
        raise NotFound("result-unknown", f"There is no manual result {result_id} 手工监测结果不存在")
    return found


async def results(
    session: AsyncSession,
    reach: ColumnElement[bool],
    equal: Mapping[str, str | None],
    cursor: UUID | None,
    limit: int,
) -> Sequence[ManualResult]:
    """Results within reach, newest first."""
    query = select(ManualResult).where(reach).order_by(ManualResult.result_id.desc()).limit(limit)
    for name, value in equal.items():
        query = query if value is None else query.where(getattr(ManualResult, name) == value)
    if cursor is not None:
        query = query.where(ManualResult.result_id < cursor)
    return (await session.execute(query)).scalars().all()


async def signatures_of(session: AsyncSession, result_ids: Sequence[UUID]) -> dict[UUID, list[Signature]]:
    """Signatures by result, in the order in which they were given."""
    found: dict[UUID, list[Signature]] = {one: [] for one in result_ids}
    query = select(Signature).where(Signature.result_id.in_(result_ids)).order_by(Signature.signed_at)
    for row in (await session.execute(query)).scalars():
        found[row.result_id].append(row)
    return found


async def reports_of(session: AsyncSession, result_id: UUID) -> Sequence[ManualReport]:
    """The reports that say a result."""
    query = select(ManualReport).join(ReportedResult, ReportedResult.report_id == ManualReport.report_id)
    query = query.where(ReportedResult.result_id == result_id).order_by(ManualReport.report_id)
    return (await session.execute(query)).scalars().all()


async def correction_of(session: AsyncSession, result_id: UUID) -> UUID | None:
    """The result that corrects this one."""
    query = select(ManualResult.result_id).where(ManualResult.corrects == result_id)
    return (await session.execute(query)).scalar()


async def reports(
    session: AsyncSession, reach: ColumnElement[bool], cursor: UUID | None, limit: int
) -> list[tuple[ManualReport, list[UUID]]]:
    """Filed reports within reach, newest first, with their results."""
    held = func.array_agg(ReportedResult.result_id)
    query = select(ManualReport, held).join(
        ReportedResult, ReportedResult.report_id == ManualReport.report_id
    )
    query = query.where(reach).group_by(ManualReport.report_id).order_by(ManualReport.report_id.desc())
    if cursor is not None:
        query = query.where(ManualReport.report_id < cursor)
    return [(row[0], list(row[1])) for row in await session.execute(query.limit(limit))]


async def taken(session: AsyncSession, table: Any, institution: str, number: str) -> Any:
    """The row of a table that has this number at the institution, None if it is free."""
    query = select(table).where(table.institution == institution, table.number == number)
    return (await session.execute(query.limit(1))).scalar()


async def subjects_elsewhere(session: AsyncSession, institution: str, subject: str, number: str) -> bool:
    """Whether the same identity, or the same number with another identity, is already somebody else here."""
    query = select(LabPerson.entry_id).where(
        LabPerson.institution == institution,
        or_(
            (LabPerson.subject == subject) & (LabPerson.number != number),
            (LabPerson.subject != subject) & (LabPerson.number == number),
        ),
    )
    return (await session.execute(query.limit(1))).scalar() is not None


async def certificates_of(session: AsyncSession, row: ManualResult, number: str) -> list[Certificate]:
    """The rows of the register of staff about a person of the institution that made the result."""
    of = RegisterRecord
    region = row.institution.partition("@")[2]
    departments = and_(of.uscc.is_(None), of.dept == row.owner_dept, of.region == region)
    theirs = of.uscc == row.uscc if row.uscc else departments
    named = func.coalesce(of.body["number"].astext, of.code) == number
    found = await session.scalars(select(of).where(of.kind == "staff", theirs, named).order_by(of.code))
    return [
        Certificate(
            one.code,
            one.body["post"],
            one.body["certificate_from"],
            one.body["certificate_to"],
            tuple(one.body.get("factors", ())),
        )
        for one in found
    ]
